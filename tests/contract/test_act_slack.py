"""The Slack sink, through the real SDK, against a server that holds Slack's contract."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from act_cases import House, verdict
from lupus.act import SlackSink
from lupus.model import DeliveryError, Notice, Severity
from slack_server import TOKEN, SlackServer, slack_server, validate_blocks


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


def _sink(server: SlackServer, *, token: str = TOKEN, channel: str = "#ml-flights", **more: Any) -> SlackSink:
    return SlackSink(token, channel, base_url=server.url, **more)


def _notice() -> Notice:
    (notice,) = House().run(0, verdict(0), verdict(0, "<!channel>", "mean"))
    return notice


def test_a_whole_life_is_taken(server: SlackServer) -> None:
    house = House()
    story = ([verdict(0)], [verdict(1)], [verdict(2, "x")], [verdict(3, severity=Severity.HIGH)], [], [])
    receipts = [
        _sink(server).deliver(notice)
        for number, verdicts in enumerate(story)
        for notice in house.run(number, *verdicts)
        if notice.reason.sends
    ]
    assert receipts == [message["ts"] for message in server.messages]
    assert server.problems == []
    assert [message["metadata"]["event_payload"]["interval"] for message in server.messages] == [
        "2013-03-08",
        "2013-03-10",
        "2013-03-11",
        "2013-03-13",
    ]


def test_what_is_sent(server: SlackServer) -> None:
    notice = _notice()
    receipt = _sink(server).deliver(notice)
    (message,) = server.messages
    assert message == {
        "ts": receipt,
        "channel": "#ml-flights",
        "text": notice.message["text"],
        "blocks": notice.message["blocks"],
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {
            "event_type": "lupus_notice",
            "event_payload": {
                "notice_id": notice.id,
                "incident": notice.incident,
                "project": "flights",
                "interval": "2013-03-08",
            },
        },
    }


def test_a_message_of_text_alone(server: SlackServer) -> None:
    _sink(server).deliver(replace(_notice(), message={"text": "only text"}))
    assert "blocks" not in server.messages[0]


@pytest.mark.parametrize(
    ("mode", "permanent", "said"),
    [
        ("invalid_auth", True, "put a valid bot token"),
        ("token_revoked", True, "put a valid bot token"),
        ("missing_scope", True, "add the scope chat:write"),
        ("channel_not_found", True, "check `alerts.slack.channel`"),
        ("not_in_channel", True, "invite the app"),
        ("is_archived", True, "another channel"),
        ("invalid_blocks", True, "report it"),
        ("something_new", True, "something_new; see Slack's documentation"),
        ("fatal_error", False, "try again later"),
        ("internal_error", False, "try again later"),
        ("500", False, "HTTP 500; try again later"),
        ("503", False, "HTTP 503; try again later"),
        ("html", False, "try again later"),
    ],
)
def test_refusals(server: SlackServer, mode: str, permanent: bool, said: str) -> None:
    server.mode = mode
    with pytest.raises(DeliveryError) as caught:
        _sink(server).deliver(_notice())
    assert said in str(caught.value)
    assert "#ml-flights" in str(caught.value)
    assert caught.value.permanent is permanent
    assert caught.value.retry_after_seconds is None
    assert server.calls == 1, "trying again is for the caller to decide"


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("soon", 60.0), ("-5", 0.0), ("1e9", 86_400.0), ("nan", 60.0)]
)
def test_rate_limit(server: SlackServer, header: str, seconds: float) -> None:
    server.mode, server.retry_after = "429", header
    with pytest.raises(DeliveryError) as caught:
        _sink(server).deliver(_notice())
    assert (caught.value.retry_after_seconds, caught.value.permanent) == (seconds, False)
    server.mode = "ok"
    assert _sink(server).deliver(_notice()) == server.messages[0]["ts"]


@pytest.mark.parametrize(
    ("token", "channel", "code"),
    [
        ("xoxb-other", "#ml-flights", "invalid_auth"),
        (TOKEN, "#nowhere", "channel_not_found"),
        (TOKEN, "#private", "not_in_channel"),
    ],
)
def test_the_server_itself_refuses(server: SlackServer, token: str, channel: str, code: str) -> None:
    with pytest.raises(DeliveryError, match=code):
        _sink(server, token=token, channel=channel).deliver(_notice())
    assert server.messages == []


def test_no_token_is_refused_without_a_call(server: SlackServer) -> None:
    with pytest.raises(DeliveryError, match="no Slack token") as caught:
        _sink(server, token="").deliver(_notice())
    assert caught.value.permanent
    assert server.calls == 0


@pytest.mark.parametrize("mode", ["silent", "drop"])
def test_no_answer_can_be_tried_again(server: SlackServer, mode: str) -> None:
    server.mode = mode
    with pytest.raises(DeliveryError, match="Slack was not reached") as caught:
        _sink(server, timeout_seconds=1).deliver(_notice())
    assert not caught.value.permanent


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/"
        with pytest.raises(DeliveryError, match=r"Connection refused.*check the network") as caught:
            SlackSink(TOKEN, "#ml-flights", base_url=url).deliver(_notice())
    assert not caught.value.permanent


@pytest.mark.parametrize("mode", ["invalid_auth", "500", "429", "drop"])
def test_the_token_is_never_told(server: SlackServer, mode: str) -> None:
    server.mode = mode
    with pytest.raises(DeliveryError) as caught:
        _sink(server).deliver(_notice())
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert TOKEN not in repr(_sink(server))


def test_the_checker_finds_what_slack_would_refuse(server: SlackServer) -> None:
    """The server is only worth something if it refuses: each of these is against the reference."""
    text = {"type": "mrkdwn", "text": "fine"}
    section = {"type": "section", "text": text}
    wrong: list[list[Any]] = [
        [section] * 51,
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "header", "text": text}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "section"}],
        [{"type": "section", "text": {**text, "emoji": True}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "a < b"}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "a & b"}}],
        [{"type": "context", "elements": []}],
        [{"type": "context", "elements": [text] * 11}],
        [{"type": "banner", "text": text}],
        [{**section, "colour": "red"}],
        ["section"],
    ]
    client = WebClient(token=TOKEN, base_url=server.url, retry_handlers=[])
    for blocks in wrong:
        assert validate_blocks({"text": "fine", "blocks": blocks}) != []
        with pytest.raises(SlackApiError, match="invalid_blocks"):
            client.chat_postMessage(channel="#ml-flights", text="fine", blocks=blocks)
    with pytest.raises(SlackApiError, match="unknown_method"):
        client.chat_delete(channel="C0FLIGHTS1", ts="1")
    with pytest.raises(SlackApiError, match="invalid_metadata_format"):
        client.chat_postMessage(channel="#ml-flights", text="fine", metadata={"event_type": "x"})
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.chat_postMessage(channel="#ml-flights", text="fine", client_message="1")
    assert server.messages == []
