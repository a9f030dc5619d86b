"""States and references: what lets days be merged and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Interval, Reference, StoredState, StoreError
from lupus.store import tables
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.tables import hash_id


def save(connection: Connection, names: Names, project: str, states: Sequence[StoredState], scope: str) -> None:
    """Write `states` of one project; those of the same name and interval are replaced."""
    number = names.save_project(connection, project)
    names.save_intervals(connection, number, {state.interval for state in states})
    rows = _rows(number, states, scope)
    upsert(connection, tables.states, list(rows.values()))
    names.touch(connection, number, sorted({key[1] for key in rows}))


def replace(
    connection: Connection,
    names: Names,
    project: str,
    interval: Interval,
    states: Sequence[StoredState],
    *,
    scope: str,
) -> None:
    """Make `states` all that the project has of `scope` at `interval`."""
    for state in states:
        if state.interval != interval or state.project != project:
            raise StoreError(f"a state of {state.project} at {state.interval} is no state of {project} at {interval}")
    number, columns = names.save_project(connection, project), tables.states.c
    rows = _rows(number, states, scope)
    query = sa.select(columns.project_id, columns.start, columns.id).where(
        columns.project_id == number, columns.start == epoch(interval), columns.scope == scope
    )
    old = [tuple(row) for row in connection.execute(query)]
    names.save_intervals(connection, number, [interval])
    delete(connection, tables.states, ("project_id", "start", "id"), [key for key in old if key not in rows])
    upsert(connection, tables.states, list(rows.values()))
    if old or rows:
        names.touch(connection, number, [epoch(interval)])


def read(
    connection: Connection,
    names: Names,
    project: str,
    table: str,
    *,
    column: str | None,
    segment: str | None,
    kind: str | None,
    intervals: Sequence[Interval] | None,
) -> list[StoredState]:
    """The states, oldest first. None means any."""
    number, columns = project_id(project), tables.states.c
    conditions = [columns.project_id == number, columns.table == table]
    if intervals is not None:
        conditions.append(columns.start.in_([epoch(interval) for interval in intervals]))
    if column is not None and segment is not None and kind is not None:
        conditions.append(columns.id == hash_id(table, column, segment, kind))
    for own, wanted in ((columns.column, column), (columns.segment, segment), (columns.kind, kind)):
        if wanted is not None:
            conditions.append(own == wanted)
    query = sa.select(
        columns.start, columns.table, columns.column, columns.segment, columns.kind, columns.payload
    ).where(*conditions)
    rows = sorted(connection.execute(query), key=lambda row: row[:5])
    when = names.intervals(connection, number, {row[0] for row in rows})
    return [StoredState(project, row[1], row[2], row[3], row[4], when[row[0]], row[5]) for row in rows]


def save_references(connection: Connection, names: Names, references: Sequence[Reference]) -> None:
    """Write the references whose version is new; a version that exists is kept as it is."""
    rows: dict[tuple[int, int], tuple[Any, ...]] = {}
    for one in references:
        number = names.save_project(connection, one.project)
        key = hash_id(one.table, one.column, str(one.version))
        rows.setdefault((number, key), (number, key, one.table, one.column, one.version, one.since, one.payload))
    upsert(connection, tables.refs, list(rows.values()), update=())


def read_references(connection: Connection, project: str, table: str | None) -> tuple[Reference, ...]:
    columns = tables.refs.c
    conditions = [columns.project_id == project_id(project)]
    if table is not None:
        conditions.append(columns.table == table)
    query = sa.select(columns.table, columns.column, columns.version, columns.since, columns.payload).where(*conditions)
    rows = sorted(connection.execute(query), key=lambda row: row[:3])
    return tuple(Reference(project, *row) for row in rows)


def _rows(project: int, states: Sequence[StoredState], scope: str) -> dict[tuple[int, int, int], tuple[Any, ...]]:
    rows = {}
    for state in states:
        start, number = epoch(state.interval), hash_id(state.table, state.column, state.segment, state.kind)
        rows[project, start, number] = (
            project, start, number, state.table, state.column, state.segment, state.kind, scope, state.payload,
        )  # fmt: skip
    return rows
