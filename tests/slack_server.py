"""A local Slack: its Web API and Socket Mode as their documentation states them, strict where the real one is."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from typing import Any

TOKEN = "xoxb-test-token"
APP_TOKEN = "xapp-test-token"
CHANNELS = {"#ml-flights": "C0FLIGHTS1", "C0FLIGHTS1": "C0FLIGHTS1", "#private": "", "#elsewhere": "C0OTHER001"}
TEAM, APP, BOT = "T0TEAM001", "A0LUPUS01", "B0LUPUS01"
USERS = {"U0VERA001": "Vera Rubin", "U0EMMY001": "Emmy Noether"}
GROUPS = {"S0ONCALL1": ["U0VERA001"]}

_ARGUMENTS = {
    "chat.postMessage": {
        "channel", "text", "blocks", "attachments", "as_user", "icon_emoji", "icon_url", "link_names", "markdown_text",
        "metadata", "mrkdwn", "parse", "reply_broadcast", "thread_ts", "unfurl_links", "unfurl_media", "username",
    },
    "chat.update": {
        "channel", "ts", "text", "blocks", "attachments", "as_user", "link_names", "markdown_text", "metadata", "parse",
        "reply_broadcast", "file_ids",
    },
    "chat.postEphemeral": {"channel", "user", "text", "blocks", "thread_ts", "link_names", "parse"},
    "conversations.history": {"channel", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"},
    "conversations.replies": {
        "channel", "ts", "cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest",
    },
    "conversations.list": {"cursor", "exclude_archived", "limit", "team_id", "types"},
    "files.getUploadURLExternal": {"filename", "length", "alt_txt", "snippet_type"},
    "files.completeUploadExternal": {"files", "channel_id", "channels", "initial_comment", "thread_ts"},
    "users.info": {"user", "include_locale"},
    "usergroups.users.list": {"usergroup", "include_disabled", "team_id"},
    "auth.test": set(),
    "apps.connections.open": set(),
}  # fmt: skip
_SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "conversations.list": "channels:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
}
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


def _block_problems(where: str, block: Any) -> list[str]:  # noqa: PLR0912 - one branch for each kind of block
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
        case "image":
            problems = _unknown(where, block, {"type", "image_url", "slack_file", "alt_text", "title", "block_id"})
            alt = block.get("alt_text")
            if not isinstance(alt, str) or not 1 <= len(alt) <= 2000:
                problems.append(f"{where}.alt_text: between 1 and 2,000 characters")
            if ("image_url" in block) == ("slack_file" in block):
                problems.append(f"{where}: image_url or slack_file, one of the two")
            return problems
        case "actions":
            elements = block.get("elements")
            if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
                return [f"{where}.elements: between 1 and 25 are allowed"]
            problems = _unknown(where, block, {"type", "elements", "block_id"})
            for number, element in enumerate(elements):
                problems += _element_problems(f"{where}.elements[{number}]", element)
            ids = [element.get("action_id") for element in elements]
            return [*problems, *([f"{where}: an action_id twice"] if len(set(ids)) < len(ids) else [])]
    return []


def _element_problems(where: str, element: Any) -> list[str]:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind == "button":
        allowed = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
        problems = _object_problems(f"{where}.text", element.get("text"), 75, kinds=("plain_text",))
        if element.get("style") not in (None, "primary", "danger"):
            problems.append(f"{where}.style: {element['style']!r}")
        if len(element.get("url", "")) > 3000 or len(element.get("value", "")) > 2000:
            problems.append(f"{where}: url or value is too long")
    elif kind == "static_select":
        allowed = {"type", "action_id", "placeholder", "options", "initial_option", "confirm"}
        problems = _object_problems(f"{where}.placeholder", element.get("placeholder"), 150, kinds=("plain_text",))
        options = element.get("options") or []
        if not 1 <= len(options) <= 100:
            problems.append(f"{where}.options: between 1 and 100 are allowed")
        for number, option in enumerate(options):
            problems += _object_problems(f"{where}.options[{number}]", option.get("text"), 75, kinds=("plain_text",))
            if not 1 <= len(option.get("value", "")) <= 150:
                problems.append(f"{where}.options[{number}].value: at most 150 characters")
    else:
        return [f"{where}: unknown type {kind!r}"]
    if not 1 <= len(element.get("action_id", "")) <= 255:
        problems.append(f"{where}.action_id: between 1 and 255 characters")
    if "confirm" in element:
        confirm = element["confirm"]
        for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            problems += _object_problems(f"{where}.confirm.{name}", confirm.get(name), limit)
    return problems + _unknown(where, element, allowed)


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
    """What the server holds and how it behaves.

    `mode` is ``ok``, an HTTP status, an error code to answer every call with, ``silent``, ``drop``, ``html``, or
    ``lost``: the call is done, and its answer lost on the way. `next` are modes for single calls, each
    ``(method or "*", mode)``. With `limited` each channel takes one message a second of `clock`; those in `busy` take
    none for so many seconds from the first on. `scopes` are the token's.
    """

    url: str = ""
    mode: str = "ok"
    next: deque[tuple[str, str]] = field(default_factory=deque)
    retry_after: str = "7"
    limited: bool = False
    busy: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    scopes: set[str] = field(default_factory=lambda: set(_SCOPES.values()))
    slow_files: int = 0
    delay: threading.Event = field(default_factory=threading.Event)
    channels: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"C0FLIGHTS1": [], "C0OTHER001": []})
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    whispers: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    refused: int = 0
    socket: WebSocket | None = None
    connected: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _written: dict[str, float] = field(default_factory=dict)
    _number: int = 0

    @property
    def calls(self) -> int:
        return len(self.log)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All messages that are there, in threads or not, in the order of posting."""
        return sorted((one for channel in self.channels.values() for one in channel), key=lambda one: one["ts"])

    @property
    def threads(self) -> dict[str, list[dict[str, Any]]]:
        """The messages of the channel's main line by ``ts``, each with its replies."""
        heads = [one for one in self.messages if "thread_ts" not in one]
        return {
            head["ts"]: [head, *(one for one in self.messages if one.get("thread_ts") == head["ts"])] for head in heads
        }

    def delete(self, ts: str) -> None:
        """What a person does who finds a message superfluous: it goes, with its thread."""
        with self._lock:
            for channel in self.channels.values():
                channel[:] = [one for one in channel if ts not in (one["ts"], one.get("thread_ts"))]

    def mode_of(self, method: str) -> str:
        with self._lock:
            if self.next and self.next[0][0] in (method, "*"):
                return self.next.popleft()[1]
        return self.mode

    def answer(
        self, method: str, headers: Mapping[str, str], body: bytes, mode: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body for one call."""
        with self._lock:
            self.log.append(method)
            if mode == "429":
                self.refused += 1
                return 429, {"Retry-After": self.retry_after}, {"ok": False, "error": "ratelimited"}
            if mode == "html":
                return 200, {"Content-Type": "text/html"}, "<html>a proxy's own page</html>"
            if mode.isdigit():
                return int(mode), {"Content-Type": "text/html"}, "<html>upstream connect error</html>"
            if mode not in ("ok", "lost"):
                more = {"needed": "chat:write", "provided": "users:read"} if mode == "missing_scope" else {}
                return 200, {}, {"ok": False, "error": mode, **more}
            return self._checked(method, headers, body)

    def _checked(self, method: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        arguments = self._arguments(method, headers, body)
        if isinstance(arguments, str):
            return 200, {}, {"ok": False, "error": arguments}
        scope = _SCOPES.get(method)
        if scope and scope not in self.scopes:
            return 200, {}, {"ok": False, "error": "missing_scope", "needed": scope, "provided": "none"}
        channel = CHANNELS.get(str(arguments.get("channel", "")))
        if method == "chat.postMessage" and channel and self.limited:
            now = self.clock()
            if now - self._written.get(channel, -1e9) < 0.999:
                self.refused += 1
                return 429, {"Retry-After": "1"}, {"ok": False, "error": "ratelimited"}
            self._written[channel] = now
        if method == "chat.postMessage" and channel in self.busy:
            left = self._written.setdefault(channel, self.clock()) + self.busy[channel] - self.clock()
            if left > 0:
                self.refused += 1
                return 429, {"Retry-After": f"{ceil(left)}"}, {"ok": False, "error": "ratelimited"}
        handler = getattr(self, "_" + re.sub(r"[.]|(?<=[a-z])(?=[A-Z])", "_", method).lower())
        answer = handler(arguments)
        return 200, {}, {"ok": True, **answer} if isinstance(answer, dict) else {"ok": False, "error": answer}

    def _arguments(self, method: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | str:
        if method not in _ARGUMENTS:
            return "unknown_method"
        authorization = headers.get("Authorization", "")
        if not authorization.startswith("Bearer "):
            return "not_authed"
        if authorization != f"Bearer {APP_TOKEN if method == 'apps.connections.open' else TOKEN}":
            return "invalid_auth"
        kind = headers.get("Content-Type", "").partition(";")[0]
        arguments: Any = {}
        if kind == "application/json":
            try:
                arguments = json.loads(body or b"{}")
            except ValueError:
                return "invalid_json"
        elif kind == "application/x-www-form-urlencoded":
            arguments = dict(urllib.parse.parse_qsl(body.decode()))
            arguments.pop("token", None)
        elif body:
            return "invalid_post_type"
        if not isinstance(arguments, dict):
            return "json_not_object"
        unknown = set(arguments) - _ARGUMENTS[method]
        if unknown:
            self.problems.append(f"arguments of {method}: {sorted(unknown)}")
            return "invalid_arguments"
        return arguments

    def _channel(self, arguments: Mapping[str, Any], *, by_name: bool = False) -> tuple[str, str]:
        """The channel's id, or an error: only posting takes a name."""
        name = str(arguments.get("channel", ""))
        found = CHANNELS.get(name)
        if found is None or (name.startswith("#") and not by_name):
            return "", "channel_not_found"
        return found, "" if found else "not_in_channel"

    def _content_error(self, arguments: Mapping[str, Any]) -> str:
        if "text" not in arguments and "blocks" not in arguments:
            return "no_text"
        metadata = arguments.get("metadata")
        if metadata is not None and set(metadata) != {"event_type", "event_payload"}:
            return "invalid_metadata_format"
        if metadata is not None and not re.fullmatch(r"[a-z0-9_]{1,255}", metadata["event_type"]):
            return "invalid_metadata_schema"
        problems = validate_blocks(arguments)
        self.problems += problems
        if problems:
            return "invalid_blocks"
        for block in arguments.get("blocks") or ():
            if block.get("type") == "image" and "slack_file" in block:
                file = self.files.get(block["slack_file"].get("id", ""))
                if file is None or not file["done"] or file["slow"] > 0:
                    if file is not None:
                        file["slow"] -= 1
                    return "invalid_blocks"
        return ""

    def _find(self, channel: str, ts: Any) -> dict[str, Any] | None:
        return next((one for one in self.channels[channel] if one["ts"] == ts), None)

    def _chat_post_message(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        if not isinstance(arguments.get("channel"), str):
            self.problems.append("arguments: no channel")
            return "invalid_arguments"
        channel, error = self._channel(arguments, by_name=True)
        error = error or self._content_error(arguments)
        if error:
            return error
        if "thread_ts" in arguments:
            head = self._find(channel, arguments["thread_ts"])
            if head is None:
                return "thread_not_found"
            if "thread_ts" in head:
                self.problems.append("a reply to a reply")
                return "invalid_arguments"
        elif arguments.get("reply_broadcast"):
            self.problems.append("reply_broadcast without a thread")
            return "invalid_arguments"
        self._number += 1
        ts = f"1386288000.{self._number:06d}"
        self.channels[channel].append({**arguments, "ts": ts})
        return {"channel": channel, "ts": ts, "message": {"text": arguments.get("text", "")}}

    def _chat_update(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        channel, error = self._channel(arguments)
        if error:
            return error
        message = self._find(channel, arguments.get("ts"))
        if message is None:
            return "message_not_found"
        error = self._content_error(arguments)
        if error:
            return error
        message |= {name: one for name, one in arguments.items() if name != "channel"}
        message["edited"] = message.get("edited", 0) + 1
        return {"channel": channel, "ts": message["ts"], "text": arguments.get("text", "")}

    def _chat_post_ephemeral(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        _, error = self._channel(arguments)
        if error or arguments.get("user") not in USERS:
            return error or "user_not_in_channel"
        self.whispers.append(arguments)
        return {"message_ts": "1386288000.999999"}

    def _page(self, found: list[dict[str, Any]], arguments: Mapping[str, Any], name: str) -> dict[str, Any]:
        first, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit", 100))
        keep_metadata = str(arguments.get("include_all_metadata", "")).lower() in ("true", "1")
        page = [
            {key: one for key, one in message.items() if key != "metadata" or keep_metadata}
            for message in found[first : first + limit]
        ]
        cursor = str(first + limit) if first + limit < len(found) else ""
        return {name: page, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}

    def _conversations_history(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        channel, error = self._channel(arguments)
        if error:
            return error
        found = [one for one in self.channels[channel] if "thread_ts" not in one or one.get("reply_broadcast")]
        return self._page(found[::-1], arguments, "messages")

    def _conversations_replies(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        channel, error = self._channel(arguments)
        if error:
            return error
        ts = arguments.get("ts")
        if self._find(channel, ts) is None:
            return "thread_not_found"
        found = [one for one in self.channels[channel] if ts in (one["ts"], one.get("thread_ts"))]
        return self._page(found, arguments, "messages")

    def _conversations_list(self, arguments: dict[str, Any]) -> dict[str, Any]:
        found = [{"id": one, "name": name[1:]} for name, one in CHANNELS.items() if name.startswith("#") and one]
        return self._page(found, arguments, "channels")

    def _files_get_upload_urlexternal(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        length = int(arguments.get("length", 0))
        if not arguments.get("filename") or length <= 0:
            return "invalid_arguments"
        if length > 1_000_000:
            return "file_upload_size_restricted"
        file = f"F{len(self.files):09d}"
        self.files[file] = {"length": length, "content": b"", "done": False, "slow": self.slow_files}
        return {"file_id": file, "upload_url": self.url.replace("/api/", f"/upload/{file}")}

    def _files_complete_upload_external(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        wanted = json.loads(arguments.get("files", "[]"))
        for one in wanted:
            file = self.files.get(one.get("id", ""))
            if file is None or len(file["content"]) != file["length"]:
                return "file_not_found"
            file["done"] = True
        return {"files": wanted} if wanted else "invalid_arguments"

    def _users_info(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        user = arguments.get("user", "")
        if user not in USERS:
            return "user_not_found"
        return {"user": {"id": user, "name": USERS[user].split()[0].lower(), "real_name": USERS[user]}}

    def _usergroups_users_list(self, arguments: dict[str, Any]) -> dict[str, Any] | str:
        users = GROUPS.get(arguments.get("usergroup", ""))
        return "no_such_subteam" if users is None else {"users": users}

    def _auth_test(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"team_id": TEAM, "bot_id": BOT, "user_id": "U0LUPUS01"}

    def _apps_connections_open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"url": self.url.replace("http://", "ws://").replace("/api/", "/link/?ticket=1&app_id=1")}

    # Socket Mode

    def payload(
        self, user: str, message: Mapping[str, Any], action: Mapping[str, Any], **changes: Any
    ) -> dict[str, Any]:
        """What Slack sends when `user` presses `action` (an element of an actions block) under `message`."""
        pressed = {
            "type": action["type"],
            "action_id": action["action_id"],
            "block_id": "lupus",
            "action_ts": f"{self.clock():.6f}",
        }
        if action["type"] == "static_select":
            pressed["selected_option"] = action["options"][0]
        elif "value" in action:
            pressed["value"] = action["value"]
        return {
            "type": "block_actions",
            "team": {"id": TEAM, "domain": "lupus"},
            "api_app_id": APP,
            "user": {"id": user, "username": user.lower(), "team_id": TEAM},
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": "C0FLIGHTS1"},
            "channel": {"id": "C0FLIGHTS1", "name": "ml-flights"},
            "message": {"ts": message["ts"], "text": message["text"]},
            "actions": [pressed],
            "trigger_id": "1.2.3",
            "response_url": "",
            **changes,
        }

    def push(self, payload: Mapping[str, Any], *, kind: str = "interactive") -> float:
        """Sends an envelope through the socket; returns after how many seconds it was acknowledged."""
        assert self.connected.wait(20), "nobody listens"
        assert self.socket is not None
        self._number += 1
        envelope = f"e{self._number}"
        began = time.monotonic()
        self.socket.send(
            json.dumps({"type": kind, "envelope_id": envelope, "payload": payload, "accepts_response_payload": True})
        )
        assert self.socket.wait_for(envelope), "not acknowledged"
        return time.monotonic() - began


class WebSocket:
    """The server's end of a WebSocket: text frames out, masked text frames in."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.handler = handler
        self.acknowledged: set[str] = set()
        self.changed = threading.Condition()

    def send(self, text: str, opcode: int = 1) -> None:
        data = text.encode()
        length = len(data)
        head = bytes([0x80 | opcode])
        head += (
            bytes([length])
            if length < 126
            else struct.pack(">BH", 126, length)
            if length < 65536
            else struct.pack(">BQ", 127, length)
        )
        self.handler.wfile.write(head + data)
        self.handler.wfile.flush()

    def wait_for(self, envelope: str) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: envelope in self.acknowledged, timeout=20)

    def serve(self) -> None:
        """Reads until the client goes away; answers pings, notes acknowledgements."""
        read = self.handler.rfile.read
        while True:
            head = read(2)
            if len(head) < 2:
                return
            opcode, length = head[0] & 15, head[1] & 127
            if length == 126:
                (length,) = struct.unpack(">H", read(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", read(8))
            mask = read(4) if head[1] & 128 else b"\0\0\0\0"
            data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(read(length)))
            if opcode == 8:
                return
            if opcode == 9:
                self.send(data.decode(), opcode=10)
            if opcode == 1:
                with self.changed:
                    self.acknowledged.add(json.loads(data)["envelope_id"])
                    self.changed.notify_all()


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """A `SlackServer` on a free local port; its `url` is the SDK's `base_url`."""
    state = SlackServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.startswith("/upload/"):
                file = state.files.get(self.path.removeprefix("/upload/"))
                if file is not None:
                    file["content"] = body
                self._answer(200 if file is not None else 404, {}, "OK")
                return
            method = self.path.removeprefix("/api/")
            mode = state.mode_of(method)
            if mode == "silent":
                state.log.append(method)
                state.delay.wait(30)
                return
            if mode == "drop":
                state.log.append(method)
                self.connection.close()
                return
            status, headers, answer = state.answer(method, dict(self.headers), body, mode)
            if mode == "lost":
                self.connection.close()
                return
            self._answer(status, headers, answer)

        def do_GET(self) -> None:
            if not self.path.startswith("/link/"):
                self._answer(404, {}, "")
                return
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
            self.protocol_version = "HTTP/1.1"
            self.send_response(101)
            for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.flush()
            state.socket = WebSocket(self)
            state.socket.send(json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": APP}}))
            state.connected.set()
            self.close_connection = True
            try:
                state.socket.serve()
            except OSError:
                return

        def _answer(self, status: int, headers: Mapping[str, str], answer: Any) -> None:
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
