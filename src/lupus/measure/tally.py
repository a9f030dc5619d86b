"""The tally: a column's numbers, put into the cells of its grid piece by piece.

It says of a column exactly what the engine's query would (see `lupus.measure.query`), in a third of the processor
time: DuckDB makes each step of a number's way into its cell a pass over vectors of its own, and adds to eight
aggregates per number; here rows are summed once, and only what a cell needs is kept by cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from lupus.measure.buffers import plain_values
from lupus.measure.cells import Cells
from lupus.measure.grid import HUGE, Grid

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_PIECE_ROWS: Final = 131_072
"""Rows that are read at once."""

_STEP_ROWS: Final = 15_000
"""Rows that are put into cells at once: arrays below 128 KiB, from where an allocator asks the system each time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column by its position, the grid that its numbers go into, and what their distances are summed from."""

    position: int
    grid: Grid | None
    center: float


class Columns(AbstractContextManager["Columns"]):
    """Reads the columns of a slice one after the other; at most a row group of one is in memory.

    Raises `pyarrow.ArrowException` or `OSError` for a file that is none.
    """

    def __init__(self, slice_: Path | pa.Table) -> None:
        import pyarrow.parquet as pq

        self._stack = ExitStack()
        self._table = self._file = None
        if isinstance(slice_, Path):
            self._file = self._stack.enter_context(pq.ParquetFile(slice_))
            self.schema: pa.Schema = self._file.schema_arrow
            self.rows: int = self._file.metadata.num_rows
        else:
            self._table = slice_
            self.schema, self.rows = slice_.schema, slice_.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def cells(self, wanted: Wanted) -> Cells | None:
        """The cells of a column of numbers; None where there are no rows, or it cannot be read."""
        import pyarrow as pa

        tally = Tally(wanted.grid, wanted.center)
        try:
            for piece in self._pieces(wanted.position):
                tally.add(piece)
        except (pa.ArrowException, OSError):
            return None
        return tally.cells() if tally.rows else None

    def _pieces(self, position: int) -> Iterator[pa.Array]:
        if self._file is None:
            assert self._table is not None  # noqa: S101 - one of the two
            yield from self._table.column(position).chunks
            return
        name = self.schema.field(position).name
        for batch in self._file.iter_batches(_PIECE_ROWS, columns=[name], use_threads=False):
            # A name with a dot also finds what lies in a struct of another column.
            yield batch.column(batch.schema.get_field_index(name))


class Tally:
    """What is known so far of a column's numbers, piece by piece."""

    def __init__(self, grid: Grid | None, center: float) -> None:
        import numpy as np

        self._grid, self._center = grid, center
        places = grid.cells + 2 if grid is not None else 1
        self.rows = self._present = self._nan = 0
        self._n = np.zeros(places, np.int64)
        self._low = np.full(places, np.inf)
        self._high = np.full(places, -np.inf)
        self._sums = dict.fromkeys(("s1", "s2", "s3", "zeros", "negatives"), 0.0)
        self._ends = (grid.edges[0], grid.edges[-1]) if grid is not None else (0.0, 0.0)
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
