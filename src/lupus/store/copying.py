"""Copying what one store knows of a project into another."""

from __future__ import annotations

from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.store import listings, newest, tables
from lupus.store.bulk import fetch, upsert

_ROWS_AT_ONCE = 20_000


def copy_project(source: Connection, target: Connection, project: int, since: int) -> None:
    """Copy the project's rows from `since` on, with all that they refer to. Rows that exist there are overwritten."""
    for table in tables.metadata.sorted_tables:
        if table.name == tables.destinations.name:  # of no project: who is delivering there just now
            continue
        if table.name in (tables.listings.name, tables.latest.name):  # the target may have other series as well
            continue
        query = _query(_plain(table), project, since)
        # The order of the key makes appending to SQLite's trees cheap.
        rows = fetch(source, query.order_by(*_plain(table).primary_key.columns))
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            upsert(target, _plain(table), rows[first : first + _ROWS_AT_ONCE])
    listings.rebuild(target, project)
    stand = newest.read(source, [project])
    newest.add(target, project, stand[stand["start"] >= since])


def _query(table: sa.Table, project: int, since: int) -> sa.Select[tuple[object, ...]]:
    query: sa.Select[tuple[object, ...]] = sa.select(*table.c)
    if table.name == tables.projects.name:
        return query.where(table.c.id == project)
    if table.name == tables.findings.name:
        incidents = tables.incidents.c
        chosen = sa.select(incidents.id).where(incidents.project_id == project, incidents.last >= since)
        return query.where(table.c.incident_id.in_(chosen))
    query = query.where(table.c.project_id == project)
    if table.name == tables.incidents.name:
        return query.where(table.c.last >= since)
    if table.name == tables.incident_events.name:  # what people did belongs to no interval
        return query.where(sa.or_(table.c.start >= since, table.c.start.is_(None)))
    # Findings may be about intervals that began earlier: all names of intervals are copied.
    if "start" in table.c and table.name != tables.intervals.name:
        return query.where(table.c.start >= since)
    return query


@cache
def _plain(table: sa.Table) -> sa.Table:
    """`table` as the database sees it, without the escaping of text, which is not to be done twice."""
    columns = [
        sa.Column(
            c.name, sa.Text() if isinstance(c.type, sa.TypeDecorator) else c.type, primary_key=c.primary_key, key=c.key
        )
        for c in table.c
    ]
    return sa.Table(table.name, sa.MetaData(), *columns)
