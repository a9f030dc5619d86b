"""Incidents in lists: their rows with counts and the worst finding, without all the others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.store import tables


def listed(
    connection: Connection,
    projects: Collection[int],
    *,
    states: Collection[str] | None = None,
    assignees: Collection[str] | None = None,
    ids: Collection[str] | None = None,
) -> list[Any]:
    """Rows of `incidents` with first_key, last_key, project, findings, series, worst (a series' id) and sentence.

    Newest first.
    """
    own, found, projects_c = tables.incidents.c, tables.findings.c, tables.projects.c
    conditions: list[sa.ColumnElement[bool]] = [own.project_id.in_(list(projects))]
    if states is not None:
        conditions.append(own.state.in_(list(states)))
    if assignees is not None:
        conditions.append(own.assignee.in_(list(assignees)))
    if ids is not None:
        conditions.append(own.id.in_(list(ids)))
    chosen = sa.select(own.id).where(*conditions)
    place = sa.func.row_number().over(
        partition_by=found.incident_id,
        order_by=(sa.func.coalesce(found.score, 0.0).desc(), found.start.desc(), found.position),
    )
    ranked = (
        sa.select(found.incident_id, found.series_id, found.sentence, place.label("place"))
        .where(found.incident_id.in_(chosen))
        .subquery("ranked")
    )
    counted = (
        sa.select(
            found.incident_id,
            sa.func.count().label("findings"),
            sa.func.count(found.series_id.distinct()).label("series"),
        )
        .where(found.incident_id.in_(chosen))
        .group_by(found.incident_id)
        .subquery("counted")
    )
    first, last = tables.intervals.alias("first_i"), tables.intervals.alias("last_i")
    query = (
        sa.select(
            tables.incidents,
            projects_c.name.label("project"),
            first.c.key.label("first_key"),
            last.c.key.label("last_key"),
            sa.func.coalesce(counted.c.findings, 0).label("findings"),
            sa.func.coalesce(counted.c.series, 0).label("series"),
            ranked.c.series_id.label("worst"),
            ranked.c.sentence,
        )
        .select_from(
            tables.incidents.join(tables.projects, projects_c.id == own.project_id)
            .join(first, sa.and_(first.c.project_id == own.project_id, first.c.start == own.first))
            .join(last, sa.and_(last.c.project_id == own.project_id, last.c.start == own.last))
            .outerjoin(counted, counted.c.incident_id == own.id)
            .outerjoin(ranked, sa.and_(ranked.c.incident_id == own.id, ranked.c.place == 1))
        )
        .where(*conditions)
        .order_by(own.last.desc(), own.id)
    )
    return list(connection.execute(query).all())


def of_series(connection: Connection, series: int) -> list[str]:
    """Ids of the incidents that hold a finding of the series, newest first."""
    own, found = tables.incidents.c, tables.findings.c
    query = (
        sa.select(own.id, own.last)
        .join_from(tables.findings, tables.incidents, own.id == found.incident_id)
        .where(found.series_id == series)
        .distinct()
        .order_by(own.last.desc(), own.id)
    )
    return [row[0] for row in connection.execute(query)]
