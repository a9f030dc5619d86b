"""One series in every detail, and the names of many."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Series, SeriesKey
from lupus.store import newest, tables
from lupus.store.bulk import fetch
from lupus.store.standing import badness, band_rank
from lupus.store.text import unescape
from lupus.store.views.rows import Judged, Sibling

Row = tuple[Any, ...]
_NO_POINT: Final[Row] = (None,) * 8
_NO_VERDICT: Final[Row] = (*(None,) * 6, "", "", "")


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


def judged(connection: Connection, number: int, project: int, *, since: int, until: int) -> list[Judged]:
    """Every interval of one series with its point and the worst of its verdicts, oldest first."""
    when, points, verdicts = tables.intervals.c, tables.points.c, tables.verdicts.c
    intervals = sa.select(when.start, when.key).where(when.project_id == project, when.start.between(since, until))
    measured = sa.select(
        points.start, points.value, points.n, points.maturity, points.low, points.high, points.failure, points.reason
    ).where(points.series_id == number, points.start.between(since, until))
    said = sa.select(
        verdicts.start, verdicts.status, verdicts.severity, verdicts.expected, verdicts.lower, verdicts.upper,
        verdicts.score, verdicts.rule, verdicts.sentence, verdicts.why,
    ).where(verdicts.series_id == number, verdicts.start.between(since, until))  # fmt: skip
    values: dict[int, Row] = {row[0]: row for row in fetch(connection, measured)}
    verdicts_at: dict[int, list[Row]] = {}
    for row in fetch(connection, said):
        verdicts_at.setdefault(row[0], []).append(row)
    found = []
    for start, key in fetch(connection, intervals.order_by(when.start)):
        value, n, maturity, low, high, failure, reason = values.get(start, _NO_POINT)[1:]
        status, severity, expected, lower, upper, score, rule, sentence, why = _together(verdicts_at.get(start, []))
        found.append(
            Judged(
                start, unescape(key), value, n, maturity, low, high,
                "" if failure is None else unescape(reason or "") or failure,
                status, severity, expected, lower, upper, score, unescape(rule), unescape(sentence),
                unescape(why or ""),
            )
        )  # fmt: skip
    return found


def _together(verdicts: list[Row]) -> Row:
    """The worst of several verdicts on a point, with the band to show."""
    if not verdicts:
        return _NO_VERDICT
    worst = max(verdicts, key=lambda row: badness(row[1], row[6]))
    shown = max(verdicts, key=lambda row: band_rank(row[1], row[4], row[5], row[6]))
    return (*worst[1:3], *shown[3:6], *worst[6:])


def count_intervals(connection: Connection, projects: Collection[int], *, since: int, until: int) -> dict[int, int]:
    """How many intervals each project has that start in [since, until]."""
    when = tables.intervals.c
    query = (
        sa.select(when.project_id, sa.func.count())
        .where(when.project_id.in_(list(projects)), when.start.between(since, until))
        .group_by(when.project_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def siblings(connection: Connection, project: int, key: SeriesKey) -> list[Sibling]:
    """The same metric of the same column in every segment, each with its newest verdict."""
    own = tables.series.c
    query = (
        sa.select(own.id, own.segment)
        .where(own.project_id == project, own.table == key.table, own.column == key.column, own.metric == key.metric)
        .order_by(own.segment)
    )
    found = connection.execute(query).all()
    rows = newest.read(connection, [project])
    rows = rows[np.isin(rows["series"], [number for number, _ in found])]
    said = {number: (newest.STATUSES[status], score) for number, _, status, _, score, _, _ in rows.tolist()}
    return [Sibling(number, segment, *said.get(number, (None, None))) for number, segment in found]
