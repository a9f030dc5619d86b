"""How things stand: tallies of verdicts by column and interval, and the newest verdict of each series.

Both follow from the verdicts and are written in the same transaction, so that overviews need not read millions of rows.
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
_IMMATURE: Final = Status.IMMATURE.value
_LOOK_BACK: Final = 60
"""Intervals in which an older verdict is looked for when the newest has gone."""

_cell_id = lru_cache(maxsize=100_000)(hash_id)
# Places in a row of verdicts.
_PROJECT, _START, _SERIES, _RULE, _STATUS, _VALUE, _SEVERITY, _EXPECTED, _SCORE = 0, 1, 2, 4, 6, 7, 9, 10, 13


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


def note_latest(
    connection: Connection,
    project: int,
    known: KnownSeries,
    starts: Collection[int],
    *,
    verdicts: Mapping[tuple[int, int], Row],
    scopes: Collection[str] | None,
) -> None:
    """Keep the newest verdict of each series that does not wait for labels, after those at `starts` were replaced."""
    newest: dict[int, Row] = {}
    for (start, series), row in verdicts.items():
        if row[_STATUS] != _IMMATURE and (series not in newest or start > newest[series][_START]):
            newest[series] = row
    columns = tables.latest.c
    stored = {
        raw[0]: (*raw[:3], unescape(raw[3]), *raw[4:])
        for raw in fetch(connection, sa.select(tables.latest).where(columns.project_id == project))
    }
    rows = {series: _latest(row) for series, row in newest.items()}
    lost = []
    for series, old in stored.items():
        if scopes is not None and known.scopes.get(series) not in scopes:
            continue
        here = old[2] in starts
        if series in rows:
            if not here and rows[series][2] < old[2]:
                del rows[series]  # a backfill: what is stored is newer
            elif here and rows[series][2] < old[2]:
                lost.append(series)  # the newest is gone, and something between may be left
        elif here:
            lost.append(series)
    rows |= _before(connection, project, lost, max(starts, default=0))
    delete(connection, tables.latest, ("series_id",), [(one,) for one in lost if one not in rows])
    upsert(connection, tables.latest, [row for series, row in rows.items() if stored.get(series) != row])


def _latest(row: Row) -> Row:
    return (
        row[_SERIES], row[_PROJECT], row[_START], row[_RULE], row[_STATUS], row[_SEVERITY], row[_VALUE], row[_EXPECTED],
        row[_SCORE],
    )  # fmt: skip


def _before(connection: Connection, project: int, series: list[int], start: int) -> dict[int, Row]:
    """The newest verdicts of `series` at or before `start`, as rows of `latest`."""
    if not series:
        return {}
    own, columns = tables.intervals.c, tables.verdicts.c
    starts = (
        sa.select(own.start).where(own.project_id == project, own.start <= start)
        .order_by(own.start.desc()).limit(_LOOK_BACK)
    )  # fmt: skip
    found: dict[int, Row] = {}
    for first in range(0, len(series), 500):
        query = sa.select(tables.verdicts).where(
            columns.project_id == project,
            columns.start.in_(starts),
            columns.series_id.in_(series[first : first + 500]),
            columns.status != _IMMATURE,
        )
        rows = [(*raw[:4], unescape(raw[4]), *raw[5:]) for raw in fetch(connection, query)]
        for (at, one), row in worst(rows).items():
            if one not in found or at > found[one][2]:
                found[one] = _latest(row)
    return found
