"""Answers as JSON: compact, compressed once, and not sent again to who has them."""

from __future__ import annotations

import gzip
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from math import isfinite
from threading import Lock
from typing import Any, Final

from fastapi import Request, Response
from pydantic import BaseModel

from lupus import __version__

_COMPRESS_FROM: Final = 1024
_KEPT_BYTES: Final = 64 * 2**20


def to_json(value: Any) -> bytes:
    """`value` as compact JSON; bytes are JSON already. JSON has no infinities: they become null."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="python", by_alias=True)
    try:
        return json.dumps(
            value, separators=(",", ":"), allow_nan=False
        ).encode()  # ASCII: data may hold lone surrogates
    except ValueError:
        return to_json(_finite(value))


def json_answer(request: Request, value: Any, *, headers: dict[str, str] | None = None) -> Response:
    """`value` as an answer, compressed quickly when the client can read that."""
    return _packed(request, to_json(value), headers or {})


def tag(*parts: object) -> str:
    """A weak entity tag of everything that an answer depends on."""
    text = "\x1f".join(map(str, (__version__, *parts)))
    return f'W/"{blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()}"'


class Answers:
    """Finished answers by their entity tag: the least recently used ones go when there is no more room.

    The tag holds all that an answer depends on, the visitor's projects included, so nobody gets what is not theirs.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def give(self, request: Request, entity: str, make: Callable[[], Any]) -> Response:
        """304 when the client has it, else what is kept, else what `make` makes."""
        headers = {"etag": entity, "cache-control": "private, no-cache"}
        if entity in _known(request.headers.getlist("if-none-match")):
            return Response(status_code=304, headers=headers)
        with self._lock:
            body = self._kept.get(entity)
            if body is not None:
                self._kept.move_to_end(entity)
        if body is None:
            body = gzip.compress(to_json(make()), compresslevel=1, mtime=0)
            with self._lock:
                if entity not in self._kept:
                    self._kept[entity] = body
                    self._bytes += len(body)
                while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
                    self._bytes -= len(self._kept.popitem(last=False)[1])
        if _takes_gzip(request):
            headers["content-encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
        return Response(body, media_type="application/json", headers=headers)


def _packed(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    if len(body) >= _COMPRESS_FROM and _takes_gzip(request):
        # Here, in the thread of this request: Airflow's own compression would hold up everybody else's.
        body, headers = gzip.compress(body, compresslevel=1, mtime=0), {**headers, "content-encoding": "gzip"}
    return Response(body, media_type="application/json", headers=headers)


def _takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


def _known(headers: Iterable[str]) -> set[str]:
    return {one.strip() for header in headers for one in header.split(",")}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
