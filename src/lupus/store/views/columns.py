"""Columns of many series at once along their intervals, and envelopes of long spans.

All that is read here lies in the indexes by series (see `tables`), so a column of 90 days is a page or two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Status
from lupus.store import tables
from lupus.store.bulk import fetch
from lupus.store.standing import badness, band_rank
from lupus.store.text import unescape
from lupus.store.views.rows import Columns

Row = tuple[Any, ...]
WEEK: Final = 7 * 86_400
_MONDAY: Final = 4 * 86_400
"""1970-01-05, in seconds since 1970: weeks are counted from Mondays."""
_FINDINGS: Final = tuple(status.value for status in Status if status.is_finding)


def monday(start: int) -> int:
    """The start of the week (UTC) that holds `start`."""
    return (start - _MONDAY) // WEEK * WEEK + _MONDAY


def week_start(number: int) -> int:
    """The start of the week with this number."""
    return number * WEEK + _MONDAY


def homes(connection: Connection, ids: Collection[int]) -> dict[int, int]:
    """By series the id of its project, of those of `ids` that exist, in their order."""
    own = tables.series.c
    found = dict(fetch(connection, sa.select(own.id, own.project_id).where(own.id.in_(list(ids)))))
    return {number: found[number] for number in ids if number in found}


def columns(
    connection: Connection, of: Mapping[int, int], *, projects: Mapping[int, str], since: int, until: int
) -> list[Columns]:
    """The columns of the series `of` (with their projects' ids) over the intervals that start in [since, until].

    One answer per project, each with all intervals that the project has there. Series of other projects than
    `projects` are left out.
    """
    members: dict[int, list[int]] = {}
    for number, project in of.items():
        if project in projects:
            members.setdefault(project, []).append(number)
    if not members:
        return []
    when = tables.intervals.c
    query = sa.select(when.project_id, when.start, when.key).where(
        when.project_id.in_(list(members)), when.start.between(since, until)
    )
    keys: dict[int, dict[int, str]] = {}
    for project, start, key in fetch(connection, query):
        keys.setdefault(project, {})[start] = unescape(key)
    found: list[Columns] = []
    lines: dict[int, tuple[dict[int, int], list[list[Any]]]] = {}
    for project, ids in members.items():
        names = keys.get(project)
        if names is None:
            continue
        starts = sorted(names)
        place = {start: at for at, start in enumerate(starts)}
        parts: list[list[list[Any]]] = [[[None] * len(starts) for _ in ids] for _ in range(5)]
        found.append(Columns(projects[project], starts, [names[start] for start in starts], ids, *parts))
        for row, number in enumerate(ids):
            lines[number] = (place, [part[row] for part in parts])
    if lines:
        _write_down(lines, fetch(connection, _read(list(lines), since, until)))
    return found


def _read(ids: list[int], since: int, until: int) -> Any:
    """(series, start, value, nothing…) of every point and (series, start, nothing, status, lower, upper, score) of
    every verdict. A range of an index for each: a join would look every single place up.
    """
    points, verdicts = tables.points.c, tables.verdicts.c
    values = sa.select(points.series_id, points.start, points.value, sa.null(), sa.null(), sa.null(), sa.null()).where(
        points.series_id.in_(ids), points.start.between(since, until)
    )
    judged = sa.select(
        verdicts.series_id, verdicts.start, sa.null(), verdicts.status, verdicts.lower, verdicts.upper, verdicts.score
    ).where(verdicts.series_id.in_(ids), verdicts.start.between(since, until))
    return sa.union_all(values, judged)


def _write_down(lines: Mapping[int, tuple[Mapping[int, int], list[list[Any]]]], rows: Collection[Row]) -> None:
    """Put every row of `_read` at its place. Of several verdicts on a point the worst counts, and one band is shown."""
    bands: dict[tuple[int, int], tuple[float, ...]] = {}  # where there are several verdicts, which band it is
    for number, start, value, status, lower, upper, score in rows:
        place, (values, statuses, lowers, uppers, scores) = lines[number]
        at = place.get(start)
        if at is None:
            continue
        if status is None:
            values[at] = value
        elif statuses[at] is None:
            statuses[at], lowers[at], uppers[at], scores[at] = status, lower, upper, score
        else:
            known = bands.get((number, at)) or band_rank(statuses[at], lowers[at], uppers[at], scores[at])
            own = band_rank(status, lower, upper, score)
            if own > known:
                lowers[at], uppers[at] = lower, upper
            bands[number, at] = max(own, known)
            if badness(status, score) > badness(statuses[at], scores[at]):
                statuses[at], scores[at] = status, score


def envelopes(connection: Connection, ids: Collection[int], *, since: int, until: int) -> tuple[list[Row], list[Row]]:
    """Weeks of (series, week, mean, least, greatest), and every finding as (series, start, value, status, score)."""
    points, verdicts = tables.points.c, tables.verdicts.c
    week = ((points.start - _MONDAY) // WEEK).label("week")
    weeks = (
        sa.select(
            points.series_id, week, sa.func.avg(points.value), sa.func.min(points.value), sa.func.max(points.value)
        )
        .where(points.series_id.in_(list(ids)), points.start.between(since, until), points.value.is_not(None))
        .group_by(points.series_id, week)
    )
    same = sa.and_(points.series_id == verdicts.series_id, points.start == verdicts.start)
    flagged = (
        sa.select(verdicts.series_id, verdicts.start, points.value, verdicts.status, verdicts.score)
        .select_from(tables.verdicts.outerjoin(tables.points, same))
        .where(
            verdicts.series_id.in_(list(ids)),
            verdicts.start.between(since, until),
            verdicts.status.in_(_FINDINGS),
        )
    )
    return fetch(connection, weeks), fetch(connection, flagged)
