"""Which messages are sent, and the named reason for every one that is not."""

from __future__ import annotations

import pytest

from act_cases import House, day, project, verdict
from lupus.model import IncidentState, Notice, NoticeState, Reason, Severity, Status, notice_id


def _reasons(notices: tuple[Notice, ...]) -> list[str]:
    return [notice.reason.value for notice in notices]


def test_a_whole_life() -> None:
    house = House()
    story = [
        ([], []),
        ([verdict(1)], ["first"]),
        ([verdict(2)], ["repeat"]),
        ([verdict(3, segment="origin=JFK"), verdict(3, metric="mean")], ["repeat"]),
        ([verdict(4, "dep_delay")], ["grew"]),
        ([verdict(5, severity=Severity.HIGH)], ["worse"]),
        ([verdict(6, severity=Severity.HIGH)], ["repeat"]),
        ([], []),
        ([verdict(8)], ["repeat"]),
        ([], []),
        ([], ["resolved"]),
        ([], []),
        ([verdict(12)], ["first"]),
    ]
    for number, (verdicts, reasons) in enumerate(story):
        notices = house.run(number, *verdicts)
        assert _reasons(notices) == reasons, f"interval {number}"
        for notice in notices:
            assert notice.state is (NoticeState.PENDING if notice.reason.sends else NoticeState.NOT_SENT)
            assert notice.id == notice_id(notice.incident, day(number), "outbox")
            assert notice.message["text"]


def test_a_new_group_in_the_same_column_is_growth() -> None:
    house = House()
    house.run(0, verdict(0, "p_late", "mean", table="prediction"))
    assert _reasons(house.run(1, verdict(1, "p_late", "std", table="prediction"))) == ["repeat"]
    assert _reasons(house.run(2, verdict(2, "p_late", "roc_auc", table="prediction"))) == ["grew"]


def test_rerun_decides_the_same_even_of_old_intervals() -> None:
    house = House()
    runs = {
        0: [verdict(0)],
        1: [verdict(1, severity=Severity.HIGH)],
        2: [verdict(2, "dep_delay", severity=Severity.CRITICAL)],
        3: [],
        4: [],
        5: [verdict(5)],
    }
    notices = {number: house.run(number, *verdicts) for number, verdicts in runs.items()}
    assert [_reasons(notices[number]) for number in runs] == [
        ["first"],
        ["worse"],
        ["worse"],
        [],
        ["resolved"],
        ["first"],
    ]
    for number in (4, 0, 2, 5, 1, 3):
        assert house.run(number, *runs[number]) == notices[number]


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ([verdict(1)], Reason.ACKNOWLEDGED),
        ([verdict(1, "dep_delay")], Reason.ACKNOWLEDGED),
        ([verdict(1, severity=Severity.CRITICAL)], Reason.WORSE),
    ],
)
def test_acknowledged(verdicts: list, reason: Reason) -> None:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "acknowledge")
    first = house.run(1, *verdicts)
    assert _reasons(first) == [reason]
    house.run(2)
    assert _reasons(house.run(3)) == ["resolved"]
    assert house.run(1, *verdicts) == first, "after it resolved, too"


def test_muted_says_nothing_until_it_ends() -> None:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "mute", until=day(2).key)
    assert _reasons(house.run(1, verdict(1, severity=Severity.CRITICAL))) == ["muted"]
    assert _reasons(house.run(2, verdict(2, "dep_delay"))) == ["muted"]
    assert _reasons(house.run(3, verdict(3, "arr_delay"))) == ["grew"]
    assert _reasons(house.run(2, verdict(2, "dep_delay"))) == ["muted"], "a rerun of the muted time stays silent"


def test_muted_incident_resolves_in_silence() -> None:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "mute", until=day(9).key)
    house.run(1)
    assert _reasons(house.run(2)) == ["muted"]
    assert house.incidents[0].state is IncidentState.RESOLVED


def test_what_a_person_resolved_is_not_announced_again() -> None:
    house = House()
    house.run(0, verdict(0))
    house.change(0, "resolve")
    for number in (1, 2, 3, 2):
        assert house.run(number) == ()


def test_resolution_is_told_late_when_the_run_at_which_it_was_due_never_came() -> None:
    house = House()
    house.run(0, verdict(0))
    assert _reasons(house.run(5)) == ["resolved"]
    assert house.run(6) == ()


def test_a_new_incident_after_a_gap_tells_of_both() -> None:
    house = House()
    house.run(0, verdict(0))
    assert sorted(_reasons(house.run(5, verdict(5)))) == ["first", "resolved"]


def test_at_most_one_notice_per_incident_and_interval() -> None:
    house = House(project(resolve_after=1))
    for number in range(8):
        notices = house.run(number, *([verdict(number, f"c{number}")] if number % 3 else []))
        assert len({notice.incident for notice in notices}) == len(notices)
        assert len({notice.id for notice in notices}) == len(notices)


def test_absent_data_is_told_even_when_its_severity_is_low() -> None:
    house = House()
    (notice,) = house.run(0, verdict(0, "", "rows", status=Status.NO_DATA, severity=Severity.LOW, value=None))
    assert notice.reason is Reason.FIRST
    assert "No data for table data" in notice.message["text"]
