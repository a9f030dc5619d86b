"""Small slices of tables for tests: columns in, measures out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lupus.measure import Engine, TableMeasures, measure_table
from lupus.model import (
    Cadence,
    CadenceKind,
    FileFormat,
    FileSource,
    MetricPoint,
    MetricsPolicy,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
    Task,
)

DAILY = Cadence(CadenceKind.DAILY)
DAY = DAILY.parse("2026-03-01")
SOURCE = FileSource("x.parquet", FileFormat.PARQUET)
Make = Callable[..., Snapshot]


def maker(folder: Path) -> Make:
    """What writes columns to a Parquet file in `folder` and returns its snapshot."""

    def snapshot(columns: dict[str, Any] | pa.Table, *, table: str = "data", name: str = "slice.parquet") -> Snapshot:
        rows = columns if isinstance(columns, pa.Table) else pa.table(columns)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, path)
        schema = tuple((field.name, str(field.type)) for field in rows.schema)
        return Snapshot("p", table, DAY, SnapshotStatus.OK, path, rows.num_rows, schema, "hash")

    return snapshot


def table(role: Role = Role.DATA, **more: Any) -> Table:
    return Table(name=str(role), role=role, source=SOURCE, **more)


def project(*tables: Table, segments: tuple[str, ...] = (), **policy: Any) -> Project:
    return Project(
        "p",
        "me",
        DAILY,
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        tables or (table(),),
        task=Task.BINARY_CLASSIFICATION,
        segments=tuple((name,) for name in segments),
        metrics=MetricsPolicy(**policy),
    )


def values(measures: TableMeasures, column: str = "", segment: str = "") -> dict[str, float]:
    return {
        point.series.key.metric: point.value
        for point in measures.points
        if (point.series.key.column, point.series.key.segment) == (column, segment) and point.value is not None
    }


def failures(measures: TableMeasures, column: str = "") -> dict[str, MetricPoint]:
    return {
        point.series.key.metric: point
        for point in measures.points
        if point.series.key.column == column and point.failure is not None
    }


def measured(make: Make, engine: Engine, columns: dict[str, Any] | pa.Table, **policy: Any) -> TableMeasures:
    return measure_table(project(**policy), table(), make(columns), (), engine=engine)
