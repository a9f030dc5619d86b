"""The metrics of lists of recommendations and of churn, as a tiny shop gets them."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def list_points() -> list[tuple[Any, str]]:
    """(MetricPoint, what it is of)."""
    from lupus.measure import Engine, measure_churn, measure_recommendations
    from lupus.model import (
        Cadence,
        CadenceKind,
        Catalogue,
        MetricsPolicy,
        Popularity,
        Project,
        PythonSource,
        Recommendations,
        Role,
        Snapshot,
        SnapshotStatus,
        Table,
        Task,
    )

    cadence = Cadence(CadenceKind.DAILY)
    interval = cadence.parse("2026-01-05")
    lists = Recommendations(
        user=("user",),
        items="items",
        catalogue=Catalogue(table="stock", item="item", category="genre"),
        popularity=Popularity("stock", "item", "views"),
    )
    table = Table("prediction", Role.PREDICTION, PythonSource("x:x"), key=("user",), score="p", recommendations=lists)
    policy = MetricsPolicy(min_segment_rows=1)
    project = Project(
        "shop",
        "docs",
        cadence,
        datetime(2026, 1, 1, tzinfo=UTC),
        (table,),
        task=Task.BINARY_CLASSIFICATION,
        metrics=policy,
    )
    rows = {
        "prediction": {"user": ["a", "b"], "items": [["x", "y"], []], "p": [0.1, 0.9]},
        "before": {"user": ["a", "b"], "items": [["x"], ["y"]], "p": [0.2, 0.2]},
        "stock": {"item": ["x", "y"], "genre": ["jazz", "folk"], "views": [5, 1]},
    }
    with tempfile.TemporaryDirectory() as folder, Engine(threads=1) as engine:
        snapshots = {}
        for name, content in rows.items():
            path = Path(folder) / f"{name}.parquet"
            schema = _write(path, content)
            snapshots[name] = Snapshot("shop", name, interval, SnapshotStatus.OK, path, 2, schema, name)
        now, before = snapshots["prediction"], snapshots["before"]
        found = measure_recommendations(project, table, snapshots, before, engine=engine)
        churn = measure_churn(project, table, now, before, engine=engine)
        return [(point, "recommendations") for point in found.points] + [(point, "decisions") for point in churn]


def _write(path: Path, content: dict[str, list[Any]]) -> tuple[tuple[str, str], ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.table(content)
    pq.write_table(rows, path)
    return tuple((one.name, str(one.type)) for one in rows.schema)
