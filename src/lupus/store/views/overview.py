"""Projects at a glance, and the matrix of one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.store import tables
from lupus.store.bulk import fetch
from lupus.store.names import project_id
from lupus.store.standing import badness
from lupus.store.views.rows import ProjectStand, Tallied

_COUNTS = ("immature", "ok", "warn", "no_data", "error", "anomaly")
_LABELS = "evaluation"


class Stands:
    """Projects as they stand, kept as long as their stamp says that nothing of them has changed.

    Every request asks for them, and what their files say is long.
    """

    def __init__(self) -> None:
        self._kept: dict[int, ProjectStand] = {}

    def get(self, connection: Connection, names: Collection[str] | None) -> list[ProjectStand]:
        """The projects called `names` (or all) that the store knows, by name, with their newest interval."""
        own = tables.projects.c
        query = sa.select(own.id, own.touched)
        if names is not None:
            query = query.where(own.id.in_([project_id(name) for name in names]))
        stamps = fetch(connection, query)
        kept = self._kept
        found = {
            number: stand
            for number, touched in stamps
            if (stand := kept.get(number)) is not None and stand.touched == touched
        }
        changed = [number for number, _ in stamps if number not in found]
        if changed:
            fresh = {one.id: one for one in projects(connection, changed)}
            found |= fresh
            self._kept = {**kept, **fresh}  # another one, for other threads may be reading the old one
        return sorted(found.values(), key=lambda one: one.name)


def projects(connection: Connection, ids: Collection[int]) -> list[ProjectStand]:
    """The projects with these ids, with their newest interval."""
    own, when = tables.projects.c, tables.intervals.c
    newest = (
        sa.select(when.project_id, sa.func.max(when.start).label("start"))
        .where(when.project_id.in_(list(ids)))
        .group_by(when.project_id)
        .subquery("newest")
    )
    query = (
        sa.select(own.id, own.name, own.owner, own.cadence, own.about, own.touched, when.key, when.start)
        .select_from(
            tables.projects.outerjoin(newest, newest.c.project_id == own.id).outerjoin(
                tables.intervals, sa.and_(when.project_id == own.id, when.start == newest.c.start)
            )
        )
        .where(own.id.in_(list(ids)))
    )
    rows = connection.execute(query)
    return [ProjectStand(r[0], r[1], r[2], r[3], r[4] or {}, r[5], r[6] or "", r[7]) for r in rows]


def strips(connection: Connection, projects: Collection[int], intervals: int) -> dict[int, list[Tallied]]:
    """By project the tallies of its newest `intervals`, oldest first."""
    when, own = tables.intervals.c, tables.tallies.c
    place = sa.func.row_number().over(partition_by=when.project_id, order_by=when.start.desc()).label("place")
    recent = (
        sa.select(when.project_id, when.start, when.key, place)
        .where(when.project_id.in_(list(projects)))
        .subquery("recent")
    )
    late = own.group == _LABELS
    seen = sum((own[name] for name in _COUNTS[1:]), own.immature)
    query = (
        sa.select(
            recent.c.project_id,
            recent.c.start,
            recent.c.key,
            *(sa.func.coalesce(sa.func.sum(own[name]), 0) for name in _COUNTS),
            sa.func.max(own.score),
            sa.func.coalesce(sa.func.sum(sa.case((late, seen), else_=0)), 0),
            sa.func.coalesce(sa.func.sum(sa.case((late, own.immature), else_=0)), 0),
        )
        .select_from(
            recent.outerjoin(
                tables.tallies, sa.and_(own.project_id == recent.c.project_id, own.start == recent.c.start)
            )
        )
        .where(recent.c.place <= intervals)
        .group_by(recent.c.project_id, recent.c.start, recent.c.key)
        .order_by(recent.c.start)
    )
    found: dict[int, list[Tallied]] = {}
    for project, start, key, *numbers in connection.execute(query):
        found.setdefault(project, []).append(_tallied(start, key, numbers))
    return found


def matrix(connection: Connection, project: int, *, since: int, until: int, by: str) -> list[Tallied]:
    """The tallies of each row (`by` group, table or column) at each interval that starts in [since, until]."""
    own, when = tables.tallies.c, tables.intervals.c
    names = {"group": (own.group,), "table": (own.group, own.table), "column": (own.group, own.table, own.column)}[by]
    query = (
        sa.select(own.start, when.key, *(sa.func.sum(own[name]) for name in _COUNTS), sa.func.max(own.score), *names)
        .join_from(
            tables.tallies, tables.intervals, sa.and_(when.project_id == own.project_id, when.start == own.start)
        )
        .where(own.project_id == project, own.start.between(since, until))
        .group_by(own.start, when.key, *names)
        .order_by(own.start)
    )
    found = []
    for start, key, *rest in connection.execute(query):
        numbers, words = rest[: len(_COUNTS) + 1], rest[len(_COUNTS) + 1 :]
        group, table, column = (*words, "", "")[:3]
        found.append(_tallied(start, key, [*numbers, 0, 0], group, table, column))
    return found


def open_incidents(connection: Connection, projects: Collection[int]) -> dict[int, dict[str, int]]:
    """By project: how many incidents are not resolved, by severity."""
    own = tables.incidents.c
    query = (
        sa.select(own.project_id, own.severity, sa.func.count())
        .where(own.project_id.in_(list(projects)), own.state != "resolved")
        .group_by(own.project_id, own.severity)
    )
    found: dict[int, dict[str, int]] = {}
    for project, severity, count in connection.execute(query):
        found.setdefault(project, {})[severity] = count
    return found


def last_runs(connection: Connection, projects: Collection[int], intervals: int = 1) -> dict[int, list[Any]]:
    """By project the rows of `runs` of its newest `intervals`, with the interval's key; newest interval first."""
    own, when = tables.runs.c, tables.intervals.c
    place = sa.func.dense_rank().over(partition_by=own.project_id, order_by=own.start.desc()).label("place")
    ranked = sa.select(tables.runs, place).where(own.project_id.in_(list(projects))).subquery("ranked")
    query = (
        sa.select(ranked, when.key)
        .select_from(
            ranked.join(
                tables.intervals,
                sa.and_(when.project_id == ranked.c.project_id, when.start == ranked.c.start),
            )
        )
        .where(ranked.c.place <= intervals)
        .order_by(ranked.c.start.desc(), ranked.c.started_us)
    )
    found: dict[int, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.project_id, []).append(row)
    return found


def _tallied(start: int, key: str, numbers: list[Any], *words: str) -> Tallied:
    *counts, score, labels, waiting = numbers
    row: list[Any] = [*map(int, counts), score, int(labels), int(waiting), *words]
    return Tallied(start, key, *row)


def day(connection: Connection, project: int, key: str) -> tuple[str | None, str | None, list[Any], list[Any]] | None:
    """The interval `key`: the keys before and after it, its stages, and its series as dicts with the worst verdict."""
    when = tables.intervals.c
    start = connection.execute(sa.select(when.start).where(when.project_id == project, when.key == key)).scalar()
    if start is None:
        return None
    around = sa.select(when.key).where(when.project_id == project)
    before = connection.execute(around.where(when.start < start).order_by(when.start.desc()).limit(1)).scalar()
    after = connection.execute(around.where(when.start > start).order_by(when.start).limit(1)).scalar()
    runs = tables.runs.c
    stages = connection.execute(
        sa.select(tables.runs, when.key)
        .join_from(tables.runs, tables.intervals, sa.and_(when.project_id == runs.project_id, when.start == runs.start))
        .where(runs.project_id == project, runs.start == start)
        .order_by(runs.started_us)
    ).all()
    own, points, verdicts = tables.series.c, tables.points.c, tables.verdicts.c
    query = (
        sa.select(
            own.id, own.group, own.table, own.column, own.metric, own.segment, own.unit, points.value,
            verdicts.expected, verdicts.lower, verdicts.upper, verdicts.score, verdicts.status, verdicts.severity,
            verdicts.rule, verdicts.sentence, points.failure, points.reason,
        )
        .select_from(
            tables.points.join(tables.series, own.id == points.series_id).outerjoin(
                tables.verdicts,
                sa.and_(
                    verdicts.project_id == points.project_id,
                    verdicts.start == points.start,
                    verdicts.series_id == points.series_id,
                ),
            )
        )
        .where(points.project_id == project, points.start == start)
    )  # fmt: skip
    best: dict[int, dict[str, Any]] = {}
    for row in connection.execute(query).mappings():
        found = dict(row)
        failure, reason = found.pop("failure"), found.pop("reason")
        found["failure"] = "" if failure is None else reason or failure
        found["rank"] = -1 if found["status"] is None else badness(found["status"], 0)[0]
        found["rule"], found["sentence"] = found["rule"] or "", found["sentence"] or ""
        other = best.get(found["id"])
        if other is None or (found["rank"], found["score"] or 0.0) > (other["rank"], other["score"] or 0.0):
            best[found["id"]] = found
    return before, after, list(stages), list(best.values())
