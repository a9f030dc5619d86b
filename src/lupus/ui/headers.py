"""Headers of every answer: no sniffing, no foreign content, no shared cache, and an id to quote."""

from __future__ import annotations

import secrets
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FIXED: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'self'",
    "referrer-policy": "same-origin",
}


class Headers:
    """ASGI middleware that adds them."""

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

        await self._app(scope, receive, with_headers)
