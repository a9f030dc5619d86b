"""E-mail and webhooks against real servers on this machine, and what they refuse."""

from __future__ import annotations

import email
import email.policy
import hmac
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from act_cases import House, project, verdict
from lupus.act import Delivery, MailSink, SlackWebhookSink, WebhookSink, open_sink, story_of
from lupus.model import Connection, ConnectionNotUsableError, DeliveryError, Severity
from lupus.stages import EnvironmentConnections
from slack_server import validate_blocks

ADDRESSES = ("a@example.com", "b@example.com")


def _delivery(*, chart: Callable[[], bytes | None] = lambda: b"\x89PNG") -> Delivery:
    house = House(project(name="<b>flights</b>"))
    (notice,) = house.run(0, verdict(0, severity=Severity.HIGH), verdict(0, "<script>alert(1)</script>"))
    return Delivery(notice, story_of(notice.message), chart)


# E-mail


@dataclass
class MailServer:
    port: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    messages: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A mail server that speaks as much of RFC 5321 as is needed; `refuse` maps a command to its answer."""
    state = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.say("220 mail.example ESMTP")
            sender, to = "", []
            while line := self.rfile.readline().decode().rstrip("\r\n"):
                command = line.split()[0].upper()
                refused = state.refuse.get(command) or state.refuse.get(line.split(":")[-1].strip("<> "))
                if refused == "hang up":
                    return
                if refused:
                    self.say(refused)
                    continue
                match command:
                    case "EHLO":
                        self.say("250-mail.example")
                        self.say("250-AUTH PLAIN")
                        self.say("250 8BITMIME")
                    case "AUTH":
                        state.logins.append(line.split()[-1])
                        self.say("235 welcome")
                    case "MAIL":
                        sender = line
                        self.say("250 ok")
                    case "RCPT":
                        to.append(line.partition("<")[2].partition(">")[0])
                        self.say("250 ok")
                    case "DATA":
                        self.say("354 go on")
                        body = b""
                        while (part := self.rfile.readline()) != b".\r\n":
                            body += part
                        state.messages.append((sender, to, body))
                        self.say("250 taken")
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 ok")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join(5)


def _sink(server: MailServer, addresses: tuple[str, ...] = ADDRESSES, **extra: Any) -> MailSink:
    options = {
        "from_email": "Lupus <lupus@example.com>",
        "disable_ssl": True,
        "disable_tls": True,
        "timeout": 5,
    } | extra
    connection = Connection("mail", host="127.0.0.1", port=server.port, login="lupus", secret="s3cret", extra=options)
    return MailSink(connection, addresses)


def test_a_mail_has_text_html_and_the_chart(mail_server: MailServer) -> None:
    delivery = _delivery()
    receipt = _sink(mail_server).deliver(delivery)
    ((sender, to, body),) = mail_server.messages
    message: Any = email.message_from_bytes(body, policy=email.policy.default)
    assert "lupus@example.com" in sender
    assert tuple(to) == ADDRESSES
    assert receipt == message["Message-ID"] == f"<lupus.{delivery.notice.id}@example.com>"
    assert message["Subject"] == "[high] <b>flights</b>: Null ratio of data.dep_time and 1 more series"
    assert message["In-Reply-To"] == f"<lupus.{delivery.notice.incident}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    kinds = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "image/png"]
    text = message.get_body(("plain",)).get_content()
    assert "Null ratio of data.dep_time: 51.2 %, expected 1 % – 4 %" in text
    assert "https://airflow.example/plugin/lupus/incidents/" in text
    html = message.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert "<b>flights</b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'src="cid:chart"' in html
    (image,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert (image["Content-ID"], image.get_content()) == ("<chart>", b"\x89PNG")
    assert mail_server.logins != []


def test_a_mail_without_a_chart(mail_server: MailServer) -> None:
    _sink(mail_server).deliver(_delivery(chart=lambda: None))
    assert b"image/png" not in mail_server.messages[0][2]
    assert b"cid:chart" not in mail_server.messages[0][2]


def test_a_bare_text_is_a_mail_of_text(mail_server: MailServer) -> None:
    delivery = _delivery()
    bare = Delivery(replace(delivery.notice, message={"text": "good morning\nBcc: all@example.com"}), None)
    _sink(mail_server).deliver(bare)
    message: Any = email.message_from_bytes(mail_server.messages[0][2], policy=email.policy.default)
    assert message.get_content_type() == "text/plain"
    assert message["Subject"] == "good morning Bcc: all@example.com"
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    ("refuse", "said", "permanent"),
    [
        ({"AUTH": "535 no"}, r"login refused \(535\); check login and password", True),
        ({"MAIL": "550 not you"}, "550 not you", True),
        ({"MAIL": "451 later"}, "451 later", False),
        ({"DATA": "554 spam"}, "554 spam", True),
        ({"a@example.com": "550 who?", "b@example.com": "550 who?"}, "no address was taken: a@example.com", True),
        ({"a@example.com": "450 full", "b@example.com": "550 who?"}, "no address was taken", False),
        ({"EHLO": "hang up"}, "not reached", False),
        ({"DATA": "hang up"}, "not reached", False),
    ],
)
def test_what_a_mail_server_refuses(
    mail_server: MailServer, refuse: dict[str, str], said: str, permanent: bool
) -> None:
    mail_server.refuse = refuse
    with pytest.raises(DeliveryError, match=said) as caught:
        _sink(mail_server).deliver(_delivery())
    assert caught.value.permanent is permanent
    assert "s3cret" not in str(caught.value)


def test_one_of_two_addresses_is_enough(mail_server: MailServer) -> None:
    mail_server.refuse = {"b@example.com": "550 who?"}
    _sink(mail_server).deliver(_delivery())
    assert mail_server.messages[0][1] == ["a@example.com"]


@pytest.mark.parametrize(
    ("addresses", "extra", "said"),
    [
        ((), {}, "nothing is no e-mail address"),
        (("nobody",), {}, "'nobody' is no e-mail address"),
        (("a@example.com\nBcc: all@example.com",), {}, "is no e-mail address"),
        (ADDRESSES, {"from_email": ""}, "put from_email into its extra field"),
        (ADDRESSES, {"from_email": "x\r\ny@example.com"}, "has no sender"),
    ],
)
def test_addresses_that_are_none(
    mail_server: MailServer, addresses: tuple[str, ...], extra: dict[str, Any], said: str
) -> None:
    with pytest.raises(DeliveryError, match=said) as caught:
        _sink(mail_server, addresses, **extra).deliver(_delivery())
    assert caught.value.permanent
    assert mail_server.messages == []


# Webhooks


@dataclass
class Hook:
    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    state = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Tests read `seen`."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_json_is_signed(hook: Hook) -> None:
    delivery = _delivery()
    assert WebhookSink(hook.url, "s3cret", clock=lambda: 1700000000.9).deliver(delivery) == "HTTP 200"
    ((headers, body),) = hook.seen
    content = json.loads(body)
    assert content["id"] == delivery.notice.id == headers["idempotency-key"]
    assert content["message"]["items"][0]["value"] == "51.2 %"
    assert content["standing"]["state"] == "open"
    assert headers["x-lupus-timestamp"] == "1700000000"
    signed = hmac.new(b"s3cret", b"1700000000." + body, sha256).hexdigest()
    assert headers["x-lupus-signature"] == f"sha256={signed}"


def test_without_a_secret_nothing_is_signed(hook: Hook) -> None:
    WebhookSink(hook.url).deliver(_delivery())
    assert "x-lupus-signature" not in hook.seen[0][0]


def test_teams_gets_a_card(hook: Hook) -> None:
    WebhookSink(hook.url, shape="teams").deliver(_delivery())
    (attachment,) = json.loads(hook.seen[0][1])["attachments"]
    card = attachment["content"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["body"][0]["text"].startswith("\\<b\\>flights\\</b\\>: Null ratio")
    assert [action["title"] for action in card["actions"]] == ["Open in Lupus", "Airflow run"]
    with pytest.raises(DeliveryError, match="format 'xml' is not known; use one of json, teams"):
        WebhookSink(hook.url, shape="xml").deliver(_delivery())


def test_slack_s_incoming_webhook(hook: Hook) -> None:
    SlackWebhookSink(hook.url).deliver(_delivery())
    message = json.loads(hook.seen[0][1])
    assert validate_blocks(message) == []
    assert set(message) == {"text", "blocks"}


@pytest.mark.parametrize(
    ("status", "headers", "said", "permanent", "wait"),
    [
        (429, {"Retry-After": "7"}, "asks to wait 7 s", False, 7.0),
        (429, {}, "asks to wait 60 s", False, 60.0),
        (503, {"Retry-After": "9"}, "asks to wait 9 s", False, 9.0),
        (503, {}, "HTTP 503; try again later", False, None),
        (500, {}, "HTTP 500; try again later", False, None),
        (404, {}, "HTTP 404; check the connection's address", True, None),
        (403, {}, "HTTP 403", True, None),
        (302, {"Location": "http://127.0.0.1:1/evil"}, "HTTP 302", True, None),
    ],
)
def test_what_a_webhook_refuses(  # noqa: PLR0917 - an answer, and what it means
    hook: Hook, status: int, headers: dict[str, str], said: str, permanent: bool, wait: float | None
) -> None:
    hook.status, hook.headers = status, headers
    with pytest.raises(DeliveryError, match=said) as caught:
        WebhookSink(hook.url, "s3cret").deliver(_delivery())
    assert (caught.value.permanent, caught.value.retry_after_seconds) == (permanent, wait)
    assert len(hook.seen) == 1, "a redirect is not followed"
    assert hook.url not in str(caught.value), "the address may be the secret"


def test_nobody_answers() -> None:
    with pytest.raises(DeliveryError, match="was not reached") as caught:
        WebhookSink("http://127.0.0.1:1/x", timeout_seconds=1).deliver(_delivery())
    assert not caught.value.permanent


# Connections


def test_destinations_find_their_connections(tmp_path: Any) -> None:
    connections = EnvironmentConnections(
        {
            "LUPUS_CONN_MAIL": "smtp://lupus:p%40ss@mail.example:587?from_email=l@example.com",
            "LUPUS_CONN_SECURE": "smtps://mail.example",
            "LUPUS_CONN_HOOK": "https://hooks.slack.com/services/T/B/x",
            "LUPUS_CONN_PAGER": '{"url": "https://pager.example/x", "secret": "s", "extra": {"format": "teams"}}',
            "LUPUS_CONN_SLACK": "token:xoxb-1",
        }
    )

    def opened(destination: str) -> Any:
        return open_sink(destination, connections=connections, outbox=tmp_path)

    mail = opened("email:mail:a@example.com, b@example.com")
    assert mail.addresses == ADDRESSES
    assert (mail.connection.host, mail.connection.port, mail.connection.login) == ("mail.example", 587, "lupus")
    assert (mail.connection.secret, mail.connection.extra["disable_ssl"]) == ("p@ss", "true")
    assert "disable_ssl" not in opened("email:secure:a@example.com").connection.extra
    assert opened("slack_webhook:hook") == SlackWebhookSink("https://hooks.slack.com/services/T/B/x")
    assert opened("webhook:pager") == WebhookSink("https://pager.example/x", "s", "teams")
    for made in (mail, opened("slack_webhook:hook"), opened("webhook:pager")):
        assert "p@ss" not in repr(made)
        assert "hooks.slack.com" not in repr(made)
    with pytest.raises(ConnectionNotUsableError, match="'slack' is no web address"):
        opened("webhook:slack")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"url": ', "begins with { and is no JSON"),
        ('{"token": "x"}', "has 'token', which is not one of url, secret"),
        ('{"port": "25"}', "has 'port', which is not one of"),
        ("smtp://mail.example:many", "the port of the mail server is no number"),
        ("xoxb-1", "must be a SQLAlchemy URL"),
    ],
)
def test_connections_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(ConnectionNotUsableError, match=said):
        EnvironmentConnections({"LUPUS_CONN_X": text}).get("x")
