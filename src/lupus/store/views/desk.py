"""What people make in the Web UI: annotations, dashboards, and the log of what they did."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.store import tables
from lupus.store.bulk import upsert
from lupus.store.names import project_id
from lupus.store.runs import microseconds, moment
from lupus.store.views.rows import Annotation, AuditEntry, Dashboard


def remarks(connection: Connection, project: int, series: int | None) -> list[Annotation]:
    """Remarks on the whole project and on `series`, oldest first."""
    own = tables.annotated.c
    return _annotations(connection, own.project_id == project, sa.or_(own.series_id.is_(None), own.series_id == series))


def annotation(connection: Connection, number: str) -> Annotation | None:
    """The remark with this id."""
    found = _annotations(connection, tables.annotated.c.id == number)
    return found[0] if found else None


def annotate(connection: Connection, made: Annotation, *, start: int, last: int) -> None:
    """Store `made`, which is about the intervals that start at `start` to `last`."""
    row = (made.id, project_id(made.project), made.series, start, last, made.text, made.by, microseconds(made.at))
    upsert(connection, tables.annotated, [row])


def remove_annotation(connection: Connection, number: str) -> None:
    connection.execute(sa.delete(tables.annotated).where(tables.annotated.c.id == number))


def dashboards(connection: Connection, owner: str, projects: Collection[int]) -> list[Dashboard]:
    """The owner's own, and those shared with one of `projects`, by title."""
    own = tables.dashboards.c
    own_or_shared = sa.or_(sa.and_(own.project_id.is_(None), own.owner == owner), own.project_id.in_(list(projects)))
    return _dashboards(connection, own_or_shared)


def dashboard(connection: Connection, number: str) -> Dashboard | None:
    """The dashboard with this id, whoever may see it."""
    found = _dashboards(connection, tables.dashboards.c.id == number)
    return found[0] if found else None


def save_dashboard(connection: Connection, made: Dashboard) -> bool:
    """Store `made` as the successor of the version before its own (version 1: a new one). False: there is another."""
    own = tables.dashboards.c
    project = None if made.project is None else project_id(made.project)
    values = {
        "project_id": project, "title": made.title, "owner": made.owner, "version": made.version, "body": made.body,
        "changed_us": microseconds(made.at),
    }  # fmt: skip
    if made.version > 1:
        changed = sa.update(tables.dashboards).where(own.id == made.id, own.version == made.version - 1)
        return connection.execute(changed.values(values)).rowcount == 1
    row = (made.id, project, made.title, made.owner, 1, made.body, microseconds(made.at))
    before = connection.execute(sa.select(own.id).where(own.id == made.id)).scalar()
    if before is None:
        upsert(connection, tables.dashboards, [row], update=())
    return before is None


def remove_dashboard(connection: Connection, number: str, version: int) -> bool:
    """Remove it if it is still at `version`."""
    own = tables.dashboards.c
    gone = sa.delete(tables.dashboards).where(own.id == number, own.version == version)
    return connection.execute(gone).rowcount == 1


def log(connection: Connection, entry: AuditEntry) -> None:
    """Add to the audit log."""
    row = (
        entry.id, project_id(entry.project) if entry.project else 0, entry.by, entry.action, entry.subject,
        dict(entry.details), microseconds(entry.at),
    )  # fmt: skip
    upsert(connection, tables.audit, [row])


def audit(connection: Connection, projects: Mapping[int, str], limit: int) -> list[AuditEntry]:
    """The newest entries about `projects`, newest first."""
    own = tables.audit.c
    query = (
        sa.select(tables.audit)
        .where(own.project_id.in_(list(projects)))
        .order_by(own.at_us.desc(), own.id)
        .limit(limit)
    )
    return [
        AuditEntry(r.id, projects[r.project_id], r.by, r.action, r.subject, r.details, moment(r.at_us))
        for r in connection.execute(query)
    ]


def interval_start(connection: Connection, project: int, key: str) -> int | None:
    """The start of the project's interval called `key`; None when the store knows none."""
    own = tables.intervals.c
    query = sa.select(own.start).where(own.project_id == project, own.key == key)
    found: int | None = connection.execute(query).scalar()
    return found


def _annotations(connection: Connection, *conditions: sa.ColumnElement[bool]) -> list[Annotation]:
    own, projects = tables.annotated.c, tables.projects.c
    first, last = tables.intervals.alias("first_i"), tables.intervals.alias("last_i")
    query = (
        sa.select(tables.annotated, projects.name, first.c.key.label("first_key"), last.c.key.label("last_key"))
        .select_from(
            tables.annotated.join(tables.projects, projects.id == own.project_id)
            .join(first, sa.and_(first.c.project_id == own.project_id, first.c.start == own.start))
            .join(last, sa.and_(last.c.project_id == own.project_id, last.c.start == own.last))
        )
        .where(*conditions)
        .order_by(own.start, own.id)
    )
    return [
        Annotation(r.id, r.name, r.series_id, r.first_key, r.last_key, r.text, r.by, moment(r.changed_us))
        for r in connection.execute(query)
    ]


def _dashboards(connection: Connection, condition: sa.ColumnElement[bool]) -> list[Dashboard]:
    own, projects = tables.dashboards.c, tables.projects.c
    query: sa.Select[Any] = (
        sa.select(tables.dashboards, projects.name)
        .select_from(tables.dashboards.outerjoin(tables.projects, projects.id == own.project_id))
        .where(condition)
        .order_by(own.id)
    )
    found = [
        Dashboard(r.id, r.name, r.title, r.owner, r.version, r.body, moment(r.changed_us))
        for r in connection.execute(query)
    ]
    return sorted(found, key=lambda one: (one.title.casefold(), one.id))
