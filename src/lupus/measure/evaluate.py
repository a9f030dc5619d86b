"""The evaluation of predictions against ground truth: points and States for many intervals at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lupus.measure import binary, regression
from lupus.measure.binary import BinaryScores, EvaluationMetric
from lupus.measure.columns import Kind, is_binary, kind_of
from lupus.measure.confusion import Confusion, SegmentConfusion
from lupus.measure.engine import Engine
from lupus.measure.join import PREDICTIONS, TRUTHS, Answer, build, files_of, join_for, lacking
from lupus.measure.metrics import wanted, wanted_in_segments
from lupus.measure.points import NULL_LABEL
from lupus.measure.regression import RegressionErrors
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
    Snapshot,
    StoredState,
    Table,
    Task,
    segment_name,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MATURITY: Final = EvaluationMetric("label_maturity", "ratio", "no prediction has a complete key")
INVALID_LABELS: Final = EvaluationMetric("invalid_label_ratio", "ratio", "no label has arrived")


@dataclass(frozen=True, slots=True)
class EvaluationMeasures:
    """What was measured of predictions whose labels are known so far.

    `confusions` are those of a binary task, of the whole and of every segment, whatever metrics are followed there.
    """

    points: tuple[MetricPoint, ...] = ()
    states: tuple[StoredState, ...] = ()
    confusions: tuple[SegmentConfusion, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counts:
    """Predictions with a key, those with a label, those whose label is invalid, those that are evaluated."""

    keys: int
    labelled: int
    bad_labels: int
    used: int

    @property
    def maturity(self) -> float:
        return self.labelled / self.keys if self.keys else 0.0


@dataclass(slots=True)
class _Found:
    """What the query said of one interval in one segment: counts, metric values with their n, the State."""

    counts: _Counts
    values: dict[str, tuple[float, int]] = field(default_factory=dict)
    confusion: Confusion | None = None
    state: BinaryScores | RegressionErrors | None = None


def measure_evaluation(
    project: Project,
    intervals: Sequence[Interval],
    predictions: Mapping[str, Snapshot],
    truths: Sequence[Snapshot],
    *,
    blocked: Mapping[str, str],
    engine: Engine,
) -> EvaluationMeasures:
    """Evaluates the predictions of `intervals` against all labels in `truths`, in one query.

    `predictions` has snapshots by interval key; `blocked` says, by interval key, why an interval is not to be
    evaluated (it failed critical validation). Every interval gets every metric of the whole, as a value or a
    failure; segments get those that the policy follows there. A project without a task, a prediction table
    or a ground-truth table has no evaluation. Raises `MeasureError` when the snapshots cannot be read.
    """
    prediction, truth = project.of_role(Role.PREDICTION), project.of_role(Role.GROUND_TRUTH)
    if project.task not in (Task.BINARY_CLASSIFICATION, Task.REGRESSION) or prediction is None or truth is None:
        return EvaluationMeasures()
    writer = _Writer(project, prediction, engine)
    labels, no_labels = _usable_truths(project, truth, truths)
    usable: list[tuple[Interval, Snapshot]] = []
    for interval in intervals:
        snapshot = predictions.get(interval.key)
        failure = _unusable(prediction, snapshot, blocked.get(interval.key))
        if failure is not None or snapshot is None:
            writer.fail(interval, failure or Failure(FailureKind.NO_DATA, "there are no predictions"))
        else:
            usable.append((interval, snapshot))
    if not usable:
        return writer.measures()
    if not labels:
        for interval, snapshot in usable:
            writer.without_labels(interval, no_labels, snapshot.rows)
        return writer.measures()
    snapshots = [snapshot for _, snapshot in usable]
    columns = [column for column, *crossed in project.segments if not crossed]
    join = join_for(prediction, truth, snapshots, labels, columns, binary=is_binary(project))
    engine.show(PREDICTIONS, files_of(snapshots), join.prediction_columns())
    engine.show(TRUTHS, files_of(labels), join.truth_columns(truth.key))
    arrays = engine.arrays(join, partial(build, join))
    least = max(project.metrics.min_segment_rows, project.metrics.min_category_rows, 1)
    found_rows = _read_binary(arrays, project.metrics.threshold) if join.binary else _read_regression(arrays)
    seen = set()
    for part, place, label, found in found_rows:
        interval = usable[place - 1][0]
        if part == 0:
            seen.add(place)
            writer.whole(interval, found)
        elif found.counts.keys >= least:
            parts = ((join.segments[part - 1][0], NULL_LABEL if label is None else label),)
            writer.segment(interval, parts, found, least=least)
    for place, (interval, _) in enumerate(usable, start=1):
        if place not in seen:
            writer.fail(interval, Failure(FailureKind.NO_DATA, "no prediction has a complete key"))
    return writer.measures()


def _usable_truths(project: Project, truth: Table, truths: Sequence[Snapshot]) -> tuple[list[Snapshot], Failure]:
    """The ground truth that can be used, latest last, and what to say when there is none."""
    failure = Failure(FailureKind.NO_LABELS, "no labels have arrived yet")
    kept = []
    for snapshot in sorted(truths, key=lambda snapshot: snapshot.interval):
        if not snapshot.usable or not snapshot.rows:
            continue
        names = {truth.label: "the label"} | dict.fromkeys(truth.key, "the key")
        if not truth.label or not truth.key or (lost := lacking(snapshot, names)):
            what = f"{lost} is not in the ground truth of {snapshot.interval}" if truth.label else "no label is named"
            failure = Failure(FailureKind.MISSING_COLUMN, what)
            continue
        kind = kind_of(dict(snapshot.schema)[truth.label])
        if not (kind.numeric or kind is Kind.BOOLEAN or (kind is Kind.TEXT and is_binary(project))):
            reason = f"the label column {truth.label!r} of {snapshot.interval} holds {kind}, not numbers"
            failure = Failure(FailureKind.WRONG_TYPE, reason)
            continue
        kept.append(snapshot)
    return kept, failure


def _unusable(prediction: Table, snapshot: Snapshot | None, blocked: str | None) -> Failure | None:
    """Why an interval's predictions cannot be evaluated, or None."""
    if blocked is not None:
        return Failure(FailureKind.INVALID, blocked)
    if snapshot is None or not snapshot.usable:
        reason = snapshot.reason if snapshot is not None else ""
        return Failure(FailureKind.NO_DATA, reason or "there are no predictions")
    if not snapshot.rows:
        return Failure(FailureKind.NO_DATA, "the predictions' slice has no rows")
    names = {prediction.score: "the score"} | dict.fromkeys(prediction.key, "the key")
    if not prediction.score or not prediction.key:
        return Failure(FailureKind.MISSING_COLUMN, f"table {prediction.name!r} names no score or no key")
    if lost := lacking(snapshot, names):
        return Failure(FailureKind.MISSING_COLUMN, f"{lost} is not in the predictions")
    kind = kind_of(dict(snapshot.schema)[prediction.score])
    if not (kind.numeric or kind is Kind.BOOLEAN):
        reason = f"the score column {prediction.score!r} holds {kind}, not numbers"
        return Failure(FailureKind.WRONG_TYPE, reason)
    return None


class _Writer:
    """Collects points and States of the evaluation."""

    def __init__(self, project: Project, prediction: Table, engine: Engine) -> None:
        self._project = project
        self._prediction = prediction
        self._engine = engine
        self._points: list[MetricPoint] = []
        self._states: list[StoredState] = []
        self._confusions: list[SegmentConfusion] = []
        own = binary.METRICS if is_binary(project) else regression.METRICS
        self._metrics = [metric for metric in own if wanted(metric.name, project.metrics)]

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
            self._valued(interval, MATURITY, 0.0, n=rows, maturity=0.0)
        else:
            self._failed(interval, MATURITY, failure, maturity=None)

    def whole(self, interval: Interval, found: _Found) -> None:
        counts = found.counts
        if not counts.labelled:
            failure = Failure(FailureKind.NO_LABELS, "no labels have arrived yet")
            self.without_labels(interval, failure, counts.keys)
            return
        self._valued(interval, MATURITY, counts.maturity, n=counts.keys, maturity=counts.maturity)
        ratio = counts.bad_labels / counts.labelled
        self._valued(interval, INVALID_LABELS, ratio, n=counts.labelled, maturity=counts.maturity)
        self._evaluated(interval, WHOLE, found)
        self._confused(interval, (), found)
        if found.state is not None:
            table, column = self._prediction.name, self._prediction.score
            kind, payload = found.state.kind, found.state.to_json()
            self._states.append(StoredState(self._project.name, table, column, WHOLE, kind, interval, payload))

    def segment(self, interval: Interval, parts: tuple[tuple[str, str], ...], found: _Found, *, least: int) -> None:
        counts, policy, segment = found.counts, self._project.metrics, segment_name(*parts)
        if wanted_in_segments(MATURITY.name, policy):
            self._valued(interval, MATURITY, counts.maturity, n=counts.keys, maturity=counts.maturity, segment=segment)
        if counts.used >= least:
            self._evaluated(interval, segment, found)
            self._confused(interval, parts, found)

    def _confused(self, interval: Interval, parts: tuple[tuple[str, str], ...], found: _Found) -> None:
        if found.confusion is not None:
            counts = found.counts
            self._confusions.append(SegmentConfusion(interval, parts, found.confusion, counts.used, counts.maturity))

    def _evaluated(self, interval: Interval, segment: str, found: _Found) -> None:
        maturity, policy = found.counts.maturity, self._project.metrics
        for metric in self._metrics:
            if segment and not wanted_in_segments(metric.name, policy):
                continue
            value, n = found.values.get(metric.name, (math.nan, found.counts.used))
            if math.isfinite(value):
                self._valued(interval, metric, value, n=n, maturity=maturity, segment=segment)
            else:
                reason = metric.undefined if found.counts.used else "no row has both a valid label and a valid score"
                failure = Failure(FailureKind.UNDEFINED, reason)
                self._failed(interval, metric, failure, maturity=maturity, n=found.counts.used, segment=segment)

    def _valued(
        self,
        interval: Interval,
        metric: EvaluationMetric,
        value: float,
        *,
        n: int,
        maturity: float,
        segment: str = WHOLE,
    ) -> None:
        if wanted(metric.name, self._project.metrics):
            self._points.append(MetricPoint(self._series(metric, segment), interval, value, n, maturity=maturity))

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
        project, table, column = self._project.name, self._prediction.name, self._prediction.score
        name = (project, table, Group.EVALUATION, column, metric.name, segment)
        series = self._engine.series.get(name)
        if series is None:
            key = SeriesKey(project, table, column, metric.name, segment)
            series = self._engine.series[name] = Series(key, Group.EVALUATION, metric.unit)
        return series


def _read_regression(arrays: Mapping[str, Any]) -> Iterator[tuple[int, int, str | None, _Found]]:
    """(part, slice, label, found): part 0 is the whole, part k the k-th segment column, from 1."""
    counts, details = _split(arrays)
    sums = {}
    for row in details:
        part, place, label, n, absolute, squared, signed, nonzero, relative, symmetric, mean, m2 = row
        sums[part, place, label] = RegressionErrors(
            int(n), absolute, squared, signed, int(nonzero), relative, symmetric, mean, m2
        )
    for (part, place, label), count in counts.items():
        state = sums.get((part, place, label))
        values = {name: (value, count.used) for name, value in state.metrics().items()} if state else {}
        yield part, place, label, _Found(count, values, state=state)


def _read_binary(arrays: Mapping[str, Any], threshold: float) -> Iterator[tuple[int, int, str | None, _Found]]:
    """As `_read_regression`; all groups' metrics are computed at once."""
    import numpy as np

    counts, _ = _split(arrays, details=False)
    detail = np.asarray(arrays["answer"]) % 2 == Answer.DETAILS
    numbers: dict[tuple[int, int, str | None], int] = {}
    groups = np.array(
        [numbers.setdefault(name, len(numbers)) for name in _names(arrays, detail)],
        dtype=np.intp,
    )
    found = {name: _Found(count) for name, count in counts.items()}
    if len(groups):
        numbers_of = np.column_stack([np.asarray(arrays[f"v{place}"][detail], dtype=np.float64) for place in range(3)])
        order = np.lexsort((numbers_of[:, 0], groups))
        groups, numbers_of = groups[order], numbers_of[order]
        score, negatives, positives = numbers_of[:, 0], numbers_of[:, 1], numbers_of[:, 2]
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        values, ns = binary.binary_metrics(starts, score, negatives, positives, threshold=threshold)
        by_group = [
            dict(zip(values, zip(value, map(int, n), strict=True), strict=True))
            for value, n in zip(
                np.column_stack(list(values.values())).tolist(),
                np.column_stack([ns[name] for name in values]).tolist(),
                strict=True,
            )
        ]
        ends = [*starts[1:].tolist(), len(score)]
        confusions = binary.confusions(starts, score, negatives, positives, threshold=threshold)
        for name, number in numbers.items():
            found[name].values = by_group[number]
            found[name].confusion = confusions[number]
            if name[0] == 0:
                here = slice(int(starts[number]), ends[number])
                found[name].state = BinaryScores.of(score[here], negatives[here], positives[here], threshold=threshold)
    for (part, place, label), one in found.items():
        yield part, place, label, one


def _names(arrays: Mapping[str, Any], where: NDArray[np.bool_]) -> Iterator[tuple[int, int, str | None]]:
    """(part, slice, label) of the rows at `where`."""
    parts = (arrays["answer"][where] // 2).tolist()
    return zip(parts, arrays["slice"][where].tolist(), arrays["label"][where].tolist(), strict=True)


def _split(
    arrays: Mapping[str, Any], *, details: bool = True
) -> tuple[dict[tuple[int, int, str | None], _Counts], list[tuple[Any, ...]]]:
    """The counts by (part, slice, label), and, if wanted, the detail rows with their numbers."""
    import numpy as np

    detail = np.asarray(arrays["answer"]) % 2 == Answer.DETAILS
    columns = [arrays[f"v{place}"][~detail].tolist() for place in range(4)]
    counts = {
        name: _Counts(*(int(number or 0) for number in numbers))
        for name, numbers in zip(_names(arrays, ~detail), zip(*columns, strict=True), strict=True)
    }
    if not details:
        return counts, []
    numbers = zip(*(arrays[f"v{place}"][detail].tolist() for place in range(9)), strict=True)
    return counts, [(*name, *values) for name, values in zip(_names(arrays, detail), numbers, strict=True)]
