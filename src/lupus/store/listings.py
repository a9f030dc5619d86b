"""Listings: the names of all series of a project in columns, dictionary-coded, in one row.

They follow from the table of series and are written with it. Names change seldom and are asked for often: a catalogue
of a hundred thousand series is then a hundred rows, and no text has to be compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from lupus.store import tables
from lupus.store.bulk import fetch, upsert
from lupus.store.text import unescape

COLUMNS: Final = ("group", "table", "column", "metric", "segment", "unit", "tags")
_NUMBER: Final = np.dtype("<i8")
_CODE: Final = np.dtype("<i4")
_BYTES: Final = _NUMBER.itemsize + len(COLUMNS) * _CODE.itemsize
"""Of one series."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Series of several projects in columns, in no order."""

    projects: list[int]
    ids: NDArray[np.int64]
    home: NDArray[np.int64]
    """The place of each series' project in `projects`."""
    codes: dict[str, NDArray[np.int32]]
    """By column (see `COLUMNS`) the place of each series' word in `words`."""
    words: dict[str, list[str]]
    """By column; tags are JSON text."""


def write(connection: Connection, project: int, names: Iterable[tuple[Any, ...]]) -> None:
    """Make `names`, one of (id, *COLUMNS) for each series, the project's listing."""
    rows = sorted(names)
    columns = list(zip(*rows, strict=True))
    if not columns:
        return
    words: dict[str, list[str]] = {}
    parts = [np.array(columns[0], _NUMBER).tobytes()]
    for name, column in zip(COLUMNS, columns[1:], strict=True):
        words[name] = sorted(set(column))
        place = {word: code for code, word in enumerate(words[name])}
        parts.append(np.array([place[word] for word in column], _CODE).tobytes())
    upsert(connection, tables.listings, [(project, words, b"".join(parts))])


def rebuild(connection: Connection, project: int) -> None:
    """Write the project's listing from its stored series."""
    own = tables.series.c
    query = sa.select(own.id, *(own[name] for name in COLUMNS)).where(own.project_id == project)
    write(
        connection,
        project,
        ((row[0], *map(unescape, row[1:-1]), row[-1]) for row in fetch(connection, query)),
    )


def read(connection: Connection, projects: Collection[int]) -> Listing:
    """The series of these projects."""
    own = tables.listings.c
    query = sa.select(tables.listings).where(own.project_id.in_(list(projects))).order_by(own.project_id)
    places: dict[str, dict[str, int]] = {name: {} for name in COLUMNS}
    found: list[int] = []
    ids, homes = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    codes: dict[str, list[NDArray[np.int32]]] = {name: [np.empty(0, np.int32)] for name in COLUMNS}
    for project, words, packed in connection.execute(query):
        size = len(packed) // _BYTES
        ids.append(np.frombuffer(packed, _NUMBER, size))
        homes.append(np.full(size, len(found)))
        found.append(project)
        own_codes = np.frombuffer(packed, _CODE, offset=size * _NUMBER.itemsize).reshape(len(COLUMNS), size)
        for name, column in zip(COLUMNS, own_codes, strict=True):
            known = places[name]
            shared = np.array([known.setdefault(word, len(known)) for word in words[name]], np.int32)
            codes[name].append(shared[column])
    return Listing(
        found,
        np.concatenate(ids),
        np.concatenate(homes),
        {name: np.concatenate(parts) for name, parts in codes.items()},
        {name: list(known) for name, known in places.items()},
    )
