"""The notices that `act` decided on, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import (
    Interval,
    Notice,
    NoticeState,
    Reason,
    StoreError,
    Told,
)
from lupus.store import tables
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.runs import microseconds, moment


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
    digests = [one.id for one in notices if not one.incident]
    stored = connection.execute(
        sa.select(columns.id, columns.state, columns.receipt)
        # A digest is that of several runs: it may stand at the interval of another one.
        .where(columns.project_id == number, sa.or_(columns.start == start, columns.id.in_(digests)))
        .with_for_update()  # nobody may mark one as done between this look and our answer to it
    )
    told = {row.id: row.state == NoticeState.SENT.value or bool(row.receipt) for row in stored}
    new = {notice.id: notice for notice in notices if not told.get(notice.id)}
    gone = [(one,) for one, done in told.items() if not done and one not in new]
    delete(connection, tables.notices, ("id",), gone)
    upsert(connection, tables.notices, [_row(one, number) for one in new.values()])


def _row(notice: Notice, project: int) -> tuple[Any, ...]:
    return (
        notice.id, project, epoch(notice.interval), notice.incident, notice.destination, notice.reason.value,
        notice.state.value, notice.message, notice.receipt, notice.error, notice.attempts, None,
        microseconds(notice.next_try),
    )  # fmt: skip


def add_notices(connection: Connection, names: Names, notices: Sequence[Notice]) -> None:
    """Write `notices` that are of no run; one that is there already stays as it is."""
    for one in notices:
        number = names.save_project(connection, one.project)
        names.save_intervals(connection, number, [one.interval])
        known = connection.execute(sa.select(tables.notices.c.id).where(tables.notices.c.id == one.id)).first()
        if known is None:
            upsert(connection, tables.notices, [_row(one, number)])


def read_notices(
    connection: Connection,
    names: Names,
    project: str | None,
    *,
    state: NoticeState | None,
    incident: str | None,
    interval: Interval | None,
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
    if interval is not None:
        conditions.append(columns.start == epoch(interval))
    rows = rows_of(connection, tables.notices, conditions)
    when = intervals_of(connection, names, rows)
    return [
        Notice(
            row.id, row.name, row.incident, when[row.project_id, row.start], row.destination, Reason(row.reason),
            NoticeState(row.state), row.message, row.receipt, row.error, row.attempts, moment(row.next_try_us),
        )
        for row in rows
    ]  # fmt: skip


def read_told(connection: Connection, names: Names, project: str, incidents: Sequence[str]) -> list[Told]:
    """What was decided about `incidents`, oldest first."""
    number, columns, rows = project_id(project), tables.notices.c, list[Any]()
    for first in range(0, len(incidents), 500):
        query = sa.select(
            columns.id, columns.incident, columns.start, columns.destination, columns.reason, columns.state,
            columns.next_try_us,
        ).where(columns.project_id == number, columns.incident.in_(incidents[first : first + 500]))  # fmt: skip
        rows += connection.execute(query).all()
    when = names.intervals(connection, number, [row.start for row in rows])
    return [
        Told(
            row.id, row.incident, when[row.start], row.destination, Reason(row.reason), NoticeState(row.state),
            moment(row.next_try_us),
        )
        for row in sorted(rows, key=lambda row: (row.start, row.id))
    ]  # fmt: skip


def rows_of(connection: Connection, table: sa.Table, conditions: Sequence[sa.ColumnElement[bool]]) -> Sequence[Any]:
    """The rows of `table` that fulfil `conditions`, with their project's name, oldest first."""
    query = (
        sa.select(table, tables.projects.c.name)
        .join(tables.projects, tables.projects.c.id == table.c.project_id)
        .where(*conditions)
        .order_by(table.c.start, table.c.id)
    )
    return connection.execute(query).all()


def intervals_of(connection: Connection, names: Names, rows: Sequence[Any]) -> dict[tuple[int, int], Interval]:
    """The interval of each row, by project id and start."""
    starts: dict[int, set[int]] = {}
    for row in rows:
        starts.setdefault(row.project_id, set()).add(row.start)
    return {
        (number, start): interval
        for number, each in starts.items()
        for start, interval in names.intervals(connection, number, each).items()
    }
