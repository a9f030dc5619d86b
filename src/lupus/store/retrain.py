"""Retrain requests, and what became of them."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Better, Interval, RetrainRequest, RetrainState, SeriesKey, StoreError
from lupus.store import tables
from lupus.store.acts import intervals_of, rows_of
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.runs import microseconds

_SETTLED = frozenset(state.value for state in RetrainState if state.settled)


def replace_retrain(
    connection: Connection, names: Names, project: str, interval: Interval, request: RetrainRequest | None
) -> None:
    """Make `request` the project's at `interval`, unless a person or a run has had a say in one already."""
    if request is not None and (request.project != project or request.interval != interval):
        raise StoreError(
            f"request {request.id} is of {request.project} at {request.interval}, not {project} at {interval}"
        )
    number, start, columns = names.save_project(connection, project), epoch(interval), tables.retrain_requests.c
    stored = connection.execute(
        sa.select(columns.id, columns.state)
        .where(columns.project_id == number, columns.start == start)
        .with_for_update()  # nobody may mark one as done between this look and our answer to it
    ).all()
    gone = [(row.id,) for row in stored if row.state not in _SETTLED and (request is None or row.id != request.id)]
    delete(connection, tables.retrain_requests, ("id",), gone)
    if request is None or any(row.id == request.id and row.state in _SETTLED for row in stored):
        return
    add_retrain(connection, names, request)


def add_retrain(connection: Connection, names: Names, request: RetrainRequest) -> None:
    """Write a request as it is."""
    number, start = names.save_project(connection, request.project), epoch(request.interval)
    names.save_intervals(connection, number, [request.interval])
    row = (
        request.id, number, start, request.dag, request.state.value, list(request.reasons), request.conf,
        request.incident, request.note, written(request.series), request.better.value, request.by, None,
    )  # fmt: skip
    upsert(connection, tables.retrain_requests, [row])


def read_retrain(
    connection: Connection, names: Names, project: str | None, request: str | None = None
) -> list[RetrainRequest]:
    """Retrain requests, oldest first."""
    columns = tables.retrain_requests.c
    conditions = [] if project is None else [columns.project_id == project_id(project)]
    conditions += [] if request is None else [columns.id == request]
    rows = rows_of(connection, tables.retrain_requests, conditions)
    when = intervals_of(connection, names, rows)
    return [
        RetrainRequest(
            row.id, row.name, when[row.project_id, row.start], row.dag, RetrainState(row.state), tuple(row.reasons),
            row.conf, row.incident, row.note, read_key(row.series), Better(row.better), row.by,
        )
        for row in rows
    ]  # fmt: skip


def mark_retrain(  # noqa: PLR0917 - the order of the columns
    connection: Connection,
    request: str,
    state: RetrainState,
    note: str,
    by: str,
    at: datetime | None,
    only_from: tuple[RetrainState, ...],
) -> bool:
    """Record what became of a request; False when it stands in none of `only_from` (empty: in any state).

    Raises `StoreError` when there is no such request.
    """
    columns = tables.retrain_requests.c
    values: dict[str, Any] = {"state": state.value, "note": note}
    if by:
        values["by"] = by
    if at is not None:
        values["executed_us"] = microseconds(at)
    change = sa.update(tables.retrain_requests).where(columns.id == request).values(values)
    if only_from:
        change = change.where(columns.state.in_([one.value for one in only_from]))
    if connection.execute(change).rowcount == 1:
        return True
    if connection.execute(sa.select(columns.id).where(columns.id == request)).first() is None:
        raise StoreError(f"the store has no retrain request {request!r}; it was withdrawn by a later run")
    return False


def written(series: SeriesKey | None) -> list[str]:
    """A series' key as it lies in the store; empty for none."""
    return [] if series is None else list(astuple(series))


def read_key(parts: list[str]) -> SeriesKey | None:
    return SeriesKey(*parts) if parts else None


def owners(connection: Connection, request: str) -> list[int]:
    """The id of the project whose request it is; empty when there is no such request."""
    own = tables.retrain_requests.c
    return list(connection.execute(sa.select(own.project_id).where(own.id == request)).scalars())
