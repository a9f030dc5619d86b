"""What a chart of one series needs: its values, and its band as it was judged."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import ChartPoint, SeriesKey, Status
from lupus.store import tables
from lupus.store.names import Names, make_interval, project_id
from lupus.store.standing import badness, band_rank


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
    judged: dict[int, list[Any]] = {}
    for row in _rows(connection, tables.verdicts, number, series, list(when)):
        judged.setdefault(row.start, []).append(row)
    first = min(values)
    points = []
    for start in sorted(when):
        if start < first:  # before the series began
            continue
        value = values.get(start)
        points.append(
            ChartPoint(when[start], None if value is None else value.value, *_together(judged.get(start, [])))
        )
    return points


def _together(verdicts: list[Any]) -> tuple[float | None, float | None, Status | None]:
    """The band to show of several verdicts on a point, and the worst status."""
    if not verdicts:
        return None, None, None
    shown = max(verdicts, key=lambda row: band_rank(row.status, row.lower, row.upper, row.score))
    return shown.lower, shown.upper, Status(max(verdicts, key=lambda row: badness(row.status, row.score)).status)


def _by_start(connection: Connection, table: sa.Table, project: int, series: int, starts: list[int]) -> dict[int, Any]:
    return {row.start: row for row in _rows(connection, table, project, series, starts)}


def _rows(connection: Connection, table: sa.Table, project: int, series: int, starts: list[int]) -> list[Any]:
    columns = table.c
    query = sa.select(table).where(
        columns.project_id == project, columns.series_id == series, columns.start.in_(starts)
    )
    return list(connection.execute(query))
