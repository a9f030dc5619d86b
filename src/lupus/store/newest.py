"""The newest verdict of every series of a project, in one row: what lists of all series show beside their names.

Verdicts that wait for labels do not count. It follows from the verdicts and is written with them, so that a catalogue
need not look for the newest of millions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from lupus.model import Status
from lupus.store import tables
from lupus.store.bulk import delete, fetch, upsert
from lupus.store.names import KnownSeries
from lupus.store.standing import worst

Row = tuple[Any, ...]
STATUSES: Final = ("ok", "warn", "anomaly", "no_data", "error", "immature")
SEVERITIES: Final = ("low", "medium", "high", "critical")
"""What is stored are their places here, and -1 for none."""
ROW: Final = np.dtype(
    [
        ("series", "<i8"),
        ("start", "<i8"),
        ("status", "i1"),
        ("severity", "i1"),
        ("score", "<f8"),
        ("value", "<f8"),
        ("expected", "<f8"),
    ]
)
_COLUMNS: Final = ("series_id", "start", "status", "severity", "score", "value", "expected")
_PLACES: Final = [list(tables.verdicts.c.keys()).index(name) for name in _COLUMNS]
_STATUS: Final = {name: code for code, name in enumerate(STATUSES)}
_SEVERITY: Final[dict[str | None, int]] = {None: -1} | {name: code for code, name in enumerate(SEVERITIES)}
_IMMATURE: Final = Status.IMMATURE.value
_LOOK_BACK: Final = 60
"""Intervals in which an older verdict is looked for when the newest has gone."""


def read(connection: Connection, projects: Collection[int]) -> NDArray[Any]:
    """The newest verdicts of all series of `projects`, as `ROW`s in no order."""
    own = tables.latest.c
    query = sa.select(own.verdicts).where(own.project_id.in_(list(projects)))
    return np.concatenate([np.empty(0, ROW), *(np.frombuffer(row[0], ROW) for row in fetch(connection, query))])


def packed(rows: Collection[Row]) -> NDArray[Any]:
    """(series, start, status, severity, score, value, expected) with words for codes and None for NaN, as `ROW`s."""
    found = np.empty(len(rows), ROW)
    series, starts, statuses, severities, *numbers = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
    found["series"], found["start"] = series, starts
    found["status"] = [_STATUS[one] for one in statuses]
    found["severity"] = [_SEVERITY[one] for one in severities]
    for name, column in zip(("score", "value", "expected"), numbers, strict=True):
        found[name] = np.array(column, np.float64)
    return found


def note(
    connection: Connection,
    project: int,
    known: KnownSeries,
    starts: Collection[int],
    *,
    verdicts: Mapping[tuple[int, int], Row],
    scopes: Collection[str] | None,
) -> None:
    """Keep the newest verdict of each series that does not wait for labels, after those at `starts` were replaced.

    `verdicts` are rows of `tables.verdicts`: the worst at each (start, series).
    """
    rows: dict[int, Row] = {}
    for (start, series), row in verdicts.items():
        own = tuple(row[place] for place in _PLACES)
        if own[2] != _IMMATURE and (series not in rows or start > rows[series][1]):
            rows[series] = own
    before = read(connection, [project])
    kept, lost = [], []
    for at, (series, start) in enumerate(zip(before["series"].tolist(), before["start"].tolist(), strict=True)):
        if series in rows:
            if rows[series][1] >= start:
                continue
            if start in starts:
                lost.append(series)  # the newest is gone, and something between may be left
            else:
                kept.append(at)  # a backfill: what is stored is newer
                del rows[series]
        elif start in starts and (scopes is None or known.scopes.get(series) in scopes):
            lost.append(series)
        else:
            kept.append(at)
    rows |= _before(connection, project, lost, max(starts, default=0))
    _write(connection, project, before, np.concatenate([before[kept], packed(list(rows.values()))]))


def add(connection: Connection, project: int, rows: NDArray[Any]) -> None:
    """Let those of `rows` count that are at least as new as what is stored."""
    before = read(connection, [project])
    both = np.concatenate([before, rows])
    both = both[np.lexsort((np.arange(len(both)), both["start"], both["series"]))]
    last = np.append(both["series"][1:] != both["series"][:-1], True)[: len(both)]
    _write(connection, project, before, both[last])


def _write(connection: Connection, project: int, before: NDArray[Any], now: NDArray[Any]) -> None:
    text = now[np.argsort(now["series"])].tobytes()
    if not text:
        delete(connection, tables.latest, ("project_id",), [(project,)])
    elif text != before.tobytes():
        upsert(connection, tables.latest, [(project, text)])


def _before(connection: Connection, project: int, series: list[int], start: int) -> dict[int, Row]:
    """The newest verdicts of `series` at or before `start`."""
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
        for (at, one), row in worst(fetch(connection, query)).items():
            if one not in found or at > found[one][1]:
                found[one] = tuple(row[place] for place in _PLACES)
    return found
