"""Whatever the instant and the zone: every instant lies in exactly one interval."""

from __future__ import annotations

from datetime import UTC, datetime

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


@given(st.lists(st.text(), min_size=5, max_size=5), st.lists(st.text(), min_size=5, max_size=5))
def test_series_ids_fit_into_63_bits_and_differ(one: list[str], other: list[str]) -> None:
    assert 0 <= SeriesKey(*one).id < 2**63
    assert (one == other) == (SeriesKey(*one).id == SeriesKey(*other).id)
