"""The scheduler's runs, walked over years in which the clocks change, are the Cadence's intervals exactly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DagRunInfo, TimeRestriction, Timetable
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus.airflow.dags import project_dag
from lupus.airflow.timetables import CadenceTimetable
from lupus.model import Cadence, CadenceKind, FileFormat, FileSource, Project, Role, Table

HOURLY, DAILY, WEEKLY, CRON = CadenceKind.HOURLY, CadenceKind.DAILY, CadenceKind.WEEKLY, CadenceKind.CRON
CADENCES = [
    Cadence(HOURLY, timezone="America/New_York"),
    Cadence(DAILY),
    Cadence(DAILY, timezone="America/New_York"),
    Cadence(DAILY, timezone="Australia/Lord_Howe"),  # changes by half an hour
    Cadence(DAILY, timezone="America/Santiago"),  # the clocks change at midnight: a day without its midnight
    Cadence(DAILY, timezone="Atlantic/Azores"),
    Cadence(DAILY, timezone="Africa/Cairo"),
    Cadence(WEEKLY, timezone="Europe/Berlin"),
    Cadence(CRON, timezone="America/New_York", cron="0 6 * * 1-5"),
    Cadence(CRON, timezone="America/New_York", cron="30 2 * * *"),  # a time that one day does not have
    Cadence(CRON, timezone="America/New_York", cron="0 */6 * * *"),
    Cadence(CRON, timezone="America/New_York", cron="30 1 * * *"),  # a time that one day has twice
    Cadence(CRON, timezone="UTC", cron="15 */4 * * *"),
    Cadence(CRON, timezone="Europe/Berlin", cron="0 0 1 * *"),
]


def project(cadence: Cadence, start: datetime, end: datetime | None = None) -> Project:
    table = Table("data", Role.DATA, FileSource("x.csv", FileFormat.CSV))
    return Project(name="watched", owner="someone", cadence=cadence, start=start, end=end, tables=(table,))


def stored(watched: Project) -> tuple[Timetable, datetime, datetime | None]:
    """What the scheduler has of the project's Dag: read back from its stored form."""
    dag = DagSerialization.from_dict(DagSerialization.to_dict(project_dag(watched, "")))
    return dag.timetable, dag.start_date, dag.end_date


def walk(timetable: Timetable, earliest: datetime, latest: datetime) -> Iterator[DagRunInfo]:
    """Every run that the scheduler would make between two moments, with catchup."""
    restriction = TimeRestriction(pendulum.instance(earliest), pendulum.instance(latest), catchup=True)
    info = None
    while info := timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        yield info


@pytest.mark.parametrize("cadence", CADENCES, ids=lambda one: f"{one.kind}-{one.timezone}-{one.cron}")
def test_every_interval_has_one_run_due_at_its_end_with_its_key(cadence: Cadence) -> None:
    first = cadence.containing(datetime(2024, 2, 20, 12, tzinfo=UTC))
    last = cadence.containing(datetime(2024, 12, 1, tzinfo=UTC))
    timetable, earliest, _ = stored(project(cadence, first.start))
    expected = list(cadence.between(first, last))
    runs = list(walk(timetable, earliest, last.end))
    assert [(run.partition_key, run.run_after) for run in runs] == [(one.key, one.end) for one in expected]
    assert [cadence.parse(str(run.partition_key)) for run in runs] == expected
    assert [timetable._decode_partition_date(str(run.partition_key)) for run in runs] == [one.start for one in expected]


@pytest.mark.parametrize("cadence", CADENCES, ids=lambda one: f"{one.kind}-{one.timezone}-{one.cron}")
def test_a_backfill_makes_the_same_keys(cadence: Cadence) -> None:
    timetable, _, _ = stored(project(cadence, datetime(2024, 1, 1, tzinfo=UTC)))
    # Airflow takes a backfill's bounds as wall-clock time in the timetable's zone.
    infos = list(
        timetable.iter_partition_dagrun_infos(
            earliest=datetime(2024, 10, 20, tzinfo=UTC), latest=datetime(2024, 11, 20, tzinfo=UTC)
        )
    )
    intervals = [cadence.containing(info.partition_date) for info in infos]
    assert [info.partition_key for info in infos] == [one.key for one in intervals]
    assert intervals == list(cadence.between(intervals[0], intervals[-1]))


@pytest.mark.parametrize("cadence", CADENCES, ids=lambda one: f"{one.kind}-{one.timezone}-{one.cron}")
def test_the_first_run_is_that_of_the_first_whole_interval_and_the_last_ends_at_the_end(cadence: Cadence) -> None:
    whole = cadence.containing(datetime(2024, 3, 6, 3, tzinfo=UTC))
    last = cadence.shift(whole, 3)
    aligned = project(cadence, whole.start, last.end)
    timetable, earliest, end = stored(aligned)
    assert end is not None
    assert [run.partition_key for run in walk(timetable, earliest, end)] == [
        one.key for one in cadence.between(whole, last)
    ]
    in_between = project(cadence, whole.start + timedelta(minutes=1), last.end)
    timetable, earliest, _ = stored(in_between)
    assert next(walk(timetable, earliest, end)).partition_key == cadence.next(whole).key


def test_the_repeated_hour_has_runs_of_its_own() -> None:
    cadence = Cadence(CRON, timezone="Europe/Berlin", cron="*/30 * * * *")
    first, last = cadence.parse("2024-10-27T01:30"), cadence.parse("2024-10-27T03:00")
    timetable, earliest, _ = stored(project(cadence, first.start))
    keys = [str(run.partition_key) for run in walk(timetable, earliest, last.end)]
    assert keys == [
        "2024-10-27T01:30",
        "2024-10-27T02:00",
        "2024-10-27T02:30",
        "2024-10-27T02:00+01:00",
        "2024-10-27T02:30+01:00",
        "2024-10-27T03:00",
    ]
    assert [timetable._decode_partition_date(key) for key in keys] == [
        one.start for one in cadence.between(first, last)
    ]


@settings(max_examples=200, deadline=None)
@given(
    cadence=st.sampled_from(CADENCES),
    moment=st.integers(1_580_000_000, 1_900_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
)
def test_ticks_are_consistent_everywhere(cadence: Cadence, moment: datetime) -> None:
    timetable = CadenceTimetable.deserialize(CadenceTimetable(cadence).serialize())
    now = pendulum.instance(moment)
    before, after = timetable._get_prev(now), timetable._get_next(now)
    assert before < now < after
    assert timetable._get_next(before) in (now, after)
    assert timetable._align_to_next(after) == after == timetable._align_to_prev(after)
    assert timetable._align_to_prev(now) in (before, now)
    assert timetable._align_to_next(now) in (now, after)


def test_a_manual_run_with_a_key_that_is_none_is_refused_by_airflow() -> None:
    from airflow.exceptions import InvalidPartitionKeyError

    timetable, _, _ = stored(project(Cadence(DAILY), datetime(2024, 1, 1, tzinfo=UTC)))
    with pytest.raises(InvalidPartitionKeyError):
        timetable._decode_partition_date("yesterday")
