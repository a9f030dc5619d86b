"""What an evaluation gives: points, States and confusions, written down interval by interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lupus.measure.confusion import SegmentConfusion
from lupus.measure.engine import TableEngine
from lupus.measure.evaluation.metric import INVALID_LABELS, MATURITY, Counts, Estimate, EvaluationMetric, Found
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
    StoredState,
    Table,
    Task,
    segment_name,
)

Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EvaluationMeasures:
    """What was measured of predictions whose labels are known so far.

    `confusions` are those of a binary task, of the whole and of every segment, whatever metrics are followed there.
    """

    points: tuple[MetricPoint, ...] = ()
    states: tuple[StoredState, ...] = ()
    confusions: tuple[SegmentConfusion, ...] = ()


class Writer:
    """Collects points, States and confusions of the evaluation, whose `metrics` every whole gets."""

    def __init__(
        self, project: Project, prediction: Table, metrics: Sequence[EvaluationMetric], engine: TableEngine
    ) -> None:
        self._project = project
        self._prediction = prediction
        self._column = prediction.score or prediction.rank
        self._metrics = [metric for metric in metrics if wanted(metric.name, project.metrics)]
        self._names = {metric.name for metric in metrics}
        self._engine = engine
        self._points: list[MetricPoint] = []
        self._states: list[StoredState] = []
        self._confusions: list[SegmentConfusion] = []

    def measures(self) -> EvaluationMeasures:
        return EvaluationMeasures(tuple(self._points), tuple(self._states), tuple(self._confusions))

    def fail(self, interval: Interval, failure: Failure) -> None:
        """Every metric of the whole fails for one reason."""
        for metric in (*self._metrics, MATURITY):
            self._failed(interval, metric, failure, maturity=None)

    def without_labels(self, interval: Interval, failure: Failure, rows: int) -> None:
        """There are predictions and not one usable label."""
        for metric in self._metrics:
            self._failed(interval, metric, failure, maturity=0.0)
        if failure.kind is FailureKind.NO_LABELS:
            self._valued(interval, MATURITY, Estimate(0.0, rows), maturity=0.0)
        else:
            self._failed(interval, MATURITY, failure, maturity=None)

    def whole(self, interval: Interval, found: Found) -> None:
        counts = found.counts
        if not counts.labelled:
            failure = Failure(FailureKind.NO_LABELS, "no labels have arrived yet")
            self.without_labels(interval, failure, counts.keys)
            return
        self._valued(interval, MATURITY, Estimate(counts.maturity, counts.keys), maturity=counts.maturity)
        ratio = Estimate(counts.bad_labels / counts.labelled, counts.labelled)
        self._valued(interval, INVALID_LABELS, ratio, maturity=counts.maturity)
        self._evaluated(interval, WHOLE, found)
        self._confused(interval, (), found)
        for state in (found.state, *found.others):
            if state is not None:
                kind = str(getattr(type(state), "kind", ""))
                name, table = self._project.name, self._prediction.name
                self._states.append(StoredState(name, table, self._column, WHOLE, kind, interval, state.to_json()))

    def segment(self, interval: Interval, parts: Parts, found: Found, *, least: int) -> None:
        """The metrics that are followed per segment, where at least `least` rows are evaluated."""
        counts, segment = found.counts, segment_name(*parts)
        if wanted_in_segments(MATURITY.name, self._project.metrics):
            maturity = Estimate(counts.maturity, counts.keys)
            self._valued(interval, MATURITY, maturity, maturity=counts.maturity, segment=segment)
        if counts.used >= least:
            self._evaluated(interval, segment, found)
            self._confused(interval, parts, found)

    def _confused(self, interval: Interval, parts: Parts, found: Found) -> None:
        if found.confusion is not None:
            counts = found.counts
            self._confusions.append(SegmentConfusion(interval, parts, found.confusion, counts.used, counts.maturity))

    def _evaluated(self, interval: Interval, segment: str, found: Found) -> None:
        counts, policy = found.counts, self._project.metrics
        # Metrics of single classes come as they are found.
        more = [EvaluationMetric(name, "ratio") for name in found.estimates if name not in self._names]
        for metric in (*self._metrics, *more):
            if segment and not wanted_in_segments(metric.name, policy):
                continue
            estimate = found.estimates.get(metric.name)
            if estimate is not None and math.isfinite(estimate.value):
                self._valued(interval, metric, estimate, maturity=counts.maturity, segment=segment)
            else:
                reason = metric.undefined if counts.used else self._nothing_used(counts)
                failure = Failure(FailureKind.UNDEFINED, reason)
                self._failed(interval, metric, failure, maturity=counts.maturity, n=counts.used, segment=segment)

    def _valued(
        self,
        interval: Interval,
        metric: EvaluationMetric,
        estimate: Estimate,
        *,
        maturity: float,
        segment: str = WHOLE,
    ) -> None:
        if wanted(metric.name, self._project.metrics):
            self._points.append(
                MetricPoint(
                    self._series(metric, segment),
                    interval,
                    estimate.value,
                    estimate.n,
                    maturity=maturity,
                    low=estimate.low,
                    high=estimate.high,
                )
            )

    def _failed(
        self,
        interval: Interval,
        metric: EvaluationMetric,
        failure: Failure,
        *,
        maturity: float | None,
        n: int = 0,
        segment: str = WHOLE,
    ) -> None:
        if wanted(metric.name, self._project.metrics):
            self._points.append(MetricPoint(self._series(metric, segment), interval, None, n, failure, maturity))

    def _series(self, metric: EvaluationMetric, segment: str) -> Series:
        project, table, column = self._project.name, self._prediction.name, self._column
        name = (project, table, Group.EVALUATION, column, metric.name, segment)
        series = self._engine.series.get(name)
        if series is None:
            key = SeriesKey(project, table, column, metric.name, segment)
            series = self._engine.series[name] = Series(key, Group.EVALUATION, metric.unit)
        return series

    def _nothing_used(self, counts: Counts) -> str:
        if not counts.labelled:
            return "no labels have arrived yet"
        if self._project.task is Task.RANKING:
            return "no query with a relevant item has arrived"
        return "no row has both a valid label and a valid score"
