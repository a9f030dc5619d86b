"""Runs: which stage of which interval began and ended when, and how. The one place for wall-clock times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Interval
from lupus.store import tables
from lupus.store.bulk import upsert
from lupus.store.names import Names, epoch, project_id

RUNNING: Final = "running"
ENDED: Final = ("ok", "partial")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StageRun:
    """The last time that a stage ran over an interval. `status` is ``running`` until it has ended."""

    project: str
    interval: Interval
    stage: str
    status: str
    detail: str
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredProject:
    """A project that the store has heard of. `about` is what its file says, as plain JSON values."""

    name: str
    owner: str
    cadence: str
    about: Mapping[str, Any] = field(default_factory=dict)


def microseconds(at: datetime | None) -> int | None:
    """Microseconds since 1970; a naive time is taken for UTC.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if at is None:
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def save_project(connection: Connection, names: Names, project: StoredProject) -> None:
    number = names.save_project(connection, project.name)
    row = (number, project.name, project.owner, project.cadence, project.about, 0, 0)
    upsert(connection, tables.projects, [row], update=("owner", "cadence", "about"))


def read_projects(connection: Connection) -> tuple[StoredProject, ...]:
    columns = tables.projects.c
    rows = connection.execute(sa.select(columns.name, columns.owner, columns.cadence, columns.about))
    return tuple(StoredProject(*row) for row in sorted(rows, key=lambda row: row[0]))


def start(connection: Connection, names: Names, project: str, interval: Interval, stage: str, *, at: datetime) -> None:
    number = names.save_project(connection, project)
    names.save_intervals(connection, number, [interval])
    upsert(connection, tables.runs, [(number, epoch(interval), stage, RUNNING, "", microseconds(at), None)])


def finish(
    connection: Connection,
    names: Names,
    project: str,
    interval: Interval,
    stage: str,
    *,
    at: datetime,
    status: str,
    detail: str,
) -> None:
    """Record the end; a stage whose start was never recorded gets a row without one."""
    number = names.save_project(connection, project)
    names.save_intervals(connection, number, [interval])
    row = (number, epoch(interval), stage, status, detail, None, microseconds(at))
    upsert(connection, tables.runs, [row], update=("status", "detail", "finished_us"))


def read(
    connection: Connection, names: Names, project: str | None, intervals: Sequence[Interval] | None
) -> list[StageRun]:
    """Runs, oldest interval first, stages in the order in which they started."""
    columns = tables.runs.c
    conditions: list[sa.ColumnElement[bool]] = []
    if project is not None:
        conditions.append(columns.project_id == project_id(project))
    if intervals is not None:
        conditions.append(columns.start.in_([epoch(interval) for interval in intervals]))
    query = (
        sa.select(tables.runs, tables.projects.c.name)
        .join(tables.projects, tables.projects.c.id == columns.project_id)
        .where(*conditions)
    )
    rows = connection.execute(query).all()
    rows = sorted(rows, key=lambda row: (row.name, row.start, row.started_us or row.finished_us or 0, row.stage))
    starts: dict[int, set[int]] = {}
    for row in rows:
        starts.setdefault(row.project_id, set()).add(row.start)
    when = {number: names.intervals(connection, number, each) for number, each in starts.items()}
    return [
        StageRun(row.name, when[row.project_id][row.start], row.stage, row.status, row.detail,
                 moment(row.started_us), moment(row.finished_us))
        for row in rows
    ]  # fmt: skip


def newest(connection: Connection, names: Names, project: str, stage: str) -> Interval | None:
    """The newest interval for which `stage` ended in any way but in an error."""
    columns, number = tables.runs.c, project_id(project)
    start = connection.execute(
        sa.select(sa.func.max(columns.start)).where(
            columns.project_id == number, columns.stage == stage, columns.status.in_(ENDED)
        )
    ).scalar()
    return None if start is None else names.intervals(connection, number, [start])[start]


def moment(number: int | None) -> datetime | None:
    """The inverse of `microseconds`, in UTC."""
    return None if number is None else _EPOCH + timedelta(microseconds=number)
