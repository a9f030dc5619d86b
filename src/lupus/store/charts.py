"""What a chart of one series needs: its values, and its band as it was judged."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import ChartPoint, SeriesKey, Status
from lupus.store import tables
from lupus.store.names import Names, make_interval, project_id

_WORST_FIRST: Final = tuple(
    status.value for status in (Status.ANOMALY, Status.NO_DATA, Status.ERROR, Status.WARN, Status.OK, Status.IMMATURE)
)


def read(connection: Connection, names: Names, key: SeriesKey, *, until: int | None, limit: int) -> list[ChartPoint]:
    """The newest `limit` intervals of the project up to the start `until`, oldest first; () without the series.

    An interval at which the series was not measured has no value. Of several rules the worst verdict gives the band.
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
    judged: dict[int, Any] = {}
    for row in _rows(connection, tables.verdicts, number, series, list(when)):
        kept = judged.get(row.start)
        if kept is None or _WORST_FIRST.index(row.status) < _WORST_FIRST.index(kept.status):
            judged[row.start] = row
    first = min(values)
    points = []
    for start in sorted(when):
        if start < first:  # before the series began
            continue
        value, verdict = values.get(start), judged.get(start)
        points.append(
            ChartPoint(
                when[start],
                None if value is None else value.value,
                None if verdict is None else verdict.lower,
                None if verdict is None else verdict.upper,
                None if verdict is None else Status(verdict.status),
            )
        )
    return points


def _by_start(connection: Connection, table: sa.Table, project: int, series: int, starts: list[int]) -> dict[int, Any]:
    return {row.start: row for row in _rows(connection, table, project, series, starts)}


def _rows(connection: Connection, table: sa.Table, project: int, series: int, starts: list[int]) -> list[Any]:
    columns = table.c
    query = sa.select(table).where(
        columns.project_id == project, columns.series_id == series, columns.start.in_(starts)
    )
    return list(connection.execute(query))
