"""Interval and Cadence: the only source of "now" in the stages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import croniter

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Half-open ``[start, end)``, both timezone-aware UTC instants, aligned to a `Cadence`.

    `key` is the name of the interval that people and Airflow partitions use
    (``2013-12-05`` for a day, ``2013-12-05T14Z`` for an hour, ``2013-12-05T06:00`` for a tick of a cron expression).
    """

    start: datetime
    end: datetime
    key: str

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError(f"interval bounds must be UTC instants, got {self.start} and {self.end}")
        if self.start >= self.end:
            raise ValueError(f"an interval ends after it starts, got {self.start} to {self.end}")

    def __str__(self) -> str:
        return self.key


class CadenceKind(StrEnum):
    """How often a project is measured."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    CRON = "cron"


@dataclass(frozen=True, slots=True)
class Cadence:
    """Cuts time into consecutive intervals.

    Hours (UTC), local days, local weeks from Monday, or the gaps between the ticks of a cron expression.

    Days and weeks are cut at local midnight in `timezone`, so a day has 23 or 25 hours when the
    clocks change. Hours are named in UTC, because a local hour happens twice in autumn. The ticks of a cron
    expression are named in local time; where that comes a second time, with its offset from UTC.

    >>> daily = Cadence(CadenceKind.DAILY, timezone="America/New_York")
    >>> day = daily.parse("2013-03-10")
    >>> day.end - day.start
    datetime.timedelta(seconds=82800)
    >>> daily.next(day).key
    '2013-03-11'
    >>> halves = Cadence(CadenceKind.CRON, timezone="America/New_York", cron="*/30 * * * *")
    >>> [halves.shift(halves.parse("2013-11-03T01:00"), steps).key for steps in range(4)]
    ['2013-11-03T01:00', '2013-11-03T01:30', '2013-11-03T01:00-05:00', '2013-11-03T01:30-05:00']
    """

    kind: CadenceKind
    timezone: str = "UTC"
    cron: str = ""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def expression(self) -> str:
        """The cron expression (in `cron_timezone`) whose ticks are the intervals' bounds."""
        return {
            CadenceKind.HOURLY: "0 * * * *",
            CadenceKind.DAILY: "0 0 * * *",
            CadenceKind.WEEKLY: "0 0 * * 1",
            CadenceKind.CRON: self.cron,
        }[self.kind]

    @property
    def cron_timezone(self) -> str:
        """The zone in which `expression` and keys are meant: UTC for hours, else the project's."""
        return "UTC" if self.kind is CadenceKind.HOURLY else self.timezone

    @property
    def key_format(self) -> str:
        """The ``strftime`` format of an interval's key, in `cron_timezone`.

        A cron expression's key may be followed by an offset from UTC.
        """
        return {
            CadenceKind.HOURLY: "%Y-%m-%dT%HZ",
            CadenceKind.DAILY: "%Y-%m-%d",
            CadenceKind.WEEKLY: "%Y-%m-%d",
            CadenceKind.CRON: "%Y-%m-%dT%H:%M",
        }[self.kind]

    @property
    def season(self) -> int:
        """Intervals in the natural season: 24 hours, 7 days, else none (1)."""
        return {CadenceKind.HOURLY: 24, CadenceKind.DAILY: 7}.get(self.kind, 1)

    def containing(self, instant: datetime) -> Interval:
        """The interval that holds the aware `instant`."""
        if instant.tzinfo is None:
            raise ValueError(f"the instant {instant} has no time zone")
        return _holding(self, instant.astimezone(UTC))

    def next(self, interval: Interval) -> Interval:
        """The interval that starts where `interval` ends."""
        return self.containing(interval.end)

    def previous(self, interval: Interval) -> Interval:
        """The interval that ends where `interval` starts."""
        return self.containing(interval.start - timedelta(microseconds=1))

    def shift(self, interval: Interval, steps: int) -> Interval:
        """The interval `steps` after (or, when negative, before) `interval`."""
        move = self.next if steps > 0 else self.previous
        for _ in range(abs(steps)):
            interval = move(interval)
        return interval

    def between(self, first: Interval, last: Interval) -> Iterator[Interval]:
        """All intervals from `first` to `last`, both included."""
        current = first
        while current.start <= last.start:
            yield current
            current = self.next(current)

    def last_complete(self, instant: datetime) -> Interval:
        """The newest interval that has ended at `instant`."""
        return self.previous(self.containing(instant))

    def parse(self, text: str) -> Interval:
        """The interval named by a key, or holding a date or an ISO 8601 time (naive means local).

        Raises `ValueError` with the accepted forms.
        """
        cleaned = text.strip()
        for form in (self.key_format, "%Y-%m-%d"):
            try:
                naive = datetime.strptime(cleaned, form)  # noqa: DTZ007 - the zone depends on the form
            except ValueError:
                continue
            zone = ZoneInfo(self.cron_timezone if form == self.key_format else self.timezone)
            return self.containing(naive.replace(tzinfo=zone))
        try:
            instant = datetime.fromisoformat(cleaned)
        except ValueError:
            raise ValueError(
                f"{text!r} names no {self.kind} interval; write it like "
                f"{self.containing(datetime(2026, 1, 5, tzinfo=self.zone)).key!r} or as an ISO 8601 time"
            ) from None
        return self.containing(instant if instant.tzinfo else instant.replace(tzinfo=self.zone))

    def local_date(self, interval: Interval) -> date:
        """The business date on which `interval` starts, in the project's zone."""
        return interval.start.astimezone(self.zone).date()

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)

    def _tick_after(self, start: datetime) -> datetime:
        tick: datetime = croniter(self.cron, start.astimezone(self.zone)).get_next(datetime)
        return tick.astimezone(UTC)

    def _make(self, start: datetime, end: datetime) -> Interval:
        local = start.astimezone(ZoneInfo(self.cron_timezone))
        key = local.strftime(self.key_format)
        if self.kind is CadenceKind.CRON and local.fold:
            key = local.isoformat(timespec="minutes")  # the same text with the offset, which `parse` reads as ISO 8601
        return Interval(start, end, key)


@lru_cache(maxsize=100_000)
def _holding(cadence: Cadence, utc: datetime) -> Interval:
    """The interval that holds `utc`. Every run walks through months of them."""
    match cadence.kind:
        case CadenceKind.HOURLY:
            start = utc.replace(minute=0, second=0, microsecond=0)
            return cadence._make(start, start + _HOUR)
        case CadenceKind.DAILY:
            day = utc.astimezone(cadence.zone).date()
            return cadence._make(cadence._midnight(day), cadence._midnight(day + timedelta(days=1)))
        case CadenceKind.WEEKLY:
            day = utc.astimezone(cadence.zone).date()
            monday = day - timedelta(days=day.weekday())
            return cadence._make(cadence._midnight(monday), cadence._midnight(monday + timedelta(days=7)))
        case CadenceKind.CRON:
            # A tick belongs to the interval that it starts, so look back from just after.
            ticks = croniter(cadence.cron, (utc.replace(microsecond=0) + timedelta(seconds=1)).astimezone(cadence.zone))
            start = ticks.get_prev(datetime).astimezone(UTC)
            return cadence._make(start, cadence._tick_after(start))
