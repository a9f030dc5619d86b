"""What a source reader is given, what it gives, and how it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, quote_plus

from lupus.extract.window import Window
from lupus.model import (
    Cadence,
    Connection,
    Connections,
    ExtractError,
    FileSource,
    PythonSource,
    Source,
    SqlSource,
    Table,
)

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS: Final = 16_384
"""Rows that a reader holds at once, and no more."""

_LISTED: Final = 12
_NAMES: Final = {FileSource: "files", SqlSource: "sql", PythonSource: "python"}


@dataclass(frozen=True, slots=True)
class Slice:
    """What is wanted of one table: the rows in `window`, the columns that `keeps` accepts.

    `wanted` is empty when all columns are; `inputs` are the columns, in lower case, that derived ones are made of.
    Readers leave out columns and rows only to save work:
    whatever they yield is cut to the slice afterwards.
    """

    project: str
    table: Table
    cadence: Cadence
    window: Window
    wanted: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()

    def keeps(self, column: str) -> bool:
        """Whether `column` belongs into the snapshot."""
        return column not in self.table.exclude and (not self.wanted or column in self.wanted)

    def passes(self, column: str) -> bool:
        """Whether `column` is kept, or a derived one is made of it."""
        return self.keeps(column) or column.casefold() in self.inputs

    def reads(self, column: str) -> bool:
        """Whether `column` must be read: kept, needed to derive others, or to cut the slice."""
        return self.passes(column) or column == self.table.time

    def __str__(self) -> str:
        return f"{self.project}/{self.table.name} {self.window.interval.key}"


class SourceReader(Protocol):
    """Reads one kind of source, in batches of at most some ten thousand rows.

    Batches may differ in schema. A reader raises `ExtractError` with a text for people, free of secrets;
    it gives nothing at all when the slice is not there yet.
    """

    def __call__(self, source: Any, wanted: Slice, connections: Connections) -> Iterator[pa.RecordBatch]: ...


def find_reader(source: Source) -> SourceReader:
    """The reader for `source`, from the entry points in the group ``lupus.sources``."""
    kind = type(source)
    return _reader(_NAMES.get(kind, kind.__name__.removesuffix("Source").lower()))


@cache
def _reader(name: str) -> SourceReader:
    for point in entry_points(group="lupus.sources", name=name):
        reader: SourceReader = point.load()
        return reader
    raise ExtractError(
        f"no reader for sources of kind {name!r}; install the package that has the entry point 'lupus.sources'/{name!r}"
    )


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """`unknown column 'scroe'; did you mean 'score'? There are: ...`.

    >>> unknown("column", "scroe", ["score", "id"])
    "unknown column 'scroe'; did you mean 'score'? There are: id, score"
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    return f"unknown {what} {name!r}; {hint}There are: {shown or 'none at all'}"


def secrets_of(connection: Connection, password: str = "") -> tuple[str, ...]:
    """The texts of `connection` that must not be seen, as they are and as they stand in a URL."""
    plain = [password, connection.secret, *(value for value in connection.extra.values() if isinstance(value, str))]
    forms = {
        form for text in plain if text for form in (text, quote(text, safe=""), quote_plus(text), repr(text)[1:-1])
    }
    return tuple(sorted(forms, key=len, reverse=True))


def scrub(text: str, secrets: Iterable[str]) -> str:
    """`text` without the `secrets`."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its class where it has no text."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__
