"""Incidents from timelines: when they open, join, split, resolve, and keep what people did."""

from __future__ import annotations

import pytest

from act_cases import DAILY, House, day, project, series_of, verdict
from lupus.act import as_of, causes, update_incidents, worst
from lupus.model import (
    Cadence,
    CadenceKind,
    Finding,
    Incident,
    IncidentState,
    Outcome,
    Severity,
    Status,
    incident_id,
)

# One character a day: x has a finding, - is clean. Incidents as first–last, state, clean runs since.
TIMELINES = [
    ("", 2, []),
    ("---", 2, []),
    ("x", 2, ["0-0 open 0"]),
    ("-x", 2, ["1-1 open 0"]),
    ("x-", 2, ["0-0 open 1"]),
    ("x--", 2, ["0-0 resolved 2"]),
    ("x------", 2, ["0-0 resolved 2"]),
    ("x-x", 2, ["0-2 open 0"]),
    ("x--x", 2, ["0-0 resolved 2", "3-3 open 0"]),
    ("xx-xx-x", 2, ["0-6 open 0"]),
    ("x-x-", 1, ["0-0 resolved 1", "2-2 resolved 1"]),
    ("x---x", 4, ["0-4 open 0"]),
    ("x----x", 4, ["0-0 resolved 4", "5-5 open 0"]),
    ("x-x", 0, ["0-0 resolved 1", "2-2 open 0"]),
]


@pytest.mark.parametrize(("timeline", "resolve_after", "expected"), TIMELINES)
@pytest.mark.parametrize("kind", [CadenceKind.DAILY, CadenceKind.HOURLY, CadenceKind.WEEKLY])
def test_timeline(timeline: str, resolve_after: int, expected: list[str], kind: CadenceKind) -> None:
    cadence = Cadence(kind, "America/New_York")
    house = House(project(resolve_after=resolve_after, cadence=cadence))
    for number, mark in enumerate(timeline):
        house.run(number, *([verdict(day(number, cadence))] if mark == "x" else []))

    number_of = {day(number, cadence).key: number for number in range(len(timeline))}
    pictures = [
        f"{number_of[first]}-{number_of[last]} {state} {clean}" for first, last, state, clean in house.picture()
    ]
    assert pictures == expected
    assert [one.id for one in house.incidents] == [incident_id("flights", one.first) for one in house.incidents]


@pytest.mark.parametrize(
    ("status", "severity", "counted"),
    [
        (Status.ANOMALY, Severity.MEDIUM, True),
        (Status.ANOMALY, Severity.CRITICAL, True),
        (Status.ANOMALY, Severity.LOW, False),
        (Status.ANOMALY, None, True),
        (Status.ERROR, Severity.HIGH, True),
        (Status.ERROR, Severity.LOW, False),
        (Status.NO_DATA, Severity.LOW, True),
        (Status.NO_DATA, None, True),
        (Status.WARN, Severity.CRITICAL, False),
        (Status.OK, None, False),
        (Status.IMMATURE, Severity.CRITICAL, False),
    ],
)
def test_which_verdicts_count(status: Status, severity: Severity | None, counted: bool) -> None:
    house = House()
    house.run(0, verdict(0, status=status, severity=severity))
    assert bool(house.incidents) is counted


def test_findings_of_one_run_are_one_incident_even_when_about_older_intervals() -> None:
    house = House()
    house.run(5, verdict(5), verdict(5, "dep_delay"), verdict(2, "p_late", "roc_auc", severity=Severity.HIGH))
    (incident,) = house.incidents
    assert incident.first == incident.last == day(5)
    assert incident.severity is Severity.HIGH
    assert {finding.found for finding in incident.findings} == {day(5)}
    assert {finding.verdict.interval for finding in incident.findings} == {day(2), day(5)}


def test_rerun_replaces_what_the_run_found_before() -> None:
    house = House()
    house.run(0, verdict(0))
    house.run(1, verdict(1, "dep_delay"), verdict(1, "arr_delay"))
    first = house.incidents
    house.run(1, verdict(1, "arr_delay"), verdict(1, "dep_delay"))
    assert house.incidents == first, "the order of the verdicts is of no matter"
    house.run(1, verdict(1, "arr_delay", value=0.7))
    assert [finding.verdict.value for finding in house.incidents[0].findings] == [0.512, 0.7]


def test_the_same_verdict_twice_is_one_finding() -> None:
    house = House()
    house.run(0, verdict(0), verdict(0), verdict(0, rule="threshold"))
    assert [finding.verdict.rule for finding in house.incidents[0].findings] == ["deviation", "threshold"]


def test_incident_without_findings_vanishes() -> None:
    house = House()
    house.run(0, verdict(0))
    (incident,) = house.incidents
    changes = update_incidents(house.project, day(0), [], {}, house.incidents)
    assert changes.incidents == ()
    assert changes.save == ()
    assert changes.delete == (incident.id,)


def test_unchanged_incidents_are_not_saved_again() -> None:
    house = House()
    house.run(0, verdict(0))
    assert update_incidents(house.project, day(0), [verdict(0)], house.series, house.incidents).save == ()


def test_rerun_with_a_finding_in_the_gap_joins_two_incidents() -> None:
    house = House()
    for number in range(4):
        house.run(number, *([verdict(number)] if number in (0, 3) else []))
    assert len(house.incidents) == 2
    house.change(3, "acknowledge")
    house.run(1, verdict(1))
    assert house.picture() == [(day(0).key, day(3).key, "acknowledged", 0)]
    assert house.incidents[0].by == "ada"


def test_rerun_without_the_finding_in_the_middle_splits_and_both_keep_the_judgement() -> None:
    house = House(project(resolve_after=1))
    for number in range(3):
        house.run(number, verdict(number))
    house.change(1, "acknowledge", comment="holiday")
    house.run(1)
    assert house.picture() == [(day(0).key, day(0).key, "resolved", 1), (day(2).key, day(2).key, "acknowledged", 0)]
    assert {(one.acknowledged_by, one.comment, one.by) for one in house.incidents} == {("ada", "holiday", "ada")}
    house.run(1, verdict(1))
    assert house.picture() == [(day(0).key, day(2).key, "acknowledged", 0)]


def test_person_resolves_and_later_findings_open_a_new_incident() -> None:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "resolve", outcome=Outcome.FALSE_ALARM)
    house.run(1, verdict(1))
    expected = [(day(0).key, day(0).key, "resolved", 0), (day(1).key, day(1).key, "open", 0)]
    assert house.picture() == expected
    house.run(0, verdict(0, value=0.9))
    assert house.picture() == expected, "a rerun of its own interval stays with it"
    assert [one.outcome for one in house.incidents] == [Outcome.FALSE_ALARM, None]
    for number in range(2, 6):
        house.run(number)
    assert [one[2:] for one in house.picture()] == [("resolved", 0), ("resolved", 2)]


def test_acknowledged_incident_resolves_by_itself_and_stays_in_hand_when_it_comes_back() -> None:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "acknowledge")
    house.run(1)
    assert house.picture()[0][2] == "acknowledged"
    house.run(2)
    assert house.picture()[0][2] == "resolved"
    house.run(2, verdict(2))
    assert house.picture() == [(day(0).key, day(2).key, "acknowledged", 0)]


@pytest.mark.parametrize(
    ("muted_until", "states"),
    [
        (day(2).key, ["muted", "muted", "open", "open"]),
    ],
)
def test_mute_ends_after_its_last_interval(muted_until: str, states: list[str]) -> None:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "mute", until=muted_until)
    seen = []
    for number in range(1, 5):
        house.run(number, verdict(number))
        seen.append(house.picture()[0][2])
    assert seen == states


def test_far_resolved_incidents_are_left_alone() -> None:
    house = House()
    for number in range(12):
        house.run(number, *([verdict(number)] if number in (0, 6) else []))
    old = house.incidents[0]
    changes = update_incidents(house.project, day(20), [verdict(20)], {}, house.incidents)
    assert changes.incidents[0] is old
    assert [one.first for one in changes.save] == [day(20)]


def test_resolved_incidents_that_are_not_near_need_not_be_known() -> None:
    house = House()
    for number in range(12):
        house.run(number, *([verdict(number)] if number == 0 else []))
    with_all = update_incidents(house.project, day(20), [verdict(20)], {}, house.incidents)
    without = update_incidents(house.project, day(20), [verdict(20)], {}, [])
    assert with_all.save == without.save


def test_old_interval_run_for_the_first_time_knows_that_later_ones_were_clean() -> None:
    house = House()
    for number in (5, 6, 7):
        house.run(number)
    house.run(2, verdict(2))
    assert house.picture() == [(day(2).key, day(2).key, "resolved", 2)]


def test_longer_resolve_after_does_not_reopen_old_incidents() -> None:
    house = House()
    for number in range(4):
        house.run(number, *([verdict(number)] if number == 0 else []))
    house.project = project(resolve_after=5)
    house.run(4)
    assert house.picture() == [(day(0).key, day(0).key, "resolved", 2)]


def test_what_another_run_found_before_is_no_news() -> None:
    """Labels come for three days, so each run judges three intervals again, and finds again what it found."""
    house = House()
    house.run(0, verdict(0), judged=[0])
    house.run(1, verdict(0), judged=[0, 1])
    house.run(2, verdict(0, value=0.6), judged=[0, 1, 2])
    assert house.picture() == [(day(0).key, day(0).key, "resolved", 2)]
    (finding,) = house.incidents[0].findings
    assert (finding.found, finding.verdict.value) == (day(0), 0.6)


def test_what_was_found_again_belongs_to_its_run_in_incidents_far_away_too() -> None:
    house = House(project(resolve_after=1))
    window = range(6)
    house.run(0, verdict(0), judged=[0])
    for number in range(1, 6):
        house.run(number, verdict(0), judged=window)
    house.run(5, verdict(0), verdict(5), judged=window)
    assert house.picture() == [(day(0).key, day(0).key, "resolved", 1), (day(5).key, day(5).key, "open", 0)]


def test_late_findings_stay_with_the_run_that_found_them_when_an_older_run_is_repeated() -> None:
    house = House()
    late = verdict(0, "p_late", "roc_auc", table="prediction")
    for number in range(6):
        house.run(number, *([late] if number >= 3 else []), judged=range(max(0, number - 3), number + 1))
    before = house.incidents
    assert house.picture() == [(day(3).key, day(3).key, "resolved", 2)]
    assert house.run(0, late, judged=[0]) == ()
    assert house.incidents == before


def test_a_finding_that_later_labels_disprove_goes() -> None:
    house = House()
    house.run(1, verdict(1), verdict(0, "p_late", "roc_auc"), judged=[0, 1])
    house.run(2, verdict(1), judged=[0, 1, 2])
    assert [finding.verdict.series.metric for finding in house.incidents[0].findings] == ["null_ratio"]
    house.run(3, judged=[1, 2, 3])
    assert house.incidents == ()


def test_title_and_severity() -> None:
    house = House()
    house.run(0, verdict(0, "dep_time", segment="origin=JFK", severity=Severity.HIGH, score=3), verdict(0, "arr_time"))
    assert house.incidents[0].title == "Null ratio of data.dep_time in origin=JFK and 1 more series"
    house.run(1, verdict(1, "", "rows", status=Status.NO_DATA, severity=Severity.CRITICAL, value=None, score=None))
    assert house.incidents[0].title == "No data for table data and 2 more series"
    assert house.incidents[0].severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("metric", "column", "title"),
    [
        ("success_ratio", "", "Validation of data"),
        ("unexpected_ratio:expect_x", "dep_time", "Expectation expect_x of data.dep_time"),
        ("share:UA", "carrier", "Share of UA of data.carrier"),
        ("roc_auc", "p_late", "ROC AUC of data.p_late"),
        ("ndcg@10", "", "NDCG@10 of data"),
    ],
)
def test_titles_of_kinds_of_metrics(metric: str, column: str, title: str) -> None:
    house = House()
    house.run(0, verdict(0, column, metric))
    assert house.incidents[0].title == title


def test_as_of_forgets_what_later_runs_found() -> None:
    house = House()
    house.run(0, verdict(0))
    alone = house.incidents[0]
    house.run(1, verdict(1, "dep_delay", severity=Severity.CRITICAL))
    (incident,) = house.incidents
    seen = as_of(house.project, incident, day(0), house.series)
    assert seen is not None
    assert (seen.findings, seen.severity, seen.title, seen.last) == (
        alone.findings,
        alone.severity,
        alone.title,
        alone.last,
    )
    assert as_of(house.project, incident, day(1), house.series) is incident
    assert as_of(house.project, incident, DAILY.previous(day(0)), house.series) is None


def test_worst_and_causes() -> None:
    verdicts = [
        verdict(0, "a", segment="s=1", severity=Severity.HIGH, score=9),
        verdict(0, "a", severity=Severity.HIGH, score=2),
        verdict(0, "a", "mean", severity=Severity.MEDIUM, score=50),
        verdict(0, "b", severity=Severity.HIGH, score=float("nan")),
        verdict(0, "b", severity=Severity.HIGH, score=1, rule="threshold"),
        verdict(0, "", "rows", status=Status.NO_DATA, severity=Severity.HIGH, value=None, score=None),
    ]
    house = House()
    house.run(0, *verdicts)
    (incident,) = house.incidents
    order = [str(finding.verdict.series) for finding in worst(incident, 10)]
    assert order == [
        "data rows",
        "data.a null_ratio",
        "data.b null_ratio",
        "data.a null_ratio [s=1]",
        "data.a mean",
    ]
    assert [str(finding.verdict.series) for finding in worst(incident, 2)] == order[:2]
    groups = causes(incident.findings)
    assert [(one.table, one.column, len(one.findings), one.metrics, one.segments) for one in groups] == [
        ("data", "", 1, 1, 0),
        ("data", "a", 3, 2, 1),
        ("data", "b", 1, 1, 0),
    ]


def test_incident_from_elsewhere_with_a_changed_grid_does_not_crash() -> None:
    hourly = Cadence(CadenceKind.HOURLY)
    at = hourly.shift(hourly.containing(DAILY.parse("2013-03-08").start), 5)
    one = verdict(at)
    old = Incident(
        incident_id("flights", at), "flights", IncidentState.OPEN, Severity.HIGH, at, at, (Finding(at, one),), "old"
    )
    changes = update_incidents(project(), day(1), [verdict(1)], series_of([one]), [old])
    assert {run.found for incident in changes.incidents for run in incident.findings} == {at, day(1)}
