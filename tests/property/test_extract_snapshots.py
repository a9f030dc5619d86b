"""Every time belongs to exactly one interval; a snapshot's hash is its content's, whatever the batches."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus.extract import window_of
from lupus.extract.clip import clip
from lupus.extract.snapshots import spooled
from lupus.extract.source import Slice
from lupus.model import Cadence, CadenceKind, PythonSource, Role, Table

ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "Africa/Cairo"]
)
CADENCES = st.builds(Cadence, st.sampled_from([CadenceKind.HOURLY, CadenceKind.DAILY, CadenceKind.WEEKLY]), ZONES)
# Half of the moments lie near a change of the clocks.
CHANGES = [datetime(2025, 3, 9, 7), datetime(2025, 11, 2, 6), datetime(2025, 4, 5, 15), datetime(2025, 4, 24, 22)]  # noqa: DTZ001
MOMENTS = st.one_of(
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001
    st.builds(lambda at, minutes: at + timedelta(minutes=minutes), st.sampled_from(CHANGES), st.integers(-600, 600)),
)


def count(values: pa.Array, cadence: Cadence, interval: Any, timezone: str) -> int:
    table = Table("t", Role.DATA, PythonSource("m:f"), time="at", timezone=timezone)
    wanted = Slice("p", table, cadence, window_of(cadence, interval, timezone))
    return sum(batch.num_rows for batch in clip([pa.RecordBatch.from_arrays([values], ["at"])], wanted))


@settings(deadline=None)
@given(cadence=CADENCES, moment=MOMENTS, zone=ZONES)
def test_every_wall_time_belongs_to_one_interval(cadence: Cadence, moment: datetime, zone: str) -> None:
    middle = cadence.containing(moment.replace(tzinfo=ZoneInfo(zone)))
    around = [cadence.shift(middle, step) for step in range(-3, 4)]
    for values in (
        pa.array([moment], pa.timestamp("us")),
        pa.array([moment.isoformat()]),
        pa.array([moment.isoformat(" ")]),
    ):
        found = [interval for interval in around if count(values, cadence, interval, zone)]
        assert len(found) == 1
        exists = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if exists == moment:
            assert found == [middle], "and it is the one that holds the (first) instant of that name"


@settings(deadline=None)
@given(cadence=CADENCES, moment=MOMENTS)
def test_every_instant_belongs_to_its_interval(cadence: Cadence, moment: datetime) -> None:
    instant = moment.replace(tzinfo=UTC)
    interval = cadence.containing(instant)
    for values in (
        pa.array([instant], pa.timestamp("us", "UTC")),
        pa.array([instant], pa.timestamp("us", "Asia/Kathmandu")),
        pa.array([instant.isoformat()]),
        pa.array([instant.astimezone(ZoneInfo("Asia/Kathmandu")).isoformat()]),
    ):
        assert count(values, cadence, interval, "America/New_York") == 1
        assert count(values, cadence, cadence.next(interval), "America/New_York") == 0
        assert count(values, cadence, cadence.previous(interval), "America/New_York") == 0


@settings(deadline=None)
@given(zone=ZONES, day=st.dates(date(2024, 1, 1), date(2026, 12, 31)), weekly=st.booleans())
def test_every_date_belongs_to_its_day(zone: str, day: date, weekly: bool) -> None:
    cadence = Cadence(CadenceKind.WEEKLY if weekly else CadenceKind.DAILY, zone)
    interval = cadence.parse(day.isoformat())
    for values in (pa.array([day], pa.date32()), pa.array([day.isoformat()])):
        counts = [
            count(values, cadence, i, "UTC") for i in (cadence.previous(interval), interval, cadence.next(interval))
        ]
        assert counts == [0, 1, 0]


@settings(deadline=None)
@given(cadence=CADENCES, moment=MOMENTS, zone=ZONES, offset=st.integers(-14 * 60, 14 * 60))
def test_text_bounds_hold_every_text_of_the_interval(
    cadence: Cadence, moment: datetime, zone: str, offset: int
) -> None:
    from datetime import timezone

    interval = cadence.containing(moment.replace(tzinfo=ZoneInfo(zone)))
    window = window_of(cadence, interval, zone)
    instant = interval.start + (interval.end - interval.start) / 3
    texts = [
        instant.astimezone(timezone(timedelta(minutes=offset))).isoformat(),
        instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" "),
        *(day.isoformat() for day in (window.dates or ())[:1]),
    ]
    for text in texts:
        assert window.texts[0] <= text < window.texts[1]


VALUES = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=60),
    st.lists(st.one_of(st.none(), st.floats()), max_size=60),
    st.lists(st.one_of(st.none(), st.text()), max_size=60),
    st.lists(st.one_of(st.none(), st.booleans()), max_size=60),
)


def spool(table: pa.Table, sizes: list[int]) -> tuple[str, list[dict[str, Any]]]:
    batches = []
    start = 0
    for size in [*sizes, table.num_rows]:
        batches += table.slice(start, size).combine_chunks().to_batches()
        start += size
    with tempfile.TemporaryDirectory() as folder, spooled(batches, Path(folder), "t") as written:
        rows = pq.read_table(written.path).to_pylist() if written.path else []
        return written.content_hash, rows


@settings(deadline=None)
@given(values=VALUES, sizes=st.lists(st.integers(0, 20), max_size=6))
def test_the_hash_is_the_content(values: list[Any], sizes: list[int]) -> None:
    table = pa.table({"x": pa.array(values), "n": pa.array(range(len(values)), pa.int64())})
    whole, rows = spool(table, [])
    parts, same = spool(table, sizes)
    assert parts == whole
    assert repr(same) == repr(rows) == repr(table.to_pylist())
    if len(values) > 1 and repr(values[0]) != repr(values[-1]):
        turned = table.take(pa.array(range(len(values) - 1, -1, -1)))
        assert spool(turned, [])[0] != whole, "another order is other content"
