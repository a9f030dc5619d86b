"""History: points as matrices. Every interval is read from the store once and kept, as long as its stamp says so."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from lupus.model import Failure, FailureKind, History, Interval
from lupus.store import exclusions, tables
from lupus.store.bulk import stream
from lupus.store.exclusions import exclude
from lupus.store.names import KnownSeries, Names, epoch, project_id

_POINTS_KEPT: Final = 2_000_000
"""About 64 MB."""
_FILLED_KEPT: Final = 500_000
"""About 20 MB."""

_ROW: Final = np.dtype(
    [
        ("start", np.int64),
        ("series", np.int64),
        ("value", np.float64),
        ("n", np.int64),
        ("maturity", np.float64),
        ("low", np.float64),
        ("high", np.float64),
    ]
)


@dataclass(frozen=True, slots=True)
class _Block:
    """The points of one project at one interval."""

    stamp: int
    series: NDArray[np.int64]
    values: NDArray[np.float64]
    n: NDArray[np.int64]
    maturity: NDArray[np.float64]
    ends: tuple[NDArray[np.float64], NDArray[np.float64]] | None  # of the confidence intervals; None without any
    failures: tuple[tuple[int, Failure], ...]

    def part(self, name: str) -> NDArray[Any] | None:
        """The points' values, rows (`n`), maturity, or `low` and `high` ends."""
        if name in {"low", "high"}:
            return None if self.ends is None else self.ends[name == "high"]
        found: NDArray[Any] = getattr(self, name)
        return found


@dataclass(frozen=True, slots=True)
class _Filled:
    """The matrices (S, T) of these blocks: values, rows, maturity, and the ends of intervals. They are read only."""

    blocks: list[_Block]
    chosen: list[int]
    matrices: tuple[NDArray[Any], ...]


class Blocks:
    """The most recently used blocks, at most `_POINTS_KEPT` points of them, and the matrices filled last, if small."""

    def __init__(self) -> None:
        self.filled: _Filled | None = None
        self._blocks: OrderedDict[tuple[int, int], _Block] = OrderedDict()
        self._points = 0
        self._lock = Lock()

    def keep_filled(self, filled: _Filled) -> None:
        """Keep these matrices for the next history, unless they are few days between two long ones."""
        if self.filled is None or 2 * len(filled.blocks) >= len(self.filled.blocks):
            self.filled = filled

    def get(self, connection: Connection, project: int, starts: Sequence[int]) -> list[_Block]:
        """One block per start, in order; the outdated ones are read in one query."""
        with self._lock:
            stamps = _stamps(connection, project, starts)
            blocks = {start: self._blocks.get((project, start)) for start in starts}
            stale = [start for start, block in blocks.items() if block is None or block.stamp != stamps.get(start, 0)]
            fresh = _read(connection, project, stale, stamps) if stale else {}
            for start in starts:
                if start in fresh:
                    self._keep((project, start), fresh[start])
                else:
                    self._blocks.move_to_end((project, start))
            found = [fresh.get(start) or self._blocks[project, start] for start in starts]
            while self._points > _POINTS_KEPT and len(self._blocks) > 1:
                _, dropped = self._blocks.popitem(last=False)
                self._points -= len(dropped.series)
            return found

    def _keep(self, key: tuple[int, int], block: _Block) -> None:
        old = self._blocks.pop(key, None)
        self._points += len(block.series) - (len(old.series) if old else 0)
        self._blocks[key] = block


def read(
    connection: Connection,
    names: Names,
    blocks: Blocks,
    project: str,
    *,
    intervals: Sequence[Interval],
    scopes: Collection[str] | None,
) -> History:
    """All series that have a point in `intervals`, sorted by key. `closed` is all True: the stage knows better."""
    number, starts = project_id(project), [epoch(interval) for interval in intervals]
    found = blocks.get(connection, number, starts) if starts else []
    known = names.known(connection, number)
    rows_of, chosen = _rows(known, found, scopes)
    filled = _filled(found, rows_of, chosen, blocks.filled if scopes is None else None)
    if scopes is None and len(found) * len(chosen) <= _FILLED_KEPT:
        blocks.keep_filled(filled)
    values, n, maturity, *ends = filled.matrices
    failures: dict[tuple[int, int], Failure] = {}
    position = {number: row for row, number in enumerate(chosen)}
    for column, block in enumerate(found):
        for key, failure in block.failures:
            if key in position:
                failures[position[key], column] = failure
    series = tuple(known.by_id[key] for key in chosen)
    history = History(
        series,
        tuple(intervals),
        values,
        n,
        maturity,
        np.zeros((len(chosen), len(starts)), dtype=np.bool_),
        np.ones(len(starts), dtype=np.bool_),
        failures,
        *ends,
    )
    return (
        exclude(history, exclusions.read(connection, project, first=intervals[0], last=intervals[-1]))
        if chosen
        else history
    )


def _filled(found: list[_Block], rows_of: list[NDArray[np.int64]], chosen: list[int], last: _Filled | None) -> _Filled:
    """The matrices of the blocks `found`, whose points have the rows `rows_of`; what is as in the `last` is copied."""
    kinds: list[tuple[str, Any]] = [("values", np.nan), ("n", 0), ("maturity", np.nan)]
    if any(block.ends for block in found):
        kinds += [("low", np.nan), ("high", np.nan)]
    first, offset = 0, 0
    if last is not None and last.chosen == chosen and len(last.matrices) == len(kinds):
        first, offset = _same(last.blocks, found)
    matrices: list[NDArray[Any]] = []
    for place, (name, missing) in enumerate(kinds):
        # By interval first, while they are filled: the points of a block lie together then.
        part = np.full((len(found) - first, len(chosen)), missing)
        for column, (block, rows) in enumerate(zip(found[first:], rows_of[first:], strict=True)):
            given = block.part(name)
            if given is not None:
                inside = rows >= 0
                part[column, rows[inside]] = given[inside]
        matrix = np.empty((len(chosen), len(found)), dtype=part.dtype)
        matrix[:, first:] = part.T
        if last is not None and first:
            matrix[:, :first] = last.matrices[place][:, offset : offset + first]
        matrix.flags.writeable = False
        matrices.append(matrix)
    return _Filled(found, chosen, tuple(matrices))


def _same(last: list[_Block], found: list[_Block]) -> tuple[int, int]:
    """How many of the first blocks `found` lie side by side in the `last`, and from where on."""
    offset = next((place for place, block in enumerate(last) if found and block is found[0]), len(last))
    count = 0
    for one, other in zip(last[offset:], found, strict=False):
        if one is not other:
            break
        count += 1
    return count, offset


def _stamps(connection: Connection, project: int, starts: Sequence[int]) -> dict[int, int]:
    columns = tables.intervals.c
    query = sa.select(columns.start, columns.stamp).where(
        columns.project_id == project, columns.start.between(min(starts), max(starts))
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _read(connection: Connection, project: int, starts: Sequence[int], stamps: dict[int, int]) -> dict[int, _Block]:
    columns = tables.points.c
    inside = sa.and_(columns.project_id == project, columns.start.in_(starts))
    wanted = (columns.start, columns.series_id, columns.value, columns.n, columns.maturity, columns.low, columns.high)
    values = sa.select(*wanted).where(inside)
    # Straight from the driver's tuples into one array; None becomes NaN.
    rows = np.fromiter(stream(connection, values.order_by(columns.start, columns.series_id)), dtype=_ROW)
    failures: dict[int, list[tuple[int, Failure]]] = {}
    failed: sa.Select[Any] = sa.select(columns.start, columns.series_id, columns.failure, columns.reason)
    for row in connection.execute(failed.where(inside, columns.failure.is_not(None))):
        failures.setdefault(row[0], []).append((row[1], Failure(FailureKind(row[2]), row[3] or "")))
    blocks = {}
    for start in starts:
        part = rows[slice(*np.searchsorted(rows["start"], (start, start + 1)))]
        blocks[start] = _Block(
            stamps.get(start, 0),
            part["series"].copy(),
            part["value"].copy(),
            part["n"].copy(),
            part["maturity"].copy(),
            None if np.isnan(part["low"]).all() else (part["low"].copy(), part["high"].copy()),
            tuple(failures.get(start, ())),
        )
    return blocks


def _rows(
    known: KnownSeries, blocks: Sequence[_Block], scopes: Collection[str] | None
) -> tuple[list[NDArray[np.int64]], list[int]]:
    """For each block the matrix row of each of its points (-1: not wanted), and the ids of the rows."""
    ids = known.ids
    present = np.zeros(len(ids), dtype=np.bool_)
    places: list[NDArray[np.intp]] = []
    before: NDArray[np.int64] | None = None
    for block in blocks:
        # Most intervals have the series of the one before.
        if before is None or not np.array_equal(before, block.series):
            places.append(np.searchsorted(ids, block.series))
            present[places[-1]] = True
        else:
            places.append(places[-1])
        before = block.series
    if scopes is not None:
        wanted = {*scopes}
        present &= np.fromiter((known.scopes[key] in wanted for key in ids.tolist()), np.bool_, len(ids))
    chosen = known.order[present[known.order]] if len(ids) else np.zeros(0, dtype=np.int64)
    row_of = np.full(len(ids), -1, dtype=np.int64)
    row_of[chosen] = np.arange(len(chosen))
    return [row_of[place] for place in places], ids[chosen].tolist()
