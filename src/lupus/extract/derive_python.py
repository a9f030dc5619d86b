"""Derived columns by a Python function: a record batch in, one value per row out."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from lupus.extract.derive import Compute, NotDerivedError, column_named
from lupus.extract.python import find_function
from lupus.model import ExtractError, PythonDerivation

if TYPE_CHECKING:
    import pyarrow as pa


def python_compute(derivation: PythonDerivation) -> Compute:
    """A function from a batch to what ``module:function(batch, **arguments)`` gives for it."""
    try:
        function = find_function(derivation.callable)
    except ExtractError as error:
        raise NotDerivedError(str(error)) from None

    def compute(batch: pa.RecordBatch) -> Any:
        given = batch.select(
            [column_named(name, batch.schema.names) for name in derivation.columns or batch.schema.names]
        )
        try:
            result = function(given, **derivation.arguments)
        except Exception as error:
            # Its text may hold values of the data: where it happened must do.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
            raise NotDerivedError(
                f"{derivation.callable} failed with {type(error).__name__} at {place}, on a batch of {batch.num_rows} "
                "rows"
            ) from None
        return _array(result, derivation.callable)

    return compute


def _array(result: Any, name: str) -> Any:
    """`result` as one Arrow array; the columns of a batch or table are the fields of a struct."""
    import numpy as np
    import pyarrow as pa

    if isinstance(result, pa.Table):
        result = result.combine_chunks()
        result = result.to_batches()[0] if result.num_rows else pa.RecordBatch.from_pylist([], schema=result.schema)
    if isinstance(result, pa.RecordBatch):
        return result.to_struct_array()
    if isinstance(result, pa.ChunkedArray):
        return result.combine_chunks()
    if isinstance(result, pa.Array):
        return result
    if isinstance(result, np.ndarray) or hasattr(result, "__arrow_array__") or _is_series(result):
        try:
            return _array(pa.array(result, from_pandas=_is_series(result)), name)
        except (pa.ArrowException, TypeError, ValueError):
            raise NotDerivedError(f"{name} gave an array that Arrow cannot hold; give one of a plain type") from None
    raise NotDerivedError(
        f"{name} gave a {type(result).__name__}; give a pyarrow Array with one value per row, or a StructArray or "
        "RecordBatch for several columns"
    )


def _is_series(result: Any) -> bool:
    return type(result).__module__.partition(".")[0] == "pandas" and type(result).__name__ == "Series"
