"""What belongs together: time and cause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from act_cases import House, day, project, verdict
from lupus.act import run_events, update_incidents
from lupus.model import EventKind, Outcome, Role, Severity, SqlSource, Status, Table, Verdict


def _house(*, join_within: int = 1, reopen_within: int = 2, resolve_after: int = 2) -> House:
    return House(project(join_within=join_within, reopen_within=reopen_within, resolve_after=resolve_after))


def _columns(house: House) -> list[tuple[int, int, list[str]]]:
    """(first, last, columns) of each incident, by the numbers of its runs."""
    number_of = {day(number).key: number for number in range(60)}
    return [
        (
            number_of[one.first.key],
            number_of[one.last.key],
            sorted({finding.verdict.series.column or finding.verdict.series.metric for finding in one.findings}),
        )
        for one in house.incidents
    ]


LABELS = Table("ground_truth", Role.GROUND_TRUTH, SqlSource("db", "truth"), "day", arrives_within=timedelta(days=3))


def _invalid(about: int, table: str = "data") -> Verdict:
    return verdict(about, "", "success_ratio", table=table, value=0.9, expected=1.0, lower=1.0)


def _quality(about: int) -> Verdict:
    return verdict(about, "p_late", "log_loss", table="prediction")


def _no_data(about: int, table: str = "data") -> Verdict:
    return verdict(about, "", "rows", table=table, status=Status.NO_DATA, severity=Severity.CRITICAL, value=None)


def test_what_begins_together_is_one_incident() -> None:
    house = _house()
    house.run(0, *(verdict(0, f"c{number}") for number in range(40)), _quality(0))
    assert [(first, last, len(columns)) for first, last, columns in _columns(house)] == [(0, 0, 41)]
    assert house.incidents[0].cause == "40 columns of data and the quality of the model"


def test_two_faults_that_overlap_are_two_incidents() -> None:
    house = _house()
    for number in range(10):
        feed = [verdict(number, "wind")]
        storm = [verdict(number, "dep_time"), verdict(number, "arr_time")] if 4 <= number < 6 else []
        house.run(number, *feed, *storm)
    assert _columns(house) == [(0, 9, ["wind"]), (4, 5, ["arr_time", "dep_time"])]
    assert [one.state.value for one in house.incidents] == ["open", "resolved"]
    assert [one.cause for one in house.incidents] == ["data.wind", "2 columns of data"]


def test_a_storm_that_grows_on_its_second_day_is_one_incident() -> None:
    house = _house()
    house.run(0, verdict(0, "dep_delay"))
    house.run(1, verdict(1, "dep_delay"), verdict(1, "dep_time"))
    house.run(2, verdict(2, "carrier"))
    assert _columns(house) == [(0, 1, ["dep_delay", "dep_time"]), (2, 2, ["carrier"])]


@pytest.mark.parametrize(("join_within", "incidents"), [(0, 2), (1, 2), (2, 1), (5, 1)])
def test_how_long_an_incident_takes_in_what_begins(join_within: int, incidents: int) -> None:
    house = _house(join_within=join_within)
    for number in range(3):
        house.run(number, verdict(number, "a"), *([verdict(2, "b")] if number == 2 else []))
    assert len(house.incidents) == incidents


def test_a_table_that_does_not_come_takes_its_columns_and_what_is_computed_from_them() -> None:
    house = _house(join_within=0)
    house.run(0, _no_data(0))
    house.run(1, _no_data(1))
    house.run(2, _no_data(2), verdict(2, "dep_time"), _quality(2), verdict(2, "x", table="other"))
    assert _columns(house) == [(0, 2, ["dep_time", "p_late", "rows"]), (2, 2, ["x"])]
    assert house.incidents[0].cause == "table data"


def test_a_column_of_a_table_that_came_again_is_its_own() -> None:
    house = _house(join_within=0)
    house.run(0, _no_data(0))
    house.run(1, verdict(1, "dep_time"))
    assert len(house.incidents) == 2


def test_few_rows_are_a_broken_feed_and_many_are_not() -> None:
    for value, incidents in ((10.0, 1), (900.0, 2)):
        house = _house(join_within=0)
        rows = [verdict(n, "", "rows", value=value, expected=100.0, lower=80.0, upper=120.0) for n in range(2)]
        house.run(0, rows[0])
        house.run(1, rows[1], verdict(1, "dep_time"))
        assert len(house.incidents) == incidents, value


def test_one_segment_is_a_cause() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "a", segment="origin=JFK"))
    house.run(1, verdict(1, "a", segment="origin=JFK"), verdict(1, "b", segment="origin=JFK,carrier=AA"))
    house.run(2, verdict(2, "a", segment="origin=JFK"), verdict(2, "c", segment="origin=EWR"), verdict(2, "c"))
    assert _columns(house) == [(0, 2, ["a", "b"]), (2, 2, ["c"])]
    assert house.incidents[0].cause == "2 columns of data"


def test_late_labels_join_the_incident_of_the_day_that_they_are_about() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "wind"))
    house.run(1, verdict(1, "wind"))
    house.run(2, verdict(2, "wind"), verdict(2, "dep_time"))
    house.run(3, verdict(3, "wind"))
    known = [verdict(2, "dep_time"), verdict(2, "wind"), verdict(3, "wind"), verdict(5, "wind")]
    house.run(5, *known, _quality(2), judged=[2, 3, 4, 5])
    assert _columns(house) == [(0, 5, ["wind"]), (2, 5, ["dep_time", "p_late"])]


def test_the_evaluation_of_a_day_joins_the_incident_of_that_day_whatever_came_before() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "a"))
    house.run(1, _quality(0))
    house.run(3, verdict(3, "b"), _quality(1))
    house.run(5, _quality(3))
    about = {(one.first.key, item.verdict.interval.key) for one in house.incidents for item in one.findings}
    first, second = day(0).key, day(3).key
    assert about == {(first, day(0).key), (first, day(1).key), (second, day(3).key)}
    assert [one.cause for one in house.incidents] == ["1 column of data and the quality of the model"] * 2


def test_a_failed_validation_joins_what_it_is_about() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "wind"), verdict(0, "x", table="other"))
    house.run(1, verdict(1, "wind"))
    house.run(2, verdict(2, "wind"), _invalid(2), _invalid(2, "third"))
    assert _columns(house) == [(0, 2, ["success_ratio", "wind", "x"]), (2, 2, ["success_ratio"])]
    assert [one.cause for one in house.incidents] == ["3 columns of data, other", "third"]


def test_a_validation_that_failed_before_already_stays_where_it_is() -> None:
    house = _house(join_within=0)
    for number in range(4):
        house.run(number, _invalid(number), *([verdict(number, "wind")] if number >= 2 else []))
    assert _columns(house) == [(0, 3, ["success_ratio"]), (2, 3, ["wind"])]


def test_a_validation_that_fails_again_belongs_to_what_begins_with_it() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "wind"), _invalid(0))
    house.run(1, verdict(1, "wind"))
    house.run(2, verdict(2, "dep_time"), _invalid(2))
    assert [len(one.findings) for one in house.incidents] == [3, 2]


def test_a_critically_invalid_table_is_a_cause_of_its_own() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "wind"))
    critical = verdict(1, "", "success_ratio", value=0.1, severity=Severity.CRITICAL)
    house.run(1, verdict(1, "wind"), critical)
    assert _columns(house) == [(0, 1, ["wind"]), (1, 1, ["success_ratio"])]


@pytest.mark.parametrize(("at", "incidents"), [(1, 1), (3, 1), (5, 2)])
def test_a_validation_of_labels_joins_the_incident_about_the_days_that_they_are_of(at: int, incidents: int) -> None:
    house = House(project(join_within=0, resolve_after=2, reopen_within=9, tables=(LABELS,)))
    house.run(0, verdict(0, "dep_time"))
    for number in range(1, at):
        house.run(number)
    house.run(at, _invalid(at, "ground_truth"))
    assert len(house.incidents) == incidents


def test_late_labels_after_it_was_resolved_let_an_incident_grow() -> None:
    house = _house(join_within=1, resolve_after=2, reopen_within=1)
    house.run(0, verdict(0, "dep_time"))
    for number in (1, 2):
        house.run(number)
    assert house.incidents[0].state.value == "resolved"
    (notice,) = house.run(3, verdict(0, "dep_time"), _quality(0), judged=[0, 1, 2, 3])
    assert notice.reason.value == "grew"
    (incident,) = house.incidents
    events = run_events(house.project, incident, house.series, day(3))
    assert [(one.kind, one.interval) for one in events][-2:] == [(EventKind.RESOLVED, day(2)), (EventKind.GREW, day(3))]
    assert events[-1].text == "Joined: prediction.p_late"
    house.run(4, verdict(4, "carrier"))
    assert [one.first for one in house.incidents] == [day(0), day(4)], "it has not come back: nothing else joins it"


def test_the_model_alone_is_its_own_cause() -> None:
    house = _house(join_within=0)
    house.run(0, _quality(0))
    house.run(1, _quality(1), verdict(1, "wind"))
    house.run(2, _quality(2), verdict(2, "p_late", "roc_auc", table="prediction", segment="origin=JFK"))
    assert _columns(house) == [(0, 2, ["p_late"]), (1, 1, ["wind"])]
    assert house.incidents[0].cause == "quality of the model"


@pytest.mark.parametrize(("gap", "incidents"), [(1, 1), (2, 1), (3, 1), (4, 2)])
def test_what_comes_back_within_the_grace_time_opens_its_incident_again(gap: int, incidents: int) -> None:
    house = _house(resolve_after=2, reopen_within=1)
    for number in range(gap + 1):
        notices = house.run(number, *([verdict(number)] if number in (0, gap) else []))
    assert len(house.incidents) == incidents
    told = {1: "repeat", 2: "repeat", 3: "reopened", 4: "first"}[gap]
    assert [one.reason.value for one in notices] == [told]
    assert house.incidents[-1].state.value == "open"


def test_what_begins_when_an_incident_comes_back_belongs_to_it() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "a"))
    for number in (1, 2):
        house.run(number)
    (notice,) = house.run(3, verdict(3, "a"), verdict(3, "b"))
    assert notice.reason.value == "reopened"
    assert _columns(house) == [(0, 3, ["a", "b"])]


def test_what_else_begins_does_not_join_an_incident_that_is_over() -> None:
    house = _house(join_within=50)
    house.run(0, verdict(0, "a"))
    for number in (1, 2):
        house.run(number)
    house.run(3, verdict(3, "b"))
    house.run(4, verdict(4, "a"))
    assert _columns(house) == [(0, 4, ["a"]), (3, 3, ["b"])]


def test_what_a_person_closed_takes_nothing_more_and_the_others_go_on() -> None:
    house = _house(join_within=0)
    house.run(0, verdict(0, "a"))
    house.run(1, verdict(1, "a"), verdict(1, "b"))
    house.change(0, "resolve", outcome=Outcome.EXPECTED)
    house.run(2, verdict(2, "a"), verdict(2, "b"))
    assert _columns(house) == [(0, 1, ["a"]), (1, 2, ["b"]), (2, 2, ["a"])]
    assert [one.outcome for one in house.incidents] == [Outcome.EXPECTED, None, None]


def test_what_was_done_to_an_incident_that_goes_into_another_goes_along() -> None:
    house = _house(join_within=0, reopen_within=0)
    for number in range(5):
        house.run(number, *([verdict(number)] if number in (0, 4) else []))
    gone = house.incidents[1].id
    house.change(4, "acknowledge")
    changes = update_incidents(
        house.project, day(2), [verdict(2)], house.series, house.incidents, newest=day(4), judged=[day(2)]
    )
    assert changes.moved == {gone: house.incidents[0].id}
    assert [(one.acknowledged_by, one.state.value) for one in changes.incidents] == [("ada", "acknowledged")]
