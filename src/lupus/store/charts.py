"""What a chart of one series needs: its values, and its band as it was judged."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import ChartPoint, SeriesKey, Status
from lupus.store import tables
from lupus.store.names import Names, make_interval, project_id
from lupus.store.standing import band


def read(connection: Connection, names: Names, key: SeriesKey, *, until: int | None, limit: int) -> list[ChartPoint]:
    """The newest `limit` intervals of the project up to the start `until`, oldest first; () without the series.

    An interval at which the series was not measured has no value. Of several rules the worst verdict counts.
    """
    number, series = project_id(key.project), names.series_id(key)
    columns = tables.intervals.c
    # Intervals are also remembered for what is not measured (a label's day): those behind the last point do not count.
    last = sa.select(sa.func.max(tables.points.c.start)).where(tables.points.c.project_id == number).scalar_subquery()
    query = sa.select(columns.start, columns.end, columns.key)
    query = query.where(columns.project_id == number, columns.start <= last)
    if until is not None:
        query = query.where(columns.start <= until)
    when = {
        row.start: make_interval(row.start, row.end, row.key)
        for row in connection.execute(query.order_by(columns.start.desc()).limit(limit))
    }
    values = _by_start(connection, tables.points, number, series, list(when))
    if not values:
        return []
    judged: dict[int, tuple[Status, float | None, float | None]] = {}
    for row in _rows(connection, tables.verdicts, number, series, list(when)):
        new = (Status(row.status), row.lower, row.upper)
        kept = judged.get(row.start, new)
        worse, other = (new, kept) if new[0].rank > kept[0].rank else (kept, new)
        judged[row.start] = (worse[0], *band(worse[0], worse[1:], other[1:]))
    first = min(values)
    points = []
    for start in sorted(when):
        if start < first:  # before the series began
            continue
        value = values.get(start)
        status, lower, upper = judged.get(start, (None, None, None))
        points.append(ChartPoint(when[start], None if value is None else value.value, lower, upper, status))
    return points


def _by_start(connection: Connection, table: sa.Table, project: int, series: int, starts: list[int]) -> dict[int, Any]:
    return {row.start: row for row in _rows(connection, table, project, series, starts)}


def _rows(connection: Connection, table: sa.Table, project: int, series: int, starts: list[int]) -> list[Any]:
    columns = table.c
    query = sa.select(table).where(
        columns.project_id == project, columns.series_id == series, columns.start.in_(starts)
    )
    return list(connection.execute(query))
