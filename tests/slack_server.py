"""A local Slack: `chat.postMessage` as the Web API's documentation states it, strict where the real one is strict."""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "xoxb-test-token"
CHANNELS = {"#ml-flights": "C0FLIGHTS1", "C0FLIGHTS1": "C0FLIGHTS1", "#private": "", "#elsewhere": "C0OTHER001"}

_ARGUMENTS = {
    "channel", "text", "blocks", "attachments", "as_user", "icon_emoji", "icon_url", "link_names", "markdown_text",
    "metadata", "mrkdwn", "parse", "reply_broadcast", "thread_ts", "unfurl_links", "unfurl_media", "username",
}  # fmt: skip
_BLOCKS = {"header", "section", "context", "divider", "actions", "image"}
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")
_ANGLE = re.compile(
    r"<(?:https?://[^|<>\s]+\|[^|<>]+|@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!here|!channel|!everyone|#C[A-Z0-9]+)>"
)


def validate_blocks(message: Mapping[str, Any]) -> list[str]:
    """What is wrong with a message's text and blocks by the Block Kit reference; empty when all is well."""
    problems = []
    text = message.get("text")
    if not isinstance(text, str) or not text.strip():
        problems.append("text: missing, and notifications show nothing else")
    else:
        problems += _text_problems("text", text, 4000)
    blocks = message.get("blocks", [])
    if not isinstance(blocks, list):
        return [*problems, "blocks: not a list"]
    if len(blocks) > 50:
        problems.append(f"blocks: {len(blocks)}, at most 50 are allowed")
    for position, block in enumerate(blocks):
        problems += _block_problems(f"blocks[{position}]", block)
    return problems


def _block_problems(where: str, block: Any) -> list[str]:
    if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
        return [f"{where}: unknown type {block.get('type') if isinstance(block, dict) else block!r}"]
    match block["type"]:
        case "header":
            problems = _object_problems(f"{where}.text", block.get("text"), 150, kinds=("plain_text",))
            return problems + _unknown(where, block, {"type", "text", "block_id", "level"})
        case "section":
            problems = _unknown(where, block, {"type", "text", "block_id", "fields", "accessory", "expand"})
            fields = block.get("fields", [])
            if "text" not in block and not fields:
                problems.append(f"{where}: neither text nor fields")
            if "text" in block:
                problems += _object_problems(f"{where}.text", block["text"], 3000)
            if len(fields) > 10:
                problems.append(f"{where}.fields: more than 10")
            for number, text in enumerate(fields):
                problems += _object_problems(f"{where}.fields[{number}]", text, 2000)
            return problems
        case "context":
            elements = block.get("elements")
            if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
                return [f"{where}.elements: between 1 and 10 are allowed"]
            problems = _unknown(where, block, {"type", "elements", "block_id"})
            for number, text in enumerate(elements):
                problems += _object_problems(f"{where}.elements[{number}]", text, 3000)
            return problems
    return []


def _object_problems(where: str, text: Any, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> list[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return [f"{where}: not a text object of {' or '.join(kinds)}"]
    allowed = {"type", "text", "emoji"} if text["type"] == "plain_text" else {"type", "text", "verbatim"}
    problems = _unknown(where, text, allowed)
    if not isinstance(text.get("text"), str) or not text["text"]:
        return [*problems, f"{where}: empty"]
    return problems + _text_problems(where, text["text"], limit)


def _text_problems(where: str, text: str, limit: int) -> list[str]:
    problems = []
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length > limit:
        problems.append(f"{where}: {length} characters, at most {limit} are allowed")
    if _ENTITY.search(text):
        problems.append(f"{where}: an unescaped & in {text!r}")
    rest = _ANGLE.sub("", text)
    if "<" in rest or ">" in rest:
        problems.append(f"{where}: an angle bracket that is no link or mention in {text!r}")
    return problems


def _unknown(where: str, block: Mapping[str, Any], allowed: set[str]) -> list[str]:
    return [f"{where}: unknown key {key!r}" for key in sorted(set(block) - allowed)]


@dataclass
class SlackServer:
    """What the server saw and how it behaves. `mode` is ``ok``, an HTTP status, or an error code to answer with."""

    url: str = ""
    mode: str = "ok"
    retry_after: str = "7"
    delay: threading.Event = field(default_factory=threading.Event)
    messages: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    calls: int = 0

    def answer(self, method: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body for one call."""
        self.calls += 1
        if self.mode == "429":
            return 429, {"Retry-After": self.retry_after}, {"ok": False, "error": "ratelimited"}
        if self.mode == "html":
            return 200, {"Content-Type": "text/html"}, "<html>a proxy's own page</html>"
        if self.mode.isdigit():
            return int(self.mode), {"Content-Type": "text/html"}, "<html>upstream connect error</html>"
        error = self.mode if self.mode != "ok" else self._error(method, headers, body)
        if error:
            more = {"needed": "chat:write", "provided": "users:read"} if error == "missing_scope" else {}
            return 200, {}, {"ok": False, "error": error, **more}
        arguments = json.loads(body)
        ts = f"1386288000.{len(self.messages) + 1:06d}"
        self.messages.append({**arguments, "ts": ts})
        channel = CHANNELS[arguments["channel"]]
        return 200, {}, {"ok": True, "channel": channel, "ts": ts, "message": {"text": arguments.get("text", "")}}

    def _error(self, method: str, headers: Mapping[str, str], body: bytes) -> str:
        if method != "chat.postMessage":
            return "unknown_method"
        authorization = headers.get("Authorization", "")
        if not authorization.startswith("Bearer "):
            return "not_authed"
        if authorization != f"Bearer {TOKEN}":
            return "invalid_auth"
        kind = headers.get("Content-Type", "").partition(";")[0]
        if kind == "application/json":
            try:
                arguments = json.loads(body)
            except ValueError:
                return "invalid_json"
        elif kind == "application/x-www-form-urlencoded":
            arguments = dict(urllib.parse.parse_qsl(body.decode()))
        else:
            return "invalid_post_type"
        if not isinstance(arguments, dict):
            return "json_not_object"
        return self._argument_error(arguments)

    def _argument_error(self, arguments: dict[str, Any]) -> str:
        unknown = set(arguments) - _ARGUMENTS
        if unknown or not isinstance(arguments.get("channel"), str):
            self.problems.append(f"arguments: {sorted(unknown) or 'no channel'}")
            return "invalid_arguments"
        channel = CHANNELS.get(arguments["channel"])
        if channel is None:
            return "channel_not_found"
        if not channel:
            return "not_in_channel"
        if "text" not in arguments and "blocks" not in arguments:
            return "no_text"
        metadata = arguments.get("metadata")
        if metadata is not None and set(metadata) != {"event_type", "event_payload"}:
            return "invalid_metadata_format"
        if metadata is not None and not re.fullmatch(r"[a-z0-9_]{1,255}", metadata["event_type"]):
            return "invalid_metadata_schema"
        problems = validate_blocks(arguments)
        self.problems += problems
        return "invalid_blocks" if problems else ""


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """A `SlackServer` on a free local port; its `url` is the SDK's `base_url`."""
    state = SlackServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if state.mode == "silent":
                state.delay.wait(30)
                return
            if state.mode == "drop":
                self.connection.close()
                return
            status, headers, answer = state.answer(self.path.removeprefix("/api/"), dict(self.headers), body)
            payload = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests read `calls`; a log would only hide their output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.delay.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
