"""What the store promises of incidents, and of what a run decides about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lupus.model import (
    ConflictError,
    EventKind,
    Incident,
    IncidentEvent,
    IncidentState,
    Interval,
    NoticeState,
    Outcome,
    RetrainState,
    StoreError,
    event_id,
)
from lupus.store import Store
from store_cases import DAYS, NOON, NOW, incident, notice, request


def test_incidents_come_back_with_their_findings_newest_first(filled: Store) -> None:
    old = incident()
    new = incident(
        id="i2", first=DAYS[3], last=DAYS[4], state=IncidentState.RESOLVED, outcome=Outcome.EXPECTED, clean=2,
        muted_until="2013-04-01", comment="storm", by="vera", findings=old.findings[:1],
    )  # fmt: skip
    filled.save_incidents([old, new])
    assert filled.incidents("flights") == filled.incidents() == [new, old]
    assert filled.incidents("flights", active_only=True) == [old]
    assert filled.incidents(since=DAYS[3]) == [new]
    assert filled.incidents("taxis") == []
    assert filled.incident("i1") == old
    with pytest.raises(StoreError, match="no incident 'i9'"):
        filled.incident("i9")


def test_findings_of_a_saved_incident_are_replaced(filled: Store) -> None:
    filled.save_incidents([incident()])
    fewer = incident(findings=incident().findings[1:], title="other")
    filled.save_incidents([fewer], delete=["never was"])
    assert filled.incidents() == [fewer]
    filled.save_incidents([], delete=["i1", "i1"])
    assert filled.incidents() == filled.dump()["findings"] == []


def test_a_finding_on_an_unknown_series_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="save its points first"):
        store.save_incidents([incident()])
    assert store.dump()["incidents"] == []


def test_act_is_committed_as_a_whole_or_not_at_all(filled: Store) -> None:
    with pytest.raises(StoreError, match="is of flights at 2013-03-09"):
        filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice()], retrain=request(DAYS[2]))
    assert filled.incidents() == filled.notices() == filled.retrain_requests() == []
    with pytest.raises(StoreError, match="not flights at 2013-03-09"):
        filled.commit_act("flights", DAYS[2], incidents=[], notices=[notice()])
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice()], retrain=request())
    assert filled.incidents() == [incident()]
    assert filled.notices("flights") == [notice()] == filled.notices(state=NoticeState.PENDING, incident="i1")
    assert filled.retrain_requests("flights") == [request()]


def test_a_rerun_sends_no_second_message(filled: Store) -> None:
    other = notice(destination="slack:x:#y")
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice(), other])
    filled.mark_notice(notice().id, NoticeState.PENDING, error="timeout", delivered_at=NOON)
    filled.mark_notice(notice().id, NoticeState.SENT, receipt="ts1", delivered_at=NOON)
    filled.mark_notice(other.id, NoticeState.FAILED, error="channel_not_found")
    sent = notice(state=NoticeState.SENT, receipt="ts1", attempts=2)
    assert sent in filled.notices()
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice(), other])
    assert sorted(filled.notices(), key=lambda n: n.destination) == [sent, other]
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[])
    assert filled.notices() == [sent]  # what was sent cannot be unsent
    with pytest.raises(StoreError, match="no notice"):
        filled.mark_notice(other.id, NoticeState.SENT)


@pytest.mark.parametrize("state", list(RetrainState))
def test_an_executed_retrain_request_is_kept(filled: Store, state: RetrainState) -> None:
    filled.commit_act("flights", DAYS[1], incidents=[], retrain=request())
    filled.mark_retrain(request().id, state, "because", executed_at=NOON)
    marked = request(state=state, note="because")
    assert filled.retrain_requests() == [marked]
    filled.commit_act("flights", DAYS[1], incidents=[], retrain=request())
    assert filled.retrain_requests() == [marked if state.settled else request()]
    filled.commit_act("flights", DAYS[2], incidents=[])
    assert len(filled.retrain_requests()) == 1
    filled.commit_act("flights", DAYS[1], incidents=[])
    assert filled.retrain_requests() == ([marked] if state.settled else [])
    with pytest.raises(StoreError, match="no retrain request"):
        filled.mark_retrain("nothing", state)


def acknowledged(one: Incident, _events: list[IncidentEvent], by: str = "vera") -> tuple[Incident, IncidentEvent]:
    kind = EventKind.ACKNOWLEDGED
    event = IncidentEvent(
        event_id(one.id, kind, str(one.version + 1)), "flights", one.id, kind, f"{by} took it", by=by, at=NOW,
        details={"before": {"acknowledged_by": one.acknowledged_by}},
    )  # fmt: skip
    return replace(one, acknowledged_by=by, state=IncidentState.ACKNOWLEDGED, by=by), event


def test_a_person_changes_an_incident_and_its_timeline_in_one_step(filled: Store) -> None:
    filled.save_incidents([incident()])
    assert filled.incident("i1").version == 1
    edited = filled.edit_incident("i1", acknowledged, version=1)
    assert (edited.version, edited.acknowledged_by, edited.findings) == (2, "vera", incident().findings)
    (event,) = filled.incident_events("i1")
    assert (event.kind, event.by, event.at, event.details) == (
        EventKind.ACKNOWLEDGED, "vera", NOW, {"before": {"acknowledged_by": ""}},
    )  # fmt: skip
    with pytest.raises(ConflictError, match="changed by vera in between"):
        filled.edit_incident("i1", acknowledged, version=1)
    assert filled.incident("i1") == edited
    with pytest.raises(StoreError, match="no incident"):
        filled.edit_incident("i9", acknowledged)

    def refuses(one: Incident, events: list[IncidentEvent]) -> tuple[Incident, IncidentEvent]:
        raise ConflictError(f"{one.id} {len(events)}")

    with pytest.raises(ConflictError, match="i1 1"):
        filled.edit_incident("i1", refuses)
    assert (filled.incident("i1").version, len(filled.incident_events("i1"))) == (2, 1)


def test_a_decision_about_incidents_that_were_changed_meanwhile_is_refused_as_a_whole(filled: Store) -> None:
    filled.save_incidents([incident()])
    known = filled.incidents("flights")
    filled.edit_incident("i1", acknowledged)
    longer = incident(last=DAYS[3], clean=1)
    with pytest.raises(ConflictError, match="incident i1 was changed"):
        filled.commit_act("flights", DAYS[3], incidents=[longer], notices=[notice(DAYS[3])], known=known)
    assert filled.notices() == []
    again = filled.incidents("flights")
    filled.commit_act("flights", DAYS[3], incidents=[longer], known=again)
    assert filled.incidents() == [longer]
    with pytest.raises(ConflictError, match="incident i1 was changed"):
        filled.commit_act("flights", DAYS[3], incidents=[longer], known=[])  # another run has opened it


def test_what_runs_tell_is_replaced_and_what_people_did_is_kept(filled: Store) -> None:
    def told(kind: EventKind, day: Interval, of: str = "i1") -> IncidentEvent:
        return IncidentEvent(event_id(of, kind, day.key), "flights", of, kind, f"{kind} at {day}", interval=day)

    opened, grew = told(EventKind.OPENED, DAYS[1]), told(EventKind.GREW, DAYS[2])
    filled.commit_act("flights", DAYS[2], incidents=[incident()], events=[opened, grew])
    first = {one.id: one.at for one in filled.incident_events("i1")}
    filled.edit_incident("i1", acknowledged)
    filled.commit_act("flights", DAYS[2], incidents=[incident()], events=[opened])
    kept = filled.incident_events("i1")
    assert {one.kind for one in kept} == {EventKind.OPENED, EventKind.ACKNOWLEDGED}
    assert next(one.at for one in kept if one.kind is EventKind.OPENED) == first[opened.id]
    joined = incident(id="i0", first=DAYS[0])
    filled.commit_act(
        "flights", DAYS[2], incidents=[joined], delete=["i1"], events=[told(EventKind.OPENED, DAYS[0], "i0")],
        moved={"i1": "i0"},
    )  # fmt: skip
    assert filled.incident_events("i1") == []
    assert {(one.kind, one.interval) for one in filled.incident_events("i0")} == {
        (EventKind.OPENED, DAYS[0]),
        (EventKind.ACKNOWLEDGED, None),
    }
