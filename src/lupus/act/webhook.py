"""Webhooks: Slack's incoming one, and JSON for any other service, signed."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from lupus.act.slack_message import channel_message, note
from lupus.act.story import Story
from lupus.model import DeliveryError

if TYPE_CHECKING:
    from lupus.act.sinks import Delivery

_FORMATS: Final = ("json", "teams")


@dataclass(frozen=True, slots=True)
class SlackWebhookSink:
    """Slack's incoming webhook: each notice is a message of its own, without chart, thread or buttons that work."""

    url: str = field(repr=False)
    timeout_seconds: float = 10.0

    def deliver(self, delivery: Delivery) -> str:
        story, notice = delivery.story, delivery.notice
        message = channel_message(story, delivery.standing) if story else note(str(notice.message["text"]))
        body = json.dumps(message, ensure_ascii=False).encode()
        return _post(self.url, body, {}, service="Slack's webhook", timeout_seconds=self.timeout_seconds)


@dataclass(frozen=True, slots=True)
class WebhookSink:
    """POSTs every notice as JSON. `shape` is ``json`` (everything that is known) or ``teams`` (an Adaptive Card).

    With a `secret`, ``X-Lupus-Signature`` is ``sha256=`` and the hexadecimal HMAC-SHA256 of the header
    ``X-Lupus-Timestamp`` (seconds since 1970), a full stop, and the body. ``Idempotency-Key`` is the notice's id: a
    retry after a time-out repeats it.
    """

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    shape: str = "json"
    timeout_seconds: float = 10.0
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    def deliver(self, delivery: Delivery) -> str:
        if self.shape not in _FORMATS:
            raise DeliveryError(
                f"the webhook's format {self.shape!r} is not known; use one of {', '.join(_FORMATS)}",
                permanent=True,
                for_all=True,
            )
        content = _card(delivery) if self.shape == "teams" else as_json(delivery)
        body = json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "replace")
        headers = {"Idempotency-Key": delivery.notice.id}
        if self.secret:
            stamp = str(int(self.clock()))
            signed = hmac.new(self.secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
            headers |= {"X-Lupus-Timestamp": stamp, "X-Lupus-Signature": f"sha256={signed}"}
        return _post(self.url, body, headers, service="the webhook", timeout_seconds=self.timeout_seconds)


def as_json(delivery: Delivery) -> dict[str, Any]:
    """A notice as programs get it."""
    notice = delivery.notice
    return {
        "id": notice.id,
        "project": notice.project,
        "incident": notice.incident,
        "interval": notice.interval.key,
        "reason": notice.reason.value,
        "message": dict(notice.message),
        "standing": asdict(delivery.standing),
    }


def _card(delivery: Delivery) -> dict[str, Any]:
    """An Adaptive Card, as Microsoft Teams' workflows take it. Its texts are Markdown, so that is disarmed."""
    story = delivery.story
    lines: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": _plain(_text(delivery)), "weight": "bolder", "size": "medium", "wrap": True}
    ]
    actions = []
    if story:
        lines.append(_text_block(" · ".join([story.severity.capitalize(), *story.facts])))
        if story.because:
            lines.append(_text_block(story.because))
        lines += [_text_block(text) for text in item_lines(story)[:6]]
        for title, url in (("Open in Lupus", story.incident_url), ("Airflow run", story.run_url)):
            if url:
                actions.append({"type": "Action.OpenUrl", "title": title, "url": url})
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": lines,
        "actions": actions,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def item_lines(story: Story) -> list[str]:
    """The worst causes and the failed expectations in plain lines."""
    lines = []
    for item in story.items:
        value = f": {item.value}" if item.value else ""
        lines.append(f"{item.name}{value}{f', expected {item.expected}' if item.expected else ''}")
    return [*lines, *([story.rest] if story.rest else []), *story.checks]


def _text(delivery: Delivery) -> str:
    return str(delivery.notice.message["text"])


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True}


def _plain(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_[]()#<>~" else char for char in text)


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would send the message, and its signature, to an address that nobody configured."""

    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        del arguments, more


def _post(url: str, body: bytes, headers: Mapping[str, str], *, service: str, timeout_seconds: float) -> str:
    request = Request(url, data=body, method="POST", headers={"Content-Type": "application/json", **headers})  # noqa: S310 - checked when made
    try:
        with build_opener(_NoRedirects).open(request, timeout=timeout_seconds) as answer:
            return f"HTTP {answer.status}"
    except HTTPError as error:
        error.close()
        status = error.code
        wait = _seconds(error.headers.get("Retry-After"))
        if status == 429 or (status == 503 and wait is not None):
            raise DeliveryError(
                f"{service} asks to wait {wait or 60:g} s", retry_after_seconds=60.0 if wait is None else wait
            ) from None
        later = status >= 500 or status == 408
        said = "try again later" if later else "check the connection's address and secret"
        raise DeliveryError(
            f"{service} answered HTTP {status}; {said}", permanent=not later, for_all=status not in (400, 413, 422)
        ) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise DeliveryError(
            f"{service} was not reached: {reason or type(error).__name__}; check the network and the proxy settings",
            for_all=True,
        ) from None


def _seconds(text: str | None) -> float | None:
    try:
        return min(max(float(text or ""), 0.0), 86_400.0)
    except ValueError:
        return None
