"""Small evaluations for tests: tables in, points out."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lupus.measure import Engine, EvaluationMeasures, measure_evaluation
from lupus.model import (
    Cadence,
    CadenceKind,
    FileFormat,
    FileSource,
    Interval,
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
DAYS = [DAILY.parse(f"2026-03-0{day}") for day in range(1, 6)]
SOURCE = FileSource("x.parquet", FileFormat.PARQUET)
ALL: Mapping[str, Any] = {"segment_metrics": ("*",), "min_segment_rows": 1, "min_category_rows": 1}


def product(
    task: Task,
    *,
    prediction: Mapping[str, Any] | None = None,
    truth: Mapping[str, Any] | None = None,
    segments: Sequence[tuple[str, ...]] = (),
    **policy: Any,
) -> Project:
    """A project of `task` whose tables are joined on id."""
    tables = (
        Table("prediction", Role.PREDICTION, SOURCE, **{"key": ("id",), "score": "score"} | dict(prediction or {})),
        Table("truth", Role.GROUND_TRUTH, SOURCE, **{"key": ("id",), "label": "label"} | dict(truth or {})),
    )
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return Project(
        "p", "me", DAILY, start, tables, task=task, segments=tuple(segments), metrics=MetricsPolicy(**policy)
    )


def stored(payload: Any) -> Any:
    """What the store gives back: it sorts keys."""
    return json.loads(json.dumps(payload, sort_keys=True))


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder for snapshots, and an engine."""

    folder: Path
    engine: Engine

    def snapshot(self, table: str, day: Interval, columns: Mapping[str, Any]) -> Snapshot:
        path = self.folder / f"{table}-{day.key}-{len(list(self.folder.iterdir()))}.parquet"
        rows = pa.table(dict(columns))
        pq.write_table(rows, path)
        schema = tuple((field.name, str(field.type)) for field in rows.schema)
        return Snapshot("p", table, day, SnapshotStatus.OK, path, rows.num_rows, schema, "hash")

    def days(
        self,
        project: Project,
        predictions: Sequence[Mapping[str, Any]],
        truths: Sequence[Mapping[str, Any]],
        **more: Any,
    ) -> EvaluationMeasures:
        """The evaluation of some days, one mapping of columns for each."""
        days = DAYS[: len(predictions)]
        by_key = {
            day.key: self.snapshot("prediction", day, columns) for day, columns in zip(days, predictions, strict=True)
        }
        labels = [self.snapshot("truth", day, columns) for day, columns in zip(DAYS, truths, strict=False)]
        return measure_evaluation(project, days, by_key, labels, blocked={}, engine=self.engine, **more)

    def day(
        self, project: Project, predictions: Mapping[str, Any], truths: Mapping[str, Any], **more: Any
    ) -> EvaluationMeasures:
        """The evaluation of one day."""
        return self.days(project, [predictions], [truths], **more)


def points(found: EvaluationMeasures, day: Interval = DAYS[0], segment: str = "") -> dict[str, MetricPoint]:
    """The points of one day and segment by metric."""
    return {
        point.series.key.metric: point
        for point in found.points
        if point.interval == day and point.series.key.segment == segment
    }


def values(found: EvaluationMeasures, day: Interval = DAYS[0], segment: str = "") -> dict[str, float]:
    """The values that exist, without maturity and label validity."""
    return {
        name: point.value
        for name, point in points(found, day, segment).items()
        if point.value is not None and name not in ("label_maturity", "invalid_label_ratio")
    }
