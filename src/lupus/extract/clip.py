"""Cuts what a reader yields to the slice: the wanted columns of the rows in the interval.

The time column decides. Dates are business dates in the project's zone; naive timestamps are in the table's
zone; timestamps with a zone are instants; texts are read as ISO 8601 of any of these kinds. Rows without
a time belong to no interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from lupus.extract.arrow import canonical, duplicates
from lupus.extract.source import Slice, unknown
from lupus.extract.window import Window
from lupus.model import ExtractError

if TYPE_CHECKING:
    import pyarrow as pa

_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


class _NotWholeDaysError(Exception):
    """A date was to be placed in an interval that is not made of whole days."""


def clip(batches: Iterable[pa.RecordBatch], wanted: Slice) -> Iterator[pa.RecordBatch]:
    """The rows of `wanted`, its columns and those that others are derived from, in canonical types.

    Raises `ExtractError`.
    """
    unreadable = read = 0
    for raw in batches:
        names = raw.schema.names
        if repeated := duplicates(names):
            raise ExtractError(f"{wanted}: the source has two columns called {repeated[0]!r}; rename one in the query")
        batch = canonical(raw.select([name for name in names if wanted.reads(name)]))
        if wanted.table.time:
            if wanted.table.time not in names:
                raise ExtractError(f"{wanted}: {unknown('time column', wanted.table.time, names)}")
            try:
                mask, bad = _mask(batch.column(wanted.table.time), wanted.window)
            except _NotWholeDaysError:
                raise ExtractError(
                    f"{wanted}: the time column {wanted.table.time!r} holds dates, but the interval is not made of "
                    "whole days; use a timestamp column, or cadence daily or weekly"
                ) from None
            except TypeError:
                type_ = batch.column(wanted.table.time).type
                raise ExtractError(
                    f"{wanted}: the time column {wanted.table.time!r} has type {type_}; it must be "
                    "a date, a timestamp or ISO 8601 text (convert it in a query)"
                ) from None
            unreadable, read = unreadable + bad, read + batch.num_rows - bad
            batch = batch.filter(mask)
        keep = [name for name in batch.schema.names if wanted.passes(name)]
        if not keep:
            raise ExtractError(f"{wanted}: no column is left; the source has: {', '.join(sorted(names)) or 'none'}")
        yield batch.select(keep)
    if unreadable and not read:
        raise ExtractError(
            f"{wanted}: none of {unreadable} values of the time column {wanted.table.time!r} reads as a date or time; "
            "write them like 2026-01-31 or 2026-01-31T13:00:00Z"
        )


def _mask(column: pa.Array, window: Window) -> tuple[pa.Array, int]:
    """Which rows lie in `window`, and how many have a time that cannot be read. Raises `TypeError` for other types."""
    import pyarrow as pa
    import pyarrow.compute as pc

    type_ = column.type
    if pa.types.is_null(type_):
        return pa.array([False] * len(column), pa.bool_()), 0
    if pa.types.is_string(type_):
        encoded = column.dictionary_encode()
        places = [_place(text, window) for text in encoded.dictionary.to_pylist()]
        inside = pc.take(pa.array([place is True for place in places], pa.bool_()), encoded.indices)
        broken = pc.take(pa.array([place is None for place in places], pa.bool_()), encoded.indices)
        return inside, pc.sum(broken).as_py() or 0
    if pa.types.is_date(type_):
        if window.dates is None:
            raise _NotWholeDaysError
        start, end = (pa.scalar(day, type_) for day in window.dates)
    elif pa.types.is_timestamp(type_):
        start, end = (pa.scalar(bound, type_) for bound in (window.instants if type_.tz else window.walls))
    else:
        raise TypeError
    return pc.and_(pc.greater_equal(column, start), pc.less(column, end)), 0


def _place(text: str, window: Window) -> bool | None:
    """Whether the ISO 8601 `text` lies in `window`; None when it cannot be read."""
    text = text.strip()
    if not _ISO_DATE.match(text):
        return None
    try:
        if len(text) == 10:
            if window.dates is None:
                raise _NotWholeDaysError
            return window.dates[0] <= date.fromisoformat(text) < window.dates[1]
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    start, end = window.instants if moment.tzinfo else window.walls
    return start <= moment < end
