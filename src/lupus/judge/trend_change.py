"""`trend_change`: a level that went elsewhere and stays there, by a jump, a drift or a change of slope.

For each series, on the scale on which its noise is even (`judge.scale`):

1. **Season.** The median of the four deviations that this position of the season (weekday, hour) had from the mean
   of the season before it is taken off, where over six seasons that made the errors a tenth smaller.
2. **Levels.** The median of the last `recent` intervals, this one among them, against that of the `window` intervals
   before those. Medians do not move for an incident of some days.
3. **Slope.** A series that was rising already is expected to go on: the medians of the window's two halves give a
   slope, and what it explains of the difference is taken off, never more than the difference.
4. **Band.** The window's spread, (q90 - q10) / 2.563, which is one standard deviation for Gaussian values and holds
   what the level itself does in two months; times `sensitivity`. The least noise of a value is the least it can be.
5. **Confirmation.** The value itself must lie at least 0.9 half bands away to the same side, and so must two of the
   four before it: else the change is over already, or was an incident.

A change is told once. For `accept_after` intervals no other one to the same side is. Then, when three quarters of the
values since were nearer to the new level than to the old one, a remark says that the new level is accepted, and the
baselines of the series begin anew where it began: where the sum of what the values until then were nearer to the new
level is largest (Page, Continuous inspection schemes, Biometrika 41, 1954). (Compare windows of medians with the
two-window tests in Aminikhanghahi and Cook, A survey of methods for time series change point detection, KAIS 51, 2017.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.chance import Tail
from lupus.judge.kept import Windows
from lupus.judge.rolling import before, quantiles, season_median, trailing, trailing_count, trailing_mean
from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.scale import Scale
from lupus.judge.sentences import band, nouns
from lupus.model import Severity, TrendChangeParameters, format_value

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SEASONS: Final = 4
"""How many seasons back the season of a position is learned from."""

_CONFIRMED: Final = 0.9  # half bands that a value must be away to confirm
_CONFIRMING: Final = 4  # values before, of which
_LEAST_CONFIRMING: Final = 2  # so many must confirm too
_HELPS: Final = 0.9  # a season that leaves more than this of the errors is none
_PROOF: Final = 6  # seasons over which that is seen
_FLOORS: Final = 2.0  # least half band, in the least noise of a value
_NORMAL: Final = 2.563  # q90 - q10 of a Gaussian with standard deviation 1
_SMALLEST: Final = 1e-300
_CHUNK: Final = 400_000  # numbers in a matrix of some rows
_LASTS: Final = 0.75  # of the values since a change that must be nearer to the new level, for it to be accepted
_KNOWN: Final = 0.5  # of the intervals since that must have a value


class TrendChangeRule:
    """Anomalous is a level of recent intervals that the level and slope before them do not explain."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = TrendChangeParameters(**parameters)

    @property
    def tail(self) -> Tail:
        return Tail(0.001, 2.4).of_wider(self.parameters.sensitivity / 3.0)

    @property
    def least_severity(self) -> Severity:
        return Severity.MEDIUM

    def lookback(self, season: int) -> int:
        return self._reach + seasonal_reach(season)

    def assess(self, matrix: Matrix) -> Assessment:
        shape = (matrix.values.shape[0], len(matrix.at))
        remarks: dict[tuple[int, int], str] = {}
        accepted: dict[tuple[int, int], int] = {}
        parts = Assessment(
            expected=np.full(shape, np.nan),
            lower=np.full(shape, np.nan),
            upper=np.full(shape, np.nan),
            score=np.full(shape, np.nan),
            seen=np.zeros(shape, dtype=np.int64),
            needed=self._needed,
            seasonal=np.zeros(shape, dtype=bool),
            tested=np.full(shape, np.nan),
            remarks=remarks,
            accepted=accepted,
        )
        if not parts.expected.size:
            return parts
        first = max(0, int(matrix.at[0]) - self.lookback(matrix.season))
        # What lies further back only tells the season.
        begin = max(first, int(matrix.at[0]) - self._reach)
        columns = slice(begin, int(matrix.at[-1]) + 1)
        step = max(1, _CHUNK // (self.lookback(matrix.season) + int(matrix.at[-1] - matrix.at[0]) + 1))
        for start in range(0, shape[0], step):
            rows = slice(start, min(start + step, shape[0]))
            for (row, column), began in self._assess(matrix, columns, begin - first, rows, parts).items():
                remarks[start + row, column] = (
                    f"the new level has lasted for {self.parameters.accept_after} intervals and is accepted"
                )
                accepted[start + row, column] = begin + began
        return parts

    def sentence(self, anomaly: Anomaly) -> str:
        key, unit = anomaly.series.key, anomaly.series.unit
        if unit == key.metric:
            unit = ""
        assert anomaly.lower is not None or anomaly.upper is not None  # noqa: S101 - an anomaly has left its band
        below = anomaly.lower is not None and anomaly.tested < anomaly.lower
        kind = nouns(anomaly.cadence)
        level = f"level of {key.metric} over the last {self.parameters.recent} {kind}"
        if anomaly.lower is None or anomaly.upper is None:
            crossed = anomaly.lower if below else anomaly.upper
            bound = format_value(crossed or 0.0, unit)
        else:
            bound = band(anomaly.lower, anomaly.upper, unit)
        return (
            f"the {level} is {format_value(anomaly.tested, unit)}, {'below' if below else 'above'} {bound}, "
            f"expected from the {self.parameters.window} {kind} before them"
        )

    @property
    def _reach(self) -> int:
        """How many intervals back the levels look: what is accepted now was told when nothing had been for as long."""
        told = 2 * self.parameters.accept_after + _CONFIRMING
        return told + self.parameters.recent + self.parameters.window

    @property
    def _needed(self) -> int:
        return max(3, self.parameters.window * 9 // 20)

    def _assess(
        self, matrix: Matrix, columns: slice, earlier: int, rows: slice, parts: Assessment
    ) -> dict[tuple[int, int], int]:
        """Fill `rows` of `parts` from `columns` of `matrix`, and the season from so many `earlier` ones as well.

        Gives where a level becomes accepted, and the column of `columns` at which it began.
        """
        scale = Scale(matrix.units[rows])
        at = matrix.at - columns.start
        longer = slice(columns.start - earlier, columns.stop)
        baseline = scale.even(matrix.baseline[rows, longer])
        moving = matrix.windows((self.parameters, rows.start), baseline, rows, longer)
        season = seasonal_part(baseline, matrix.season, moving)[:, earlier:]
        baseline = baseline[:, earlier:]
        steady = baseline - season
        levels = self._levels(matrix.windows(("levels", self.parameters, rows.start), steady, rows, columns), steady)
        # A value that belongs to no baseline is judged all the same.
        away = scale.even(matrix.values[rows, columns]) - season - levels.before
        low, high = (one[rows] for one in matrix.interval(np.arange(columns.start, columns.stop)))
        floor = np.maximum(scale.floor(levels.before, matrix.n[rows, columns]), scale.uncertainty(low, high))
        half = np.maximum(self.parameters.sensitivity * levels.spread, _FLOORS * floor)
        told, accepted = np.zeros(half.shape, dtype=bool), {}
        for sign in {"both": (1.0, -1.0), "up": (1.0,), "down": (-1.0,)}[self.parameters.direction]:
            confirms = sign * away > _CONFIRMED * half
            enough = trailing_count(confirms, _CONFIRMING) >= _LEAST_CONFIRMING
            changed = (sign * levels.change > half) & confirms & enough
            first = changed & (trailing_count(changed, self.parameters.accept_after) == 0)
            told |= first
            after = before(first, self.parameters.accept_after)[:, matrix.at - columns.start]
            for row, place in np.argwhere(after).tolist():
                now = int(matrix.at[place]) - columns.start
                began = self._lasting(baseline[row] - season[row], levels, row, now, sign)
                if began is not None:
                    accepted[row, place] = began

        change, half = levels.change[:, at], half[:, at]
        expected = levels.recent[:, at] - change
        middle, level = scale.back(expected), scale.back(levels.recent[:, at])
        lower, upper = scale.possible(level, scale.back(expected - half), scale.back(expected + half))
        if self.parameters.direction == "up":
            lower = np.full_like(lower, np.nan)
        elif self.parameters.direction == "down":
            upper = np.full_like(upper, np.nan)
        with np.errstate(over="ignore"):
            score = np.minimum(np.abs(change) / np.maximum(half, _SMALLEST), MOST)
        # What is not confirmed, or was told already, is inside.
        parts.expected[rows], parts.lower[rows], parts.upper[rows], parts.score[rows] = middle, lower, upper, score
        assert parts.tested is not None  # noqa: S101 - made in assess
        parts.tested[rows] = np.where(told[:, at], level, np.nan)
        seen = levels.known[:, at]
        parts.seen[rows] = np.where(np.isnan(change), np.minimum(seen, parts.needed - 1), seen)
        return accepted

    def _lasting(self, values: Floats, levels: _Levels, row: int, now: int, sign: float) -> int | None:
        """Where the level began that was told of `accept_after` columns before `now`; None when it has not lasted."""
        told = now - self.parameters.accept_after
        nearer = sign * (values - levels.before[row, told]) - abs(levels.change[row, told]) / 2  # than to the old level
        since = nearer[told + 1 : now + 1]
        known = since[~np.isnan(since)]
        if known.size < _KNOWN * since.size or (known > 0).mean() < _LASTS:
            return None
        first = max(0, told - self.parameters.recent + 1)
        gains = np.nancumsum(nearer[first : told + 1][::-1])[::-1]
        return first + int(np.argmax(gains))

    def _levels(self, moving: Windows, baseline: Floats) -> _Levels:
        recent, window = self.parameters.recent, self.parameters.window
        part = window // 2

        def medians(values: Floats, *, wanted: int) -> tuple[NDArray[Any], ...]:
            known, last = ~np.isnan(values), slice(values.shape[1] - wanted, None)
            now, count, some = (trailing_count(known, width, own=True)[:, last] for width in (recent, window, part))
            (level,) = quantiles(trailing(values, recent, own=True)[:, last], now, (0.5,))
            low, middle, high = quantiles(trailing(values, window, own=True)[:, last], count, (0.1, 0.5, 0.9))
            (half,) = quantiles(trailing(values, part, own=True)[:, last], some, (0.5,))
            return now, count, level, middle, (high - low) / _NORMAL, half

        now, count, level, middle, spread, half = moving.columns("medians", medians, baseline, reach=window)
        middle, spread, count = before(middle, recent), before(spread, recent), before(count, recent)
        change = level - middle
        change[(now < max(3, 0.6 * recent)) | (count < self._needed)] = np.nan
        slope = (before(half, recent) - before(half, recent + part)) / part
        going = np.nan_to_num(slope * (recent + window) / 2)
        explained = np.maximum(going * np.sign(change), 0)
        change = np.sign(change) * np.maximum(np.abs(change) - explained, 0)
        return _Levels(level, middle, change, spread, count)


@dataclass(frozen=True, slots=True, eq=False)
class _Levels:
    """(S, T) each: the recent level, the one before, the change unexplained, the spread, the values in the window."""

    recent: Floats
    before: Floats
    change: Floats
    spread: Floats
    known: NDArray[np.int64]


def seasonal_reach(season: int) -> int:
    """How many intervals back `seasonal_part` looks."""
    return _PROOF * season + SEASONS * season + season if season > 1 else 0


def seasonal_part(values: Floats, season: int, moving: Windows | None = None) -> Floats:
    """What (S, T) the season adds to each column of `values` (S, T), from columns before it; 0 where it adds nothing.

    The median of the four deviations that this place of the season had from the mean of the season before it, where
    that made the errors of the last six seasons a tenth smaller. `moving` are the windows of the values, if they have
    any.
    """
    if season < 2:
        return np.zeros(values.shape)
    moving = moving or Windows(values.shape)

    def deviation(values: Floats, *, wanted: int) -> tuple[Floats, Floats]:
        del wanted
        from_level = values - trailing_mean(values, season)
        return from_level, season_median(from_level, season)

    def part(from_level: Floats, own: Floats, *, wanted: int) -> tuple[Floats]:
        del wanted
        plain = trailing_mean(np.abs(from_level), _PROOF * season)
        better = trailing_mean(np.abs(from_level - own), _PROOF * season)
        return (np.where(better < _HELPS * plain, np.nan_to_num(own), 0.0),)

    from_level, own = moving.columns("deviation", deviation, values, reach=season + SEASONS * season)
    return moving.columns("season", part, from_level, own, reach=_PROOF * season)[0]
