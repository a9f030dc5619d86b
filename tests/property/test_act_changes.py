"""Whatever people do to an incident, in whatever order: the table of transitions holds, and all of it can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from act_cases import House, day, verdict
from lupus.act import TRANSITIONS, apply_change, refusal, state_of
from lupus.model import (
    ChangeKind,
    ConflictError,
    EventKind,
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Outcome,
    Resolution,
)

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
PEOPLE = st.sampled_from(["ada", "bob", "<!channel>"])
CHANGES = st.one_of(
    st.builds(IncidentChange, st.just(ChangeKind.ACKNOWLEDGE), comment=st.sampled_from(["", "on it"])),
    st.builds(IncidentChange, st.just(ChangeKind.ASSIGN), assignee=st.sampled_from(["", "eve"])),
    st.builds(IncidentChange, st.just(ChangeKind.COMMENT), comment=st.just("hm")),
    st.builds(IncidentChange, st.just(ChangeKind.MUTE), until=st.sampled_from(["2013-03-20", "2013-03-09T14Z"])),
    st.builds(IncidentChange, st.just(ChangeKind.MUTE), until_doubles=st.just(True)),
    st.builds(IncidentChange, st.just(ChangeKind.UNMUTE)),
    st.builds(IncidentChange, st.just(ChangeKind.RESOLVE), outcome=st.none() | st.sampled_from(list(Outcome))),
    st.builds(IncidentChange, st.just(ChangeKind.REOPEN)),
)


def _incident() -> Incident:
    house = House()
    house.run(0, verdict(0))
    return replace(house.incidents[0], version=1)


def _facts(incident: Incident) -> tuple[Any, ...]:
    """All that people decide, and what follows from it, but not who was last."""
    return (
        incident.state, incident.resolution, incident.outcome, incident.acknowledged_by, incident.assignee,
        incident.muted_until, incident.muted_score, incident.kept_open, incident.comment,
    )  # fmt: skip


class People(RuleBasedStateMachine):
    """One incident, what people do to it, and a run now and then."""

    incident: Incident
    events: list[IncidentEvent]
    # What it was before each change that is not taken back.
    before: list[Incident]

    @initialize()
    def begin(self) -> None:
        self.incident, self.events, self.before = _incident(), [], []

    def _written(self, after: Incident, event: IncidentEvent) -> None:
        assert event.id not in {one.id for one in self.events}
        self.events.append(event)
        self.incident = replace(after, version=self.incident.version + 1)

    @rule(change=CHANGES, by=PEOPLE)
    def change(self, change: IncidentChange, by: str) -> None:
        before, now = self.incident, AT + timedelta(seconds=len(self.events))
        allowed = TRANSITIONS.get((before.state, change.kind))
        if allowed is None:
            with pytest.raises(ConflictError, match=f"is {before.state.value}") as caught:
                apply_change(before, change, self.events, by=by, at=now)
            self.events.append(refusal(before, change, caught.value, by=by, at=now))
            return
        after, event = apply_change(before, change, self.events, by=by, at=now)
        assert after.state in allowed
        assert after.by == by == event.by
        assert event.kind.is_human
        assert after.findings == before.findings
        self.before.append(before)
        self._written(after, event)

    @rule(by=PEOPLE)
    def undo(self, by: str) -> None:
        now = AT + timedelta(seconds=len(self.events))
        change = IncidentChange(ChangeKind.UNDO)
        if not self.before:
            with pytest.raises(ConflictError, match="nothing to undo"):
                apply_change(self.incident, change, self.events, by=by, at=now)
            return
        after, event = apply_change(self.incident, change, self.events, by=by, at=now)
        assert event.kind is EventKind.UNDONE
        was = self.before.pop()
        if Resolution.CLEAN not in (was.resolution, self.incident.resolution):
            assert _facts(after) == _facts(was)
        self._written(after, event)

    @precondition(lambda self: self.incident.active and not self.incident.kept_open)
    @rule()
    def a_run_finds_it_clean(self) -> None:
        clean = replace(self.incident, resolution=Resolution.CLEAN)
        self.incident = replace(clean, state=IncidentState.RESOLVED, version=clean.version + 1)

    @invariant()
    def the_state_follows_from_what_is_known(self) -> None:
        one = self.incident
        muted = bool(one.muted_until) or one.muted_score is not None
        assert one.state is state_of(one, muted=muted)
        assert (one.state is IncidentState.RESOLVED) == (one.resolution is not None)
        assert one.closed == (one.resolution is Resolution.PERSON)


People.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestPeople = People.TestCase


def test_the_table_says_something_of_every_state_and_change() -> None:
    kinds = [kind for kind in ChangeKind if kind is not ChangeKind.UNDO]
    missing = {(state, kind) for state in IncidentState for kind in kinds} - set(TRANSITIONS)
    assert missing == {
        (IncidentState.OPEN, ChangeKind.UNMUTE),
        (IncidentState.OPEN, ChangeKind.REOPEN),
        (IncidentState.ACKNOWLEDGED, ChangeKind.UNMUTE),
        (IncidentState.ACKNOWLEDGED, ChangeKind.REOPEN),
        (IncidentState.MUTED, ChangeKind.REOPEN),
        (IncidentState.RESOLVED, ChangeKind.MUTE),
        (IncidentState.RESOLVED, ChangeKind.UNMUTE),
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (IncidentChange(ChangeKind.MUTE), "say until when"),
        (IncidentChange(ChangeKind.MUTE, until="soon"), "'soon' is no interval; write it like '2013-03-08'"),
        (IncidentChange(ChangeKind.COMMENT, comment="  "), "the comment is empty"),
    ],
)
def test_what_is_not_fully_said_is_refused(change: IncidentChange, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        apply_change(_incident(), change, [], by="ada", at=AT)


def test_without_a_score_nothing_can_double() -> None:
    house = House()
    house.run(0, verdict(0, score=None))
    with pytest.raises(ValueError, match="no score"):
        apply_change(house.incidents[0], IncidentChange(ChangeKind.MUTE, until_doubles=True), [], by="ada", at=AT)


def test_a_clean_incident_that_a_person_reopens_stays_open() -> None:
    house = House()
    house.run(0, verdict(0))
    for number in (1, 2):
        house.run(number)
    house.change(0, "reopen")
    assert house.run(3) == ()
    assert house.picture() == [(day(0).key, day(0).key, "open", 2)]
    house.change(0, "resolve", outcome=Outcome.FIXED)
    house.run(4)
    assert [(one.state.value, one.outcome) for one in house.incidents] == [("resolved", Outcome.FIXED)]
