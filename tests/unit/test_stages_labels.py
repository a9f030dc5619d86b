"""Which intervals a run evaluates, which are closed, and what a repeated run may know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from lupus.model import Cadence, CadenceKind, Interval, Project, Role, SqlSource, Stage, Table, Task
from lupus.stages.labels import (
    evaluated,
    evaluating_runs,
    evaluation_tables,
    is_closed,
    last_evaluations,
    runs_since,
)
from lupus.store import Store, open_store

SOURCE = SqlSource("warehouse", table="t")
PREDICTION = Table("prediction", Role.PREDICTION, SOURCE, key=("id",), score="p")
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def project(
    *, within: timedelta = timedelta(days=2), kind: CadenceKind = CadenceKind.DAILY, zone: str = "UTC", cron: str = ""
) -> Project:
    truth = Table("ground_truth", Role.GROUND_TRUTH, SOURCE, key=("id",), label="y", arrives_within=within)
    return Project(
        name="loans",
        owner="",
        cadence=Cadence(kind, timezone=zone, cron=cron),
        start=datetime(2026, 1, 1, tzinfo=UTC),
        tables=(PREDICTION, truth),
        task=Task.BINARY_CLASSIFICATION,
    )


def keys(intervals: object) -> list[str]:
    return [one.key for one in intervals]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (timedelta(0), ["2026-03-10"]),
        (timedelta(hours=1), ["2026-03-09", "2026-03-10"]),
        (timedelta(days=1), ["2026-03-09", "2026-03-10"]),
        (timedelta(days=1, seconds=1), ["2026-03-08", "2026-03-09", "2026-03-10"]),
        (timedelta(days=3), ["2026-03-07", "2026-03-08", "2026-03-09", "2026-03-10"]),
    ],
)
def test_a_run_evaluates_all_days_whose_labels_may_come_in_it(within: timedelta, expected: list[str]) -> None:
    one = project(within=within)
    assert keys(evaluated(one, one.cadence.parse("2026-03-10"))) == expected


def test_no_day_before_the_projects_start_is_evaluated() -> None:
    one = project(within=timedelta(days=9))
    assert keys(evaluated(one, one.cadence.parse("2026-01-02"))) == ["2026-01-01", "2026-01-02"]


def test_days_with_23_and_25_hours_wait_for_labels_in_hours() -> None:
    one = project(within=timedelta(days=1), zone="America/New_York")
    # 8 March 2026 has 23 hours, so 24 hours after the end of the 7th are one hour into the 9th.
    assert keys(evaluated(one, one.cadence.parse("2026-03-09"))) == ["2026-03-07", "2026-03-08", "2026-03-09"]
    assert keys(evaluated(one, one.cadence.parse("2026-11-02"))) == ["2026-11-01", "2026-11-02"]


@pytest.mark.parametrize(
    ("kind", "cron", "text", "expected"),
    [
        (CadenceKind.HOURLY, "", "2026-03-10T05Z", 3),
        (CadenceKind.WEEKLY, "", "2026-03-10", 2),
        (CadenceKind.CRON, "30 */6 * * *", "2026-03-10T06:30", 2),
    ],
)
def test_other_cadences(kind: CadenceKind, cron: str, text: str, expected: int) -> None:
    one = project(within=timedelta(hours=2), kind=kind, cron=cron)
    found = evaluated(one, one.cadence.parse(text))
    assert len(found) == expected
    assert all(a.end == b.start for a, b in pairwise(found))


@pytest.mark.parametrize("lost", ["task", "prediction", "ground_truth"])
def test_without_task_predictions_or_truth_nothing_is_evaluated(lost: str) -> None:
    one = project()
    if lost == "task":
        one = replace(one, task=None)
    else:
        one = replace(one, tables=tuple(table for table in one.tables if table.name != lost))
    assert evaluation_tables(one) is None
    assert evaluated(one, one.cadence.parse("2026-03-10")) == ()


def test_an_interval_is_closed_when_its_labels_had_their_time() -> None:
    one = project(within=timedelta(days=2))
    days = [one.cadence.parse(f"2026-03-{number}") for number in range(10, 14)]
    assert [is_closed(one, days[0], newest) for newest in days] == [False, False, True, True]
    without = replace(one, tables=(PREDICTION,))
    assert is_closed(without, days[0], days[0])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def ran(store: Store, interval: Interval, *, stage: Stage = Stage.MEASURE, status: str = "ok") -> None:
    store.start_run("loans", interval, stage, NOW)
    if status != "running":
        store.finish_run("loans", interval, stage, NOW, status)


@pytest.mark.parametrize(("status", "counts"), [("ok", True), ("partial", True), ("failed", False), ("running", False)])
def test_only_later_runs_that_have_ended_count(store: Store, status: str, *, counts: bool) -> None:
    one = project()
    today = one.cadence.parse("2026-03-10")
    tomorrow = one.cadence.next(today)
    ran(store, tomorrow, status=status)
    assert keys(evaluating_runs(store, one, today)) == (["2026-03-10", "2026-03-11"] if counts else ["2026-03-10"])


def test_another_stage_is_not_this_one_and_another_project_is_not_either(store: Store) -> None:
    one = project()
    today = one.cadence.parse("2026-03-10")
    tomorrow = one.cadence.next(today)
    ran(store, tomorrow, stage=Stage.EXTRACT)
    store.finish_run("other", tomorrow, Stage.MEASURE, NOW, "ok")
    assert evaluating_runs(store, one, today) == [today]
    assert runs_since(store, one, today, Stage.EXTRACT, until=tomorrow.end) == [today, tomorrow]
    assert runs_since(store, one, today, Stage.EXTRACT, until=tomorrow.start) == [today]


def test_runs_in_which_no_label_can_come_any_more_are_left_out(store: Store) -> None:
    one = project(within=timedelta(days=2))
    today = one.cadence.parse("2026-03-10")
    for number in range(4, 0, -1):
        ran(store, one.cadence.shift(today, number))
    assert keys(evaluating_runs(store, one, today)) == ["2026-03-10", "2026-03-11", "2026-03-12"]
    assert evaluating_runs(store, replace(one, tables=(PREDICTION,)), today) == [today]


def test_each_interval_goes_to_the_last_run_that_evaluated_it() -> None:
    one = project(within=timedelta(days=2))
    day = one.cadence.parse("2026-03-10")
    after = [one.cadence.shift(day, steps) for steps in (1, 2)]

    def grouped(runs: list[Interval]) -> dict[str, list[str]]:
        return {run.key: keys(ones) for run, ones in last_evaluations(one, day, runs).items()}

    assert grouped([day]) == {"2026-03-10": ["2026-03-08", "2026-03-09", "2026-03-10"]}
    assert grouped([day, after[0]]) == {
        "2026-03-10": ["2026-03-08"],
        "2026-03-11": ["2026-03-09", "2026-03-10"],
    }
    assert grouped([day, *after]) == {
        "2026-03-10": ["2026-03-08"],
        "2026-03-11": ["2026-03-09"],
        "2026-03-12": ["2026-03-10"],
    }
    # A run that was left out: what it would have brought came with the next one.
    assert grouped([day, after[1]]) == {
        "2026-03-10": ["2026-03-08", "2026-03-09"],
        "2026-03-12": ["2026-03-10"],
    }
