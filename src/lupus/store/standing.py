"""How things stand: tallies of verdicts by column and interval.

They follow from the verdicts and are written in the same transaction, so that overviews need not read millions of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Status
from lupus.store import tables
from lupus.store.bulk import delete, fetch, upsert
from lupus.store.names import KnownSeries
from lupus.store.tables import hash_id
from lupus.store.text import unescape

Row = tuple[Any, ...]
_RANKS: Final = {status.value: status.rank for status in Status}
_BY_RANK: Final = tuple(status.value for status in sorted(Status, key=lambda one: one.rank))

_cell_id = lru_cache(maxsize=100_000)(hash_id)
# Places in a row of verdicts.
_START, _SERIES, _STATUS, _SCORE = 1, 2, 6, 13


def worst(rows: Iterable[Row]) -> dict[tuple[int, int], Row]:
    """By (start, series): of the verdicts of several rules the worst; among equals the highest score."""
    found: dict[tuple[int, int], Row] = {}
    for row in rows:
        key = (row[_START], row[_SERIES])
        other = found.get(key)
        if other is None or badness(row[_STATUS], row[_SCORE]) > badness(other[_STATUS], other[_SCORE]):
            found[key] = row
    return found


def badness(status: str, score: float | None) -> tuple[int, float]:
    """Sorts verdicts from the least to the worst."""
    return _RANKS[status], score or 0.0


def band_rank(status: str, lower: float | None, upper: float | None, score: float | None) -> tuple[float, ...]:
    """Sorts verdicts of several rules on one point by what their bands say: that of the last is shown.

    What a finding says counts most. Otherwise the most ends count: rules about trends and flat lines draw no band, and
    a limit has one end, within which another rule still expects less.
    """
    ends = (lower is not None) + (upper is not None)
    rank, badly = badness(status, score)
    return (1, rank, badly) if ends and rank > _RANKS[Status.OK] else (0, ends, rank, badly)


def tally(
    connection: Connection,
    project: int,
    known: KnownSeries,
    starts: Collection[int],
    *,
    verdicts: Mapping[tuple[int, int], Row],
    scopes: Collection[str] | None,
) -> None:
    """Make the tallies at `starts` (of `scopes`) those of `verdicts`."""
    if not starts:
        return
    counts: dict[tuple[int, str, str, str, str], list[int]] = {}
    scores: dict[tuple[int, str, str, str, str], float] = {}
    for (start, series), row in verdicts.items():
        one = known.by_id[series]
        name = (start, known.scopes[series], one.group, one.key.table, one.key.column)
        counts.setdefault(name, [0] * len(_BY_RANK))[_RANKS[row[_STATUS]]] += 1
        if row[_SCORE] is not None:
            scores[name] = max(scores.get(name, 0.0), row[_SCORE])
    new = {}
    for name, own in counts.items():
        start, *words = name
        key = (project, start, _cell_id(*words))
        new[key] = (*key, *words, *own, scores.get(name))
    columns = tables.tallies.c
    query = sa.select(tables.tallies).where(columns.project_id == project, columns.start.in_(sorted(starts)))
    old = {}
    for raw in fetch(connection, query):
        if scopes is None or unescape(raw[3]) in scopes:
            old[raw[:3]] = (*raw[:3], *map(unescape, raw[3:7]), *raw[7:])
    delete(connection, tables.tallies, ("project_id", "start", "cell"), [key for key in old if key not in new])
    upsert(connection, tables.tallies, [row for key, row in new.items() if old.get(key) != row])
