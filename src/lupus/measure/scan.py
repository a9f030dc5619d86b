"""The scan: numbers of a large slice put into the cells of their grids, a column at a time, without SQL.

It says of a column exactly what the engine's query would (see `lupus.measure.query`), in a third of the processor
time: DuckDB makes each step of a number's way into its cell a pass over vectors of its own, and adds to eight
aggregates per number; here rows are summed once, and only what a cell needs is kept by cell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from lupus.measure.buffers import plain_values
from lupus.measure.cells import Cells
from lupus.measure.columns import Kind
from lupus.measure.grid import HUGE
from lupus.measure.plan import Derive, Item, Plan

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Pieces = Callable[[int], Iterator[pa.Array]]

_PIECE_ROWS: Final = 131_072
"""Rows that are read at once."""

_STEP_ROWS: Final = 15_000
"""Rows that are put into cells at once: arrays below 128 KiB, from where an allocator asks the system each time."""


def scan(plan: Plan, slice_: Path | pa.Table, *, threads: int) -> tuple[Plan, dict[int, Cells]]:
    """The plan with the items marked that need no query any more, and their cells by item number.

    Each column is read once, by one of `threads` threads; at most a row group of each of these is in memory. What
    cannot be read is left to the query, which says what is wrong with it. Sums do not depend on the number of threads.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema: pa.Schema
    if isinstance(slice_, Path):
        try:
            schema = pq.read_schema(slice_)
        except (pa.ArrowException, OSError):
            return plan, {}
    else:
        schema = slice_.schema
    numbers = [at for at, item in enumerate(plan.items) if _is_plain(item, schema)]
    if not numbers:
        return plan, {}
    with ExitStack() as stack:
        readers: SimpleQueue[Pieces] = SimpleQueue()
        workers = max(min(threads, len(numbers)), 1)
        for _ in range(workers):
            readers.put(_reader(slice_, schema, stack))

        def cells(number: int) -> Cells | None:
            item, pieces = plan.items[number], readers.get()
            try:
                tally = Tally(item)
                for piece in pieces(item.column.position):
                    tally.add(piece)
                return tally.cells() if tally.rows else None
            except (pa.ArrowException, OSError):
                return None
            finally:
                readers.put(pieces)

        # Python threads: NumPy and Arrow let others run while they work.
        with ThreadPoolExecutor(workers) as pool:
            found = dict(zip(numbers, pool.map(cells, numbers), strict=True))
    known = {number: one for number, one in found.items() if one is not None}
    return _marked(plan, known), known


def _marked(plan: Plan, known: Collection[int]) -> Plan:
    items = (replace(item, scanned=True) if at in known else item for at, item in enumerate(plan.items))
    return replace(plan, items=tuple(items))


def _is_plain(item: Item, schema: pa.Schema) -> bool:
    """Whether the item is a column of plain numbers, of a name that no other column has."""
    import pyarrow as pa

    column = item.column
    if item.derive is not Derive.NUMBER or column.kind not in (Kind.INTEGER, Kind.FLOAT):
        return False
    field = schema.field(column.position)
    plain = pa.types.is_integer(field.type) or pa.types.is_float32(field.type) or pa.types.is_float64(field.type)
    return plain and len(schema.get_all_field_indices(field.name)) == 1


def _reader(slice_: Path | pa.Table, schema: pa.Schema, stack: ExitStack) -> Pieces:
    """What reads a column by its position, in pieces; for one thread at a time."""
    import pyarrow.parquet as pq

    if not isinstance(slice_, Path):
        return lambda at: iter(slice_.column(at).chunks)
    file = stack.enter_context(pq.ParquetFile(slice_))

    def pieces(at: int) -> Iterator[pa.Array]:
        name = schema.field(at).name
        for batch in file.iter_batches(_PIECE_ROWS, columns=[name], use_threads=False):
            # A name with a dot also finds what lies in a struct of another column.
            yield batch.column(batch.schema.get_field_index(name))

    return pieces


class Tally:
    """What is known so far of an item's numbers, piece by piece."""

    def __init__(self, item: Item) -> None:
        import numpy as np

        self._grid, self._center = item.grid, item.center
        places = item.grid.cells + 2 if item.grid is not None else 1
        self.rows = self._present = self._nan = 0
        self._n = np.zeros(places, np.int64)
        self._low = np.full(places, np.inf)
        self._high = np.full(places, -np.inf)
        self._sums = dict.fromkeys(("s1", "s2", "s3", "zeros", "negatives"), 0.0)
        self._ends = (item.grid.edges[0], item.grid.edges[-1]) if item.grid is not None else (0.0, 0.0)
        self._below = self._above = 0.0

    def add(self, piece: pa.Array) -> None:
        """Take in integers or floats; nulls, NaN and what counts as infinite are only counted."""
        import numpy as np

        values, valid = plain_values(piece)
        self.rows += len(piece)
        self._present += len(piece) - piece.null_count
        for start in range(0, len(piece), _STEP_ROWS):
            step = slice(start, start + _STEP_ROWS)
            numbers = values[step].astype(np.float64, copy=False)
            with np.errstate(all="ignore"):  # what overflows is beyond the last cell
                usual = np.abs(numbers) <= HUGE
                if valid is not None:
                    self._nan += int(np.count_nonzero(np.isnan(numbers) & valid[step]))
                    numbers = numbers[usual & valid[step]]
                elif not usual.all():
                    self._nan += int(np.count_nonzero(np.isnan(numbers)))
                    numbers = numbers[usual]
                self._add(numbers)

    def _add(self, numbers: NDArray[np.float64]) -> None:
        import numpy as np

        places = len(self._n)
        at = self._grid.places(numbers) if self._grid is not None else np.zeros(len(numbers), np.intp)
        self._n += np.bincount(at, minlength=places)
        if self._grid is not None:
            self._below += float((self._ends[0] - numbers[at == 0]).sum())
            self._above += float((numbers[at == places - 1] - self._ends[1]).sum())
        # After the first pieces hardly any number is a new extreme of its cell.
        lower = np.flatnonzero(numbers < self._low[at])
        np.minimum.at(self._low, at[lower], numbers[lower])
        higher = np.flatnonzero(numbers > self._high[at])
        np.maximum.at(self._high, at[higher], numbers[higher])
        distance = numbers - self._center
        power = distance * distance
        sums = self._sums
        sums["s1"] += float(distance.sum())
        sums["s2"] += float(power.sum())
        power *= distance
        sums["s3"] += float(power.sum())
        sums["zeros"] += int(np.count_nonzero(numbers == 0))
        sums["negatives"] += int(np.count_nonzero(numbers < 0))

    def cells(self) -> Cells:
        """The cells that hold numbers, and the moments of all of them."""
        import numpy as np

        place = np.flatnonzero(self._n)
        return Cells.from_sums(
            place,
            self._n[place],
            self._low[place],
            self._high[place],
            rows=self.rows,
            present=self._present,
            center=self._center,
            sums=self._sums | {"nan": self._nan},
            beyond=(self._below, self._above),
        )
