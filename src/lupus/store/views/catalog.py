"""Every series with its newest verdict, or that of a given interval."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.store import tables
from lupus.store.bulk import fetch
from lupus.store.standing import badness

Row = tuple[Any, ...]


def series(connection: Connection, projects: Collection[int], *, newest: bool) -> list[Row]:
    """Rows of (id, project, group, table, column, metric, segment, unit, tags as JSON text) and, when `newest` is
    wanted, (start, status, severity, score, value, expected) of the newest verdict. Text is still escaped.
    """
    own, last = tables.series.c, tables.latest.c
    names = (own.id, own.project_id, own.group, own.table, own.column, own.metric, own.segment, own.unit, own.tags)
    if not newest:
        return fetch(connection, sa.select(*names).where(own.project_id.in_(list(projects))))
    verdict = (last.start, last.status, last.severity, last.score, last.value, last.expected)
    query = (
        sa.select(*names, *verdict)
        .select_from(tables.series.outerjoin(tables.latest, last.series_id == own.id))
        .where(own.project_id.in_(list(projects)))
    )
    return fetch(connection, query)


def verdicts_at(connection: Connection, starts: dict[int, int]) -> dict[int, Row]:
    """By series (start, status, severity, score, value, expected) of its worst verdict at its project's `starts`."""
    if not starts:
        return {}
    own = tables.verdicts.c
    wanted = sa.tuple_(own.project_id, own.start).in_(list(starts.items()))
    query = sa.select(own.series_id, own.start, own.status, own.severity, own.score, own.value, own.expected)
    found: dict[int, Row] = {}
    for number, *row in fetch(connection, query.where(wanted)):
        other = found.get(number)
        if other is None or badness(row[1], row[3]) > badness(other[1], other[3]):
            found[number] = tuple(row)
    return found


def incidents_of(connection: Connection, projects: Collection[int]) -> dict[int, str]:
    """By series the incident that is not resolved and holds a finding of it; of several the one that began last."""
    own, found = tables.incidents.c, tables.findings.c
    query = (
        sa.select(found.series_id, own.id)
        .join_from(tables.findings, tables.incidents, own.id == found.incident_id)
        .where(own.project_id.in_(list(projects)), own.state != "resolved")
        .distinct()
        .order_by(own.id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def keys(connection: Connection, projects: Collection[int], starts: Collection[int]) -> dict[tuple[int, int], str]:
    """The keys of the intervals of `projects` at `starts`, by (project, start)."""
    own = tables.intervals.c
    if not starts:
        return {}
    query = sa.select(own.project_id, own.start, own.key).where(
        own.project_id.in_(list(projects)), own.start.between(min(starts), max(starts))
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query) if row[1] in starts}


def keys_of_day(connection: Connection, projects: Collection[int], day: str) -> dict[tuple[int, int], str]:
    """The keys of the intervals of `projects` that begin with `day`, by (project, start)."""
    own = tables.intervals.c
    query = sa.select(own.project_id, own.start, own.key).where(
        own.project_id.in_(list(projects)), own.key.startswith(day, autoescape=True)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}
