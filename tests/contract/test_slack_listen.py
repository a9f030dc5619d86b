"""Buttons under Slack messages: through a real socket with the real SDK, and every press that is not to be obeyed."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from act_cases import day, policy, project, verdict
from delivery_cases import Desk, FixedConnections, desk
from lupus.act import sign
from lupus.model import (
    Alerts,
    Approval,
    Connection,
    ConnectionNotUsableError,
    DeliveryError,
    EventKind,
    Outcome,
    Project,
    RetrainRequest,
    RetrainState,
    retrain_id,
)
from lupus.stages import Listener, listen
from slack_server import APP, APP_TOKEN, TEAM, TOKEN, SlackServer

VERA, EMMY = "U0VERA001", "U0EMMY001"
DESTINATION = "slack:slack:#ml-flights"


@pytest.fixture
def server(slack: SlackServer) -> SlackServer:
    return slack


@pytest.fixture
def office(tmp_path: Path, server: SlackServer) -> Iterator[Desk]:
    with desk(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, server=server, listener=True) as made:
        made.house.project = project(retrain=policy())
        made.run(0, verdict(0))
        yield made


def _listener(office: Desk, found: Project | None = None) -> Listener:
    known = found or office.house.project
    return Listener(
        office.workspace,
        "slack",
        lambda name: known if name == known.name else None,
        TEAM,
        APP,
        clock=office.clock,
    )


def _buttons(server: SlackServer) -> dict[str, dict[str, Any]]:
    (head,) = [message for message in server.messages if "thread_ts" not in message]
    found = [block["elements"] for block in head["blocks"] if block["type"] == "actions"]
    return {one["action_id"].removeprefix("lupus_"): one for elements in found for one in elements}


def _press(server: SlackServer, action: str, user: str = VERA, **changes: Any) -> dict[str, Any]:
    (head,) = [message for message in server.messages if "thread_ts" not in message]
    return server.payload(user, head, _buttons(server)[action], **changes)


def _said(server: SlackServer) -> str:
    (head,) = [message for message in server.messages if "thread_ts" not in message]
    return str(head["blocks"][1]["text"]["text"])


@pytest.mark.parametrize(
    ("action", "state", "said"),
    [
        ("acknowledge", "acknowledged", "👀 Acknowledged by Vera Rubin (Slack U0VERA001)"),
        ("mute", "muted", "🔕 Muted until 2013-03-09 by Vera Rubin"),
        ("expected", "resolved", "Judged *expected* by Vera Rubin"),
        ("false_alarm", "resolved", "Judged *false alarm* by Vera Rubin"),
    ],
)
def test_a_press_changes_the_incident_and_its_message(
    office: Desk, server: SlackServer, action: str, state: str, said: str
) -> None:
    _listener(office).handle(_press(server, action))
    (incident,) = office.workspace.store.incidents("flights")
    assert incident.state.value == state
    assert said in _said(server)
    assert action not in _buttons(server) or action == "mute"
    assert server.whispers == []
    (event,) = [one for one in office.workspace.store.incident_events(incident.id) if one.kind.is_human]
    assert event.by == "Vera Rubin (Slack U0VERA001)"


def test_a_choice_of_how_long_to_be_silent(office: Desk, server: SlackServer) -> None:
    payload = _press(server, "mute")
    payload["actions"][0]["selected_option"] = _buttons(server)["mute"]["options"][2]
    _listener(office).handle(payload)
    (incident,) = office.workspace.store.incidents("flights")
    assert incident.muted_score is not None
    assert "until its score reaches" in _said(server)


def test_acknowledge_and_expected_at_once(office: Desk, server: SlackServer) -> None:
    """Both count, one after the other, and both are in the timeline: whichever comes first, it is resolved."""
    payloads = [_press(server, "acknowledge", VERA), _press(server, "expected", EMMY)]
    listener = _listener(office)
    barrier = threading.Barrier(2)

    def press(payload: Mapping[str, Any]) -> None:
        barrier.wait()
        listener.handle(payload)

    threads = [threading.Thread(target=press, args=(one,)) for one in payloads]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    (incident,) = office.workspace.store.incidents("flights")
    assert (incident.state.value, incident.outcome) == ("resolved", Outcome.EXPECTED)
    events = [one for one in office.workspace.store.incident_events(incident.id) if one.kind.is_human]
    assert {one.kind for one in events} == {EventKind.ACKNOWLEDGED, EventKind.JUDGED}
    assert {one.by.split()[0] for one in events} == {"Vera", "Emmy"}
    office.deliver()
    assert "Judged *expected* by Emmy" in _said(server)


def test_what_comes_too_late_is_told_to_who_pressed_alone(office: Desk, server: SlackServer) -> None:
    mute = _press(server, "mute", EMMY)
    listener = _listener(office)
    listener.handle(_press(server, "expected"))
    done = listener.handle(mute)
    assert done.startswith("not done")
    (whisper,) = server.whispers
    assert whisper["user"] == EMMY
    assert "Not done: incident" in whisper["text"]
    assert "Vera Rubin" in whisper["text"]


def test_retraining_is_asked_for(office: Desk, server: SlackServer) -> None:
    done = _listener(office).handle(_press(server, "retrain"))
    assert "has not run yet" in done
    assert "Not done" in server.whispers[0]["text"]


# What is not obeyed


def _forged(payload: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(payload)
    *way, last = path.split(".")
    place: Any = made
    for name in way:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    return made


def _answer(server: SlackServer, action: str) -> dict[str, Any]:
    payload = _press(server, "acknowledge")
    payload["actions"][0]["action_id"] = f"lupus_{action}"
    return payload


def _waiting(office: Desk, incident: str, number: int) -> str:
    interval = day(number)
    name = retrain_id("flights", interval)
    awaits = RetrainState.AWAITING_APPROVAL
    made = RetrainRequest(name, "flights", interval, "retrain_flights", awaits, ("worse",), {}, incident=incident)
    office.workspace.store.add_retrain(made)
    return name


@pytest.mark.parametrize(
    ("action", "state"), [("approve", RetrainState.APPROVED), ("refuse", RetrainState.REFUSED)], ids=str
)
def test_an_answer_is_to_the_request_of_that_very_incident(
    office: Desk, server: SlackServer, action: str, state: RetrainState
) -> None:
    (incident,) = office.workspace.store.incidents("flights")
    own, another = _waiting(office, incident.id, 0), _waiting(office, "another", 1)
    assert f"{own} of flights is {state}" in _listener(office).handle(_answer(server, action))
    states = {one.id: one.state for one in office.workspace.store.retrain_requests("flights")}
    assert states == {own: state, another: RetrainState.AWAITING_APPROVAL}
    assert "waits for an answer" in _listener(office).handle(_answer(server, action))
    assert "no retraining of this incident waits" in server.whispers[-1]["text"]


def test_what_is_asked_in_airflow_is_answered_there(office: Desk, server: SlackServer) -> None:
    (incident,) = office.workspace.store.incidents("flights")
    own = _waiting(office, incident.id, 0)
    made = replace(office.house.project, retrain=replace(policy(), approval=Approval.AIRFLOW))
    _listener(office, made).handle(_answer(server, "approve"))
    assert office.workspace.store.retrain_request(own).state is RetrainState.AWAITING_APPROVAL
    assert "answer its required action there" in server.whispers[-1]["text"]


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("team.id", "T0EVIL001", "from team"),
        ("api_app_id", "A0EVIL001", "from team"),
        ("container.channel_id", "C0OTHER001", "no message of ours"),
        ("container.message_ts", "1.000001", "no message of ours"),
        ("actions.0.value", "abc:" + "0" * 24, "our signature"),
        ("actions.0.value", "", "no press"),
        ("actions.0.value", "x", "our signature"),
        ("actions.0.value", "a:b:c:d", "our signature"),
        ("actions.0.value", "é:é", "our signature"),
        ("actions.0.action_id", "lupus_delete_all", "our signature"),
        ("actions.0.action_id", "acknowledge", "our signature"),
        ("actions.0.action_ts", "1.0", "pressed"),
        ("actions.0.action_ts", "nan", "pressed"),
        ("actions.0.action_ts", "soon", "no press"),
        ("actions", [], "no press"),
        ("actions", "x", "no press"),
        ("user", None, "no press"),
        ("user.id", 7, "no press"),
        ("type", "view_submission", "no press"),
        ("container", {}, "no press"),
    ],
)
def test_a_forged_press_is_refused_and_logged(  # noqa: PLR0917 - what is forged, and how it is seen
    office: Desk, server: SlackServer, caplog: pytest.LogCaptureFixture, path: str, value: Any, why: str
) -> None:
    before = office.workspace.store.incidents("flights")
    with caplog.at_level("WARNING"):
        done = _listener(office).handle(_forged(_press(server, "acknowledge"), path, value))
    assert done.startswith("refused")
    assert why in done
    assert why in caplog.text
    assert office.workspace.store.incidents("flights") == before
    assert server.whispers == []


def test_a_signature_is_of_one_message_only(office: Desk, server: SlackServer) -> None:
    """A button's value, copied under another message, or made with another secret."""
    payload = _press(server, "acknowledge")
    (incident,) = office.workspace.store.incidents("flights")
    for value in (
        f"{incident.id}:{sign('xoxb-guessed', incident.id, DESTINATION)}",
        f"{incident.id}:{sign(TOKEN, incident.id, 'slack:slack:#elsewhere')}",
        f"other:{sign(TOKEN, 'other', DESTINATION)}",
    ):
        assert _listener(office).handle(_forged(payload, "actions.0.value", value)).startswith("refused")
    value = f"{incident.id}:{sign(TOKEN, incident.id, DESTINATION)}"
    assert _listener(office).handle(_forged(payload, "actions.0.value", value)).startswith("Vera Rubin")


def test_a_press_from_yesterday(office: Desk, server: SlackServer) -> None:
    payload = _press(server, "acknowledge")
    office.clock.sleep(16 * 60)
    assert "pressed 960 s ago" in _listener(office).handle(payload)


def test_links_are_followed_without_a_word(office: Desk, server: SlackServer) -> None:
    payload = _press(server, "acknowledge")
    del payload["actions"][0]["value"]
    assert _listener(office).handle(payload) == "a link was followed"


@pytest.mark.parametrize(
    ("responders", "user", "allowed"),
    [
        ((), EMMY, True),
        ((EMMY,), EMMY, True),
        ((EMMY,), VERA, False),
        (("S0ONCALL1",), VERA, True),
        (("S0ONCALL1",), EMMY, False),
        (("S0NOBODY1",), VERA, False),
    ],
)
def test_who_may_press(
    office: Desk, server: SlackServer, responders: tuple[str, ...], user: str, allowed: bool
) -> None:
    made = replace(office.house.project, alerts=Alerts(responders=responders))
    _listener(office, made).handle(_press(server, "acknowledge", user))
    (incident,) = office.workspace.store.incidents("flights")
    assert (incident.state.value == "acknowledged") is allowed
    assert [whisper["user"] for whisper in server.whispers] == ([] if allowed else [user])
    assert all("`alerts.responders`" in whisper["text"] for whisper in server.whispers)


def test_a_project_without_a_file_has_no_rights_to_give(office: Desk, server: SlackServer) -> None:
    done = _listener(office, project(name="another")).handle(_press(server, "acknowledge"))
    assert done == "refused: there is no project flights"
    assert "has no project file now" in server.whispers[0]["text"]


# Through the socket


def _connect(office: Desk, server: SlackServer) -> Any:
    client = listen(office.workspace, "slack", lambda _: office.house.project)
    client.connect()
    return client


def test_through_the_socket(office: Desk, server: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connected by the real SDK; a slow incident store does not keep Slack waiting for its acknowledgement."""
    import time

    office.clock.now = office.clock.now.fromtimestamp(time.time(), office.clock.now.tzinfo)
    handled = threading.Event()
    original = Listener.handle

    def handle(self: Listener, payload: Mapping[str, Any]) -> str:
        self.clock = office.clock
        acknowledged.wait(20)
        try:
            return original(self, payload)
        finally:
            handled.set()

    acknowledged = threading.Event()
    monkeypatch.setattr(Listener, "handle", handle)
    client = _connect(office, server)
    try:
        server.push(_press(server, "acknowledge"))
        acknowledged.set()
        assert handled.wait(20)
        handled.clear()
        server.push({"type": "event"}, kind="events_api")
        server.push(_press(server, "expected", EMMY))
        assert handled.wait(20)
    finally:
        client.close()
    (incident,) = office.workspace.store.incidents("flights")
    assert incident.outcome is Outcome.EXPECTED
    assert "Judged *expected* by Emmy Noether" in _said(server)


def test_without_the_app_s_token_nobody_listens(office: Desk, server: SlackServer) -> None:
    known = office.workspace.connections.get("slack")
    office.workspace.connections = FixedConnections(known)
    with pytest.raises(ConnectionNotUsableError, match="slack_app"):
        listen(office.workspace, "slack", lambda _: None)
    office.workspace.connections = FixedConnections(known, Connection("slack_app", secret=TOKEN))
    with pytest.raises(ConnectionNotUsableError, match=r"no app-level token \(xapp-…\).*connections:write"):
        listen(office.workspace, "slack", lambda _: None)
    office.workspace.connections = FixedConnections(
        replace(known, secret="xoxb-old"), Connection("slack_app", secret=APP_TOKEN)
    )
    with pytest.raises(DeliveryError, match="invalid_auth"):
        listen(office.workspace, "slack", lambda _: None)


def test_without_a_listener_buttons_are_links(tmp_path: Path, server: SlackServer) -> None:
    with desk(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, server=server) as made:
        made.run(0, verdict(0))
    assert all(
        one["url"].startswith("https://airflow.example/plugin/lupus/incidents/") for one in _buttons(server).values()
    )
    assert "signature" not in json.dumps(server.messages)
