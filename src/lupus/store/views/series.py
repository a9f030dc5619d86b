"""Columns of series: many at once along their intervals, one in every detail.

Points and verdicts lie by (project, interval, series), so that a run writes neighbours. A series is read through the
intervals of its project: one look-up by the whole key for each, which no further index is needed for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Series, SeriesKey
from lupus.store import tables
from lupus.store.bulk import fetch
from lupus.store.standing import badness
from lupus.store.text import unescape
from lupus.store.views.rows import Columns, Judged

WEEK: Final = 7 * 86_400
_MONDAY: Final = 4 * 86_400
"""1970-01-05, in seconds since 1970: weeks are counted from Mondays."""


def monday(start: int) -> int:
    """The start of the week (UTC) that holds `start`."""
    return (start - _MONDAY) // WEEK * WEEK + _MONDAY


def week_start(number: int) -> int:
    """The start of the week with this number."""
    return number * WEEK + _MONDAY


def find(connection: Connection, ids: Collection[int]) -> dict[int, tuple[int, Series]]:
    """By id the project's id and the series, of those that exist."""
    own, projects = tables.series.c, tables.projects.c
    query = (
        sa.select(
            own.id, own.project_id, projects.name, own.table, own.column, own.metric, own.segment, own.group, own.unit,
            own.tags,
        )
        .join_from(tables.series, tables.projects, projects.id == own.project_id)
        .where(own.id.in_(list(ids)))
    )  # fmt: skip
    return {
        number: (project, Series(SeriesKey(name, table, column, metric, segment), group, unit, tags))
        for number, project, name, table, column, metric, segment, group, unit, tags in connection.execute(query)
    }


def columns(
    connection: Connection, ids: Collection[int], *, projects: dict[int, str], since: int, until: int
) -> list[Columns]:
    """The columns of `ids` in `projects` over the intervals that start in [since, until]: one answer per project."""
    own, when, points, verdicts = tables.series.c, tables.intervals.c, tables.points.c, tables.verdicts.c
    chosen = (
        sa.select(own.id, own.project_id, when.start, when.key)
        .join_from(tables.series, tables.intervals, when.project_id == own.project_id)
        .where(own.id.in_(list(ids)), own.project_id.in_(list(projects)), when.start.between(since, until))
        .subquery("chosen")
    )
    query = (
        sa.select(
            chosen.c.project_id, chosen.c.start, chosen.c.key, chosen.c.id, points.value, verdicts.status,
            verdicts.lower, verdicts.upper, verdicts.score,
        )
        .select_from(
            chosen.outerjoin(tables.points, _same(points, chosen)).outerjoin(tables.verdicts, _same(verdicts, chosen))
        )
    )  # fmt: skip
    gathered: dict[int, dict[int, str]] = {}
    best: dict[tuple[int, int], tuple[Any, ...]] = {}
    members: dict[int, dict[int, None]] = {}
    for project, start, key, number, *rest in fetch(connection, query):
        gathered.setdefault(project, {})[start] = key
        members.setdefault(project, {})[number] = None
        place = (number, start)
        best[place] = _worse(best.get(place), tuple(rest))
    found = []
    empty = (None, None, None, None, None)
    for project, keys in gathered.items():
        starts = sorted(keys)
        own_ids = [number for number in ids if number in members[project]]
        rows = [[best.get((number, start), empty) for start in starts] for number in own_ids]
        parts = [[[cell[part] for cell in row] for row in rows] for part in range(5)]
        found.append(Columns(projects[project], starts, [unescape(keys[start]) for start in starts], own_ids, *parts))
    return found


def _worse(known: tuple[Any, ...] | None, new: tuple[Any, ...]) -> tuple[Any, ...]:
    """The worse of two (value, status, lower, upper, score). Its band is the other's where it has none of its own."""
    if known is None or new[1] is None:
        return known or new
    first, second = (
        (new, known) if badness(new[1], new[4]) > badness(known[1] or "immature", known[4]) else (known, new)
    )
    return (*first[:2], *_band(first[2:4], second[2:4]), first[4])


def _band(own: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """`own`, unless it says nothing: rules about trends and flat lines draw no band, and another rule's still holds."""
    return own if any(part is not None for part in own) else other


def envelopes(
    connection: Connection, ids: Collection[int], *, projects: dict[int, str], since: int, until: int
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Weeks of (series, week, mean, least, greatest), and every anomaly of (series, start, value, status, score)."""
    own, points, verdicts = tables.series.c, tables.points.c, tables.verdicts.c
    week = ((points.start - _MONDAY) // WEEK).label("week")
    inside = (own.id.in_(list(ids)), own.project_id.in_(list(projects)))
    when = tables.intervals.c
    chosen = (
        sa.select(own.id, own.project_id, when.start)
        .join_from(tables.series, tables.intervals, when.project_id == own.project_id)
        .where(*inside, when.start.between(since, until))
        .subquery("chosen")
    )
    weeks = (
        sa.select(
            points.series_id, week, sa.func.avg(points.value), sa.func.min(points.value), sa.func.max(points.value)
        )
        .select_from(chosen.join(tables.points, _same(points, chosen)))
        .where(points.value.is_not(None))
        .group_by(points.series_id, week)
    )
    flagged = (
        sa.select(verdicts.series_id, verdicts.start, verdicts.value, verdicts.status, verdicts.score)
        .join_from(tables.series, tables.verdicts, own.id == verdicts.series_id)
        .where(
            *inside,
            sa.text("verdicts." + tables.IS_FINDING),
            verdicts.project_id.in_(list(projects)),
            verdicts.start.between(since, until),
        )
    )
    return fetch(connection, weeks), fetch(connection, flagged)


def judged(connection: Connection, number: int, project: int, *, since: int, until: int) -> list[Judged]:
    """Every interval of one series with its point and the worst of its verdicts, oldest first."""
    when, points, verdicts = tables.intervals.c, tables.points.c, tables.verdicts.c
    query = (
        sa.select(
            when.start, when.key, points.value, points.n, points.maturity, points.low, points.high, points.failure,
            points.reason, verdicts.status, verdicts.severity, verdicts.expected, verdicts.lower, verdicts.upper,
            verdicts.score, verdicts.rule, verdicts.sentence, verdicts.why,
        )
        .select_from(
            tables.intervals.outerjoin(
                tables.points,
                sa.and_(
                    points.project_id == when.project_id, points.start == when.start, points.series_id == number
                ),
            ).outerjoin(
                tables.verdicts,
                sa.and_(
                    verdicts.project_id == when.project_id,
                    verdicts.start == when.start,
                    verdicts.series_id == number,
                ),
            )
        )
        .where(when.project_id == project, when.start.between(since, until))
        .order_by(when.start)
    )  # fmt: skip
    found: dict[int, Judged] = {}
    for row in fetch(connection, query):
        start, status, score = row[0], row[9], row[14]
        other = found.get(start)
        if other is not None and (
            status is None or badness(status, score) <= badness(other.status or "immature", other.score)
        ):
            expected, lower, upper = _band((other.expected, other.lower, other.upper), tuple(row[11:14]))
            found[start] = replace(other, expected=expected, lower=lower, upper=upper)
            continue
        failure = "" if row[7] is None else unescape(row[8] or "") or row[7]
        words = [unescape(text or "") for text in row[15:18]]
        bounds = row[11:14] if other is None else _band(tuple(row[11:14]), (other.expected, other.lower, other.upper))
        numbers: list[Any] = [*row[2:7], failure, status, row[10], *bounds, score, *words]
        found[start] = Judged(start, unescape(row[1]), *numbers)
    return list(found.values())


def count_intervals(connection: Connection, projects: Collection[int], *, since: int, until: int) -> dict[int, int]:
    """How many intervals each project has that start in [since, until]."""
    when = tables.intervals.c
    query = (
        sa.select(when.project_id, sa.func.count())
        .where(when.project_id.in_(list(projects)), when.start.between(since, until))
        .group_by(when.project_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def siblings(connection: Connection, project: int, key: SeriesKey) -> Sequence[Any]:
    """The same metric of the same column in every segment: id, segment, and the newest verdict's status and score."""
    own, newest = tables.series.c, tables.latest.c
    query = (
        sa.select(own.id, own.segment, newest.status, newest.score)
        .select_from(tables.series.outerjoin(tables.latest, newest.series_id == own.id))
        .where(own.project_id == project, own.table == key.table, own.column == key.column, own.metric == key.metric)
        .order_by(own.segment)
    )
    return connection.execute(query).all()


def _same(own: Any, chosen: Any) -> sa.ColumnElement[bool]:
    return sa.and_(own.project_id == chosen.c.project_id, own.start == chosen.c.start, own.series_id == chosen.c.id)
