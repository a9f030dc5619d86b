"""Runs that do not come: which projects are silent, and that their owners are told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.installation import Installation

import loop
from lupus.act import read_outbox
from lupus.airflow.deadlines import WATCH_DAG, WatchOperator, deadline_alert, run_is_late, watch_dag
from lupus.model import NoticeState, Reason, Stage
from lupus.stages import deliver, silence_of, tell_missing

MIDNIGHT = datetime(2026, 1, 11, tzinfo=UTC)
"""The end of day 9."""


def ran(made: Installation, *days: int, status: str = "ok") -> None:
    """As if the stages of these days had run."""
    cadence = made.project("loop").cadence
    with made.workspace() as opened:
        opened.store.upgrade()
        for number in days:
            interval = cadence.parse(loop.day(number))
            opened.store.start_run("loop", interval, Stage.ACT, MIDNIGHT)
            opened.store.finish_run("loop", interval, Stage.ACT, MIDNIGHT, status)


def silent(made: Installation, now: datetime) -> str:
    with made.workspace() as opened:
        found = silence_of(opened, made.project("loop"), now)
        return "" if found is None else f"{found.interval.key}: {found.sentence}"


@pytest.mark.parametrize(
    ("days", "hours", "expected"),
    [
        (range(10), 7, ""),
        (range(9), 5, ""),  # not due yet
        (range(9), 6, "2026-01-10"),
        (range(8), 7, "2026-01-09"),  # the older of the two that are missing
        ((), 7, "2026-01-10"),  # a new project begins with the newest
        (range(9, 10), 7, ""),
    ],
)
def test_silent_after_the_deadline(tmp_path: Path, days: range, hours: int, expected: str) -> None:
    made = loop.install(tmp_path / "loop", more="schedule: {deadline: 6h}\n")
    ran(made, *days)
    said = silent(made, MIDNIGHT + timedelta(hours=hours))
    assert said.partition(":")[0] == expected


def test_without_a_deadline_after_two_missed_intervals(tmp_path: Path) -> None:
    made = loop.install(tmp_path / "loop")
    ran(made, *range(9))
    assert silent(made, MIDNIGHT + timedelta(hours=20)) == ""
    assert silent(made, MIDNIGHT + timedelta(hours=24)) == (
        "2026-01-10: no complete run of 2026-01-10, which was due at 2026-01-11 00:00 UTC; "
        "the last one was of 2026-01-09"
    )
    assert "silent loop" in made.lupus("doctor").text


def test_a_run_that_failed_did_not_come(tmp_path: Path) -> None:
    made = loop.install(tmp_path / "loop", more="schedule: {deadline: 1h}\n")
    ran(made, *range(9))
    ran(made, 9, status="failed")
    assert silent(made, MIDNIGHT + timedelta(hours=2)).startswith("2026-01-10")


def test_nothing_is_missed_before_the_start_and_after_the_end(tmp_path: Path) -> None:
    made = loop.install(tmp_path / "loop", more="schedule: {deadline: 1h}\nend: 2026-01-10\n")
    ran(made)
    assert silent(made, datetime(2026, 1, 1, 12, tzinfo=UTC)) == ""
    assert silent(made, datetime(2026, 1, 2, 12, tzinfo=UTC)).startswith("2026-01-01")
    assert silent(made, datetime(2026, 2, 2, tzinfo=UTC)) == ""


def test_the_owner_is_told_once_whoever_tells(tmp_path: Path) -> None:
    made = loop.install(tmp_path / "loop", more="schedule: {deadline: 6h}\n")
    ran(made, *range(9))
    project = made.project("loop")
    interval = project.cadence.parse(loop.day(9))
    with made.workspace() as opened:
        for _ in range(3):
            notice = tell_missing(opened, project, interval)
            assert notice is not None
            deliver(opened, "loop")
        (stored,) = opened.store.notices("loop")
    assert (stored.reason, stored.state, stored.incident) == (Reason.MISSING_RUN, NoticeState.SENT, "")
    (told,) = read_outbox(made.settings.outbox)
    assert str(told.message["text"]).startswith(
        "loop (ml-loop): no complete run of 2026-01-10, which was due at 2026-01-11 06:00 UTC"
    )
    ran(made, 9)
    with made.workspace() as opened:
        assert tell_missing(opened, project, interval) is None


# In Airflow


@pytest.fixture
def airflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    made = loop.install(tmp_path / "loop", more="schedule: {deadline: 6h}\n")
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("lupus.airflow.connections._find", lambda _: None)
    ran(made, *range(9))
    return made


async def _late(made: Installation, **run: object) -> str:
    return await run_is_late("loop", str(made.settings.projects), {"dag_run": run})


def test_what_airflow_calls_at_the_deadline(airflow_home: Installation) -> None:
    import asyncio

    project = airflow_home.project("loop")
    alert = deadline_alert(project)
    assert alert is not None
    assert (alert.interval, alert.callback.path) == (timedelta(hours=6), "lupus.airflow.deadlines.run_is_late")
    said = asyncio.run(_late(airflow_home, partition_key=loop.day(9)))
    assert said.startswith("loop (ml-loop): no complete run of 2026-01-10")
    assert len(read_outbox(airflow_home.settings.outbox)) == 1
    asyncio.run(_late(airflow_home, partition_key=None, conf={}, run_after="2026-01-11T00:00:00Z"))
    assert len(read_outbox(airflow_home.settings.outbox)) == 1, "the same run, told once"
    assert asyncio.run(_late(airflow_home, partition_key=loop.day(8))) == "the run has ended in between"


def test_the_watch_tells_what_no_run_can(airflow_home: Installation) -> None:
    project = airflow_home.project("loop")
    dag = watch_dag(airflow_home.settings.projects, [project])
    assert dag is not None
    assert (dag.dag_id, dag.is_paused_upon_creation) == (WATCH_DAG, False)
    operator = dag.get_task("watch")
    assert isinstance(operator, WatchOperator)
    (found,) = operator.execute({})
    assert found.startswith("loop 20")
    assert operator.execute({}) == [found]
    assert len(read_outbox(airflow_home.settings.outbox)) == 1
    assert watch_dag(airflow_home.settings.projects, []) is None
