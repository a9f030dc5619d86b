"""Cadences cut time without gaps, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from lupus.model import Cadence, CadenceKind, Interval

NEW_YORK = "America/New_York"
HOURLY = Cadence(CadenceKind.HOURLY, NEW_YORK)
DAILY = Cadence(CadenceKind.DAILY, NEW_YORK)
WEEKLY = Cadence(CadenceKind.WEEKLY, NEW_YORK)
CRON = Cadence(CadenceKind.CRON, NEW_YORK, "0 6,18 * * *")


@pytest.mark.parametrize(
    ("cadence", "text", "start", "hours"),
    [
        (DAILY, "2013-03-09", "2013-03-09T05:00Z", 24),
        (DAILY, "2013-03-10", "2013-03-10T05:00Z", 23),
        (DAILY, "2013-11-03", "2013-11-03T04:00Z", 25),
        (DAILY, "2013-11-03T23:30:00", "2013-11-03T04:00Z", 25),
        (DAILY, "2013-11-04T04:59:59+00:00", "2013-11-03T04:00Z", 25),
        (WEEKLY, "2013-03-08", "2013-03-04T05:00Z", 7 * 24 - 1),
        (WEEKLY, "2013-03-11", "2013-03-11T04:00Z", 7 * 24),
        (HOURLY, "2013-11-03T06Z", "2013-11-03T06:00Z", 1),
        (HOURLY, "2013-11-03T06:40:00+00:00", "2013-11-03T06:00Z", 1),
        (CRON, "2013-07-01T06:00", "2013-07-01T10:00Z", 12),
        (CRON, "2013-07-01T17:59:59", "2013-07-01T10:00Z", 12),
        (CRON, "2013-03-09T18:00", "2013-03-09T23:00Z", 11),
    ],
)
def test_an_interval_by_its_name(cadence: Cadence, text: str, start: str, hours: int) -> None:
    interval = cadence.parse(text)
    assert interval.start == datetime.fromisoformat(start)
    assert interval.end - interval.start == timedelta(hours=hours)
    assert cadence.parse(interval.key) == interval


@pytest.mark.parametrize("cadence", [HOURLY, DAILY, WEEKLY, CRON], ids=lambda cadence: cadence.kind)
@pytest.mark.parametrize("month", [3, 11])
def test_intervals_touch_and_their_keys_are_unique(cadence: Cadence, month: int) -> None:
    first = cadence.containing(datetime(2013, month, 1, tzinfo=UTC))
    last = cadence.shift(first, 60)
    intervals = list(cadence.between(first, last))
    assert len(intervals) == 61
    assert all(a.end == b.start for a, b in pairwise(intervals))
    assert len({interval.key for interval in intervals}) == 61
    assert [cadence.previous(interval) for interval in intervals[1:]] == intervals[:-1]
    assert cadence.shift(last, -60) == first


@pytest.mark.parametrize(
    ("zone", "day", "repeated"),
    [
        (NEW_YORK, "2024-11-03", ["2024-11-03T01:00-05:00", "2024-11-03T01:30-05:00"]),
        ("Europe/Berlin", "2024-10-27", ["2024-10-27T02:00+01:00", "2024-10-27T02:30+01:00"]),
        ("Australia/Lord_Howe", "2024-04-07", ["2024-04-07T01:30+10:30"]),
        ("America/Santiago", "2024-04-06", ["2024-04-06T23:00-04:00", "2024-04-06T23:30-04:00"]),
        ("Asia/Tokyo", "2024-10-27", []),
    ],
)
def test_half_hours_have_their_own_keys_when_the_clocks_go_back(zone: str, day: str, repeated: list[str]) -> None:
    halves = Cadence(CadenceKind.CRON, zone, "*/30 * * * *")
    first = halves.parse(day)
    intervals = list(halves.between(first, halves.shift(first, 60)))
    keys = [interval.key for interval in intervals]
    assert len(set(keys)) == len(keys)
    assert [key for key in keys if len(key) > len("2024-11-03T01:00")] == repeated
    assert all(halves.parse(interval.key) == interval for interval in intervals)
    assert all(a.end == b.start for a, b in pairwise(intervals))


def test_the_last_complete_interval_has_ended() -> None:
    midnight = datetime(2013, 7, 4, tzinfo=ZoneInfo(NEW_YORK))
    assert DAILY.last_complete(midnight).key == "2013-07-03"
    assert DAILY.last_complete(midnight - timedelta(seconds=1)).key == "2013-07-02"


@pytest.mark.parametrize("text", ["", "yesterday", "2013-13-01", "2013-02-30", "20130"])
def test_a_name_that_is_none_says_what_would_be_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no daily interval; write it like '2026-01-05'"):
        DAILY.parse(text)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        DAILY.containing(datetime(2013, 7, 4))  # noqa: DTZ001 - on purpose


def test_bounds_are_utc_and_ordered() -> None:
    noon = datetime(2013, 7, 4, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="must be UTC"):
        Interval(noon.astimezone(ZoneInfo(NEW_YORK)), noon, "x")
    with pytest.raises(ValueError, match="ends after it starts"):
        Interval(noon, noon, "x")
