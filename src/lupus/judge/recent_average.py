"""`recent_average`: deviation from the average of recent intervals.

For each series, on the scale on which its noise is even (`judge.scale`), and from columns before the point only:

1. **Memory.** Past values further than `CLIP` times the 10 %-to-90 % spread of the half window before them from its
   median are pulled in to there, so that an incident does not become the expectation.
2. **Experts.** Mean of the last season; median of the last half window; and, season-aware, the median of the same
   season position (weekday, hour) in the last four seasons, and the last season's mean plus the median of the four
   deviations that this position had from the mean of the season before it.
3. **Expectation.** The experts' mean, weighted by (mean absolute error over half a window) ** -3.
4. **Noise unit.** From the sizes of the expectation's own past errors over two and a quarter windows: the mean of
   q90 / 1.645, q95 / 1.960 and q98 / 2.326. Each is one standard deviation for Gaussian errors. Real errors have
   heavier tails, and how heavy is what tells a steady series from one that jumps, or is zero on most days: what came
   twice in nine weeks is no anomaly. The largest error is left out, no tail counts for more than five times
   q90 / 1.645 where errors are alike (an incident is no habit), and those made while the season was being learnt are
   left out as soon as there are others. Few errors are widened by 1 + 4/count, and sampling noise is the least it can
   be.
5. **Band.** Expectation ± `sensitivity` noise units, brought back to the metric's own scale.

A level that lasts widens the band by its own errors (once they are a tenth of what is remembered), then becomes the
expectation: the rule tells of a change for some days and then falls silent by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.chance import Tail
from lupus.judge.kept import Windows, in_rows
from lupus.judge.noise import tail_noise
from lupus.judge.rolling import count_at, quantiles, season_median, trailing, trailing_count, trailing_mean
from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.scale import Scale
from lupus.judge.sentences import nouns, seasons, tell
from lupus.model import RecentAverageParameters, Severity

Floats = NDArray[np.float64]

CLIP: Final = 3.0
"""Spreads from the window's median beyond which a past value is pulled in."""

SEASONS: Final = 4
"""How many seasons back the season-aware experts look."""

STILL: Final = 1.6
"""The score of the first move of a series that stood still at zero, however far: worth a look, but not a night."""

_LEARNT: Final = 0.75  # of the values that the experts look back on
_LEVEL: Final = 7  # intervals in the level of a cadence without a season
_SMALLEST: Final = 1e-300
_CHUNK: Final = 400_000  # numbers in a matrix of some rows; a few dozen of those at once


class RecentAverageRule:
    """Anomalous is what is further from the recent average than the series' own noise explains."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = RecentAverageParameters(**parameters)

    @property
    def tail(self) -> Tail:
        return Tail(0.005, 2.4).of_wider(self.parameters.sensitivity / 4.0)

    @property
    def least_severity(self) -> Severity:
        return Severity.LOW

    def lookback(self, season: int) -> int:
        level = _level(season)
        expert = level + (SEASONS * season if self._seasonal(season) else 0)
        # Errors, of expectations weighted by mistakes, of experts, that saw clipped values.
        return max(self._memory + self._half + expert + max(self._half, season), self.parameters.window)

    def assess(self, matrix: Matrix) -> Assessment:
        shape = (matrix.values.shape[0], len(matrix.at))
        parts = Assessment(
            expected=np.full(shape, np.nan),
            lower=np.full(shape, np.nan),
            upper=np.full(shape, np.nan),
            score=np.full(shape, np.nan),
            seen=np.zeros(shape, dtype=np.int64),
            needed=self.parameters.min_history,
            seasonal=np.zeros(shape, dtype=bool),
        )
        if not parts.expected.size:
            return parts
        reach = self.lookback(matrix.season)
        columns = slice(max(0, int(matrix.at[0]) - reach), int(matrix.at[-1]) + 1)
        step = max(1, _CHUNK // (reach + int(matrix.at[-1] - matrix.at[0]) + 1))
        for start in range(0, shape[0], step):
            self._assess(matrix, columns, slice(start, start + step), parts)
        return parts

    def sentence(self, anomaly: Anomaly) -> str:
        because = f"expected from the last {self.parameters.window} {nouns(anomaly.cadence)}"
        same = seasons(anomaly.cadence, anomaly.interval, SEASONS) if anomaly.seasonal else ""
        if same:
            because += f", mostly from the last {same}"
        return tell(anomaly, because=because)

    @property
    def _half(self) -> int:
        return max(self.parameters.window // 2, 3)

    @property
    def _memory(self) -> int:
        """The intervals whose errors make the noise unit."""
        return self.parameters.window * 9 // 4

    def _seasonal(self, season: int) -> bool:
        return self.parameters.season_aware and season > 1

    def _assess(self, matrix: Matrix, columns: slice, rows: slice, parts: Assessment) -> None:
        """Fill `rows` of `parts` from `columns` of `matrix`."""
        scale = Scale(matrix.units[rows])
        at = matrix.at - columns.start
        window = self.parameters.window
        baseline = scale.even(matrix.baseline[rows, columns])
        moving = matrix.windows((self.parameters, rows.start), baseline, rows, columns)
        expected, weight = self._expect(moving, baseline, matrix.season)
        noise, count, least = self._noise(moving, baseline, expected, matrix.season, at)

        centre = expected[:, at]
        low, high = (one[rows] for one in matrix.interval(matrix.at))
        noise = np.maximum(noise, scale.floor(centre, matrix.n[rows][:, matrix.at]))
        noise = np.maximum(noise, scale.uncertainty(low, high))
        half = self.parameters.sensitivity * noise
        value = scale.even(matrix.values[rows][:, matrix.at])
        distance = value - centre
        lower, upper = scale.back(centre - half), scale.back(centre + half)
        middle_back = scale.back(centre)
        lower, upper = scale.possible(scale.back(value), lower, upper)
        # Nobody expects a number below zero of a series that never was there, nor has to read of it.
        unseen = (lower < 0) & (least >= 0) & (middle_back >= 0) & (distance >= -np.abs(centre))
        lower = np.where(unseen, 0.0, lower)
        if self.parameters.direction == "up":
            lower, distance = np.full_like(lower, np.nan), np.maximum(distance, 0)
        elif self.parameters.direction == "down":
            upper, distance = np.full_like(upper, np.nan), np.minimum(distance, 0)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            score = np.minimum(np.abs(distance) / half, MOST)
        # Of a series that never moved nobody knows how much a move means.
        score = np.where(half > 0, score, np.where(distance == 0, 0.0, STILL))

        parts.expected[rows], parts.lower[rows], parts.upper[rows], parts.score[rows] = middle_back, lower, upper, score
        seen = count_at(~np.isnan(baseline), window, at)
        parts.seen[rows] = np.where(count > 0, seen, np.minimum(seen, self.parameters.min_history - 1))
        parts.seasonal[rows] = weight[:, at] > 0.5

    def _noise(
        self, moving: Windows, baseline: Floats, expected: Floats, season: int, at: NDArray[np.intp]
    ) -> tuple[Floats, NDArray[np.int64], Floats]:
        """The noise unit (S, A) at the columns `at`, how many errors (S, A) it is made from, and the least value."""
        # While the experts learn the season they err by all of it; once there are other errors, those count no more.
        learnt = SEASONS * season if self._seasonal(season) else 2 * _LEVEL

        def sizes(baseline: Floats, expected: Floats, *, wanted: int) -> tuple[Floats, Floats]:
            del wanted
            errors = np.abs(baseline - expected)
            ripe = trailing_count(~np.isnan(baseline), learnt) >= _LEARNT * learnt
            return errors, np.where(ripe, errors, np.nan)

        errors, ripe = moving.columns("errors", sizes, baseline, expected, reach=learnt)

        def noise_of(errors: Floats, ripe: Floats, baseline: Floats) -> tuple[NDArray[Any], ...]:
            enough = count_at(~np.isnan(ripe), self._memory, at) >= self.parameters.min_history
            noise, count = tail_noise(ripe, at, self._memory)
            if not enough.all():
                early, many = tail_noise(errors, at, self._memory)
                noise, count = np.where(enough, noise, early), np.where(enough, count, many)
            return noise, count, np.fmin.reduce(trailing(baseline, self._memory)[:, at], axis=-1)

        noise, count, least = in_rows(noise_of, errors, ripe, baseline, numbers=len(at) * self._memory)
        return noise, count, least

    def _expect(self, moving: Windows, baseline: Floats, season: int) -> tuple[Floats, Floats]:
        """What was expected (S, T) of every column, and the weight (S, T) of the season-aware experts in it."""
        width, level = max(self._half, season), _level(season)
        middle, clipped = moving.columns("clipped", partial(_clipped, width), baseline, reach=width)
        seasonal = season if self._seasonal(season) else 0
        reach = level + SEASONS * seasonal
        experts = moving.columns("experts", partial(_experts, level, seasonal), clipped, reach=reach)
        expected, weight = moving.columns("expected", self._weighted, clipped, middle, *experts, reach=self._half)
        return expected, weight

    def _weighted(
        self, clipped: Floats, middle: Floats, level: Floats, *seasonal: Floats, wanted: int
    ) -> tuple[Floats, Floats]:
        """The mean (S, T) of the experts, by what they missed the `clipped` values by, and the seasonal ones' part."""
        del wanted
        experts = [level, middle, *seasonal]
        mistakes = [trailing_mean(np.abs(clipped - expert), self._half) for expert in experts]
        best = np.fmin.reduce(mistakes)
        total, weights, part = np.zeros(level.shape), np.zeros(level.shape), np.zeros(level.shape)
        for number, (expert, mistake) in enumerate(zip(experts, mistakes, strict=True)):
            share = (best + _SMALLEST) / (mistake + _SMALLEST)
            weight = share * share * share  # a general power costs twenty times as much
            weight[np.isnan(weight) | np.isnan(expert)] = 0.0
            total += weight * np.where(weight > 0, expert, 0.0)
            weights += weight
            if number >= 2:
                part += weight
        first = np.where(np.isnan(level), middle, level)
        expected = np.divide(total, weights, out=first, where=weights > 0)
        return expected, np.divide(part, weights, out=part, where=weights > 0)


def _clipped(width: int, baseline: Floats, *, wanted: int) -> tuple[Floats, Floats]:
    """The median of the `width` columns before each, and the values no further from it than `CLIP` spreads."""
    own = slice(baseline.shape[1] - wanted, None)
    count = trailing_count(~np.isnan(baseline), width)[:, own]
    low, middle, high = quantiles(trailing(baseline, width)[:, own], count, (0.1, 0.5, 0.9))
    baseline = baseline[:, own]
    reach = CLIP * np.maximum(high - middle, middle - low)
    # Before there is a window nothing is clipped: fmin and fmax let NaN bounds pass.
    clipped = np.fmin(np.fmax(baseline, middle - reach), middle + reach)
    clipped[np.isnan(baseline)] = np.nan
    return middle, clipped


def _experts(level: int, season: int, clipped: Floats, *, wanted: int) -> tuple[Floats, ...]:
    """The mean (S, T) of the last `level` columns, and with a season the two experts that know it."""
    del wanted
    mean = trailing_mean(clipped, level)
    if not season:
        return (mean,)
    return mean, season_median(clipped, season), mean + season_median(clipped - mean, season)


def _level(season: int) -> int:
    return season if season > 1 else _LEVEL
