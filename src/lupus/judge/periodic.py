"""`periodic`: deviation from periodical change, weekly, monthly and yearly, as far as the history allows.

For each series, on the scale on which its noise is even (`judge.scale`), and from columns before the point only:

1. **Level.** The median of the last four seasons (weeks; days of an hourly cadence).
2. **Season.** The median deviation from the level that this weekday (hour) had in the last `seasons` seasons.
3. **Month.** The median of what was left on this day of the month in the last six months, the last day of a month
   standing for days that it does not have. For daily cadences.
4. **Year.** The median of what was left in the week around the same weekday a year (52 weeks) ago. For daily cadences.
5. Month and year count for a series only where they made its errors over the last quarter a twentieth smaller.
6. **Holidays** of the country, when it is given, are in no baseline. `expected` ones are not judged either; `watched`
   ones are judged as the day that they would have been.
7. **Band.** As wide as that of `recent_average`: from the tails of the expectation's own errors over 13 weeks.

`recent_average` is the better first choice: it weighs the weekday by how well it predicts and needs less history.
This one is for series that a calendar rules.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.chance import Tail
from lupus.judge.noise import tail_noise
from lupus.judge.rolling import before, quantiles, trailing, trailing_count, trailing_mean
from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.scale import Scale
from lupus.judge.sentences import nouns, seasons, tell
from lupus.model import CadenceKind, LupusError, PeriodicParameters, Severity

Floats = NDArray[np.float64]

_LEVEL: Final = 4  # seasons
_MEMORY: Final = 91
_MONTHS: Final = 6
_LONGEST_MONTHS: Final = _MONTHS * 31
_YEAR: Final = 364
_AROUND: Final = 3
_HELPS: Final = 0.95
_SMALLEST: Final = 1e-300
_CHUNK: Final = 400_000


class PeriodicRule:
    """Anomalous is what is further from its periodical change than the series' own noise explains."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = PeriodicParameters(**parameters)
        if self.parameters.holidays:
            _holidays(self.parameters.holidays, [2000])

    @property
    def tail(self) -> Tail:
        return Tail(0.005, 2.4).of_wider(self.parameters.sensitivity / 4.0)

    @property
    def least_severity(self) -> Severity:
        return Severity.LOW

    def lookback(self, season: int) -> int:
        cycle = max(season, 1)
        # The noise is of errors of what the year explains beyond what the month explains beyond the season; months and
        # years are each watched for a quarter before they count.
        month = _LONGEST_MONTHS + _MEMORY if self.parameters.monthly else 0
        year = _YEAR + _AROUND + _MEMORY if self.parameters.yearly else 0
        return _MEMORY + year + month + (_LEVEL + self.parameters.seasons) * cycle + 28

    def assess(self, matrix: Matrix) -> Assessment:
        shape = (matrix.values.shape[0], len(matrix.at))
        remarks: dict[tuple[int, int], str] = {}
        parts = Assessment(
            expected=np.full(shape, np.nan),
            lower=np.full(shape, np.nan),
            upper=np.full(shape, np.nan),
            score=np.full(shape, np.nan),
            seen=np.zeros(shape, dtype=np.int64),
            needed=self.parameters.min_history,
            seasonal=np.full(shape, matrix.season > 1),
            remarks=remarks,
        )
        if not parts.expected.size:
            return parts
        first = max(0, int(matrix.at[0]) - self.lookback(matrix.season))
        columns = slice(first, int(matrix.at[-1]) + 1)
        days = self._days(matrix, columns)
        free = self._free(days, columns)
        step = max(1, _CHUNK // ((columns.stop - first) * 28))
        for start in range(0, shape[0], step):
            self._assess(matrix, columns, slice(start, start + step), parts, days=days, free=free)
        if self.parameters.on_holidays == "expected":
            for column in np.flatnonzero(free[matrix.at - first]).tolist():
                for part in (parts.expected, parts.lower, parts.upper, parts.score):
                    part[:, column] = np.nan
                remarks.update({(row, column): "a holiday, so not judged" for row in range(shape[0])})
        return parts

    def sentence(self, anomaly: Anomaly) -> str:
        same = seasons(anomaly.cadence, anomaly.interval, self.parameters.seasons) if anomaly.seasonal else ""
        span = same or f"{_LEVEL * 7} {nouns(anomaly.cadence)}"
        return tell(anomaly, because=f"expected from the periodical change over the last {span}")

    def _days(self, matrix: Matrix, columns: slice) -> list[date]:
        """The local date of each column, where the cadence has one value for each day; else empty."""
        if matrix.cadence is None or not matrix.intervals:
            return []
        if matrix.cadence.kind is not CadenceKind.DAILY and not self.parameters.holidays:
            return []
        return [matrix.cadence.local_date(interval) for interval in matrix.intervals[columns]]

    def _free(self, days: Sequence[date], columns: slice) -> NDArray[np.bool_]:
        country = self.parameters.holidays
        if not country or not days:
            return np.zeros(columns.stop - columns.start, dtype=bool)
        known = _holidays(country, range(days[0].year, days[-1].year + 1))
        return np.array([day in known for day in days], dtype=bool)

    def _assess(
        self,
        matrix: Matrix,
        columns: slice,
        rows: slice,
        parts: Assessment,
        *,
        days: Sequence[date],
        free: NDArray[np.bool_],
    ) -> None:
        scale = Scale(matrix.units[rows])
        at = matrix.at - columns.start
        baseline = scale.even(matrix.baseline[rows, columns])
        baseline[:, free] = np.nan
        known = ~np.isnan(baseline)
        expected = self._expect(baseline, max(matrix.season, 1), days if self._is_daily(matrix) else [])
        noise, count = tail_noise(np.abs(baseline - expected), at, _MEMORY)
        centre = expected[:, at]
        noise = np.maximum(noise, scale.floor(centre, matrix.n[rows][:, matrix.at]))
        half = np.maximum(self.parameters.sensitivity * noise, _SMALLEST)
        value = scale.even(matrix.values[rows][:, matrix.at])
        distance = value - centre
        lower, upper = scale.possible(scale.back(value), scale.back(centre - half), scale.back(centre + half))
        if self.parameters.direction == "up":
            lower, distance = np.full_like(lower, np.nan), np.maximum(distance, 0)
        elif self.parameters.direction == "down":
            upper, distance = np.full_like(upper, np.nan), np.minimum(distance, 0)
        with np.errstate(over="ignore"):
            score = np.minimum(np.abs(distance) / half, MOST)
        parts.expected[rows], parts.lower[rows], parts.upper[rows] = scale.back(centre), lower, upper
        parts.score[rows] = score
        seen = trailing_count(known, _LEVEL * max(matrix.season, 7) + self.parameters.min_history)[:, at]
        parts.seen[rows] = np.where(count > 1, seen, np.minimum(seen, self.parameters.min_history - 1))

    def _is_daily(self, matrix: Matrix) -> bool:
        return matrix.cadence is not None and matrix.cadence.kind is CadenceKind.DAILY

    def _expect(self, baseline: Floats, season: int, days: Sequence[date]) -> Floats:
        known = ~np.isnan(baseline)
        width = _LEVEL * season if season > 1 else 28
        (level,) = quantiles(trailing(baseline, width), trailing_count(known, width), (0.5,))
        expected = level
        if season > 1:
            away = baseline - level
            expected = level + np.nan_to_num(
                _median([before(away, back * season) for back in range(1, self.parameters.seasons + 1)], least=2)
            )
        if self.parameters.monthly and days:
            left = baseline - expected
            month = _median([_moved(left, places) for places in _months(days)], least=2)
            expected = expected + _where_it_helps(left, month)
        if self.parameters.yearly and days:
            left = baseline - expected
            year = _median([before(left, _YEAR + near) for near in range(-_AROUND, _AROUND + 1)], least=_AROUND)
            expected = expected + _where_it_helps(left, year)
        return expected


def _where_it_helps(left: Floats, effect: Floats) -> Floats:
    """The `effect` (S, T) where it made what was `left` (S, T) smaller over the quarter before, else 0."""
    known = np.where(np.isnan(effect), np.nan, left)
    plain = trailing_mean(np.abs(known), _MEMORY)
    better = trailing_mean(np.abs(known - effect), _MEMORY)
    return np.where(better < _HELPS * plain, np.nan_to_num(effect), 0.0)


def _median(parts: Sequence[Floats], *, least: int) -> Floats:
    """The medians (S, T) of `parts`, NaN where fewer than `least` of them are known."""
    stacked = np.stack(parts, axis=-1)
    count = (~np.isnan(stacked)).sum(axis=-1)
    (middle,) = quantiles(stacked, count, (0.5,))
    return np.where(count >= least, middle, np.nan)


def _months(days: Sequence[date]) -> list[NDArray[np.intp]]:
    """For each of the last six months the columns (T,) of the same day of the month, -1 where there is none."""
    first, found = days[0], []
    for back in range(1, _MONTHS + 1):
        places = []
        for day in days:
            year, month = divmod(day.year * 12 + day.month - 1 - back, 12)
            length = monthrange(year, month + 1)[1]
            # The last of a month is the same day in every month, and no other day is.
            last = (day + timedelta(days=1)).day == 1
            there = date(year, month + 1, length if last else min(day.day, length))
            places.append((there - first).days if there >= first and last == (there.day == length) else -1)
        found.append(np.array(places, dtype=np.intp))
    return found


def _moved(values: Floats, places: NDArray[np.intp]) -> Floats:
    return np.where(places >= 0, values[:, np.maximum(places, 0)], np.nan)


def _holidays(country: str, years: Sequence[int] | range) -> frozenset[date]:
    """The holidays of ``US`` or ``DE-BY`` in `years`."""
    try:
        import holidays
    except ImportError:
        raise LupusError("holidays need the package of that name: pip install 'lupus[holidays]'") from None
    name, _, region = country.partition("-")
    try:
        return frozenset(holidays.country_holidays(name, subdiv=region or None, years=list(years)))
    except (NotImplementedError, KeyError, AttributeError) as error:
        raise LupusError(f"holidays {country!r} are not known: {error}; write a country like US or DE-BY") from None
