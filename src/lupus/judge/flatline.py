"""`flatline`: the same value again and again, in a series whose values do not repeat.

A cached file, a job that writes yesterday's numbers, a model that answers one thing: every value lies in every band,
and only the repetition gives them away. The share of values that repeat their predecessor is learned from the
`window` values before the run, so series that are constant by nature, or mostly zero, say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.rolling import before, trailing_count
from lupus.judge.rule import Anomaly, Assessment, Matrix
from lupus.judge.sentences import nouns
from lupus.model import FlatlineParameters, Severity, format_value

_NEEDED: Final = 20
_GAP: Final = 7  # intervals without a value that do not end a run
_SAME: Final = 1e-9  # of the value: what a sum in another order may differ by


class FlatlineRule:
    """Anomalous is the `length`-th equal value in a row, and every one after it until the series has known such runs.

    The score is the run's length in lengths just allowed. A stuck feed is of medium severity at least.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = FlatlineParameters(**parameters)

    @property
    def least_severity(self) -> Severity:
        return Severity.MEDIUM

    def lookback(self, season: int) -> int:  # noqa: ARG002 - other rules need it
        return self.parameters.window + self.parameters.length + _GAP

    def assess(self, matrix: Matrix) -> Assessment:
        length, window = self.parameters.length, self.parameters.window
        first = max(0, int(matrix.at[0]) - self.lookback(matrix.season))
        columns = slice(first, int(matrix.at[-1]) + 1)
        values, at = matrix.values[:, columns], matrix.at - first
        known, usual = ~np.isnan(values), ~np.isnan(matrix.baseline[:, columns])
        repeats = _repeats(values, known)
        run = _runs(known, repeats)[:, at]
        # The run itself says nothing of how often values repeat.
        count = trailing_count(before(usual, length - 1), window)[:, at]
        share = trailing_count(before(usual & repeats, length - 1), window)[:, at] / np.maximum(count, 1)
        lively = (count >= _NEEDED) & (share <= self.parameters.most_repeats)
        tested = np.where(lively, run, np.nan).astype(np.float64)
        allowed = np.full(run.shape, float(length - 1))
        none = np.full(run.shape, np.nan)
        return Assessment(
            expected=none,
            lower=none,
            upper=allowed,
            score=np.where(lively, run / allowed, 0.0),
            seen=count,
            needed=_NEEDED,
            seasonal=np.zeros(run.shape, dtype=bool),
            tested=tested,
            drawn=False,
        )

    def sentence(self, anomaly: Anomaly) -> str:
        key, unit = anomaly.series.key, anomaly.series.unit
        value = format_value(anomaly.value, "" if unit == key.metric else unit)
        many = f"{anomaly.tested:.0f} {nouns(anomaly.cadence)}"
        return f"{key.metric} has been {value} for {many} in a row, and almost never was the same twice before"


def _repeats(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where (S, T) a value equals the one before, which may be some missing intervals ago."""
    place = np.arange(values.shape[1])
    last = before(np.maximum.accumulate(np.where(known, place, -1), axis=1), 1)
    last[:, 0] = -1
    predecessor = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    near = known & (last >= 0) & (place - last <= _GAP)
    return np.asarray(near & (np.abs(values - predecessor) <= _SAME * np.abs(predecessor)))


def _runs(known: NDArray[np.bool_], repeats: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many known values up to each column are equal, 1 for a new one, 0 where there is none."""
    counted = np.cumsum(known, axis=1)
    begun = np.maximum.accumulate(np.where(known & ~repeats, counted, 0), axis=1)
    return np.asarray(np.where(known, counted - begun + 1, 0))
