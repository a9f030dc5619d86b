"""Window: what an Interval means to a time column, whatever the column's type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lupus.model import Cadence, Interval

# No zone is farther from UTC than 14 hours.
_FARTHEST = timedelta(hours=15)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open bounds of `interval` for dates, naive timestamps, instants and ISO texts.

    `dates` are business dates in the project's zone, None when the interval is not made of whole days.
    `walls` bound naive timestamps that are meant in the table's zone. `texts` bound ISO 8601 texts of any
    kind from outside: every text that may lie in the interval compares between them.
    """

    interval: Interval
    dates: tuple[date, date] | None
    walls: tuple[datetime, datetime]
    texts: tuple[str, str]

    @property
    def instants(self) -> tuple[datetime, datetime]:
        return (self.interval.start, self.interval.end)


def window_of(cadence: Cadence, interval: Interval, timezone: str) -> Window:
    """The window of `interval` for a table whose naive timestamps are in `timezone`.

    >>> from lupus.model import CadenceKind
    >>> hourly = Cadence(CadenceKind.HOURLY, timezone="America/New_York")
    >>> autumn = window_of(hourly, hourly.parse("2013-11-03T05Z"), "America/New_York")
    >>> [str(wall) for wall in autumn.walls], autumn.dates
    (['2013-11-03 01:00:00', '2013-11-03 02:00:00'], None)
    """
    zone = ZoneInfo(timezone)
    start, end = interval.start, interval.end
    return Window(
        interval=interval,
        dates=_whole_days(cadence, interval),
        walls=(_first_wall(start, zone), _first_wall(end, zone)),
        texts=((start - _FARTHEST).date().isoformat(), ((end + _FARTHEST).date() + _DAY).isoformat()),
    )


def _whole_days(cadence: Cadence, interval: Interval) -> tuple[date, date] | None:
    """The business dates of `interval`, None unless both bounds are a local midnight."""
    days = []
    for bound in (interval.start, interval.end):
        day = bound.astimezone(cadence.zone).date()
        # Where the clocks change at midnight there is no 00:00; the day then begins with its first instant.
        if datetime.combine(day, time(), tzinfo=cadence.zone).astimezone(UTC) != bound:
            return None
        days.append(day)
    return (days[0], days[1])


def _first_wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """The first naive time in `zone` that belongs at or after `instant`.

    A wall time that stands twice when the clocks go back belongs to the first of its two instants, one that
    is skipped to the hour after the gap. Both bounds of neighbouring intervals come from this one function,
    so every naive time belongs to exactly one interval.
    """
    local = instant.astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    # In the repeated hour: naive times here mean the first pass, so what follows begins when the hour is over.
    earlier, later = instant - _DAY, instant
    offset = local.utcoffset()
    while later - earlier > timedelta(microseconds=1):
        middle = earlier + (later - earlier) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            later = middle
        else:
            earlier = middle
    before = earlier.astimezone(zone).utcoffset() or timedelta(0)
    return (later + before).replace(tzinfo=None)
