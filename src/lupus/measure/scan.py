"""The scan: numbers of a large slice put into the cells of their grids, a column at a time, without SQL."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

from lupus.measure.cells import Cells
from lupus.measure.columns import Kind
from lupus.measure.helper import Helper, HelperGoneError
from lupus.measure.plan import Derive, Item, Plan
from lupus.measure.tally import Columns, Wanted

if TYPE_CHECKING:
    import pyarrow as pa

_WORTH_IT: Final = 30_000_000
"""Numbers for which a helper pays for its start."""


@contextmanager
def scanning(plan: Plan, slice_: Path | pa.Table, *, threads: int) -> Iterator[Scan]:
    """A scan of the plan's columns of plain numbers; of none where the slice cannot be read.

    Each column is read once, by this process when it asks for the cells, or, of many numbers in a file, by one of
    ``threads - 1`` helpers, which begin at once; at most a row group of each of these is in memory. Sums do not depend
    on who reads.
    """
    import pyarrow as pa

    with ExitStack() as stack:
        try:
            columns = stack.enter_context(Columns(slice_))
        except (pa.ArrowException, OSError):
            yield Scan(plan, {}, None)
            return
        wanted = {
            at: Wanted(item.column.position, item.grid, item.center)
            for at, item in enumerate(plan.items)
            if _is_plain(item, columns.schema)
        }
        one = Scan(plan, wanted, columns)
        helpers = min(threads - 1, len(wanted) - 1, columns.rows * len(wanted) // _WORTH_IT)
        for _ in range(helpers if isinstance(slice_, Path) else 0):
            helper = Helper(slice_)
            stack.callback(helper.close)
            one.begin(helper)
        yield one


class Scan:
    """The columns of `plan` that are `wanted`, by item number, and who reads them."""

    def __init__(self, plan: Plan, wanted: Mapping[int, Wanted], columns: Columns | None) -> None:
        self._plan, self._wanted, self._columns = plan, wanted, columns
        self._waiting = deque(wanted)
        self._found: dict[int, Cells | None] = dict.fromkeys(wanted)
        self._others: list[Thread] = []

    @property
    def rest(self) -> Plan:
        """The plan with all these items marked: what is left to be asked."""
        return self._marked(self._wanted)

    def begin(self, helper: Helper) -> None:
        """Let `helper` take columns from now on."""
        self._others.append(Thread(target=self._tally, args=(helper.cells,), daemon=True))
        self._others[-1].start()

    def finish(self) -> tuple[Plan, dict[int, Cells]]:
        """The plan with the items marked that could be read, and their cells by item number.

        What cannot be read is left to the query, which says what is wrong with it.
        """
        if self._columns is not None:
            self._tally(self._columns.cells)
            for other in self._others:
                other.join()
            self._tally(self._columns.cells)  # what helpers had in hand when they ended
        known = {number: one for number, one in self._found.items() if one is not None}
        return self._marked(known), known

    def _tally(self, cells: Callable[[Wanted], Cells | None]) -> None:
        """Take columns from those that wait until there are none."""
        while self._waiting:
            try:
                number = self._waiting.popleft()
            except IndexError:
                return  # somebody else was faster
            try:
                self._found[number] = cells(self._wanted[number])
            except HelperGoneError:
                self._waiting.append(number)
                return

    def _marked(self, known: Collection[int]) -> Plan:
        items = (replace(item, scanned=True) if at in known else item for at, item in enumerate(self._plan.items))
        return replace(self._plan, items=tuple(items))


def _is_plain(item: Item, schema: pa.Schema) -> bool:
    """Whether the item is a column of plain numbers, of a name that no other column has."""
    import pyarrow as pa

    column = item.column
    if item.derive is not Derive.NUMBER or column.kind not in (Kind.INTEGER, Kind.FLOAT):
        return False
    field = schema.field(column.position)
    plain = pa.types.is_integer(field.type) or pa.types.is_float32(field.type) or pa.types.is_float64(field.type)
    return plain and len(schema.get_all_field_indices(field.name)) == 1
