"""Columns from any source, in few Arrow types: what differs between engines ends here.

Integers become int64 (uint64 stays), floating point and decimals float64, texts string, dates date32,
timestamps microseconds (UTC where they are instants), durations seconds as float64. What Parquet or the later
stages cannot hold (intervals of months, unions) becomes text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def canonical(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with canonical types, without metadata."""
    import pyarrow as pa

    columns = [canonical_array(column) for column in batch.columns]
    fields = [pa.field(name, column.type) for name, column in zip(batch.schema.names, columns, strict=True)]
    if not fields:
        return batch
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def merged(left: pa.Schema, right: pa.Schema) -> pa.Schema:
    """The canonical schema that holds the columns of both."""
    import pyarrow as pa

    types = {field.name: field.type for field in left}
    for field in right:
        types[field.name] = merged_type(types[field.name], field.type) if field.name in types else field.type
    return pa.schema([pa.field(name, type_) for name, type_ in types.items()])


def merged_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """The canonical type that holds values of both; text where nothing else does."""
    import pyarrow as pa

    if left.equals(right):
        return left
    if pa.types.is_null(left):
        return right
    if pa.types.is_null(right):
        return left
    kinds = {left, right}
    if kinds <= {pa.bool_(), pa.int64()}:
        return pa.int64()
    if kinds <= {pa.bool_(), pa.int64(), pa.uint64(), pa.float64()}:
        return pa.float64()
    if kinds == {pa.date32(), pa.timestamp("us")}:
        return pa.timestamp("us")
    return pa.string()


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` cast to the wider `schema`, its missing columns null."""
    import pyarrow as pa

    columns = []
    for field in schema:
        if field.name not in table.schema.names:
            columns.append(pa.nulls(table.num_rows, field.type))
            continue
        columns.append(_cast(table.column(field.name), field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def array_of(values: Sequence[Any], type_: pa.DataType | None) -> pa.Array:
    """Python `values` as an array of `type_`, or, where they do not fit, of a type in which they all do.

    >>> array_of([1, None], None).type, array_of(["1", "x"], None).type
    (DataType(int64), DataType(string))
    """
    import pyarrow as pa

    if type_ is not None:
        try:
            return _typed(values, type_)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            pass
    try:
        array = pa.array([_plain(value) for value in values])
        return canonical_array(array)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.array([_text(value) for value in values], pa.string())


def _typed(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    import pyarrow as pa

    kinds = set(map(type, values))  # few, where a look at each of the values would take its time

    def has(*of: type) -> bool:
        return any(issubclass(kind, of) for kind in kinds)

    if pa.types.is_float64(type_):
        try:
            return pa.array(values, type_)
        except (pa.ArrowException, TypeError):  # decimals, integers beyond 2**53; never texts that look like numbers
            if has(str, bytes):
                raise
            return pa.array([None if value is None else float(value) for value in values], type_)
    if pa.types.is_boolean(type_):
        if not set(values) <= {None, 0, 1}:
            raise TypeError
        return pa.array([None if value is None else bool(value) for value in values], type_)
    if pa.types.is_string(type_):
        plain = kinds <= {str, type(None)}
        return pa.array(values if plain else [_text(value) for value in values], type_)
    if pa.types.is_temporal(type_) and has(str):
        # SQLite keeps dates and times as text.
        return pa.array(values, pa.string()).cast(type_)
    if pa.types.is_integer(type_) and has(Decimal, float):
        raise TypeError
    return pa.array(values, type_)


def _plain(value: Any) -> Any:
    """`value` as something whose Arrow type can be told."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if value is None or isinstance(value, bool | int | float | str | bytes | date | datetime):
        return value
    return _text(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
    return str(value)


def table_of(rows: Any) -> pa.Table:
    """A frame as a canonical table: pandas without its index, Arrow, or whatever gives an Arrow stream (Polars, ...).

    Raises `TypeError` for anything else.

    >>> table_of({"a": [1]})
    Traceback (most recent call last):
    TypeError: a dict is no frame
    """
    import pyarrow as pa

    if isinstance(rows, pa.RecordBatch):
        table = pa.Table.from_batches([rows])
    elif isinstance(rows, pa.Table):
        table = rows
    elif type(rows).__module__.partition(".")[0] == "pandas" and hasattr(rows, "columns"):
        table = from_pandas(rows)
    elif hasattr(rows, "__arrow_c_stream__"):
        table = pa.RecordBatchReader.from_stream(rows).read_all()
    else:
        raise TypeError(f"a {type(rows).__name__} is no frame")
    return pa.table([canonical_array(column) for column in table.columns], names=table.schema.names)


def from_pandas(frame: Any) -> pa.Table:
    """`frame` without its index; columns of mixed Python objects become text."""
    import pyarrow as pa

    columns = []
    for position in range(len(frame.columns)):
        series = frame.iloc[:, position]
        try:
            columns.append(pa.Array.from_pandas(series))
        except (pa.ArrowException, TypeError, ValueError):
            missing = series.isna()
            columns.append(array_of([None if gone else v for v, gone in zip(series, missing, strict=True)], None))
    arrays = [column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in columns]
    return pa.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])


def canonical_array(array: Any) -> Any:
    """One array or chunked array in its canonical type; a value that cannot be converted makes all of them text."""
    import pyarrow as pa

    types = pa.types
    type_ = array.type
    if isinstance(type_, pa.BaseExtensionType):
        array = array.storage
        type_ = array.type
    if types.is_dictionary(type_):
        array = array.dictionary_decode()
        type_ = array.type
    if types.is_duration(type_):
        return pa.array([None if v is None else v.total_seconds() for v in array.to_pylist()], pa.float64())
    target = _target(type_)
    return array if target.equals(type_) else _cast(array, target)


def _target(type_: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    types = pa.types
    # One row per canonical type: (is it already of that family, the type it becomes).
    families = (
        (types.is_uint64(type_), pa.uint64()),
        (types.is_integer(type_), pa.int64()),
        (types.is_floating(type_) or types.is_decimal(type_), pa.float64()),
        (types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_), pa.string()),
        (types.is_date(type_), pa.date32()),
        (types.is_timestamp(type_), pa.timestamp("us", "UTC" if getattr(type_, "tz", None) else None)),
        (types.is_time(type_), pa.time64("us")),
        (
            types.is_large_binary(type_) or types.is_binary_view(type_) or types.is_fixed_size_binary(type_),
            pa.binary(),
        ),
        (types.is_interval(type_) or types.is_union(type_) or types.is_run_end_encoded(type_), pa.string()),
    )
    return next((target for matches, target in families if matches), type_)


def _cast(array: Any, target: pa.DataType) -> Any:
    import pyarrow as pa

    if array.type.equals(target):
        return array
    try:
        return array.cast(target, safe=False)
    except (pa.ArrowException, ValueError):
        return pa.array([_text(value) for value in array.to_pylist()], pa.string())


def duplicates(names: Iterable[str]) -> list[str]:
    """The names that stand more than once.

    >>> duplicates(["a", "b", "a"])
    ['a']
    """
    seen: set[str] = set()
    return sorted({name for name in names if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
