"""What people do to incidents, through the one function that all ways lead to; on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from lupus.model import (
    ChangeKind,
    ConflictError,
    Finding,
    Incident,
    IncidentChange,
    IncidentState,
    Interval,
    MetricPoint,
    Outcome,
    Series,
    SeriesKey,
    Severity,
    Status,
    StoreError,
    Verdict,
)
from lupus.stages import EnvironmentConnections, Settings, Workspace, change_incident, timeline
from lupus.store import Store, open_store

DAY = Interval(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC), "2026-01-05")
KEY = SeriesKey("shop", "data", "price", "mean")
AT = datetime(2026, 1, 6, 8, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else f"sqlite:///{tmp_path}/lupus.db"
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def workspace(store: Store, tmp_path: Path) -> Workspace:
    store.replace_points("shop", DAY, [MetricPoint(Series(KEY, "input"), DAY, 1.0, 10)], scope="table:data")
    finding = Finding(DAY, Verdict(KEY, DAY, "rule", Status.ANOMALY, 1.0, "off", Severity.HIGH, score=3.0))
    one = Incident("abc", "shop", IncidentState.OPEN, Severity.HIGH, DAY, DAY, (finding,), "Mean of data.price")
    store.save_incidents([one])
    settings = Settings.from_environment({"LUPUS_HOME": str(tmp_path)})
    return Workspace(settings, store, EnvironmentConnections({}))


def _do(
    workspace: Workspace, kind: ChangeKind, by: str = "ada", version: int | None = None, **more: object
) -> Incident:
    change = replace(IncidentChange(kind), **more)  # type: ignore[arg-type]
    return change_incident(workspace, "abc", change, by=by, at=AT, version=version)


def test_a_change_is_written_with_its_event_and_can_be_taken_back(workspace: Workspace) -> None:
    muted = _do(workspace, ChangeKind.MUTE, until_doubles=True, comment="known")
    assert (muted.state, muted.muted_score, muted.comment, muted.by) == (IncidentState.MUTED, 6.0, "known", "ada")
    resolved = _do(workspace, ChangeKind.RESOLVE, by="bob", outcome=Outcome.EXPECTED, version=muted.version)
    assert (resolved.state, resolved.outcome) == (IncidentState.RESOLVED, Outcome.EXPECTED)
    back = _do(workspace, ChangeKind.UNDO, by="bob")
    assert (back.state, back.outcome, back.muted_score) == (IncidentState.MUTED, None, 6.0)
    assert [one.text for one in workspace.store.incident_events("abc")] == [
        "ada muted it until its score reaches 6.0: known",
        "bob resolved it as expected",
        "bob took back: bob resolved it as expected",
    ]
    assert _do(workspace, ChangeKind.UNDO).state is IncidentState.OPEN
    with pytest.raises(ConflictError, match="nothing to undo"):
        _do(workspace, ChangeKind.UNDO)


def test_who_saw_an_older_version_is_refused_and_the_timeline_says_so(workspace: Workspace) -> None:
    seen = workspace.store.incident("abc")
    _do(workspace, ChangeKind.ACKNOWLEDGE, version=seen.version)
    with pytest.raises(ConflictError, match="changed by ada in between"):
        _do(workspace, ChangeKind.RESOLVE, by="bob", outcome=Outcome.EXPECTED, version=seen.version)
    assert workspace.store.incident("abc").state is IncidentState.ACKNOWLEDGED
    kinds = [(one.kind.value, one.by) for one in workspace.store.incident_events("abc")]
    assert kinds == [("acknowledged", "ada"), ("refused", "bob")]


def test_two_people_at_once_come_one_after_the_other_and_nothing_is_lost(workspace: Workspace) -> None:
    at_once = Barrier(2)

    def press(kind: ChangeKind, by: str, outcome: Outcome | None = None) -> None:
        at_once.wait()
        _do(workspace, kind, by=by, outcome=outcome)

    with ThreadPoolExecutor(2) as pool:
        for one in (
            pool.submit(press, ChangeKind.ACKNOWLEDGE, "ada"),
            pool.submit(press, ChangeKind.RESOLVE, "bob", Outcome.EXPECTED),
        ):
            one.result()
    after = workspace.store.incident("abc")
    assert (after.state, after.outcome, after.acknowledged_by) == (IncidentState.RESOLVED, Outcome.EXPECTED, "ada")
    assert {one.by for one in workspace.store.incident_events("abc")} == {"ada", "bob"}


def test_what_cannot_be_done_is_refused_with_what_is_so(workspace: Workspace) -> None:
    with pytest.raises(StoreError, match="no incident 'nothing'"):
        change_incident(workspace, "nothing", IncidentChange(ChangeKind.ACKNOWLEDGE), by="ada", at=AT)
    with pytest.raises(ValueError, match="say who"):
        _do(workspace, ChangeKind.ACKNOWLEDGE, by=" ")
    _do(workspace, ChangeKind.RESOLVE, outcome=Outcome.FALSE_ALARM)
    with pytest.raises(ConflictError, match=r"resolved as false alarm \(last changed by ada\).*reopen it first"):
        _do(workspace, ChangeKind.MUTE, by="bob", until="2026-01-09")


def test_the_timeline_holds_what_people_did(workspace: Workspace) -> None:
    _do(workspace, ChangeKind.ACKNOWLEDGE)
    _do(workspace, ChangeKind.COMMENT, comment="<!channel> broken")
    lines = timeline(workspace, workspace.store.incident("abc"))
    assert [(one.kind, one.by, one.text) for one in lines] == [
        ("acknowledged", "ada", "ada acknowledged it"),
        ("commented", "ada", "ada commented: <!channel> broken"),
    ]
