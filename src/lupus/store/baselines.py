"""What baselines are made of: the States of many intervals."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Interval, StoredState
from lupus.store import tables
from lupus.store.names import epoch, project_id

_INTERVALS_KEPT: Final = 400

Decode = Callable[[Sequence[StoredState]], Any]


class StateBlocks:
    """What was made of the States of the most recently used intervals, as long as their stamps say so."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[tuple[int, int, Decode], tuple[int, Any]] = OrderedDict()
        self._lock = Lock()

    def get(
        self,
        connection: Connection,
        project: str,
        intervals: Sequence[Interval],
        *,
        kinds: Sequence[str],
        decode: Decode,
    ) -> dict[Interval, Any]:
        """What `decode` makes of each interval's States of these `kinds`; the outdated ones are read in one query."""
        number = project_id(project)
        by_start = {epoch(interval): interval for interval in intervals}
        if not by_start:
            return {}
        with self._lock:
            stamps = _stamps(connection, number, by_start)
            # An interval that the store does not know has no States, and need not be remembered.
            kept = {start: self._blocks.get((number, start, decode)) for start in stamps}
            stale = [start for start, block in kept.items() if block is None or block[0] != stamps[start]]
            if stale:
                read = _read(connection, project, {start: by_start[start] for start in stale}, kinds)
                for start in stale:
                    self._blocks[number, start, decode] = (stamps[start], decode(read.get(start, ())))
            found = {}
            for start in stamps:
                self._blocks.move_to_end((number, start, decode))
                found[by_start[start]] = self._blocks[number, start, decode][1]
            while len(self._blocks) > max(_INTERVALS_KEPT, len(stamps)):
                self._blocks.popitem(last=False)
            return found


def _stamps(connection: Connection, project: int, starts: dict[int, Interval]) -> dict[int, int]:
    columns = tables.intervals.c
    query = sa.select(columns.start, columns.stamp).where(
        columns.project_id == project, columns.start.between(min(starts), max(starts))
    )
    return {start: stamp for start, stamp in connection.execute(query) if start in starts}


def _read(
    connection: Connection, project: str, starts: dict[int, Interval], kinds: Sequence[str]
) -> dict[int, list[StoredState]]:
    columns = tables.states.c
    query = (
        sa.select(columns.start, columns.table, columns.column, columns.segment, columns.kind, columns.payload)
        .where(
            columns.project_id == project_id(project),
            columns.start.in_(list(starts)),
            columns.kind.in_(list(kinds)),
        )
        .order_by(columns.start, columns.id)
    )
    found: dict[int, list[StoredState]] = {}
    for start, table, column, segment, kind, payload in connection.execute(query):
        state = StoredState(project, table, column, segment, kind, starts[start], payload)
        found.setdefault(start, []).append(state)
    return found
