"""The Slack sink, through the real SDK, against a server that holds Slack's contract."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from act_cases import House, verdict
from delivery_cases import shown
from lupus.act import Edited, SlackChannel
from lupus.model import DeliveryError
from slack_server import TOKEN, SlackServer, slack_server, validate_blocks


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


def _channel(server: SlackServer, *, token: str = TOKEN, channel: str = "#ml-flights", **more: Any) -> SlackChannel:
    return SlackChannel(token, channel, base_url=server.url, **{"wait": lambda _: None, **more})


def _message() -> dict[str, Any]:
    (notice,) = House().run(0, verdict(0), verdict(0, "<!channel>", "mean"))
    return dict(shown(notice))


def _post(server: SlackServer, **more: Any) -> tuple[str, str]:
    return _channel(server, **more).post(_message(), "abc")


def test_what_is_sent(server: SlackServer) -> None:
    made = _message()
    channel, ts = _channel(server).post(made, "abc")
    (message,) = server.messages
    assert channel == "C0FLIGHTS1"
    assert message == {
        "ts": ts,
        "channel": "#ml-flights",
        "text": made["text"],
        "blocks": made["blocks"],
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": "lupus_incident", "event_payload": {"incident": "abc"}},
    }
    assert server.problems == []


def test_edits_replies_and_what_is_found_again(server: SlackServer) -> None:
    slack = _channel(server)
    place = slack.post(_message(), "abc")
    assert slack.find_post("abc") == place == slack.find_post("abc", channel=place[0])
    assert slack.find_post("other") is None
    assert slack.edit(*place, {**_message(), "text": "changed"}, "abc") is Edited.DONE
    assert [message["text"] for message in server.messages] == ["changed"]
    outcome, reply = slack.reply(*place, {"text": "only text"}, "n1", broadcast=True)
    assert outcome is Edited.DONE
    assert slack.find_reply(*place, "n1") == reply
    assert slack.find_reply(*place, "n2") == ""
    head, answer = server.threads[place[1]]
    assert ("blocks" in answer, answer["reply_broadcast"], head["edited"]) == (False, True, 1)
    server.delete(place[1])
    assert slack.edit(*place, _message(), "abc") is Edited.GONE
    assert slack.reply(*place, _message(), "n3") == (Edited.GONE, "")
    assert slack.find_reply(*place, "n1") == ""
    assert slack.find_post("abc") is None
    assert server.problems == []


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
def test_a_message_that_cannot_be_edited_any_more(server: SlackServer, code: str) -> None:
    slack = _channel(server)
    place = slack.post(_message(), "abc")
    server.next.append(("chat.update", code))
    assert slack.edit(*place, _message(), "abc") is Edited.SEALED


def test_a_message_is_found_behind_hundreds_of_others(server: SlackServer) -> None:
    slack = _channel(server)
    place = slack.post(_message(), "abc")
    for number in range(450):
        server.channels["C0FLIGHTS1"].append({"ts": f"1386288001.{number:06d}", "text": "chatter"})
    server.log.clear()
    assert slack.find_post("abc", channel=place[0]) == place
    assert server.log == ["conversations.history"] * 3
    for number in range(2000):
        server.channels["C0FLIGHTS1"].append({"ts": f"1386288002.{number:06d}", "text": "chatter"})
    server.log.clear()
    assert slack.find_post("abc", channel=place[0]) is None
    assert server.log == ["conversations.history"] * 5, "bounded"


def test_a_chart_is_uploaded_and_shown(server: SlackServer) -> None:
    slack = _channel(server)
    file = slack.upload(b"\x89PNG...", title="Null ratio <of> 😀")
    assert server.files[file]["content"] == b"\x89PNG..."
    with_chart = {**_message(), "blocks": [*_message()["blocks"], _image(file)]}
    slack.post(with_chart, "abc")
    assert [block["type"] for block in server.messages[0]["blocks"]][-1] == "image"
    assert server.log[:2] == ["files.getUploadURLExternal", "files.completeUploadExternal"]


def _image(file: str) -> dict[str, Any]:
    return {"type": "image", "slack_file": {"id": file}, "alt_text": "a chart"}


@pytest.mark.parametrize(("slow", "waits", "images"), [(0, [], 1), (1, [1.0], 1), (9, [1.0, 2.0], 0)])
def test_a_chart_that_slack_cannot_show_yet(server: SlackServer, slow: int, waits: list[float], images: int) -> None:
    waited: list[float] = []
    server.slow_files = slow
    slack = _channel(server, wait=waited.append)
    file = slack.upload(b"png", title="x")
    slack.post({**_message(), "blocks": [*_message()["blocks"], _image(file)]}, "abc")
    assert waited == waits
    assert [block["type"] for block in server.messages[0]["blocks"]].count("image") == images


def test_a_chart_that_is_too_large_for_slack(server: SlackServer) -> None:
    with pytest.raises(DeliveryError, match="file_upload_size_restricted") as caught:
        _channel(server).upload(b"x" * 2_000_000, title="x")
    assert caught.value.permanent
    assert not caught.value.for_all


def test_people(server: SlackServer) -> None:
    slack = _channel(server)
    assert slack.identity() == ("T0TEAM001", "B0LUPUS01")
    assert slack.user_name("U0VERA001") == "Vera Rubin"
    assert slack.user_name("U0NOBODY1") == "U0NOBODY1"
    assert slack.members("S0ONCALL1") == ("U0VERA001",)
    assert slack.members("S0NOBODY1") == ()
    slack.whisper("C0FLIGHTS1", "U0VERA001", "not you")
    assert server.whispers == [{"channel": "C0FLIGHTS1", "user": "U0VERA001", "text": "not you"}]
    server.scopes.clear()
    assert (slack.user_name("U0VERA001"), slack.members("S0ONCALL1")) == ("U0VERA001", ())


@pytest.mark.parametrize(
    ("mode", "permanent", "said"),
    [
        ("invalid_auth", True, "put a valid bot token"),
        ("token_revoked", True, "put a valid bot token"),
        ("missing_scope", True, "add the scope chat:write"),
        ("channel_not_found", True, "check the channel in the project file"),
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
        _post(server)
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
        _post(server)
    assert (caught.value.retry_after_seconds, caught.value.permanent) == (seconds, False)
    server.mode = "ok"
    assert _post(server)[1] == server.messages[0]["ts"]


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
        _post(server, token=token, channel=channel)
    assert server.messages == []


def test_no_token_is_refused_without_a_call(server: SlackServer) -> None:
    with pytest.raises(DeliveryError, match="no Slack token") as caught:
        _post(server, token="")
    assert caught.value.permanent
    assert server.calls == 0


@pytest.mark.parametrize("mode", ["silent", "drop"])
def test_no_answer_can_be_tried_again(server: SlackServer, mode: str) -> None:
    server.mode = mode
    with pytest.raises(DeliveryError, match="Slack was not reached") as caught:
        _post(server, timeout_seconds=1)
    assert not caught.value.permanent


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/"
        with pytest.raises(DeliveryError, match=r"Connection refused.*check the network") as caught:
            SlackChannel(TOKEN, "#ml-flights", base_url=url).post(_message(), "abc")
    assert not caught.value.permanent


@pytest.mark.parametrize("mode", ["invalid_auth", "500", "429", "drop"])
def test_the_token_is_never_told(server: SlackServer, mode: str) -> None:
    server.mode = mode
    with pytest.raises(DeliveryError) as caught:
        _post(server)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert TOKEN not in repr(_channel(server))


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
