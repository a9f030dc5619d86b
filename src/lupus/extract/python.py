"""Source ``python``: a callable that gives Arrow data or a frame."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.arrow import from_pandas
from lupus.extract.source import BATCH_ROWS, Slice, first_line, scrub
from lupus.model import Connections, ExtractError, PythonSource

if TYPE_CHECKING:
    import pyarrow as pa

_SECRET_NAME: Final = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)


def read_python(source: PythonSource, wanted: Slice, connections: Connections) -> Iterator[pa.RecordBatch]:  # noqa: ARG001
    """Calls ``module:function(interval, **arguments)`` and yields what it returns, batch by batch.

    It may return (or generate) a pyarrow Table, RecordBatch or RecordBatchReader, a pandas DataFrame, anything with
    ``__arrow_c_stream__``, an iterable of these, or None for "nothing there yet".
    """
    problem = ""
    try:
        function = find_function(source.callable, str(wanted))
        yield from _batches(function(wanted.window.interval, **source.arguments), source, wanted)
    except ExtractError:
        raise
    except Exception as error:
        hidden = (str(value) for name, value in source.arguments.items() if _SECRET_NAME.search(name) and value)
        problem = scrub(f"{wanted}: {source.callable} failed with {type(error).__name__}: {first_line(error)}", hidden)
    if problem:
        raise ExtractError(problem)


def find_function(callable_: str, where: str = "") -> Any:
    """The function that ``module:function`` names; `ExtractError`, with `where` in front, when there is none."""
    where = f"{where}: " if where else ""
    module, _, name = callable_.partition(":")
    if not module or not name:
        raise ExtractError(f"{where}{callable_!r} is no callable; write it as 'module:function'")
    try:
        function: Any = importlib.import_module(module)
        for part in name.split("."):
            function = getattr(function, part)
    except ImportError as error:
        problem = (
            f"cannot import {module!r} ({first_line(error)}); is its package installed, or its folder on PYTHONPATH?"
        )
    except AttributeError:
        problem = f"the module {module!r} has no {name!r}"
    except Exception as error:
        problem = f"importing {module!r} failed with {type(error).__name__}: {first_line(error)}"
    else:
        if callable(function):
            return function
        problem = f"{callable_} is a {type(function).__name__}, not a callable"
    raise ExtractError(f"{where}{problem}")


def _batches(result: Any, source: PythonSource, wanted: Slice) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    if result is None:
        return
    if isinstance(result, pa.RecordBatch):
        result = pa.Table.from_batches([result])
    if isinstance(result, pa.Table):
        yield from _cut(result)
    elif isinstance(result, pa.RecordBatchReader):
        for batch in result:
            yield from _cut(pa.Table.from_batches([batch]))
    elif type(result).__module__.partition(".")[0] == "pandas" and hasattr(result, "columns"):
        yield from _cut(from_pandas(result))
    elif hasattr(result, "__arrow_c_stream__"):
        yield from _batches(pa.RecordBatchReader.from_stream(result), source, wanted)
    elif isinstance(result, Iterable) and not isinstance(result, str | bytes | dict):
        for part in result:
            yield from _batches(part, source, wanted)
    else:
        raise ExtractError(
            f"{wanted}: {source.callable} returned a {type(result).__name__}; "
            "return a pyarrow Table or RecordBatchReader, batches, or a pandas DataFrame"
        )


def _cut(table: pa.Table) -> Iterator[pa.RecordBatch]:
    # A table without rows still says which columns there are.
    if not table.num_rows:
        import pyarrow as pa

        yield pa.RecordBatch.from_arrays([pa.array([], field.type) for field in table.schema], schema=table.schema)
        return
    yield from table.to_batches(max_chunksize=BATCH_ROWS)
