"""Delivery to Slack through the real SDK: an incident's life, on SQLite and PostgreSQL, and all that goes wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from act_cases import House, day, project, verdict
from delivery_cases import DESTINATION, Desk, FixedConnections, desk
from lupus.model import ChangeKind, Connection, IncidentChange, NoticeState, Outcome, Severity, StoreError
from lupus.stages import change_incident, thread
from lupus.stages.turn import LEASE
from slack_server import SlackServer

GOLDEN = Path(__file__).parents[1] / "golden"
LIFE = ([verdict(0)], [verdict(1)], [verdict(2, "x")], [verdict(3, severity=Severity.HIGH)], [], [])


@pytest.fixture
def server(slack: SlackServer) -> SlackServer:
    return slack


@pytest.fixture
def office(url: str, tmp_path: Path, server: SlackServer) -> Iterator[Desk]:
    """Over both databases: a life, and what depends on the database."""
    with desk(url, tmp_path, server=server) as made:
        yield made


@pytest.fixture
def light(tmp_path: Path, server: SlackServer) -> Iterator[Desk]:
    """Over SQLite: what depends on Slack alone."""
    with desk(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, server=server) as made:
        yield made


def _texts(server: SlackServer) -> list[list[str]]:
    return [[message["text"] for message in messages] for messages in server.threads.values()]


# A whole life


def test_a_whole_life_is_one_message(office: Desk, server: SlackServer) -> None:
    server.limited = True
    pictures = []
    for number, verdicts in enumerate(LIFE):
        office.run(number, *verdicts)
        pictures.append({"interval": day(number).key, "messages": _plain(server.messages)})
    assert office.states() == [
        ("first", "sent"),
        ("repeat", "not_sent"),
        ("grew", "sent"),
        ("worse", "sent"),
        ("resolved", "sent"),
    ]
    (messages,) = server.threads.values()
    head, *replies = messages
    assert head["text"].startswith("✅ flights: resolved")
    assert head["edited"] == 4
    assert len(replies) == 4
    assert [reply.get("reply_broadcast", False) for reply in replies] == [False, False, True, False]
    assert server.refused == 0, "nobody is faster than Slack allows"
    assert [block["type"] for block in head["blocks"]].count("image") == 1
    assert all(file["done"] and file["content"][:4] == b"\x89PNG" for file in server.files.values())
    text = json.dumps(pictures, indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / "slack_life.json"
    if os.environ.get("LUPUS_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()


def _plain(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages without what is the same in all of them."""
    usual = ("channel", "parse", "link_names", "unfurl_links", "unfurl_media")
    return [{key: value for key, value in message.items() if key not in usual} for message in messages]


def test_a_second_delivery_finds_nothing_to_do(office: Desk, server: SlackServer) -> None:
    for number, verdicts in enumerate(LIFE[:3]):
        office.run(number, *verdicts)
    before, log = json.dumps(server.messages), len(server.log)
    assert office.deliver().told == 0
    office.run(2, verdict(2, "x"))
    assert (json.dumps(server.messages), len(server.log)) == (before, log)


def test_people_are_seen_in_the_message(office: Desk, server: SlackServer) -> None:
    office.run(0, verdict(0))
    (incident,) = office.workspace.store.incidents("flights")
    change = IncidentChange(ChangeKind.RESOLVE, outcome=Outcome.EXPECTED, comment="a <storm>")
    change_incident(office.workspace, incident.id, change, by="Vera", at=office.clock())
    assert office.deliver().told == 0
    (message,) = server.messages
    assert message["text"].startswith("✅")
    assert "Judged *expected* by Vera\n“a &lt;storm&gt;”" in message["blocks"][1]["text"]["text"]


def test_an_incident_that_is_gone_is_withdrawn(office: Desk, server: SlackServer) -> None:
    office.run(0, verdict(0))
    office.run(0)
    assert office.workspace.store.incidents("flights") == []
    (message,) = server.messages
    assert message["text"].startswith("⚪")
    assert "no longer found" in json.dumps(message)
    calls = server.calls
    office.deliver()
    assert server.calls == calls


def test_an_incident_that_went_into_another_names_it(office: Desk, server: SlackServer) -> None:
    for number in (0, 4):
        office.run(number, verdict(number))
    store = office.workspace.store
    second, first = (one.id for one in store.incidents("flights"))
    office.run(2, verdict(2))
    assert [one.id for one in store.incidents("flights")] == [first]
    gone = next(one for one in server.messages if one["text"].startswith("⚪"))
    assert f"It is a part of the incident `{first}` now" in json.dumps(gone)
    assert [one.text for one in store.incident_events(first)] == [f"Took in the incident {second}"]
    office.run(2)
    assert [one.id for one in store.incidents("flights")] == [second, first]
    assert store.incident_events(first) == [], "what is apart again was not taken in"
    assert not any(one["text"].startswith("⚪") for one in server.messages)


def test_an_incident_whose_series_were_deleted(office: Desk, server: SlackServer) -> None:
    office.run(0, verdict(0), deliver=False)
    store = office.workspace.store
    with mock.patch.object(store, "series", return_value={}), mock.patch.object(store, "chart", return_value=[]):
        office.deliver()
    (message,) = server.messages
    assert "image" not in {block["type"] for block in message["blocks"]}
    assert office.states() == [("first", "sent")]


def test_ten_thousand_series(light: Desk, server: SlackServer) -> None:
    many = [verdict(0, f"c{number % 500}", segment=f"s={number}", table=f"t{number % 50}") for number in range(10_000)]
    light.run(0, *many)
    head, reply = server.messages
    assert "10,000 series in 50 tables" in head["blocks"][1]["text"]["text"]
    assert reply["thread_ts"] == head["ts"]


def test_an_emoji_only_project(light: Desk, server: SlackServer) -> None:
    light.house = House(project(name="🐺"))
    one = verdict(0)
    light.run(0, replace(one, series=replace(one.series, project="🐺")))
    assert server.messages[0]["text"].startswith("🟠 🐺: Null ratio")


# What Slack does not take


def _two_incidents(made: Desk) -> None:
    """One that is over and one that is not: three notices, none sent."""
    made.run(0, verdict(0), deliver=False)
    made.run(20, verdict(20), deliver=False)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("channel_not_found", "check the channel"),
        ("token_revoked", "put a valid bot token"),
        ("missing_scope", "add the scope chat:write"),
        ("is_archived", "name another channel"),
    ],
)
def test_what_waiting_does_not_mend_is_marked_with_the_reason(
    light: Desk, server: SlackServer, mode: str, said: str
) -> None:
    _two_incidents(light)
    server.mode = mode
    report = light.deliver()
    assert (report.told, report.again_at) == (0, None)
    assert len(report.undelivered) == 3
    notices = light.workspace.store.notices("flights", state=NoticeState.FAILED)
    assert len(notices) == 3
    assert all(said in notice.error for notice in notices)
    assert server.log.count("chat.postMessage") == 1, "the second message would not fare better"
    server.mode = "ok"
    assert light.deliver().told == 0
    assert light.workspace.store.retry_failed("flights") == 3
    assert light.deliver().told == 3
    assert len(server.threads) == 2


def test_a_message_of_its_own_kind_holds_up_no_other(light: Desk, server: SlackServer) -> None:
    _two_incidents(light)
    server.next.append(("chat.postMessage", "msg_too_long"))
    assert light.deliver().told == 1
    assert light.states() == [("first", "failed"), ("resolved", "pending"), ("first", "sent")]


@pytest.mark.parametrize("mode", ["500", "drop", "html", "internal_error"])
def test_slack_is_down_for_a_day(light: Desk, server: SlackServer, mode: str) -> None:
    server.mode = mode
    began = light.clock.now
    light.run(0, verdict(0), deliver=False)
    light.run(1, verdict(1, severity=Severity.HIGH), deliver=False)
    waits = 0
    while light.clock.now - began < timedelta(days=1):
        report = light.deliver()
        assert report.again_at is not None
        assert len(report.undelivered) == 1, "one is tried, and speaks for all"
        light.clock.now = max(report.again_at, light.clock.now)
        waits += 1
    assert 24 <= waits <= 40, "seldom enough"
    server.mode = "ok"
    assert light.deliver().told == 2
    assert [len(messages) for messages in server.threads.values()] == [1], "one message says all that happened"
    assert "got worse" in server.messages[0]["text"]
    assert light.pending() == []


def test_a_notice_is_given_up_in_the_end(light: Desk, server: SlackServer) -> None:
    server.mode = "500"
    began = light.clock.now
    light.run(0, verdict(0), deliver=False)
    while light.pending():
        report = light.deliver()
        light.clock.now = max(report.again_at or light.clock.now, light.clock.now)
    assert light.states() == [("first", "failed")]
    assert light.clock.now - began > timedelta(days=3)
    (notice,) = light.workspace.store.notices("flights")
    assert notice.attempts == 100


def test_the_worker_waits_a_minute_at_most(light: Desk, server: SlackServer) -> None:
    server.retry_after = "61"
    server.next.append(("chat.postMessage", "429"))
    light.run(0, verdict(0), deliver=False)
    report = light.deliver()
    assert report.again_at == light.clock.now + timedelta(seconds=61)
    assert light.clock.slept == []
    assert light.workspace.store.notices("flights")[0].attempts == 0, "to be asked for patience is no failure"
    assert light.deliver().again_at == report.again_at, "nobody asks again before"
    assert server.log.count("chat.postMessage") == 1
    light.clock.now = report.again_at
    assert light.deliver().told == 1
    assert len(server.messages) == 1


def test_a_hundred_messages_and_every_second_call_is_refused(light: Desk, server: SlackServer) -> None:
    """About one message a second, no slot held for more than a minute of waiting, nothing lost, nothing twice."""
    for number in range(100):
        light.run(10 * number, verdict(10 * number), deliver=False)
    pending = len(light.pending())
    assert pending >= 100
    server.limited, server.retry_after = True, "2"
    refuse = iter(range(10**6))
    original = server.mode_of

    def mode_of(method: str) -> str:
        return "429" if method == "chat.postMessage" and next(refuse) % 2 else original(method)

    with mock.patch.object(server, "mode_of", mode_of), mock.patch.object(thread, "series_chart", return_value=None):
        began, slots, told = light.clock.now, 0, 0
        while True:
            slept = sum(light.clock.slept)
            report = light.deliver()
            assert sum(light.clock.slept) - slept <= 60
            slots, told = slots + 1, told + report.told
            if report.again_at is None:
                break
            light.clock.now = max(light.clock.now, report.again_at)
    assert told == pending
    posts = [message for message in server.messages if "thread_ts" not in message]
    assert len(posts) == len({json.dumps(message["metadata"]) for message in posts}) == 100
    seconds = (light.clock.now - began).total_seconds()
    assert pending - 1 <= seconds <= 4 * pending, seconds
    assert slots > 1
    assert light.pending() == []


# Answers that never arrive


def test_a_message_whose_answer_was_lost_is_found_again(office: Desk, server: SlackServer) -> None:
    server.next.append(("chat.postMessage", "lost"))
    office.run(0, verdict(0), deliver=False)
    report = office.deliver(0.0)
    assert (report.told, len(server.messages)) == (0, 1)
    assert report.again_at is not None
    office.clock.now = report.again_at
    assert office.deliver().told == 1
    assert len(server.messages) == 1
    assert "conversations.history" in server.log


def test_a_reply_whose_answer_was_lost_is_found_again(office: Desk, server: SlackServer) -> None:
    office.run(0, verdict(0))
    office.run(1, verdict(1, severity=Severity.HIGH), deliver=False)
    server.next.append(("chat.postMessage", "lost"))
    report = office.deliver(5.0)
    assert report.again_at is not None
    assert len(server.messages) == 2
    office.clock.now = report.again_at
    assert office.deliver().told == 1
    assert len(server.messages) == 2
    assert "conversations.replies" in server.log


def test_an_edit_whose_answer_was_lost_is_made_again(light: Desk, server: SlackServer) -> None:
    light.run(0, verdict(0))
    light.run(1, verdict(1, severity=Severity.HIGH), deliver=False)
    server.next.append(("chat.update", "lost"))
    report = light.deliver(5.0)
    assert report.again_at is not None
    light.clock.now = report.again_at
    assert light.deliver().told == 1
    assert [message.get("edited") for message in server.messages] == [2, None]


def test_without_the_scope_to_look_it_is_told_again(light: Desk, server: SlackServer) -> None:
    """Twice is better than never; what is missing is said at the notice."""
    server.scopes -= {"channels:history", "channels:read"}
    server.next.append(("chat.postMessage", "lost"))
    light.run(0, verdict(0), deliver=False)
    report = light.deliver(0.0)
    light.clock.now = report.again_at or light.clock.now
    assert light.deliver().told == 1
    (notice,) = light.workspace.store.notices("flights")
    assert "could not be looked up" in notice.error
    assert "add the scope channels:read" in notice.error


# What people do in the channel


def test_a_deleted_message_is_posted_anew_when_there_is_news(office: Desk, server: SlackServer) -> None:
    office.run(0, verdict(0))
    (old,) = server.messages
    server.delete(old["ts"])
    office.run(1, verdict(1))
    assert server.messages == [], "no news: who deleted it meant it"
    office.run(2, verdict(2, severity=Severity.HIGH))
    (new,) = [message for message in server.messages if "thread_ts" not in message]
    assert new["ts"] != old["ts"]
    assert office.pending() == []


def test_a_message_deleted_between_edit_and_reply(light: Desk, server: SlackServer) -> None:
    light.run(0, verdict(0))
    light.run(1, verdict(1, severity=Severity.HIGH), deliver=False)
    answer = server.answer

    def deleting(method: str, *rest: Any) -> Any:
        if method == "chat.postMessage" and "chat.update" in server.log[before:] and len(server.messages) == 1:
            server.delete(server.messages[0]["ts"])
        return answer(method, *rest)

    before = len(server.log)
    with mock.patch.object(server, "answer", deleting):
        assert light.deliver().told == 1
    (message,) = server.messages
    assert "got worse" in message["text"]


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
def test_a_message_that_cannot_be_edited_goes_on_in_its_thread(light: Desk, server: SlackServer, code: str) -> None:
    light.run(0, verdict(0))
    server.next.append(("chat.update", code))
    light.run(1, verdict(1))
    edits = server.log.count("chat.update")
    light.run(2)
    light.run(3)
    assert server.log.count("chat.update") == edits, "Slack has said no"
    head, *replies = server.messages
    assert head.get("edited") is None
    assert [reply.get("reply_broadcast", False) for reply in replies] == [False, True], "its end is told to all"
    assert light.states()[-1] == ("resolved", "sent")


# Charts


def test_without_the_scope_for_files_there_is_no_chart(light: Desk, server: SlackServer) -> None:
    server.scopes.remove("files:write")
    light.run(0, verdict(0))
    (message,) = server.messages
    assert "image" not in {block["type"] for block in message["blocks"]}
    (notice,) = light.workspace.store.notices("flights")
    assert notice.state is NoticeState.SENT
    assert "without a chart" in notice.error
    assert "add the scope files:write" in notice.error


def test_a_chart_of_two_megabytes_is_left_out(light: Desk, server: SlackServer) -> None:
    with mock.patch.object(thread, "series_chart", return_value=b"\x89PNG" + bytes(2_000_000)):
        light.run(0, verdict(0))
    (message,) = server.messages
    assert "image" not in {block["type"] for block in message["blocks"]}
    assert server.files == {}
    assert "2,000,004 bytes is too large" in light.workspace.store.notices("flights")[0].error


# Several deliverers


def test_two_deliverers_at_once(office: Desk, server: SlackServer) -> None:
    """The second finds the first at work, and waits for it rather than doing the same."""
    office.run(0, verdict(0), deliver=False)
    store = office.workspace.store
    assert store.take_lease(DESTINATION, "other", now=office.clock(), until=office.clock() + LEASE)
    report = office.deliver(10.0)
    assert (report.told, server.calls) == (0, 0)
    assert report.again_at is not None
    store.release(DESTINATION, "other")
    assert office.deliver().told == 1
    assert len(server.messages) == 1


def test_a_deliverer_that_died_is_waited_for_and_replaced(office: Desk, server: SlackServer) -> None:
    office.run(0, verdict(0), deliver=False)
    office.workspace.store.take_lease(DESTINATION, "dead", now=office.clock(), until=office.clock() + LEASE)
    assert office.deliver().told == 1
    assert 44 <= sum(office.clock.slept) <= 47
    assert len(server.messages) == 1


def test_one_that_lost_its_turn_stops(light: Desk, server: SlackServer) -> None:
    """A deliverer that slept through its lease (a suspended laptop) must not go on where another one has taken over."""
    _two_incidents(light)
    store, clock = light.workspace.store, light.clock
    answer = server.answer

    def late(method: str, *rest: Any) -> Any:
        if method == "chat.postMessage" and len(server.messages) == 0:
            clock.now += LEASE + timedelta(seconds=1)
            assert store.take_lease(DESTINATION, "other", now=clock(), until=clock() + LEASE)
        return answer(method, *rest)

    with mock.patch.object(server, "answer", late):
        report = light.deliver(0.0)
    assert (report.told, len(server.messages)) == (2, 1), "of the second incident nothing is told"
    assert report.again_at is not None


# The database goes away


@pytest.mark.services
def test_the_database_is_restarted_at_every_step(postgres_url: str, tmp_path: Path, server: SlackServer) -> None:
    """All its connections are cut, once before each of Slack's calls: nothing is lost, nothing is doubled."""
    with desk(postgres_url, tmp_path, server=server) as office:
        office.run(0, verdict(0))
        office.run(1, verdict(1, severity=Severity.HIGH), deliver=False)
        admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        answer = server.answer
        cut_at = iter(range(100))
        calls = 0

        def cutting(method: str, *rest: Any) -> Any:
            nonlocal calls
            if calls == position:
                _cut(admin)
            calls += 1
            return answer(method, *rest)

        with mock.patch.object(server, "answer", cutting):
            for position in cut_at:
                calls = 0
                try:
                    report = office.deliver()
                except StoreError:
                    office.clock.now += LEASE
                    continue
                if report.again_at is None and calls <= position:
                    break
        admin.dispose()
        assert office.pending() == []
        assert [len(messages) for messages in server.threads.values()] == [2]


def _cut(admin: sa.Engine) -> None:
    query = (
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    with closing(admin.raw_connection()) as connection, connection.cursor() as cursor:
        cursor.execute(query)


# Other things that are wrong


def test_a_connection_that_has_gone(light: Desk, server: SlackServer) -> None:
    light.run(0, verdict(0), deliver=False)
    light.workspace.connections = FixedConnections()
    report = light.deliver(0.0)
    assert "no connection 'slack'" in report.undelivered[0]
    assert report.again_at is not None
    light.workspace.connections = FixedConnections(Connection("slack", secret="", extra={"base_url": server.url}))
    light.clock.now = report.again_at
    assert "no Slack token" in light.deliver().undelivered[0]
    assert light.states() == [("first", "failed")]


def test_a_sink_of_somebody_else_breaks(light: Desk) -> None:
    class Broken:
        def deliver(self, delivery: Any) -> str:
            raise ZeroDivisionError("oh")

    light.destination = "pager:team"
    _two_incidents(light)
    with mock.patch("lupus.act.open_sink", return_value=Broken()):
        report = light.deliver(5.0)
    assert len(report.undelivered) == 3
    assert "the sink broke: ZeroDivisionError: oh" in report.undelivered[0]
    assert [notice.attempts for notice in light.pending()] == [1, 1, 1]
