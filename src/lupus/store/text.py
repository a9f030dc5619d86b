"""Text and JSON as they lie in the store: lossless on every database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Text, TypeDecorator
from sqlalchemy.engine import Dialect

_UNSAFE: Final = re.compile("[\\\\\x00\ud800-\udfff]")
_ESCAPE: Final = re.compile(r"\\(\\|0|u[0-9a-f]{4})")


def escape(text: str) -> str:
    r"""`text` without NUL and lone surrogates, which PostgreSQL (and UTF-8) cannot hold; see `unescape`.

    >>> escape("a\x00b"), escape("C:\\x"), escape("plain ☃")
    ('a\\0b', 'C:\\\\x', 'plain ☃')
    """
    if text.isascii() and "\\" not in text and "\x00" not in text:
        return text
    return _UNSAFE.sub(_escaped, text)


def unescape(text: str) -> str:
    r"""The inverse of `escape`.

    >>> unescape(escape("a\x00\\0b")) == "a\x00\\0b"
    True
    """
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    return {"\\": "\\\\", "\x00": "\\0"}.get(character) or f"\\u{ord(character):04x}"


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return {"\\": "\\", "0": "\x00"}.get(code) or chr(int(code[1:], 16))


def _plain(value: Any) -> Any:
    """What JSON cannot say, in what it can: mappings, sets, numpy scalars, and the rest as text."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)


# Sorted keys: equal values are equal text, so that whole stores can be compared.
encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain).encode


class Words(TypeDecorator[str]):
    """Arbitrary text, escaped so that every database can hold it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else unescape(value)


class Json(TypeDecorator[Any]):
    """JSON as text: the database's own JSON types refuse NUL or lose the order of equal numbers."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        return encode(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(value)
