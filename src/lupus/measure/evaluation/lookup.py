"""Labels looked up by key: a join of many rows whose keys are whole numbers close together.

A hash join of ten million rows spends most of its time waiting for memory. Where keys are numbers like those that
databases count up, the labels fit into an array with a byte for every number between the lowest and the highest key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.buffers import plain_array, plain_values
from lupus.measure.columns import Kind
from lupus.measure.engine import TableEngine
from lupus.measure.evaluation.rows import INVALID_LABEL
from lupus.measure.evaluation.shape import Shape
from lupus.model import Snapshot, Task

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

MOST_PER_LABEL: Final = 16
"""Numbers between the lowest and the highest key for each label, at most."""
MOST_NUMBERS: Final = 1 << 27
"""Likewise in all; each takes two bytes."""

_BATCH_ROWS: Final = 131_072
_NONE: Final = -1
_NULL: Final = 3
"""A label that is null."""


def _no_texts() -> pa.Array:
    import pyarrow as pa

    return pa.nulls(0, pa.string())  # to make one of values would load pandas


@dataclass(slots=True)
class _Codes:
    """A number for every text of a column, in the order in which they came."""

    texts: Any = field(default_factory=_no_texts)

    def of(self, column: pa.Array) -> pa.Array:
        """The numbers of a dictionary array of texts, null where it is."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        known = pc.index_in(column.dictionary, self.texts)
        if known.null_count:
            new = column.dictionary.filter(known.is_null()).drop_null().unique()
            self.texts = pa.concat_arrays([self.texts, new])
            known = pc.index_in(column.dictionary, self.texts)
        numbers, numbered = plain_values(known)
        code = numbers if numbered is None else np.where(numbered, numbers, -1)
        places, there = plain_values(column.indices)
        found = np.append(code, -1).astype(np.int64)[places if there is None else np.where(there, places, len(code))]
        return plain_array(found, found >= 0)


@dataclass(frozen=True, slots=True)
class LookUp:
    """Predictions with their labels, to be read once. `coded` when all segments are told by numbers."""

    shape: Shape
    files: Sequence[Path]
    schema: pa.Schema
    labels: _Labels
    codes: Mapping[str, _Codes]

    @property
    def coded(self) -> bool:
        return len(self.codes) == len(self.shape.segment_names(predicted=True))

    def texts(self) -> dict[tuple[int, Any], str]:
        """What the numbers stand for, by segment column and number, after the rows were read."""
        return {
            (int(alias[1:]), code): text
            for alias, codes in self.codes.items()
            for code, text in enumerate(codes.texts.to_pylist())
        }

    def batches(self) -> pa.RecordBatchReader:
        """What a full outer join gives.

        The predictions as they are, with ``truth`` and ``t_k0``, and a row without a slice for every label that has no
        prediction.
        """
        codes = self.codes if self.coded else {}
        return _batches(self.shape, self.files, self.schema, self.labels, codes)


def look_up(
    shape: Shape,
    predictions: Sequence[Snapshot],
    truths: Sequence[Snapshot],
    *,
    truth_key: Sequence[str],
    engine: TableEngine,
) -> LookUp | None:
    """Predictions with their labels for `JOINED`, or None where the engine has to join them.

    Not for weights or segments that come with the labels, nor for labels whose keys have copies.
    """
    import pyarrow as pa

    if engine.portable or shape.task is not Task.BINARY_CLASSIFICATION or len(truth_key) != 1:
        return None
    if shape.key_kinds != (Kind.FLOAT,) or shape.label_kind not in (Kind.INTEGER, Kind.FLOAT, Kind.BOOLEAN):
        return None
    if shape.segment_names(predicted=False) or (shape.weight and not shape.weight_predicted):
        return None
    if shape.outputs[0][1] is Kind.OTHER:
        return None
    try:
        labels = _labels([engine.source(one) for one in truths], truth_key[0], shape.label)
        if labels is None:
            return None
        files = [engine.source(one) for one in predictions]
        schema = _common_schema(files, [name for name, _ in shape.prediction_columns()])
    except (pa.ArrowException, OSError):  # the query will say what is wrong
        return None
    if schema is None or not _is_key(schema.types[0]):
        return None
    kinds = dict(zip((alias for _, alias in shape.prediction_columns()), schema.types, strict=True))
    texts = [alias for alias in shape.segment_names(predicted=True) if pa.types.is_string(kinds[alias])]
    return LookUp(shape, files, schema, labels, {alias: _Codes() for alias in texts})


@dataclass(frozen=True, slots=True)
class _Labels:
    """The label of every key from `low` on, `_NONE` where there is none, and how many labels there are."""

    code: NDArray[np.int8]
    low: int
    rows: int


def _is_key(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_integer(kind) and not pa.types.is_uint64(kind)


def _common_schema(files: Sequence[Path], names: Sequence[str]) -> pa.Schema | None:
    """The fields of columns that all files have, each once and of one type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas = [pq.read_schema(file) for file in files]
    for schema in schemas:
        for name in names:
            if len(schema.get_all_field_indices(name)) != 1 or pa.types.is_nested(schema.field(name).type):
                return None
            if pa.types.is_dictionary(schema.field(name).type):
                return None
    picked = [pa.schema([(name, schema.field(name).type) for name in names]) for schema in schemas]
    return picked[0] if all(one.equals(picked[0]) for one in picked) else None


def _bounds(files: Sequence[Path], key: str) -> tuple[int, int] | None:
    """The lowest and the highest key, from the files' statistics; None where they do not say."""
    import pyarrow.parquet as pq

    lows, highs = [], []
    for file in files:
        about = pq.read_metadata(file)
        at = [about.schema.column(number).path for number in range(about.num_columns)].index(key)
        for group in range(about.num_row_groups):
            found = about.row_group(group).column(at).statistics
            if found is None or not found.has_min_max:
                return None
            lows.append(found.min)
            highs.append(found.max)
    return (min(lows), max(highs)) if lows else None


def _labels(files: Sequence[Path], key: str, label: str) -> _Labels | None:
    import numpy as np
    import pyarrow as pa

    schema = _common_schema(files, (key, label))
    if schema is None or not _is_key(schema.types[0]):
        return None
    kind = schema.types[1]
    if not (_is_key(kind) or pa.types.is_boolean(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind)):
        return None
    bounds = _bounds(files, key)
    rows = sum(_rows(file) for file in files)
    if bounds is None or bounds[1] - bounds[0] >= min(MOST_PER_LABEL * rows, MOST_NUMBERS):
        return None
    low, code, keyed = bounds[0], np.full(bounds[1] - bounds[0] + 1, _NONE, np.int8), 0
    for file in files:
        for keys, labels in _prefetched(_columns(file, (key, label))):
            numbers, known = plain_values(keys)
            values, there = plain_values(labels)
            found = np.where(values == 1, 1, np.where(values == 0, 0, INVALID_LABEL)).astype(np.int8)
            if there is not None:
                found[~there] = _NULL
            if known is not None:
                numbers, found = numbers[known], found[known]
            code[numbers.astype(np.int64, copy=False) - low] = found
            keyed += len(numbers)
    # A copy of a key has taken the place of another label.
    return _Labels(code, low, rows) if int(np.count_nonzero(code != _NONE)) == keyed else None


def _rows(file: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(file).num_rows)


def _columns(file: Path, names: Sequence[str]) -> Iterator[list[pa.Array]]:
    """The columns of a file, some rows at a time; texts as dictionaries, as which the file has them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(file)
    texts = [name for name in names if pa.types.is_string(schema.field(name).type)]
    with pq.ParquetFile(file, read_dictionary=texts) as opened:
        for batch in opened.iter_batches(_BATCH_ROWS, columns=list(names), use_threads=False):
            yield [batch.column(batch.schema.get_field_index(name)) for name in names]


def _prefetched(batches: Iterator[list[pa.Array]]) -> Iterator[list[pa.Array]]:
    """The batches; while one is looked at the next one is decoded, which Arrow does without Python's lock."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (one := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield one


def _batches(
    shape: Shape, files: Sequence[Path], schema: pa.Schema, labels: _Labels, codes: Mapping[str, _Codes]
) -> pa.RecordBatchReader:
    import numpy as np
    import pyarrow as pa

    names = [name for name, _ in shape.prediction_columns()]
    aliases = [alias for _, alias in shape.prediction_columns()]
    types = [pa.dictionary(pa.int32(), kind) if pa.types.is_string(kind) else kind for kind in schema.types]
    types = [pa.int64() if alias in codes else kind for alias, kind in zip(aliases, types, strict=True)]
    fields = [("slice", pa.int64()), *zip(aliases, types, strict=True), ("t_k0", pa.int8()), ("truth", pa.int8())]
    joined = pa.schema(fields)
    seen = np.zeros(len(labels.code), bool)

    def batches() -> Iterator[pa.RecordBatch]:
        for number, file in enumerate(files, start=1):
            for columns in _columns(file, names):
                code = _found(columns[0], labels, seen)
                found = code != _NONE
                told = (
                    codes[alias].of(column) if alias in codes else column
                    for alias, column in zip(aliases, columns, strict=True)
                )
                arrays = [plain_array(np.full(len(code), number, np.int64)), *told]
                arrays += [plain_array(code, found), plain_array(code, found & (code != _NULL))]
                yield pa.record_batch(arrays, schema=joined)
        rest = labels.rows - int(np.count_nonzero(seen))
        while rest > 0:  # labels without a prediction
            count = min(rest, _BATCH_ROWS)
            nulls = [pa.nulls(count, kind) for kind in (pa.int64(), *types)]
            marks = [plain_array(np.zeros(count, np.int8)), pa.nulls(count, pa.int8())]
            yield pa.record_batch([*nulls, *marks], schema=joined)
            rest -= count

    return pa.RecordBatchReader.from_batches(joined, batches())


def _found(keys: pa.Array, labels: _Labels, seen: NDArray[np.bool_]) -> NDArray[np.int8]:
    """The label of every key; notes in `seen` which labels were asked for."""
    import numpy as np

    numbers, known = plain_values(keys)
    at = numbers.astype(np.int64, copy=False) - labels.low
    inside = (at >= 0) & (at < len(labels.code))
    if known is not None:
        inside &= known
    at = np.where(inside, at, 0)
    code: NDArray[np.int8] = np.where(inside, labels.code[at], np.int8(_NONE))
    seen[at[code != _NONE]] = True
    return code
