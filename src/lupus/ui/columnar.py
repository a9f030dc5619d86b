"""Long columns as JSON text, written by Arrow: a hundred thousand numbers in a few milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lupus.ui.answers import to_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def document(plain: Mapping[str, Any], columns: Mapping[str, NDArray[Any]], written: Mapping[str, bytes]) -> bytes:
    """A JSON object of `plain` values, of `columns` of numbers (NaN becomes null), and of what is JSON already."""
    parts = [(name, to_json(one)) for name, one in plain.items()]
    parts += [(name, b"[%s]" % _numbers(one)) for name, one in columns.items()]
    parts += written.items()
    return b"{%s}" % b",".join(b'"%s":%s' % (name.encode(), text) for name, text in parts)


def slugs(ids: NDArray[np.int64]) -> bytes:
    """A JSON list of ids as the API writes them: 16 hexadecimal digits.

    >>> import numpy as np
    >>> slugs(np.array([255, 1]))
    b'["00000000000000ff","0000000000000001"]'
    """
    import numpy as np

    digits = np.frombuffer(ids.astype(">i8").tobytes().hex().encode(), np.uint8).reshape(-1, 16)
    quoted = np.full((len(ids), 19), ord('"'), np.uint8)
    quoted[:, 1:17] = digits
    quoted[:, 18] = ord(",")
    return b"[%s]" % quoted.tobytes()[:-1]


def short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`values` to four significant digits, so that each number is short when it is written out.

    >>> import numpy as np
    >>> short(np.array([123456.0, -0.00123456, 0.0])).tolist()
    [123500.0, -0.001235, 0.0]
    """
    import numpy as np

    found = values.copy()
    used = np.flatnonzero(np.isfinite(values) & (values != 0))
    exponents = np.floor(np.log10(np.abs(values[used]))).astype(np.int64)
    for exponent in np.unique(exponents).tolist():
        if -300 < exponent < 300:
            chosen = used[exponents == exponent]
            found[chosen] = np.round(values[chosen], 3 - exponent)
    return found


def _numbers(values: NDArray[Any]) -> bytes:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(values):
        return b""
    written = pc.fill_null(_array(values).cast(pa.string()), _word(b"null"))
    line = pa.ListArray.from_arrays(_array(np.array([0, len(written)])).cast(pa.int32()), written)
    return bytes(pc.binary_join(line, _word(b","))[0].as_buffer())


def _array(values: NDArray[Any]) -> Any:
    """`values` as Arrow's own, from their memory: given anything to look at, Arrow would load pandas first."""
    import numpy as np
    import pyarrow as pa

    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        there = None if finite.all() else pa.py_buffer(np.packbits(finite, bitorder="little"))
        kind, memory = pa.float64(), np.ascontiguousarray(values, np.float64)
    else:
        there, kind, memory = None, pa.int64(), np.ascontiguousarray(values, np.int64)
    return pa.Array.from_buffers(kind, len(values), [there, pa.py_buffer(memory)])


def _word(text: bytes) -> Any:
    import numpy as np
    import pyarrow as pa

    return pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(text)], np.int32)), pa.py_buffer(text))[0]
