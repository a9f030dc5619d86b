"""What Lupus needs to know of the benchmark's tables: projects and snapshots, and references kept in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from lupus.model import (
    Cadence,
    CadenceKind,
    FileFormat,
    FileSource,
    MetricsPolicy,
    Project,
    Reference,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
    Task,
)

DAILY = Cadence(CadenceKind.DAILY)
FIRST, SECOND = DAILY.parse("2026-01-01"), DAILY.parse("2026-01-02")
SOURCE = FileSource("x", FileFormat.PARQUET)
START = datetime(2026, 1, 1, tzinfo=UTC)
DATA = Table("data", Role.DATA, SOURCE)
PROFILED = Project("bench", "", DAILY, START, (DATA,))
PREDICTIONS = Table("predictions", Role.PREDICTION, SOURCE, key=("id",), score="score")
LABELS = Table("labels", Role.GROUND_TRUTH, SOURCE, key=("id",), label="label")
EVALUATED = Project(
    "bench",
    "",
    DAILY,
    START,
    (PREDICTIONS, LABELS),
    task=Task.BINARY_CLASSIFICATION,
    segments=(("segment",),),
    metrics=MetricsPolicy(segment_metrics=("*",)),
)


def snapshot(table: str, path: Path, interval: object = FIRST) -> Snapshot:
    """The Parquet file at `path` as the slice of `table`."""
    import pyarrow.parquet as pq

    file = pq.read_metadata(path)
    schema = tuple((field.name, str(field.type)) for field in file.schema.to_arrow_schema())
    return Snapshot("bench", table, interval, SnapshotStatus.OK, path, file.num_rows, schema, "")


def keep(references: Sequence[Reference], path: Path) -> None:
    path.write_text(json.dumps([asdict(one) for one in references]), encoding="utf-8")


def kept(path: Path) -> list[Reference]:
    return [Reference(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
