"""Tiny evaluations with every output that a task may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def other_tasks(folder: Path, interval: Any, engine: Any) -> list[tuple[Any, str]]:
    """Evaluations with every output that a task may have."""
    from lupus.measure import measure_evaluation
    from lupus.measure.estimates import Estimate, estimate_metrics, estimate_point
    from lupus.model import Cadence, CadenceKind, FileFormat, FileSource, Project, Role, Table, Task

    ids, size = list(range(40)), 40
    chance = [(number % 7) / 10 for number in ids]
    columns: dict[Task, tuple[dict[str, Any], list[Any], dict[str, Any]]] = {
        Task.REGRESSION: (
            {"score": chance, "p90": [one + 1 for one in chance], "low": [0.0] * size, "high": chance},
            [one + 0.1 * (number % 3) for number, one in enumerate(chance)],
            {"score": "score", "quantiles": ((0.9, "p90"),), "lower": "low", "upper": "high"},
        ),
        Task.MULTICLASS_CLASSIFICATION: (
            {"score": ["abc"[number % 3] for number in ids], "p_a": chance, "p_b": chance, "p_c": chance},
            ["abc"[number % 4 % 3] for number in ids],
            {"score": "score", "scores": (("a", "p_a"), ("b", "p_b"), ("c", "p_c"))},
        ),
        Task.RANKING: (
            {"user": [number % 5 for number in ids], "score": chance},
            [float(number % 3) for number in ids],
            {"score": "score", "query": ("user",)},
        ),
    }
    found: list[tuple[Any, str]] = []
    for task, (outputs, labels, fields) in columns.items():
        key = ("user", "id") if task is Task.RANKING else ("id",)
        keys = {"id": ids} | ({"user": outputs["user"]} if task is Task.RANKING else {})
        source = FileSource("x", FileFormat.PARQUET)
        tables = (
            Table("prediction", Role.PREDICTION, source, key=key, **fields),
            Table("truth", Role.GROUND_TRUTH, source, key=key, label="label"),
        )
        project = Project(str(task), "docs", Cadence(CadenceKind.DAILY), interval.start, tables, task=task)
        parts = [
            _snapshot(folder / f"{task}-{table.name}-only.parquet", table.name, interval, {**keys, **content})
            for table, content in zip(tables, (outputs, {"label": labels}), strict=True)
        ]
        measures = measure_evaluation(
            project, [interval], {interval.key: parts[0]}, parts[1:], blocked={}, engine=engine
        )
        estimates = [
            estimate_point(project, tables[0], one, interval, Estimate(0.5, 0.4, 0.6), 40)
            for one in estimate_metrics(project)
        ]
        found += [(point, str(task).replace("_", " ")) for point in (*measures.points, *estimates)]
    return found


def _snapshot(path: Path, table: str, interval: Any, columns: dict[str, Any]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lupus.model import Snapshot, SnapshotStatus

    rows = pa.table(columns)
    pq.write_table(rows, path)
    schema = tuple((one.name, str(one.type)) for one in rows.schema)
    return Snapshot("docs", table, interval, SnapshotStatus.OK, path, rows.num_rows, schema, "hash")
