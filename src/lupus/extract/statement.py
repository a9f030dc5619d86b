"""The SELECT that reads a slice of one table: columns by name, bounds as parameters, no text put together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import Enum, auto
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from lupus.extract.source import Slice
from lupus.model import ExtractError


class TimeKind(Enum):
    """What kind of time a column of the source holds."""

    DATE = auto()
    WALL = auto()  # a timestamp without a zone
    INSTANT = auto()
    TEXT = auto()
    OTHER = auto()  # unknown: no bounds are pushed down


def slice_statement(
    name: str,
    columns: Sequence[str],
    wanted: Slice,
    time_kind: TimeKind,
    *,
    schema: str | None = None,
    naive_utc: bool = False,
    json_columns: frozenset[str] = frozenset(),
) -> sa.Select[Any]:
    """SELECT the `wanted` of `columns` FROM `name`, bounded by the window and ordered by time and key.

    `naive_utc` is for engines whose instants are compared without a zone in a session that is set to UTC.
    `json_columns` are read as plain text.
    """
    relation = sa.table(
        quoted_name(name, quote=True),
        *(sa.column(quoted_name(column, quote=True)) for column in columns),
        schema=quoted_name(schema, quote=True) if schema else None,
    )
    of = dict(zip(columns, relation.columns, strict=True))
    read = [column for column in columns if wanted.reads(column)]
    if not read:
        raise ExtractError(f"{wanted}: no column is left; {name} has: {', '.join(sorted(columns))}")
    statement = sa.select(
        *(
            sa.func.json_extract_string(of[c], "$").label(quoted_name(c, quote=True)) if c in json_columns else of[c]
            for c in read
        )
    )
    time = of.get(wanted.table.time)
    if time is not None:
        bounds = _bounds(wanted, time_kind, naive_utc=naive_utc)
        if bounds is not None:
            # The columns stay untyped, so that values come as the driver gives them; only the bounds have types.
            start, end = (sa.bindparam(f"lupus_{i}", bound, type_) for i, (bound, type_) in enumerate(bounds))
            statement = statement.where(time >= start, time < end)
            if time_kind is TimeKind.TEXT and wanted.window.dates is not None:
                statement = statement.where(_longer_or_within(time, *wanted.window.dates))
    keys = [of[key] for key in wanted.table.key if key in of]
    if keys:
        statement = statement.order_by(*([time] if time is not None else []), *keys)
    return statement


def _longer_or_within(time: sa.ColumnElement[Any], start: date, end: date) -> sa.ColumnElement[bool]:
    """Of texts that are days, only those of the interval; longer ones may be in another zone, and are cut later."""
    first, last = (sa.literal(day.isoformat(), sa.String()) for day in (start, end))
    return sa.or_(sa.func.length(time) != len("2026-01-31"), sa.and_(time >= first, time < last))


def query_parameters(wanted: Slice, *, text: bool = False, naive: bool = False) -> dict[str, Any]:
    """What a query may bind: ``start, end, start_date, end_date, interval``.

    Instants are aware, or, where the engine has no such type, UTC without a zone (`naive`) or ISO text (`text`).
    Dates are those of the bounds in the project's zone (of an hour, the day it lies in; the end excluded).
    """
    window = wanted.window
    start, end = window.instants
    zone = wanted.cadence.zone
    first = start.astimezone(zone).date()
    last = window.dates[1] if window.dates else date.fromordinal(end.astimezone(zone).date().toordinal() + 1)
    values: dict[str, Any] = {"start": start, "end": end, "start_date": first, "end_date": last}
    if naive or text:
        values |= {"start": _naive(start), "end": _naive(end)}
    if text:
        # Without a fraction, so that a stored "00:00:00" and a stored "00:00:00.000000" both compare right.
        values = {
            name: value.isoformat(*([" "] if isinstance(value, datetime) else [])) for name, value in values.items()
        }
    return values | {"interval": window.interval.key}


def bound_query(query: str, values: dict[str, Any], wanted: Slice) -> sa.TextClause:
    """`query` with those of `values` bound that it names. Raises `ExtractError` for any other name."""
    clause = sa.text(query)
    names = set(clause._bindparams)
    if strange := sorted(names - values.keys()):
        raise ExtractError(
            f"{wanted}: the query has the parameter :{strange[0]}, but only :{', :'.join(values)} are given; "
            r"write \: for a colon that begins no parameter"
        )
    return clause.bindparams(**{name: values[name] for name in names})


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _bounds(wanted: Slice, kind: TimeKind, *, naive_utc: bool) -> tuple[tuple[Any, Any], ...] | None:
    window = wanted.window
    match kind:
        case TimeKind.DATE if window.dates is not None:
            return tuple((day, sa.Date()) for day in window.dates)
        case TimeKind.WALL:
            return tuple((wall, sa.DateTime()) for wall in window.walls)
        case TimeKind.INSTANT if naive_utc:
            return tuple((_naive(instant), sa.DateTime()) for instant in window.instants)
        case TimeKind.INSTANT:
            return tuple((instant, sa.DateTime(timezone=True)) for instant in window.instants)
        case TimeKind.TEXT:
            return tuple((text, sa.String()) for text in window.texts)
        case _:
            # Dates in an interval of hours: nothing to push down; the clip says what is wrong.
            return None
