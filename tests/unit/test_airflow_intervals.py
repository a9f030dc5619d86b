"""run_interval: partition key, else conf, else the last complete interval; and clear words for the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from lupus.airflow import run_interval
from lupus.model import Cadence, CadenceKind, FileFormat, FileSource, Project, Role, Table

NOW = datetime(2013, 12, 20, 12, tzinfo=UTC)


@dataclass
class Run:
    partition_key: str | None = None
    conf: dict[str, Any] | None = field(default_factory=dict)
    run_after: datetime = datetime(2013, 12, 6, 5, 0, tzinfo=UTC)


def project(
    kind: CadenceKind = CadenceKind.DAILY,
    *,
    timezone: str = "America/New_York",
    cron: str = "",
    end: datetime | None = None,
) -> Project:
    return Project(
        name="flights",
        owner="someone",
        cadence=Cadence(kind, timezone=timezone, cron=cron),
        start=datetime(2013, 3, 1, 5, tzinfo=UTC),
        end=end,
        tables=(Table("data", Role.DATA, FileSource("x.csv", FileFormat.CSV)),),
    )


HOURLY, WEEKLY, CRON = CadenceKind.HOURLY, CadenceKind.WEEKLY, CadenceKind.CRON


@pytest.mark.parametrize(
    ("watched", "run", "key"),
    [
        (project(), Run("2013-12-05"), "2013-12-05"),
        (project(), Run(" 2013-12-05 "), "2013-12-05"),
        (project(), Run("2013-12-05", {"interval": "2013-12-01"}), "2013-12-05"),
        (project(), Run(None, {"interval": "2013-12-01"}), "2013-12-01"),
        (project(), Run(None, {"day": "2013-12-02"}), "2013-12-02"),
        (project(), Run(None, {"interval": "", "day": "2013-12-02"}), "2013-12-02"),
        (project(), Run(None, {"interval": 20131202}), "2013-12-02"),
        (project(), Run(None, {"interval": "2013-12-02T23:30:00-05:00"}), "2013-12-02"),
        # Due at local midnight: the day before. A minute earlier the day was not over.
        (project(), Run(None, None), "2013-12-05"),
        (project(), Run(None, None, datetime(2013, 12, 6, 4, 59, tzinfo=UTC)), "2013-12-04"),
        (project(HOURLY), Run("2013-12-05T14Z"), "2013-12-05T14Z"),
        (project(HOURLY), Run(None, None), "2013-12-06T04Z"),
        (project(WEEKLY), Run("2013-12-02"), "2013-12-02"),
        (project(WEEKLY), Run("2013-12-05"), "2013-12-02"),
        (project(CRON, cron="0 6 * * 1-5"), Run("2013-12-05T06:00"), "2013-12-05T06:00"),
        (project(), Run("2013-03-01"), "2013-03-01"),
        # Days of 23 and 25 hours.
        (project(), Run("2013-03-10"), "2013-03-10"),
        (project(), Run("2013-11-03"), "2013-11-03"),
    ],
)
def test_the_interval_of_a_run(watched: Project, run: Run, key: str) -> None:
    assert run_interval({"dag_run": run}, watched, now=NOW).key == key


@pytest.mark.parametrize(
    ("watched", "run", "words"),
    [
        (project(), Run("yesterday"), ["'yesterday'", "2026-01-05", '"interval"']),
        (project(), Run("2013-13-05"), ["2013-13-05"]),
        (project(HOURLY), Run("5 o'clock"), ["T", "Z"]),
        (project(), Run(None, {"interval": 5}), ["'5'"]),
        (project(), Run(None, {"interval": ["2013-12-05"]}), ["cannot be used"]),
        (project(), Run("2013-02-28"), ["before the start", "2013-03-01"]),
        (project(), Run("2013-12-20"), ["not over yet", "2013-12-19"]),
        (project(), Run("2031-01-01"), ["not over yet"]),
        (project(end=datetime(2013, 12, 1, 5, tzinfo=UTC)), Run("2013-12-01"), ["after the end"]),
        (project(), Run("9999-12-31"), ["9999-12-31"]),
    ],
)
def test_a_key_that_cannot_be_used_fails_for_good_and_says_what_can(
    watched: Project, run: Run, words: list[str]
) -> None:
    with pytest.raises(AirflowFailException) as caught:
        run_interval({"dag_run": run}, watched, now=NOW)
    for word in words:
        assert word in str(caught.value)


def test_the_last_interval_before_the_end_is_in() -> None:
    watched = project(end=datetime(2013, 12, 1, 5, tzinfo=UTC))
    assert run_interval({"dag_run": Run("2013-11-30")}, watched, now=NOW).key == "2013-11-30"


def test_a_start_in_the_middle_of_a_week_begins_with_the_next_one() -> None:
    watched = project(WEEKLY)  # 2013-03-01 is a Friday
    with pytest.raises(AirflowFailException, match="first interval is 2013-03-04"):
        run_interval({"dag_run": Run("2013-02-25")}, watched, now=NOW)
    assert run_interval({"dag_run": Run("2013-03-04")}, watched, now=NOW).key == "2013-03-04"
