"""The page of the metrics: those that a tiny product of every kind really gets."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from generator.evaluations import other_tasks
from generator.lists import list_points
from generator.text import MEANINGS, IncompleteError, complete, head, page, table

_QUANTILE: Final = re.compile(r"(?P<of>length_)?p\d\d(\.\d+)?$")


@dataclasses.dataclass
class _Seen:
    """Where a metric was met: in which groups, in which units, of which kinds of columns."""

    groups: dict[str, None] = dataclasses.field(default_factory=dict)
    units: dict[str, None] = dataclasses.field(default_factory=dict)
    columns: dict[str, None] = dataclasses.field(default_factory=dict)


def metrics() -> str:
    """The metrics that a tiny product of every kind really gets."""
    from lupus.config.defaults import SEGMENT_METRICS
    from lupus.model import MetricsPolicy

    seen: dict[str, _Seen] = {}
    for point, column in measured():
        one = seen.setdefault(family(point.series.key.metric), _Seen())
        one.groups[str(point.series.group)] = None
        one.units[point.series.unit or "–"] = None
        one.columns[column] = None
    complete("metrics", seen, MEANINGS["metrics"])
    if unsourced := [name for name, one in MEANINGS["metrics"].items() if not one.get("source")]:
        raise IncompleteError(f"[metrics] lacks the formula or its source of {unsourced}")
    parts = [
        head("Metrics", "what lupus.measure and lupus.validate give for a tiny product"),
        "A series is named by its table, column, metric and segment. The unit – is the column's own, or none. "
        "Statistics of numbers are over finite values; nulls, NaN and infinities have metrics of their own. "
        "A metric that has no value for an interval is stored with the reason "
        "([failures](words.md#failurekind)).\n\n"
        "Which metrics are computed is set under [`metrics`](project-file.md#metrics) in the project file. Metrics of "
        "your own are [pushed](../how-to/push-metrics.md), under any name and in any group.",
    ]
    titles = {
        "validation": "Validation",
        "evaluation": "Evaluation: predictions against ground truth",
        "": "Tables and columns",
    }
    for group in ("", "evaluation", "validation"):
        rows = [
            (
                f"`{name}`",
                ", ".join(one.columns),
                ", ".join(one.units),
                MEANINGS["metrics"][name]["says"],
                MEANINGS["metrics"][name]["source"],
            )
            for name, one in seen.items()
            if (group in one.groups if group else not {"evaluation", "validation"} & set(one.groups))
        ]
        parts += [f"## {titles[group]}", table(("metric", "of", "unit", "meaning", "formula or source"), rows)]
    quantiles = ", ".join(str(one) for one in MetricsPolicy().quantiles)
    parts += [
        "## In segments",
        "For every value of a `segments` column these metrics are computed as well, unless `metrics.segment_metrics` "
        f"says otherwise: {', '.join(f'`{name}`' for name in SEGMENT_METRICS)}. The default quantiles are {quantiles}.",
    ]
    return page(parts)


def family(metric: str) -> str:
    """The name under which a metric is explained: `share:JFK` is one of `share:…`, `p05` one of `p…`."""
    if found := _QUANTILE.match(metric):
        return f"{found['of'] or ''}p…"
    for sign in ":@":
        if sign in metric:
            return f"{metric.partition(sign)[0]}{sign}…"
    return metric


def measured() -> list[tuple[Any, str]]:
    """(MetricPoint, what kind of column it is of) of a product with every kind of table and column, of every task."""
    from lupus.config.defaults import SEGMENT_METRICS
    from lupus.measure import Engine, decision_points, error_points, measure_evaluation, measure_table
    from lupus.model import (
        Cadence,
        CadenceKind,
        EstimatesPolicy,
        FairnessPolicy,
        Group,
        MetricsPolicy,
        MultivariatePolicy,
        Project,
        Role,
        Task,
    )
    from lupus.validate import validation_points

    cadence = Cadence(CadenceKind.DAILY)
    interval = cadence.parse("2026-01-05")
    found: list[tuple[Any, str]] = []
    with tempfile.TemporaryDirectory() as folder, Engine(threads=1) as engine:
        for task in (Task.BINARY_CLASSIFICATION, Task.REGRESSION):
            tables, snapshots = _tiny(Path(folder), interval, str(task))
            start = datetime(2026, 1, 1, tzinfo=UTC)
            protected = (("sex",),) if task is Task.BINARY_CLASSIFICATION else ()
            policy = MetricsPolicy(
                segment_metrics=SEGMENT_METRICS,
                min_segment_rows=1,
                fairness=FairnessPolicy(protected, min_rows=1),
                estimates=EstimatesPolicy(concept_drift=True),
                multivariate=MultivariatePolicy(metrics=("pca_reconstruction_error", "domain_auc")),
            )
            project = Project(
                str(task), "docs", cadence, start, tuple(tables), task=task, segments=protected, metrics=policy
            )
            for table, snapshot in zip(tables, snapshots, strict=True):
                first = measure_table(project, table, snapshot, (), engine=engine)
                following = dataclasses.replace(snapshot, interval=cadence.next(interval))
                again = measure_table(project, table, following, first.references, engine=engine)
                points = [*first.points, *again.points]
                found += [(point, point.series.key.column or "table") for point in points]
                found += [(point, "decisions") for point in decision_points(project, points)]
            roles = {table.role: snapshot for table, snapshot in zip(tables, snapshots, strict=True)}
            predictions, truths = {interval.key: roles[Role.PREDICTION]}, [roles[Role.GROUND_TRUTH]]
            evaluation = measure_evaluation(project, [interval], predictions, truths, blocked={}, engine=engine)
            found += [(point, str(task).replace("_", " ")) for point in evaluation.points]
            found += [(point, "decisions") for point in error_points(project, evaluation.confusions)]
            found += [
                (point, "data table" if point.series.group == Group.INPUT else str(task).replace("_", " "))
                for point in _estimated(project, interval, evaluation.points)
            ]
        found += other_tasks(Path(folder), interval, engine)
    found += list_points()
    found += _drifts(interval)
    found += [
        (point, "expectations" if point.series.key.column else "suite")
        for point in validation_points(project, _validation(interval))
    ]
    return found


def _estimated(project: Any, interval: Any, true: Any) -> list[Any]:
    """What is estimated without labels, compared with labels, and compared of all columns together."""
    from lupus.measure.estimates import CONCEPT_DRIFT, Estimate, estimate_errors, estimate_metrics, estimate_point
    from lupus.measure.multivariate import compared_table, multivariate_metrics, multivariate_points
    from lupus.model import WHOLE, Role

    table, found = project.of_role(Role.PREDICTION), Estimate(0.5, 0.4, 0.6)
    points = [estimate_point(project, table, one, interval, found, 40) for one in estimate_metrics(project)]
    points += estimate_errors(project, table, estimate_metrics(project), points, true)
    points.append(estimate_point(project, table, CONCEPT_DRIFT, interval, found, 40))
    data = compared_table(project)
    for one in multivariate_metrics(project):
        points += multivariate_points(project, data, one, interval, {WHOLE: (found, 40)})
    return points


def _drifts(interval: Any) -> list[tuple[Any, str]]:
    from lupus.measure.drift import DRIFT_METRICS
    from lupus.model import Group, MetricPoint, Series, SeriesKey

    found = []
    for metric in DRIFT_METRICS.values():
        columns = ("floats", "integers") if metric.over_numbers else ("floats", "integers", "booleans", "texts")
        for column in columns:
            series = Series(SeriesKey("tiny", "data", column, metric.name), Group.INPUT, metric.unit)
            found.append((MetricPoint(series, interval, 0.0, 1), column))
    return found


def _tiny(folder: Path, interval: Any, name: str) -> tuple[list[Any], list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lupus.model import FileFormat, FileSource, Role, Snapshot, SnapshotStatus, Table

    size = 60
    numbers = [float(number) / size for number in range(size)]
    ids, days = list(range(size)), [interval.start.date()] * size
    columns: dict[Role, dict[str, Any]] = {
        Role.DATA: {
            "key": ids,
            "time": days,
            "floats": [*numbers[:-2], float("nan"), None],
            "integers": ids,
            "booleans": [number % 2 == 0 for number in ids],
            "texts": ["ab"[number % 2] for number in ids],
            "times": [interval.start + timedelta(minutes=number) for number in ids],
            "essays": [f"this is story {number} of {number}" for number in ids],
            "emails": ["someone@example.com"] * size,
            "lists": [[1] * (number % 3) for number in ids],
            "embeddings": [[float(number % 7), 1.0] for number in ids],
        },
        Role.PREDICTION: {"key": ids, "time": days, "score": numbers, "version": ["v1"] * size}
        | {"sex": ["fm"[number % 2] for number in ids]},
        Role.GROUND_TRUTH: {"key": ids, "time": days, "label": [float(number % 3 == 0) for number in ids]},
    }
    tables, snapshots = [], []
    for role, content in columns.items():
        path = folder / f"{name}-{role}.parquet"
        rows = pa.table(content)
        pq.write_table(rows, path)
        schema = tuple((one.name, str(one.type)) for one in rows.schema)
        tables.append(
            Table(
                str(role),
                role,
                FileSource(str(path), FileFormat.PARQUET),
                time="time",
                key=("key",),
                score="score" if role is Role.PREDICTION else "",
                version="version" if role is Role.PREDICTION else "",
                label="label" if role is Role.GROUND_TRUTH else "",
                patterns={"emails": "@"} if role is Role.DATA else {},
            )
        )
        arrived = interval.end + timedelta(hours=2)
        snapshots.append(
            Snapshot(name, str(role), interval, SnapshotStatus.OK, path, size, schema, "hash", arrived=arrived)
        )
    return tables, snapshots


def _validation(interval: Any) -> Any:
    from lupus.model import ExpectationOutcome, ExpectationSeverity, Validation

    outcome = ExpectationOutcome(
        "key.not_null", "expect_column_values_to_not_be_null", "key", ExpectationSeverity.WARNING, True, 0.0, "", {}
    )
    return Validation("tiny", "data", interval, "tiny.data", (outcome,))
