"""Points: metric values by (project, interval, series)."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Failure, FailureKind, Interval, MetricPoint, Series, StoreError
from lupus.store import tables
from lupus.store.bulk import delete, fetch, upsert
from lupus.store.names import Names, epoch, in_few, project_id
from lupus.store.text import unescape

Row = tuple[Any, ...]

_OF_SCOPE: Final = (
    sa.select(tables.points)
    .join(tables.series, tables.series.c.id == tables.points.c.series_id)
    .where(
        tables.points.c.project_id == sa.bindparam("b_project"),
        tables.points.c.start == sa.bindparam("b_start"),
        tables.series.c.scope == sa.bindparam("b_scope"),
    )
)


def replace(
    connection: Connection,
    names: Names,
    project: str,
    interval: Interval,
    points: Sequence[MetricPoint],
    *,
    scope: str,
) -> None:
    """Make `points` all that the project has of `scope` at `interval`. Rows that are right already are not written."""
    for point in points:
        same = point.interval is interval or point.interval == interval
        if not same or point.series.key.project != project:
            raise StoreError(
                f"{point.series.key} of {point.series.key.project} at {point.interval} is no point "
                f"of {project} at {interval}"
            )
    number, start = names.save_project(connection, project), epoch(interval)
    new = _rows(connection, names, number, points, scope)
    old = _stored(connection, number, start, scope)
    changed = [row for key, row in new.items() if old.get(key) != row]
    removed = [key for key in old if key not in new]
    names.save_intervals(connection, number, [interval])
    if not changed and not removed:
        return
    delete(connection, tables.points, ("project_id", "start", "series_id"), removed)
    delete(connection, tables.verdicts, ("project_id", "start", "series_id"), removed)
    upsert(connection, tables.points, changed)
    names.touch(connection, number, [start])


def add(connection: Connection, names: Names, project: str, points: Sequence[MetricPoint], scope: str) -> None:
    """Write `points` of one project, over any number of intervals, and remove nothing."""
    number = names.save_project(connection, project)
    rows = _rows(connection, names, number, points, scope)
    names.save_intervals(connection, number, {point.interval for point in points})
    upsert(connection, tables.points, list(rows.values()))
    names.touch(connection, number, sorted({key[1] for key in rows}))


def read(
    connection: Connection,
    names: Names,
    project: str,
    *,
    intervals: Sequence[Interval] | None,
    metric: str | None,
    table: str | None,
    segment: str | None,
    limit: int | None,
) -> list[MetricPoint]:
    """The points whose names match the shell patterns, oldest first; the newest `limit` of them."""
    number, columns = project_id(project), tables.points.c
    known = names.known(connection, number)
    patterns = (metric, table, segment)
    wanted = {key: one for key, one in known.by_id.items() if _matches(one, *patterns)}
    conditions = [columns.project_id == number]
    if intervals is not None:
        conditions.append(columns.start.in_([epoch(interval) for interval in intervals]))
    if len(wanted) < len(known.by_id):
        few = in_few(columns.series_id, list(wanted))
        if few is not None:
            conditions.append(few)
    query = (
        sa.select(
            columns.series_id,
            columns.start,
            columns.value,
            columns.n,
            columns.maturity,
            columns.low,
            columns.high,
            columns.failure,
            columns.reason,
        )
        .where(*conditions)
        .order_by(columns.start.desc())
    )
    rows: list[Sequence[Any]] = []
    for row in connection.execute(query):
        if limit is not None and rows and len(rows) >= limit and row[1] != rows[-1][1]:
            break  # whole intervals are read, so that the choice within the oldest one is by name
        if row[0] in wanted:
            rows.append(row)
    when = names.intervals(connection, number, {row[1] for row in rows})
    found = sorted(
        (_point(wanted[row[0]], when[row[1]], row[2:]) for row in rows),
        key=lambda point: (point.interval.start, point.series.key),
    )
    return found if limit is None else found[max(len(found) - limit, 0) :]


def to_failure(kind: str | None, reason: str | None) -> Failure | None:
    return None if kind is None else Failure(FailureKind(kind), reason or "")


def _point(series: Series, interval: Interval, row: Sequence[Any]) -> MetricPoint:
    value, n, maturity, low, high, kind, reason = row
    return MetricPoint(series, interval, value, n, to_failure(kind, reason), maturity, low, high)


def _matches(series: Series, metric: str | None, table: str | None, segment: str | None) -> bool:
    key = series.key
    pairs = ((metric, key.metric), (table, key.table), (segment, key.segment))
    return all(pattern is None or text == pattern or fnmatchcase(text, pattern) for pattern, text in pairs)


def _rows(
    connection: Connection, names: Names, project: int, points: Sequence[MetricPoint], scope: str
) -> dict[Row, Row]:
    """The rows by key. When a series stands twice at an interval the last one counts."""
    ids = names.save_series(connection, project, [point.series for point in points], scope)
    rows: dict[Row, Row] = {}
    start, last = 0, None
    for series, point in zip(ids, points, strict=True):
        if point.interval is not last:
            last = point.interval
            start = epoch(last)
        value, failure = point.value, point.failure
        if failure is not None:
            rows[project, start, series] = (
                project, start, series, None, int(point.n), point.maturity, None, None,
                failure.kind.value, failure.reason,
            )  # fmt: skip
        elif value != value:  # noqa: PLR0124 - NaN, which no database gives back
            kind, reason = FailureKind.UNDEFINED.value, "the value is not a number"
            rows[project, start, series] = (
                project, start, series, None, int(point.n), point.maturity, None, None, kind, reason,
            )  # fmt: skip
        else:
            rows[project, start, series] = (
                project, start, series, value, int(point.n), point.maturity, point.low, point.high, None, None,
            )  # fmt: skip
    return rows


def _stored(connection: Connection, project: int, start: int, scope: str) -> dict[Row, Row]:
    rows: dict[Row, Row] = {}
    for raw in fetch(connection, _OF_SCOPE, {"b_project": project, "b_start": start, "b_scope": scope}):
        row = raw if raw[9] is None else (*raw[:9], unescape(raw[9]))
        rows[row[:3]] = row
    return rows
