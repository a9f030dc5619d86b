"""Metrics from SQL queries: a query's rows become points, and what is wrong with a row the failure of its point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.points import NULL_LABEL
from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    Interval,
    MetricPoint,
    Project,
    Series,
    SeriesKey,
    SqlMetric,
    segment_name,
)

if TYPE_CHECKING:
    import pyarrow as pa

SQL_TABLE: Final = "sql"
"""The table name of the series."""


def queried_points(project: Project, metric: SqlMetric, interval: Interval, rows: pa.Table) -> list[MetricPoint]:
    """A point per row of `rows`, named by its `metric.segment` and `metric.names` columns.

    What cannot be a metric at all (no row, no or several number columns, two rows of one name) is one failed point.
    """
    columns = rows.column_names
    try:
        value = _value_column(metric, columns)
    except ValueError as error:
        return [failed_query(project, metric, interval, Failure(FailureKind.MISSING_COLUMN, str(error)))]
    if not rows.num_rows:
        return [failed_query(project, metric, interval, Failure(FailureKind.NO_DATA, "the query gave no row"))]
    made: dict[SeriesKey, MetricPoint] = {}
    for row in rows.to_pylist():
        point = _point(project, metric, interval, row, value)
        if point.series.key in made:
            what = "; name the columns that tell them apart as segment or names"
            named = f" for {point.series.key}" if metric.segment or metric.names else ""
            reason = f"the query gave more than one row{named}{'' if named else what}"
            return [failed_query(project, metric, interval, Failure(FailureKind.UNDEFINED, reason))]
        made[point.series.key] = point
    return list(made.values())


def failed_query(project: Project, metric: SqlMetric, interval: Interval, failure: Failure) -> MetricPoint:
    """The point of a query that gave nothing to measure."""
    return MetricPoint(_series(project, metric, metric.name, WHOLE), interval, None, 0, failure)


def _point(project: Project, metric: SqlMetric, interval: Interval, row: Mapping[str, Any], column: str) -> MetricPoint:
    name = f"{metric.name}:{_text(row[metric.names])}" if metric.names else metric.name
    segment = segment_name(*((one, _text(row[one])) for one in metric.segment)) if metric.segment else WHOLE
    series = _series(project, metric, name, segment)
    n = _number(row[metric.n]) if metric.n else None
    rows = int(n) if n is not None and math.isfinite(n) and n > 0 else 0
    value = _number(row[column])
    if value is not None and math.isfinite(value):
        return MetricPoint(series, interval, value, rows)
    if row[column] is None:
        failure = Failure(FailureKind.NO_DATA, "the query gave no value (NULL)")
    elif value is None:
        failure = Failure(FailureKind.WRONG_TYPE, f"the query gave {type(row[column]).__name__}, not a number")
    else:
        failure = Failure(FailureKind.UNDEFINED, "the query gave no finite number")
    return MetricPoint(series, interval, None, rows, failure)


def _value_column(metric: SqlMetric, columns: list[str]) -> str:
    """The column with the number; `ValueError` with a sentence when there is no such one."""
    lost = [name for name in (metric.value, metric.n, metric.names, *metric.segment) if name and name not in columns]
    if lost:
        raise ValueError(f"the query gives no column {lost[0]!r}; it gives {', '.join(columns) or 'none'}")
    if len(set(columns)) < len(columns):
        raise ValueError("the query gives two columns of one name; give each a name of its own")
    if metric.value:
        return metric.value
    others = [name for name in columns if name not in (metric.n, metric.names, *metric.segment)]
    if len(others) != 1:
        raise ValueError(f"the query gives {', '.join(others) or 'no column'} for the number; name it as value")
    return others[0]


def _series(project: Project, metric: SqlMetric, name: str, segment: str) -> Series:
    return Series(SeriesKey(project.name, SQL_TABLE, "", name, segment), metric.group, metric.unit)


def _text(value: Any) -> str:
    if value is None:
        return NULL_LABEL
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, Real | Decimal) else None
