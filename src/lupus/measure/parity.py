"""Fairness as series: the protected segments' counts become metric points of the whole, one metric per segment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from lupus.measure.confusion import Confusion, SegmentConfusion
from lupus.measure.fairness import Gap, Share, decision_gaps, error_gaps
from lupus.measure.metrics import wanted
from lupus.measure.points import NULL_LABEL
from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    Group,
    Interval,
    MetricPoint,
    Project,
    Role,
    Series,
    SeriesKey,
    Table,
    segment_name,
    segment_parts,
)

_T = TypeVar("_T")


def decision_points(project: Project, points: Iterable[MetricPoint]) -> list[MetricPoint]:
    """Demographic parity of every protected segment, from the segments' `positive_ratio` among one slice's `points`.

    Nothing where the slice has no decisions at all. A protected segment of which no group was measured gets failed
    points that say why. Rows without a value in the column are no group.
    """
    table = project.of_role(Role.PREDICTION)
    if table is None or not project.metrics.fairness.segments:
        return []
    decided = [one for one in points if one.series.key.metric == "positive_ratio" and one.value is not None]
    whole = next((one for one in decided if one.series.key.segment == WHOLE), None)
    if whole is None:
        return []
    shares = {
        one.series.key.segment: Share(round(one.value * one.n), one.n)
        for one in decided
        if one.value is not None and one.series.key.segment != WHOLE
    }
    made: list[MetricPoint] = []
    for columns in project.metrics.fairness.segments:
        groups = dict(_groups(columns, shares))
        gaps = decision_gaps(groups, least=project.metrics.fairness.min_rows)
        if not groups:
            said = " × ".join(columns)
            reason = f"no group of {said} has a positive_ratio; see metrics.segment_metrics and min_segment_rows"
            gaps = dict.fromkeys(gaps, Failure(FailureKind.UNDEFINED, reason))
        made += _points(project, table, columns, gaps, group=Group.PREDICTION, interval=whole.interval, maturity=None)
    return made


def error_points(project: Project, confusions: Iterable[SegmentConfusion]) -> list[MetricPoint]:
    """Equal opportunity, equalised odds and predictive parity of every protected segment and interval.

    Their maturity is that of the interval's whole. Where rows have weights, these are scaled to the number of rows.
    """
    table = project.of_role(Role.PREDICTION)
    fairness = project.metrics.fairness
    if table is None or not fairness.segments:
        return []
    made: list[MetricPoint] = []
    by_interval: dict[Interval, dict[str, SegmentConfusion]] = {}
    for one in confusions:
        by_interval.setdefault(one.interval, {})[segment_name(*one.parts)] = one
    for interval, found in by_interval.items():
        whole = found.get(WHOLE)
        if whole is None:
            continue
        counts = {name: _rows(one) for name, one in found.items()}
        for columns in fairness.segments:
            gaps = error_gaps(dict(_groups(columns, counts)), least=fairness.min_rows)
            made += _points(
                project, table, columns, gaps, group=Group.EVALUATION, interval=interval, maturity=whole.maturity
            )
    return made


def _rows(one: SegmentConfusion) -> Confusion:
    """The counts in rows: sums of weights of another mean would make intervals of another width."""
    of, total = one.confusion, one.confusion.total
    if total == one.n or not total:
        return of
    scale = one.n / total
    return Confusion(scale * of.tp, scale * of.fp, scale * of.fn, scale * of.tn)


def _groups(columns: Sequence[str], by_segment: Mapping[str, _T]) -> Iterator[tuple[str, _T]]:
    """Those of `by_segment` that are segments by exactly `columns` with a value in each."""
    for segment, found in by_segment.items():
        parts = segment_parts(segment)
        if tuple(column for column, _ in parts) == tuple(columns) and all(value != NULL_LABEL for _, value in parts):
            yield segment, found


def _points(
    project: Project,
    table: Table,
    columns: Sequence[str],
    gaps: Mapping[str, Gap | Failure],
    *,
    group: Group,
    interval: Interval,
    maturity: float | None,
) -> list[MetricPoint]:
    made = []
    for name, gap in gaps.items():
        metric = f"{name}:{','.join(columns)}"
        if not wanted(metric, project.metrics):
            continue
        series = Series(SeriesKey(project.name, table.name, table.score, metric), group)
        if isinstance(gap, Failure):
            made.append(MetricPoint(series, interval, None, 0, gap, maturity))
        else:
            made.append(
                MetricPoint(series, interval, gap.value, round(gap.n), None, maturity, low=gap.low, high=gap.high)
            )
    return made
