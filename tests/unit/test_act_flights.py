"""Ten months of flights from New York, told as if live: every storm is one incident, in few messages.

`flights_findings.csv` is what the runs of the flights product found in 2013 with the default rules, run by run. A storm
is made of the days on which at least 8 % of the flights were cancelled, with at most two fair days between them.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from act_cases import House
from lupus.model import (
    Alerts,
    Cadence,
    CadenceKind,
    Notice,
    Project,
    Role,
    Series,
    SeriesKey,
    Severity,
    SlackRoute,
    SqlSource,
    Status,
    Table,
    Verdict,
)

FOUND = Path(__file__).parents[1] / "golden" / "flights_findings.csv"
STORMS = [
    ("03-06", "03-08"), ("03-25", "03-25"), ("04-10", "04-10"), ("04-19", "04-19"), ("05-23", "05-23"),
    ("06-02", "06-02"), ("06-13", "06-13"), ("06-24", "06-24"), ("06-27", "07-01"), ("07-10", "07-10"),
    ("07-22", "07-23"), ("09-02", "09-02"), ("09-12", "09-12"), ("12-05", "12-05"), ("12-10", "12-10"),
    ("12-14", "12-14"), ("12-17", "12-17"),
]  # fmt: skip
MOST_A_WEEK = 4
CADENCE = Cadence(CadenceKind.DAILY, "America/New_York")
PROJECT = Project(
    name="flights",
    owner="ml-flights",
    cadence=CADENCE,
    start=datetime(2013, 3, 1, tzinfo=UTC),
    tables=(
        Table("data", Role.DATA, SqlSource("db", "flights"), "date"),
        Table("prediction", Role.PREDICTION, SqlSource("db", "predictions"), "date"),
        Table(
            "ground_truth",
            Role.GROUND_TRUTH,
            SqlSource("db", "arrivals"),
            "arrived_on",
            arrives_within=timedelta(days=3),
        ),
    ),
    alerts=Alerts(SlackRoute("slack", "#ml-flights")),
)


def _rows() -> Iterator[tuple[str, list[dict[str, str]]]]:
    with FOUND.open(newline="") as lines:
        for found, rows in groupby(csv.DictReader(lines), key=lambda row: row["found"]):
            yield found, list(rows)


def _verdict(row: dict[str, str]) -> Verdict:
    return Verdict(
        series=SeriesKey("flights", row["table"], row["column"], row["metric"], row["segment"]),
        interval=CADENCE.parse(row["about"]),
        rule="deviation",
        status=Status(row["status"]),
        value=1.0,
        sentence="",
        severity=Severity(row["severity"]),
    )


@pytest.fixture(scope="module")
def lived() -> tuple[House, list[Notice]]:
    """The project after its ten months, and everything that was decided on the way."""
    house, notices = House(PROJECT), list[Notice]()
    rows = dict(_rows())
    first = CADENCE.parse("2013-03-01")
    for number in range(306):
        day = first if number == 0 else CADENCE.shift(first, number)
        verdicts = [_verdict(row) for row in rows.get(day.key, ())]
        house.series |= {
            one.series: Series(one.series, row["group"])
            for one, row in zip(verdicts, rows.get(day.key, ()), strict=True)
        }
        notices += house.run_at(day, *verdicts)
    return house, notices


@pytest.mark.parametrize(("first", "last"), STORMS)
def test_a_storm_is_one_incident(lived: tuple[House, list[Notice]], first: str, last: str) -> None:
    incidents = [
        one.id
        for one in lived[0].incidents
        if any(f"2013-{first}" <= finding.verdict.interval.key <= f"2013-{last}" for finding in one.findings)
    ]
    assert len(incidents) == 1, incidents


def test_the_labels_of_a_storm_are_told_with_it(lived: tuple[House, list[Notice]]) -> None:
    causes = {one.first.key: one.cause for one in lived[0].incidents}
    assert causes["2013-03-06"] == "2 columns of data, ground_truth and the quality of the model"
    assert "2013-03-09" not in causes, "the day on which the labels of the storm's last day came"


def test_a_few_messages_a_week_and_none_twice(lived: tuple[House, list[Notice]]) -> None:
    house, notices = lived
    sent = [one for one in notices if one.reason.sends]
    assert len({one.id for one in sent}) == len(sent)
    assert max(Counter((one.incident, one.interval) for one in sent).values()) == 1
    weeks = Counter(date.fromisoformat(one.interval.key).isocalendar()[:2] for one in sent)
    new = Counter(
        date.fromisoformat(one.interval.key).isocalendar()[:2] for one in sent if one.reason.value in ("first", "worse")
    )
    print(
        f"{len(house.incidents)} incidents in 44 weeks: {len(sent) / 43.7:.1f} messages and edits a week, at most "
        f"{max(weeks.values())}; {sum(new.values()) / 43.7:.1f} of them new or worse, at most {max(new.values())}",
        dict(Counter(one.reason.value for one in sent)),
    )
    assert len(sent) / 43.7 < MOST_A_WEEK
