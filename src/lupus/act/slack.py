"""The Slack sink: one notice, one `chat.postMessage`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http.client import HTTPException
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from lupus.model import DeliveryError, Notice

if TYPE_CHECKING:
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
    "channel_not_found": "check `alerts.slack.channel`; a private channel must have the app as a member",
    "not_in_channel": "invite the app to the channel (/invite @app), or give it the scope chat:write.public",
    "is_archived": "name another channel in `alerts.slack.channel`, or bring this one back",
    "restricted_action": "the workspace does not let the app post there; ask its administrator",
    "msg_too_long": "this is a fault in Lupus; please report it",
    "invalid_blocks": "this is a fault in Lupus; please report it",
    "invalid_arguments": "this is a fault in Lupus; please report it",
}
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


@dataclass(frozen=True, slots=True)
class SlackSink:
    """Posts to one channel with a bot token.

    The notice's id goes along as message metadata, so that a message can be traced to its notice. Nothing is tried
    again here: a try after a time-out may post twice, so whoever calls decides. `base_url` is for tests and
    proxies. The constructor does no I/O.
    """

    token: str = field(repr=False)
    channel: str
    base_url: str | None = None
    timeout_seconds: int = 10

    def deliver(self, notice: Notice) -> str:
        """Posts `notice` and returns the message's ``ts``; raises `DeliveryError` with a hint."""
        from slack_sdk import WebClient
        from slack_sdk.errors import SlackApiError, SlackClientError

        if not self.token:
            raise DeliveryError(f"no Slack token for {self.channel}; {_LOGIN_HINT}", permanent=True)
        client = WebClient(
            token=self.token,
            base_url=self.base_url or WebClient.BASE_URL,
            timeout=self.timeout_seconds,
            retry_handlers=[],
        )
        try:
            response = client.chat_postMessage(channel=self.channel, **_arguments(notice))
        except SlackApiError as error:
            raise _refusal(self.channel, error) from error
        except SlackClientError as error:
            raise DeliveryError(f"Slack message to {self.channel} was not made: {error}", permanent=True) from error
        except (OSError, HTTPException) as error:  # includes time-outs and every URLError
            reason = getattr(error, "reason", None) or error
            raise DeliveryError(
                f"Slack was not reached for {self.channel}: {reason or type(error).__name__}; "
                "check the network and the proxy settings"
            ) from error
        return str(response["ts"])


def _arguments(notice: Notice) -> dict[str, Any]:
    blocks = notice.message.get("blocks")
    return {
        "text": str(notice.message["text"]),
        "blocks": list(blocks) if blocks else None,
        # Data must not become links, names or previews.
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {
            "event_type": "lupus_notice",
            "event_payload": {
                "notice_id": notice.id,
                "incident": notice.incident,
                "project": notice.project,
                "interval": notice.interval.key,
            },
        },
    }


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
            f"Slack could not take the message to {channel}: {code or f'HTTP {status}'}; try again later"
        )
    hint = _HINTS.get(code, "see Slack's documentation of chat.postMessage")
    if code == "missing_scope" and response.get("needed"):
        hint = f"add the scope {response.get('needed')} to the Slack app and install it again"
    return DeliveryError(f"Slack refused the message to {channel}: {code}; {hint}", permanent=True)


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
