"""The outermost layer: headers of every answer, an id to quote, and an answer even when Lupus itself fails."""

from __future__ import annotations

import secrets
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lupus.ui.errors import failed

_FIXED: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'self'",
    "referrer-policy": "same-origin",
}


class Headers:
    """ASGI middleware: no sniffing, no foreign content, no shared cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = scope["lupus_request_id"] = secrets.token_hex(6)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = number
                for name, value in _FIXED.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "private, no-cache")
                headers.add_vary_header("Cookie")
                headers.add_vary_header("Authorization")
            await send(message)

        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await with_headers(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if begun:
                raise
            await failed(Request(scope), error)(scope, receive, with_headers)
