"""Slack's Socket Mode: what comes through the socket, and what of it is a press of a button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Interaction:
    """A press as Slack tells it, checked for its shape only. `pressed_at` is in seconds since 1970."""

    team: str
    app: str
    channel: str
    ts: str
    user: str
    action: str
    value: str
    pressed_at: float


def read_interaction(payload: Mapping[str, Any]) -> Interaction | None:
    """The press in a ``block_actions`` payload; None for anything that is not exactly that."""
    try:
        if payload["type"] != "block_actions" or len(payload["actions"]) != 1:
            return None
        action = payload["actions"][0]
        value = action["selected_option"]["value"] if action["type"] == "static_select" else action["value"]
        container = payload["container"]
        texts = (
            payload["team"]["id"],
            payload["api_app_id"],
            container["channel_id"],
            container["message_ts"],
            payload["user"]["id"],
            action["action_id"],
            value,
        )
        pressed_at = float(action["action_ts"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None
    if not all(isinstance(one, str) and one for one in texts):
        return None
    return Interaction(*texts, pressed_at=pressed_at)


def is_from_link(payload: Mapping[str, Any]) -> bool:
    """Whether a button was pressed that only leads to the Web UI: Slack tells of these, too."""
    actions = payload.get("actions")
    return (
        isinstance(actions, list)
        and len(actions) == 1
        and isinstance(actions[0], Mapping)
        and actions[0].get("type") == "button"
        and "value" not in actions[0]
    )


def open_socket(
    token: str, *, hear: Callable[[Mapping[str, Any]], None], greet: Callable[[str], None], base_url: str | None = None
) -> Any:
    """A Socket Mode client of slack-sdk, not connected yet.

    It acknowledges whatever comes at once, as Slack wants it within three seconds, and then calls `hear` with what is
    interactive; `greet` gets the app's id when a connection is made.
    """
    from slack_sdk import WebClient
    from slack_sdk.socket_mode import SocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest
    from slack_sdk.socket_mode.response import SocketModeResponse

    web = WebClient(base_url=base_url or WebClient.BASE_URL, timeout=10)
    client = SocketModeClient(app_token=token, web_client=web)

    def answer(_client: Any, request: SocketModeRequest) -> None:
        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        if request.type == "interactive":
            hear(request.payload)

    def note(_client: Any, message: Mapping[str, Any], _raw: str | None = None) -> None:
        if message.get("type") == "hello":
            greet(str((message.get("connection_info") or {}).get("app_id") or ""))

    client.socket_mode_request_listeners.append(answer)
    client.message_listeners.append(note)
    return client
