"""`sudden_variance`: values that jump about more, or less, than they used to.

For each series, on the scale on which its noise is even (`judge.scale`), from columns up to the point only:

1. **Changes.** The size of the change from each value to the next, after the season (as in `trend_change`) is taken
   off. A level that shifts is one large change, a trend hardly any.
2. **Spread.** The median of the sizes in the last `recent` intervals, this one among them: neither an incident of some
   days nor a shift moves a median. (Successive differences as a measure of spread that a moving level leaves alone: von
   Neumann and others, The mean square successive difference, Annals of Mathematical Statistics 12, 1941.)
3. **Usual spread.** The median of that spread's logarithm over the `window` intervals before those.
4. **Band.** `sensitivity` times the spread of that logarithm, (q90 - q10) / 2.563, and at least 1.45 / sqrt(recent):
   what the logarithm of a median of so many Gaussian sizes varies by itself (1.24, in simulations) and around a usual
   spread that is not known better.

The score is the logarithm of the ratio in half bands. A change is told once in `accept_after` intervals; by that time
the window has begun to know it. Compare the robust tests of equal variances that use deviations from medians (Brown and
Forsythe, Robust tests for the equality of variances, JASA 69, 1974).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.chance import Tail
from lupus.judge.rolling import before, quantiles, trailing, trailing_count
from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.scale import Scale
from lupus.judge.sentences import nouns
from lupus.judge.trend_change import seasonal_part, seasonal_reach
from lupus.model import Severity, SuddenVarianceParameters, format_value

Floats = NDArray[np.float64]

_NORMAL: Final = 2.563  # q90 - q10 of a Gaussian with standard deviation 1
_OWN: Final = 1.45  # by which the logarithm of a median of n Gaussian sizes differs from its own usual, times sqrt(n)
_CHUNK: Final = 800_000


class SuddenVarianceRule:
    """Anomalous are recent changes whose size the sizes before them do not explain."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = SuddenVarianceParameters(**parameters)

    @property
    def tail(self) -> Tail:
        return Tail(0.0035, 2.4).of_wider(self.parameters.sensitivity / 3.0)

    @property
    def least_severity(self) -> Severity:
        return Severity.LOW

    def lookback(self, season: int) -> int:
        own = self.parameters.window + 2 * self.parameters.recent + 1
        return own + self.parameters.accept_after + seasonal_reach(season)

    def assess(self, matrix: Matrix) -> Assessment:
        parts = Assessment.empty(matrix, needed=max(3, self.parameters.window * 9 // 20), drawn=False)
        if not parts.expected.size:
            return parts
        first = max(0, int(matrix.at[0]) - self.lookback(matrix.season))
        columns = slice(first, int(matrix.at[-1]) + 1)
        step = max(1, _CHUNK // ((columns.stop - first) * self.parameters.window))
        for start in range(0, len(parts.expected), step):
            self._assess(matrix, columns, slice(start, start + step), parts)
        return parts

    def sentence(self, anomaly: Anomaly) -> str:
        key, kind = anomaly.series.key, nouns(anomaly.cadence)
        more = anomaly.upper is not None and anomaly.tested > anomaly.upper
        times = format_value(anomaly.tested if more else 1 / anomaly.tested)
        return (
            f"over the last {self.parameters.recent} {kind} {key.metric} changed {times} times "
            f"{'more' if more else 'less'} from one to the next than in the {self.parameters.window} {kind} before them"
        )

    def _assess(self, matrix: Matrix, columns: slice, rows: slice, parts: Assessment) -> None:
        recent, window = self.parameters.recent, self.parameters.window
        scale = Scale(matrix.units[rows])
        baseline = scale.even(matrix.baseline[rows, columns])
        steady = baseline - seasonal_part(baseline, matrix.season)
        spread, known = _spread(np.abs(steady - _previous(steady)), recent)
        # Where changes are below the noise that the values must have, their size says nothing.
        least = 0.5 * scale.floor(baseline, matrix.n[rows, columns])
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.log(np.maximum(spread, np.where(known >= recent // 2, least, np.nan)))
        size[~np.isfinite(size)] = np.nan
        earlier = before(size, recent)
        count = before(trailing_count(~np.isnan(size), window, own=True), recent)
        low, middle, high = quantiles(trailing(earlier, window, own=True), count, (0.1, 0.5, 0.9))
        half = self.parameters.sensitivity * np.maximum((high - low) / _NORMAL, _OWN / np.sqrt(recent))
        change = size - middle
        change[count < parts.needed] = np.nan
        told = np.zeros(change.shape, dtype=bool)
        for sign in {"both": (1.0, -1.0), "up": (1.0,), "down": (-1.0,)}[self.parameters.direction]:
            outside = sign * change > half
            told |= outside & (trailing_count(outside, self.parameters.accept_after) == 0)

        at = matrix.at - columns.start
        with np.errstate(over="ignore"):
            ratio, reach = np.exp(np.clip(change[:, at], -300, 300)), np.exp(np.minimum(half[:, at], 300))
        parts.expected[rows] = np.where(np.isnan(ratio), np.nan, 1.0)
        parts.lower[rows], parts.upper[rows] = 1 / reach, reach
        if self.parameters.direction != "both":
            (parts.lower if self.parameters.direction == "up" else parts.upper)[rows] = np.nan
        parts.score[rows] = np.minimum(np.abs(change[:, at]) / half[:, at], MOST)
        assert parts.tested is not None  # noqa: S101 - made by Assessment.empty
        parts.tested[rows] = np.where(told[:, at], ratio, np.nan)
        parts.seen[rows] = np.where(np.isnan(change[:, at]), np.minimum(count[:, at], parts.needed - 1), count[:, at])


def _previous(values: Floats) -> Floats:
    """The last known value (S, T) before each column, at most a week of columns earlier."""
    found = before(values, 1)
    for back in range(2, 8):
        found = np.where(np.isnan(found), before(values, back), found)
    return found


def _spread(sizes: Floats, recent: int) -> tuple[Floats, NDArray[np.int64]]:
    """The median (S, T) of the `recent` `sizes` that end with each column, and how many there are."""
    known = trailing_count(~np.isnan(sizes), recent, own=True)
    (middle,) = quantiles(trailing(sizes, recent, own=True), known, (0.5,))
    return middle, known
