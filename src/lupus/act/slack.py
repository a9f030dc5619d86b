"""Slack's Web API as Lupus uses it: one channel, a bot token, and what Slack's answers mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPException
from math import isfinite
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from lupus.model import DeliveryError

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

_LOGIN_HINT: Final = "put a valid bot token (xoxb-…) into the Slack connection's password"
_CODE: Final = re.compile(r"[a-z][a-z0-9_]*")
_HINTS: Final = {
    "not_authed": _LOGIN_HINT,
    "invalid_auth": _LOGIN_HINT,
    "account_inactive": _LOGIN_HINT,
    "token_revoked": _LOGIN_HINT,
    "token_expired": _LOGIN_HINT,
    "not_allowed_token_type": _LOGIN_HINT,
    "missing_scope": "add the scope chat:write to the Slack app and install it again",
    "channel_not_found": "check the channel in the project file; a private channel must have the app as a member",
    "not_in_channel": "invite the app to the channel (/invite @app), or give it the scope chat:write.public",
    "is_archived": "name another channel in the project file, or bring this one back",
    "restricted_action": "the workspace does not let the app post there; ask its administrator",
    "msg_too_long": "this is a fault in Lupus; please report it",
    "invalid_blocks": "this is a fault in Lupus; please report it",
    "invalid_arguments": "this is a fault in Lupus; please report it",
}
_OF_ONE_MESSAGE: Final = frozenset(("msg_too_long", "invalid_blocks", "invalid_arguments", "no_text"))
_TEMPORARY: Final = frozenset(
    (
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    )
)
_GONE: Final = frozenset(("message_not_found", "thread_not_found", "cannot_reply_to_message"))
_SEALED: Final = frozenset(("cant_update_message", "edit_window_closed", "update_failed", "is_inactive"))
_INCIDENT: Final = "lupus_incident"
_NOTICE: Final = "lupus_notice"
_PAGES: Final = 5
_ON_A_PAGE: Final = 200


class Edited(StrEnum):
    """What became of an edit, or of a reply."""

    DONE = "done"
    GONE = "gone"  # somebody has deleted the message
    SEALED = "sealed"  # the workspace lets nobody edit it any more


class _CodedError(DeliveryError):
    """A refusal with Slack's word for it."""

    def __init__(self, message: str, code: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.code = code


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """One channel with a bot token. Every method raises `DeliveryError` with a hint; nothing is tried again here.

    An incident's message carries the incident's id as Slack's message metadata, a reply its notice's id: whoever does
    not know whether a message arrived can look. `base_url` is for tests and proxies. Making one does no I/O.
    """

    token: str = field(repr=False)
    channel: str
    base_url: str | None = None
    timeout_seconds: int = 10
    wait: Callable[[float], None] = field(default=sleep, repr=False, compare=False)

    def post(self, message: Mapping[str, Any], incident: str) -> tuple[str, str]:
        """Posts the message of `incident`; returns its channel's id and its ``ts``."""
        answer = self._with_chart(
            message, lambda blocks: self._send("chat.postMessage", message, blocks, _INCIDENT, {"incident": incident})
        )
        return str(answer["channel"]), str(answer["ts"])

    def edit(self, channel: str, ts: str, message: Mapping[str, Any], incident: str) -> Edited:
        """Makes `message` what the posted message says. Doing it twice is doing it once."""
        try:
            self._with_chart(
                message,
                lambda blocks: self._send(
                    "chat.update", message, blocks, _INCIDENT, {"incident": incident}, channel=channel, ts=ts
                ),
            )
        except _CodedError as error:
            return _edited(error)
        return Edited.DONE

    def reply(
        self, channel: str, ts: str, message: Mapping[str, Any], notice: str, *, broadcast: bool = False
    ) -> tuple[Edited, str]:
        """Posts into the message's thread (with `broadcast` into the channel, too); returns the reply's ``ts``."""
        more: dict[str, Any] = {"channel": channel, "thread_ts": ts}
        if broadcast:
            more["reply_broadcast"] = True
        try:
            answer = self._send("chat.postMessage", message, message.get("blocks"), _NOTICE, {"notice": notice}, **more)
        except _CodedError as error:
            return _edited(error), ""
        return Edited.DONE, str(answer["ts"])

    def find_post(self, incident: str, *, channel: str = "") -> tuple[str, str] | None:
        """The newest message of `incident`, as far back as a thousand messages; None when there is none.

        `channel` is the channel's id, where it is known: by a name Slack finds messages only to be posted.
        """
        channel = channel or self._channel_id()
        if not channel:
            return None
        arguments = {"channel": channel, "include_all_metadata": True}
        for message in self._pages("conversations.history", "messages", arguments):
            if _told(message, _INCIDENT, "incident") == incident:
                return channel, str(message["ts"])
        return None

    def find_reply(self, channel: str, ts: str, notice: str) -> str:
        """The ``ts`` of the reply that tells of `notice`, or ""."""
        arguments = {"channel": channel, "ts": ts, "include_all_metadata": True}
        try:
            for message in self._pages("conversations.replies", "messages", arguments):
                if _told(message, _NOTICE, "notice") == notice:
                    return str(message["ts"])
        except _CodedError as error:
            if error.code not in _GONE:
                raise
        return ""

    def upload(self, png: bytes, *, title: str) -> str:
        """Uploads a chart, which nobody sees until a message shows it; returns the file's id."""
        with self._calling() as client:
            answer = client.files_upload_v2(content=png, filename="chart.png", title=title, alt_txt=title)
        return str(answer["files"][0]["id"])

    def whisper(self, channel: str, user: str, text: str) -> None:
        """Says something that only `user` sees."""
        with self._calling() as client:
            client.chat_postEphemeral(channel=channel, user=user, text=text)

    def user_name(self, user: str) -> str:
        """The name that people know `user` by; the id where Slack does not tell."""
        try:
            with self._calling() as client:
                profile = client.users_info(user=user)["user"]
        except DeliveryError:
            return user
        return str(profile.get("real_name") or profile.get("name") or user)

    def members(self, group: str) -> tuple[str, ...]:
        """The ids of the users in a user group; () where Slack does not tell."""
        try:
            with self._calling() as client:
                return tuple(map(str, client.usergroups_users_list(usergroup=group)["users"]))
        except DeliveryError:
            return ()

    def identity(self) -> tuple[str, str]:
        """The ids of the workspace (team) and of the app's bot. Needs no scope: a cheap way to try a token."""
        with self._calling() as client:
            answer = client.auth_test()
        return str(answer["team_id"]), str(answer.get("bot_id") or "")

    def _send(
        self,
        method: str,
        message: Mapping[str, Any],
        blocks: Any,
        event: str,
        payload: Mapping[str, str],
        **more: Any,
    ) -> Any:
        arguments = {
            "channel": self.channel,
            "text": str(message["text"]),
            # Data must not become links, names or previews.
            "parse": "none",
            "link_names": False,
            "metadata": {"event_type": event, "event_payload": dict(payload)},
            **more,
        }
        if blocks:
            arguments["blocks"] = list(blocks)
        if method == "chat.postMessage":
            arguments |= {"unfurl_links": False, "unfurl_media": False}
        with self._calling() as client:
            return client.api_call(method, json=arguments)

    def _with_chart(self, message: Mapping[str, Any], send: Callable[[Any], Any]) -> Any:
        """Sends the message's blocks; without its chart when Slack does not take that, whatever the reason.

        A file that was just uploaded cannot be shown for a moment: Slack then calls the blocks invalid.
        """
        blocks = list(message.get("blocks") or ())
        plain = [block for block in blocks if block["type"] != "image"]
        for seconds in (1.0, 2.0) if len(plain) < len(blocks) else ():
            try:
                return send(blocks)
            except _CodedError as error:
                if error.code != "invalid_blocks":
                    raise
                self.wait(seconds)
        return send(plain)

    def _pages(self, method: str, name: str, arguments: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        cursor = ""
        for _ in range(_PAGES):
            more = {"cursor": cursor} if cursor else {}
            with self._calling() as client:
                answer = client.api_call(method, params={"limit": _ON_A_PAGE, **arguments, **more})
            yield from answer.get(name) or ()
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _channel_id(self) -> str:
        if re.fullmatch(r"[CGD][A-Z0-9]{6,}", self.channel):
            return self.channel
        name = self.channel.removeprefix("#")
        arguments = {"exclude_archived": True, "types": "public_channel,private_channel"}
        for channel in self._pages("conversations.list", "channels", arguments):
            if channel.get("name") == name:
                return str(channel["id"])
        return ""

    @contextmanager
    def _calling(self) -> Iterator[WebClient]:
        """A client whose failures become `DeliveryError`."""
        from slack_sdk import WebClient
        from slack_sdk.errors import SlackApiError, SlackClientError, SlackRequestError

        if not self.token:
            raise DeliveryError(f"no Slack token for {self.channel}; {_LOGIN_HINT}", permanent=True, for_all=True)
        client = WebClient(
            token=self.token,
            base_url=self.base_url or WebClient.BASE_URL,
            timeout=self.timeout_seconds,
            retry_handlers=[],
        )
        try:
            yield client
        except SlackApiError as error:
            raise _refusal(self.channel, error) from error
        except SlackRequestError as error:  # the upload's own server, which answers with a status alone
            raise DeliveryError(f"Slack did not take the chart for {self.channel}; try again later") from error
        except SlackClientError as error:
            raise DeliveryError(f"Slack message to {self.channel} was not made: {error}", permanent=True) from error
        except (OSError, HTTPException) as error:  # includes time-outs and every URLError
            reason = getattr(error, "reason", None) or error
            raise DeliveryError(
                f"Slack was not reached for {self.channel}: {reason or type(error).__name__}; "
                "check the network and the proxy settings",
                for_all=True,
            ) from error


def _told(message: Mapping[str, Any], event: str, name: str) -> str:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != event:
        return ""
    return str((metadata.get("event_payload") or {}).get(name, ""))


def _edited(error: _CodedError) -> Edited:
    if error.code in _GONE:
        return Edited.GONE
    if error.code in _SEALED:
        return Edited.SEALED
    raise error


def _refusal(channel: str, error: SlackApiError) -> DeliveryError:
    """What Slack's answer means. Its text is made here: the library's own repeats the whole answer."""
    response = error.response
    status = int(response.status_code)
    said = response.data.get("error") if isinstance(response.data, dict) else None
    # An answer that is not Slack's (a proxy's page) arrives as an "error" that quotes it.
    code = said if isinstance(said, str) and _CODE.fullmatch(said) else ""
    if status == 429 or code in ("ratelimited", "rate_limited"):
        wait = _retry_after(response.headers)
        return DeliveryError(
            f"Slack asks to wait {wait:g} s before the next message to {channel}", retry_after_seconds=wait
        )
    if status >= 500 or code in _TEMPORARY or not code:
        return DeliveryError(
            f"Slack could not take the message to {channel}: {code or f'HTTP {status}'}; try again later", for_all=True
        )
    hint = _HINTS.get(code, "see Slack's documentation of chat.postMessage")
    if code == "missing_scope" and response.get("needed"):
        hint = f"add the scope {response.get('needed')} to the Slack app and install it again"
    return _CodedError(
        f"Slack refused the message to {channel}: {code}; {hint}",
        code,
        permanent=True,
        for_all=code in _HINTS and code not in _OF_ONE_MESSAGE,
    )


def _retry_after(headers: Any) -> float:
    """Seconds to wait, from the answer's headers; a minute when they do not say."""
    for name, value in dict(headers or {}).items():
        if name.lower() == "retry-after":
            text = value[0] if isinstance(value, (list, tuple)) else value
            try:
                seconds = float(text)
            except (TypeError, ValueError):
                break
            if isfinite(seconds):
                return min(max(seconds, 0.0), 86_400.0)
    return 60.0
