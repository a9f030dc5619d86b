"""Refusals, and how errors become answers."""

from __future__ import annotations

import logging
from typing import Any, Self

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from lupus.model import LupusError, StoreError
from lupus.ui.answers import to_json
from lupus.ui.schemas.common import Refusal

log = logging.getLogger(__name__)

_CODES = {
    401: "unauthenticated",
    403: "not_allowed",
    404: "not_found",
    405: "not_found",
    409: "conflict",
    413: "too_large",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refusal, "description": "Nobody is logged in, or the token has expired."},
    403: {"model": Refusal, "description": "The right for it is missing, or the write looks forged."},
    404: {"model": Refusal, "description": "There is no such thing, or you may not read it."},
    422: {"model": Refusal, "description": "The request cannot be understood; `detail` says what and where."},
    500: {"model": Refusal, "description": "Lupus failed; the server's log has more under the request id."},
    503: {"model": Refusal, "description": "The metric store is down, old, new or empty; `code` says which."},
}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Refusal, "description": "Somebody was faster; `current` is what is stored now."}
}


class RefusedError(Exception):
    """A request that is refused, with its HTTP status."""

    def __init__(self, status: int, code: str, detail: str, current: Any = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.current = status, code, detail, current

    @classmethod
    def not_found(cls, what: str) -> Self:
        return cls(404, "not_found", f"there is no such {what}, or you may not read it")

    @classmethod
    def not_allowed(cls, why: str) -> Self:
        return cls(403, "not_allowed", why)

    @classmethod
    def csrf(cls, why: str) -> Self:
        return cls(403, "csrf", why)

    @classmethod
    def invalid(cls, why: str) -> Self:
        return cls(422, "invalid", why)

    @classmethod
    def conflict(cls, why: str, current: Any = None) -> Self:
        return cls(409, "conflict", why, current)


class StoreUnavailableError(RefusedError):
    """The metric store cannot be used; `code` is store_down, store_old, store_new or store_empty."""

    def __init__(self, state: str, detail: str) -> None:
        super().__init__(503, f"store_{state}", detail)


def add_handlers(app: FastAPI) -> None:
    """Make every error of `app` a `Refusal`."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(LupusError, _lupus)


def _answer(request: Request, status: int, code: str, detail: str, current: Any = None) -> Response:
    number = request.scope.get("lupus_request_id", "")
    body = {"detail": detail, "code": code, "request_id": number, "current": current}
    return Response(to_json(body), status, media_type="application/json")


def _refused(request: Request, error: Any) -> Response:
    return _answer(request, error.status, error.code, error.detail, error.current)


def _http(request: Request, error: Any) -> Response:
    # What is no JSON is as little understood as what is wrong JSON.
    status = 422 if error.status_code == 400 else error.status_code
    return _answer(request, status, _CODES.get(status, "failed" if status >= 500 else "invalid"), str(error.detail))


def _invalid(request: Request, error: Any) -> Response:
    problems = []
    for one in error.errors():
        where = ".".join(str(part) for part in one["loc"] if part != "body")
        problems.append(f"{where}: {one['msg']}" if where else str(one["msg"]))
    return _answer(request, 422, "invalid", "; ".join(problems[:20]))


def _lupus(request: Request, error: Exception) -> Response:
    if isinstance(error, StoreError):
        log.warning("request %s: %s", request.scope.get("lupus_request_id", ""), error)
        return _answer(request, 503, "store_down", str(error))
    return _answer(request, 422, "invalid", str(error))


def failed(request: Request, error: Exception) -> Response:
    number = request.scope.get("lupus_request_id", "")
    log.error("request %s failed", number, exc_info=error)
    return _answer(request, 500, "failed", f"Lupus failed; the API server's log has more about request {number}")
