"""Whatever the instant and the zone: every instant lies in exactly one interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus.model import Cadence, CadenceKind, SeriesKey

ZONES = [
    "UTC",
    "America/New_York",
    "Asia/Tokyo",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Kathmandu",
]
instants = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
cadences = st.builds(
    Cadence,
    st.sampled_from([CadenceKind.HOURLY, CadenceKind.DAILY, CadenceKind.WEEKLY]),
    st.sampled_from(ZONES),
)


@given(cadences, instants)
def test_an_instant_lies_in_its_interval_and_the_neighbours_touch(cadence: Cadence, instant: datetime) -> None:
    interval = cadence.containing(instant)
    assert interval.start <= instant < interval.end
    assert cadence.next(interval).start == interval.end
    assert cadence.previous(interval).end == interval.start
    assert cadence.parse(interval.key) == interval


CRONS = ["*/30 * * * *", "*/7 * * * *", "0 * * * *", "30 1 * * *", "45 1,2,3 * * *"]


def when_the_clocks_change(zone: str) -> list[datetime]:
    """The instants, to the half hour, at which the offset of `zone` changes in a few years."""
    steps = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(4 * 366 * 48)]
    offsets = [step.astimezone(ZoneInfo(zone)).utcoffset() for step in steps]
    return [step for step, (before, after) in zip(steps[1:], pairwise(offsets), strict=True) if before != after]


CHANGES = {zone: when_the_clocks_change(zone) for zone in ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe")}


@given(st.data(), st.sampled_from(CRONS), st.sampled_from(sorted(CHANGES)))
def test_ticks_of_cron_keep_their_names_where_the_clocks_change(data: st.DataObject, cron: str, zone: str) -> None:
    minutes = data.draw(st.integers(-240, 240))
    cadence = Cadence(CadenceKind.CRON, zone, cron)
    first = cadence.containing(data.draw(st.sampled_from(CHANGES[zone])) + timedelta(minutes=minutes))
    intervals = list(cadence.between(first, cadence.shift(first, 8)))
    assert [cadence.parse(interval.key) for interval in intervals] == intervals
    assert len({interval.key for interval in intervals}) == len(intervals)


@pytest.mark.parametrize("zone", sorted(CHANGES))
def test_no_key_of_a_year_of_half_hours_comes_twice(zone: str) -> None:
    cadence = Cadence(CadenceKind.CRON, zone, "*/30 * * * *")
    first = cadence.containing(datetime(2023, 1, 1, tzinfo=UTC))
    intervals = list(cadence.between(first, cadence.containing(datetime(2023, 12, 31, 23, 30, tzinfo=UTC))))
    assert len(intervals) == 365 * 48
    assert len({interval.key for interval in intervals}) == len(intervals)
    # Reading is slow, and what is not near a change of the clocks is read alike.
    near = [one for one in intervals if any(abs(one.start - change) < timedelta(hours=12) for change in CHANGES[zone])]
    assert [cadence.parse(interval.key) for interval in near] == near


@given(st.lists(st.text(), min_size=5, max_size=5), st.lists(st.text(), min_size=5, max_size=5))
def test_series_ids_fit_into_63_bits_and_differ(one: list[str], other: list[str]) -> None:
    assert 0 <= SeriesKey(*one).id < 2**63
    assert (one == other) == (SeriesKey(*one).id == SeriesKey(*other).id)
