"""Comparisons of models, and which versions made an interval's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import (
    Better,
    Comparison,
    ComparisonKind,
    ComparisonVerdict,
    Interval,
    ModelChange,
    Sample,
    SeriesKey,
    StoreError,
    VersionShare,
)
from lupus.store import tables
from lupus.store.acts import intervals_of, rows_of
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.retrain import written


def replace_comparisons(
    connection: Connection, names: Names, project: str, interval: Interval, comparisons: Sequence[Comparison]
) -> None:
    """Make `comparisons` all that the run of `interval` made."""
    for one in comparisons:
        if one.project != project or one.interval != interval:
            raise StoreError(f"comparison {one.id} is of {one.project} at {one.interval}, not {project} at {interval}")
    number, start, columns = names.save_project(connection, project), epoch(interval), tables.comparisons.c
    stored = connection.execute(sa.select(columns.id).where(columns.project_id == number, columns.start == start))
    new = {one.id: one for one in comparisons}
    delete(connection, tables.comparisons, ("id",), [(row.id,) for row in stored if row.id not in new])
    names.save_intervals(connection, number, [interval])
    rows = [
        (one.id, number, start, one.kind.value, one.subject, written(one.series), one.better.value, one.verdict.value,
         asdict(one.before), asdict(one.after), one.shift, one.low, one.high, one.effect, one.p_value, one.sentence)
        for one in new.values()
    ]  # fmt: skip
    upsert(connection, tables.comparisons, rows)


def read_comparisons(
    connection: Connection, names: Names, project: str | None, kind: ComparisonKind | None
) -> list[Comparison]:
    """Comparisons, oldest first."""
    columns = tables.comparisons.c
    conditions = [] if project is None else [columns.project_id == project_id(project)]
    conditions += [] if kind is None else [columns.kind == kind.value]
    rows = rows_of(connection, tables.comparisons, conditions)
    when = intervals_of(connection, names, rows)
    return [
        Comparison(
            row.id, row.name, when[row.project_id, row.start], ComparisonKind(row.kind), row.subject,
            SeriesKey(*row.series), Better(row.better), ComparisonVerdict(row.verdict), Sample(**row.before),
            Sample(**row.after), row.shift, row.low, row.high, row.effect, row.p_value, row.sentence,
        )
        for row in rows
    ]  # fmt: skip


def replace_versions(
    connection: Connection, names: Names, project: str, interval: Interval, versions: Sequence[VersionShare]
) -> None:
    """Make `versions` all that made predictions at `interval`."""
    number, start, columns = names.save_project(connection, project), epoch(interval), tables.model_versions.c
    names.save_intervals(connection, number, [interval])
    stored = connection.execute(sa.select(columns.position).where(columns.project_id == number, columns.start == start))
    gone = [(number, start, row.position) for row in stored if row.position >= len(versions)]
    delete(connection, tables.model_versions, ("project_id", "start", "position"), gone)
    rows = [(number, start, place, one.version, one.rows, one.share) for place, one in enumerate(versions)]
    upsert(connection, tables.model_versions, rows)


def read_versions(connection: Connection, names: Names, project: str) -> dict[Interval, list[VersionShare]]:
    """The versions of every interval that has any, the one with most rows first; oldest interval first."""
    columns = tables.model_versions.c
    query = (
        sa.select(tables.model_versions)
        .where(columns.project_id == project_id(project))
        .order_by(columns.start, columns.position)
    )
    rows = connection.execute(query).all()
    when = intervals_of(connection, names, rows)
    found: dict[Interval, list[VersionShare]] = {}
    for row in rows:
        found.setdefault(when[row.project_id, row.start], []).append(VersionShare(row.version, row.rows, row.share))
    return found


def changes_of(project: str, versions: dict[Interval, list[VersionShare]]) -> list[ModelChange]:
    """Where a version is seen for the first time, or begins to make most predictions.

    The first interval of all is no change: nothing is known of before. Versions follow from what is stored, not from
    the order of the runs.
    """
    changes: list[ModelChange] = []
    seen: set[str] = set()
    leader = ""
    for interval, shares in versions.items():
        leads = shares[0].version
        for one in shares:
            took_over = one.version == leads != leader
            if seen and (took_over or one.version not in seen):
                changes.append(ModelChange(project, interval, one.version, one.share, took_over, leader))
        seen |= {one.version for one in shares}
        leader = leads
    return changes
