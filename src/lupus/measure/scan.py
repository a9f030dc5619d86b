"""The scan: numbers of a large slice put into the cells of their grids, a column at a time, without SQL."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
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

    Found = dict[int, Cells | None]

_WORTH_IT: Final = 30_000_000
"""Numbers for which a helper pays for its start."""


def scan(plan: Plan, slice_: Path | pa.Table, *, threads: int) -> tuple[Plan, dict[int, Cells]]:
    """The plan with the items marked that need no query any more, and their cells by item number.

    Each column is read once, by this process or, of many numbers in a file, by one of ``threads - 1`` helpers; at most
    a row group of each of these is in memory. What cannot be read is left to the query, which says what is wrong with
    it. Sums do not depend on who reads.
    """
    import pyarrow as pa

    with ExitStack() as stack:
        try:
            columns = stack.enter_context(Columns(slice_))
        except (pa.ArrowException, OSError):
            return plan, {}
        wanted = {
            at: Wanted(item.column.position, item.grid, item.center)
            for at, item in enumerate(plan.items)
            if _is_plain(item, columns.schema)
        }
        waiting, found = deque(wanted), dict.fromkeys(wanted)
        helpers = min(threads - 1, len(wanted) - 1, columns.rows * len(wanted) // _WORTH_IT)
        others = []
        for _ in range(helpers if isinstance(slice_, Path) else 0):
            helper = Helper(slice_)
            stack.callback(helper.close)
            others.append(Thread(target=_tally, args=(helper.cells, wanted, waiting, found), daemon=True))
            others[-1].start()
        _tally(columns.cells, wanted, waiting, found)
        for other in others:
            other.join()
        _tally(columns.cells, wanted, waiting, found)  # what helpers had in hand when they ended
    known = {number: one for number, one in found.items() if one is not None}
    return _marked(plan, known), known


def _tally(
    cells: Callable[[Wanted], Cells | None], wanted: Mapping[int, Wanted], waiting: deque[int], found: Found
) -> None:
    """Take columns from those that are `waiting` until there are none."""
    while waiting:
        try:
            number = waiting.popleft()
        except IndexError:
            return  # somebody else was faster
        try:
            found[number] = cells(wanted[number])
        except HelperGoneError:
            waiting.append(number)
            return


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
