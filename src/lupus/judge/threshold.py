"""`threshold`: a bound that a value must not leave.

A bound is a number, or moves: `factor` times the value that another metric has at the same interval (or its newest,
with `latest`), or times the mean that this series had over a reference (its `first` so many intervals, or named days),
and `plus` so much. Points that belong to no baseline are in no reference. Where what a bound refers to is not known,
that bound is not there. The score is the distance from the middle in half widths when there are two bounds; with one it
is 1 plus the distance past the bound, relative to the bound's size (to 1 when the bound is 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.sentences import nouns, tell
from lupus.model import Bound, Series, SeriesKey, Severity, ThresholdParameters

Floats = NDArray[np.float64]

_EVERYTHING: Final = 10**6
"""More intervals than any project has."""


class ThresholdRule:
    """Anomalous is what is below `min` or above `max`; a value on the bound is not.

    Somebody wrote this bound down, so its anomalies are at least of medium severity.
    """

    restarts = False  # a person has said what to compare with

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = ThresholdParameters(**parameters)

    @property
    def least_severity(self) -> Severity:
        return Severity.MEDIUM

    def lookback(self, season: int) -> int:  # noqa: ARG002 - other rules need it
        bounds = (self.parameters.min, self.parameters.max)
        far = any(isinstance(bound, Bound) and (bound.latest or bound.reference is not None) for bound in bounds)
        return _EVERYTHING if far else 0

    def assess(self, matrix: Matrix) -> Assessment:
        values = matrix.values[:, matrix.at]
        low = _bound(matrix, self.parameters.min)
        high = _bound(matrix, self.parameters.max)
        nothing = [(row, column) for row, column in np.argwhere(np.isnan(low) & np.isnan(high)).tolist()]
        return Assessment(
            expected=np.full(values.shape, np.nan),
            lower=low,
            upper=high,
            score=np.minimum(_score(values, low, high), MOST),
            seen=np.zeros(values.shape, dtype=np.int64),
            needed=0,
            seasonal=np.zeros(values.shape, dtype=bool),
            remarks=dict.fromkeys(nothing, "there is nothing to compare with"),
        )

    def sentence(self, anomaly: Anomaly) -> str:
        given = self.parameters.min, self.parameters.max
        words = [_words(bound, anomaly) for bound in given if isinstance(bound, Bound)]
        if not words:
            return tell(anomaly, because="the bounds that were set", bound="the {side} of {value}")
        return tell(anomaly, because=" and ".join(dict.fromkeys(words)))


def _bound(matrix: Matrix, bound: float | Bound | None) -> Floats:
    """The bound (S, A) of each series at each position, NaN where there is none."""
    shape = (matrix.values.shape[0], len(matrix.at))
    if bound is None:
        return np.full(shape, np.nan)
    if not isinstance(bound, Bound):
        return np.full(shape, float(bound))
    base = _other(matrix, bound) if bound.metric is not None else _reference(matrix, bound)
    with np.errstate(over="ignore"):
        moved = bound.factor * base + bound.plus
    return np.where(np.isfinite(moved), moved, np.nan)


def _other(matrix: Matrix, bound: Bound) -> Floats:
    """The values (S, A) of the metric that `bound` names."""
    whole = matrix.project or matrix
    row_of = {one.key: row for row, one in enumerate(whole.series)}
    wanted = [row_of.get(_meant(one, bound), -1) for one in matrix.series]
    found = np.full((len(wanted), len(matrix.at)), np.nan)
    for local, row in enumerate(wanted):
        if row < 0:
            continue
        values = whole.values[row]
        if bound.latest:
            known = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(values.size)))
            values = np.where(known >= 0, values[np.maximum(known, 0)], np.nan)
        found[local] = values[matrix.at]
    return found


def _meant(series: Series, bound: Bound) -> SeriesKey:
    """The series that `bound` means, for a judged one: what the bound does not say is as in that one."""
    key = series.key
    if bound.table is not None and bound.table != key.table and bound.column is None:
        # Another table has other columns; a metric of the whole table is what can be meant.
        column = ""
    else:
        column = key.column if bound.column is None else bound.column
    return SeriesKey(
        key.project,
        key.table if bound.table is None else bound.table,
        column,
        bound.metric or "",
        key.segment if bound.segment is None else bound.segment,
    )


def _reference(matrix: Matrix, bound: Bound) -> Floats:
    """The mean (S, A) over the reference that `bound` names, as far as it lies before each position."""
    baseline = matrix.baseline
    known = ~np.isnan(baseline)
    if bound.reference == "first":
        inside = known & (np.cumsum(known, axis=1) <= bound.intervals)
        least = bound.intervals
    else:
        assert isinstance(bound.reference, tuple)  # noqa: S101 - Bound allows nothing else
        first, last = bound.reference
        days = [
            one.start.date() if matrix.cadence is None else matrix.cadence.local_date(one) for one in matrix.intervals
        ]
        inside = known & np.array([first <= day.isoformat() <= last for day in days], dtype=bool)
        least = 1
    # The point itself is no part of what it is compared with.
    count: NDArray[np.int64] = np.cumsum(inside, axis=1)[:, matrix.at] - inside[:, matrix.at]
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.where(inside, baseline, 0.0)
        total = (np.cumsum(values, axis=1) - values)[:, matrix.at]
    mean: Floats = np.divide(total, count, out=np.full(count.shape, np.nan), where=count >= least)
    return mean


def _words(bound: Bound, anomaly: Anomaly) -> str:
    """``1.2 times rows of data``, for a sentence."""
    key = anomaly.series.key
    if bound.metric is not None:
        base = bound.metric if bound.table in (None, key.table) else f"{bound.metric} of {bound.table}"
        base = f"the newest {base}" if bound.latest else base
    elif bound.reference == "first":
        base = f"the mean of the first {bound.intervals} {nouns(anomaly.cadence)}"
    else:
        assert isinstance(bound.reference, tuple)  # noqa: S101 - Bound allows nothing else
        base = f"the mean from {bound.reference[0]} to {bound.reference[1]}"
    text = base if bound.factor == 1 else f"{bound.factor:g} times {base}"
    return text + (f" {'+' if bound.plus > 0 else '-'} {abs(bound.plus):g}" if bound.plus else "")


def _score(values: Floats, low: Floats, high: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is infinitely far out is far enough out
        half = high / 2 - low / 2
        both = np.abs(values - (low + half)) / half
        past = np.fmax((low - values) / _size(low), (values - high) / _size(high))
        one = np.where(np.isnan(values) | np.isnan(past), np.nan, np.maximum(1 + past, 0))
    score: Floats = np.where(half > 0, both, one)
    return score


def _size(bound: Floats) -> Floats:
    return np.where(bound == 0, 1.0, np.abs(bound))
