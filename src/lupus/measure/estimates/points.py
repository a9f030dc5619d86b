"""Estimates as metric points, of the whole and of segments; and how far from the truth they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lupus.measure.estimates.concept import CONCEPT_DRIFT
from lupus.measure.estimates.metric import Estimate, EstimateMetric
from lupus.measure.metrics import wanted, wanted_in_segments
from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    Group,
    Interval,
    MetricPoint,
    Project,
    Series,
    SeriesKey,
    Table,
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be expected of some rows: the metrics that exist, by name, and how many rows there are."""

    metrics: Mapping[str, Estimate]
    n: int


ConceptChange = Mapping[str, tuple[Estimate | Failure, int]]
"""By segment its concept drift, or why there is none, and how many labelled rows it has."""


def estimate_points(
    project: Project,
    table: Table,
    metrics: Sequence[EstimateMetric],
    interval: Interval,
    found: Mapping[str, Expected] | Failure,
) -> list[MetricPoint]:
    """All `metrics` of the whole, and of every segment that was `found` those that are followed there."""
    if isinstance(found, Failure):
        return [estimate_point(project, table, metric, interval, found, 0) for metric in metrics]
    points = []
    for segment, expected in found.items():
        for metric in metrics:
            if segment == WHOLE or wanted_in_segments(metric.name, project.metrics):
                value = expected.metrics.get(metric.name)
                points.append(estimate_point(project, table, metric, interval, value, expected.n, segment=segment))
    return points


def concept_drift_points(
    project: Project,
    table: Table,
    interval: Interval,
    found: ConceptChange | Failure,
    *,
    maturity: float | None,
) -> list[MetricPoint]:
    """Concept drift of the whole and of segments as points."""
    by_segment: ConceptChange = {WHOLE: (found, 0)} if isinstance(found, Failure) else found
    return [
        estimate_point(project, table, CONCEPT_DRIFT, interval, change, n, maturity=maturity, segment=segment)
        for segment, (change, n) in by_segment.items()
    ]


def estimate_point(  # noqa: PLR0917 - what, of what, when
    project: Project,
    table: Table,
    metric: EstimateMetric,
    interval: Interval,
    found: Estimate | Failure | None,
    n: int,
    *,
    maturity: float | None = None,
    segment: str = WHOLE,
) -> MetricPoint:
    """One estimate of the model's predictions as a point; None is a statistic that does not exist."""
    series = _series(project, table, metric.name, metric.unit, segment)
    if isinstance(found, Estimate):
        return MetricPoint(series, interval, found.value, n, None, maturity, found.low, found.high)
    failure = found or Failure(FailureKind.UNDEFINED, metric.undefined if n else "no score is valid")
    return MetricPoint(series, interval, None, n, failure, maturity)


def estimate_errors(
    project: Project,
    table: Table,
    metrics: Sequence[EstimateMetric],
    estimated: Sequence[MetricPoint],
    true: Sequence[MetricPoint],
) -> list[MetricPoint]:
    """Estimated minus true, for each of the `metrics`, segments and intervals that have both.

    The maturity is that of the true value; where that failed, so does the difference, for the same reason.
    """
    known = {(one.interval, one.series.key): one for one in true}
    by_name = {metric.name: metric for metric in metrics}
    made = []
    for one in estimated:
        metric = by_name.get(one.series.key.metric)
        if metric is None or one.value is None:
            continue
        segment = one.series.key.segment
        if not (wanted_in_segments if segment else wanted)(metric.error, project.metrics):
            continue
        key = SeriesKey(project.name, table.name, table.score, metric.of, segment)
        other = known.get((one.interval, key))
        if other is None:
            continue
        series = _series(project, table, metric.error, "", segment)
        if other.value is None:
            made.append(MetricPoint(series, one.interval, None, other.n, other.failure, other.maturity))
        else:
            made.append(MetricPoint(series, one.interval, one.value - other.value, other.n, None, other.maturity))
    return made


def _series(project: Project, table: Table, metric: str, unit: str, segment: str) -> Series:
    return Series(SeriesKey(project.name, table.name, table.score, metric, segment), Group.EVALUATION, unit)
