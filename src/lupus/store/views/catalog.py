"""The verdicts of a given day, and what verdicts belong to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from lupus.store import tables
from lupus.store.bulk import fetch
from lupus.store.newest import packed

Row = tuple[Any, ...]


def verdicts_at(connection: Connection, starts: Mapping[int, int]) -> NDArray[Any]:
    """Every verdict at the project's one of `starts`, as `ROW`s in no order."""
    own = tables.verdicts.c
    query = sa.select(own.series_id, own.start, own.status, own.severity, own.score, own.value, own.expected)
    found: list[Row] = []
    # Many projects have the same start. Asked for project by start, PostgreSQL would plan a hundred alternatives.
    together: dict[int, list[int]] = {}
    for project, start in starts.items():
        together.setdefault(start, []).append(project)
    for start, projects in together.items():
        found += fetch(connection, query.where(own.start == start, own.project_id.in_(projects)))
    return packed(found)


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
