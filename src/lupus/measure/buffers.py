"""Arrow's buffers as NumPy arrays and back, as they are: Arrow's own conversion copies, and loads pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def plain_values(array: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """The values of an array of numbers or booleans, and where there are any; None if there are no nulls.

    Where there is a null, anything may stand among the values. Both have the array's length.
    """
    import numpy as np
    import pyarrow as pa

    bits, data = array.buffers()
    values: NDArray[Any]
    if pa.types.is_boolean(array.type):
        values = _unpacked(data, array)
    else:
        kind = np.dtype(array.type.to_pandas_dtype())
        values = np.frombuffer(data, kind, len(array), array.offset * kind.itemsize)
    return values, _unpacked(bits, array) if array.null_count else None


def plain_array(values: NDArray[Any], there: NDArray[np.bool_] | None = None) -> pa.Array:
    """Numbers as an Arrow array, null where not `there`."""
    import numpy as np
    import pyarrow as pa

    bits = None if there is None else pa.py_buffer(np.packbits(there, bitorder="little"))
    buffers = [bits, pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def _unpacked(bits: Any, array: pa.Array) -> NDArray[np.bool_]:
    import numpy as np

    first, skipped = divmod(array.offset, 8)
    some = np.frombuffer(bits, np.uint8, (skipped + len(array) + 7) // 8, first)
    return np.unpackbits(some, bitorder="little")[skipped : skipped + len(array)].view(np.bool_)
