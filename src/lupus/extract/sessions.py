"""Open databases, kept for a while when a caller says so: opening one can take longer than reading a day from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_kept: ContextVar[tuple[dict[Any, Any], ExitStack] | None] = ContextVar("_kept", default=None)


@contextmanager
def shared_sessions() -> Iterator[None]:
    """Within it, extractions reuse what they opened; everything is closed at its end.

    For one process that extracts many slices in turn. An open DuckDB file keeps writers out, so do not
    hold it longer than needed.
    """
    with ExitStack() as stack:
        token = _kept.set(({}, stack))
        try:
            yield
        finally:
            _kept.reset(token)


@contextmanager
def kept(key: Any, open_: Callable[[], T], close: Callable[[T], object]) -> Iterator[T]:
    """What `open_` gives: closed at once, or kept under `key` for the next one within `shared_sessions`."""
    shared = _kept.get()
    if shared is not None:
        known, stack = shared
        if key not in known:
            known[key] = open_()
            stack.callback(close, known[key])
        yield known[key]
        return
    opened = open_()
    try:
        yield opened
    finally:
        close(opened)
