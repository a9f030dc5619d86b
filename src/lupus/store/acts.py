"""What `act` decided: notices and retrain requests, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import (
    Interval,
    Notice,
    NoticeState,
    Reason,
    RetrainRequest,
    RetrainState,
    StoreError,
)
from lupus.store import tables
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.runs import microseconds, moment

_EXECUTED = frozenset({RetrainState.TRIGGERED.value, RetrainState.SUCCEEDED.value, RetrainState.FAILED.value})


def replace_notices(
    connection: Connection, names: Names, project: str, interval: Interval, notices: Sequence[Notice]
) -> None:
    """Make `notices` all of the project at `interval`, but keep every one that was told: nothing is sent twice."""
    for notice in notices:
        if notice.project != project or notice.interval != interval:
            raise StoreError(
                f"notice {notice.id} is of {notice.project} at {notice.interval}, not {project} at {interval}"
            )
    number, start, columns = names.save_project(connection, project), epoch(interval), tables.notices.c
    names.save_intervals(connection, number, [interval])
    stored = connection.execute(
        sa.select(columns.id, columns.state, columns.receipt)
        .where(columns.project_id == number, columns.start == start)
        .with_for_update()  # nobody may mark one as done between this look and our answer to it
    )
    told = {row.id: row.state == NoticeState.SENT.value or bool(row.receipt) for row in stored}
    new = {notice.id: notice for notice in notices if not told.get(notice.id)}
    gone = [(one,) for one, done in told.items() if not done and one not in new]
    delete(connection, tables.notices, ("id",), gone)
    rows = [
        (one.id, number, start, one.incident, one.destination, one.reason.value, one.state.value, one.message,
         one.receipt, one.error, one.attempts, None, None)
        for one in new.values()
    ]  # fmt: skip
    upsert(connection, tables.notices, rows)


def read_notices(
    connection: Connection,
    names: Names,
    project: str | None,
    *,
    state: NoticeState | None,
    incident: str | None,
) -> list[Notice]:
    """Notices, oldest first."""
    columns = tables.notices.c
    conditions: list[sa.ColumnElement[bool]] = []
    if project is not None:
        conditions.append(columns.project_id == project_id(project))
    if state is not None:
        conditions.append(columns.state == state.value)
    if incident is not None:
        conditions.append(columns.incident == incident)
    rows = _rows(connection, tables.notices, conditions)
    when = _intervals(connection, names, rows)
    return [
        Notice(
            row.id, row.name, row.incident, when[row.project_id, row.start], row.destination, Reason(row.reason),
            NoticeState(row.state), row.message, row.receipt, row.error, row.attempts, moment(row.next_try_us),
        )
        for row in rows
    ]  # fmt: skip


def replace_retrain(
    connection: Connection, names: Names, project: str, interval: Interval, request: RetrainRequest | None
) -> None:
    """Make `request` the project's at `interval`, unless one was executed already."""
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
    gone = [(row.id,) for row in stored if row.state not in _EXECUTED and (request is None or row.id != request.id)]
    delete(connection, tables.retrain_requests, ("id",), gone)
    if request is None or any(row.id == request.id and row.state in _EXECUTED for row in stored):
        return
    names.save_intervals(connection, number, [interval])
    row = (
        request.id, number, start, request.dag, request.state.value, list(request.reasons), request.conf,
        request.incident, request.note, None,
    )  # fmt: skip
    upsert(connection, tables.retrain_requests, [row])


def read_retrain(connection: Connection, names: Names, project: str | None) -> list[RetrainRequest]:
    """Retrain requests, oldest first."""
    columns = tables.retrain_requests.c
    conditions = [] if project is None else [columns.project_id == project_id(project)]
    rows = _rows(connection, tables.retrain_requests, conditions)
    when = _intervals(connection, names, rows)
    return [
        RetrainRequest(
            row.id, row.name, when[row.project_id, row.start], row.dag, RetrainState(row.state), tuple(row.reasons),
            row.conf, row.incident, row.note,
        )
        for row in rows
    ]  # fmt: skip


def mark_retrain(connection: Connection, request: str, state: RetrainState, note: str, at: datetime | None) -> None:
    """Record what became of a request. Raises `StoreError` when there is no such request."""
    values: dict[str, Any] = {"state": state.value, "note": note}
    if at is not None:
        values["executed_us"] = microseconds(at)
    done = connection.execute(
        sa.update(tables.retrain_requests).where(tables.retrain_requests.c.id == request).values(values)
    )
    if done.rowcount != 1:
        raise StoreError(f"the store has no retrain request {request!r}; it was withdrawn by a later run")


def _rows(connection: Connection, table: sa.Table, conditions: Sequence[sa.ColumnElement[bool]]) -> Sequence[Any]:
    query = (
        sa.select(table, tables.projects.c.name)
        .join(tables.projects, tables.projects.c.id == table.c.project_id)
        .where(*conditions)
        .order_by(table.c.start, table.c.id)
    )
    return connection.execute(query).all()


def _intervals(connection: Connection, names: Names, rows: Sequence[Any]) -> dict[tuple[int, int], Interval]:
    starts: dict[int, set[int]] = {}
    for row in rows:
        starts.setdefault(row.project_id, set()).add(row.start)
    return {
        (number, start): interval
        for number, each in starts.items()
        for start, interval in names.intervals(connection, number, each).items()
    }
