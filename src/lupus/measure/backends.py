"""Other engines: the same queries, pushed down to where the table lies, through any Ibis backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from lupus.model import MeasureError, Series, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis import Table as Expression


class BackendEngine:
    """Runs queries in the backend of the Ibis tables that it is shown: PostgreSQL, Spark, BigQuery, ...

    Only aggregates leave the backend. What a backend computes otherwise than DuckDB is left to cells (see
    `lupus.measure.query`), so counts are the same everywhere, means and moments up to rounding, quantiles up to the
    rank error of their cells, and exact for up to `upright_rows` rows. Raises `MeasureError` when the backend refuses
    a query. `apart` surrounds every query: what keeps one that fails from ending the transaction of the others.
    """

    portable = True

    def __init__(
        self, *, upright_rows: int = 50_000, apart: Callable[[], AbstractContextManager[Any]] = nullcontext
    ) -> None:
        self.upright_rows = upright_rows
        self._apart = apart
        self.threads = 1
        self.slice: Expression | None = None
        self._placed: dict[tuple[str, str], Expression] = {}
        self._views: dict[str, Expression] = {}
        self.series: dict[Hashable, Series] = {}
        self.plans: dict[Hashable, Any] = {}
        self.queries: list[str] = []

    def modest(self) -> AbstractContextManager[None]:
        """Changes nothing: the backend has limits of its own."""
        return nullcontext()

    def orderly(self, rows: int) -> AbstractContextManager[None]:
        """Changes nothing: the backend adds up in whatever order it likes."""
        del rows
        return nullcontext()

    def show_slice(
        self, view: str, slice_: Expression, width: int, more: Sequence[int], *, schema: Hashable = None
    ) -> None:
        """Makes an Ibis table the slice: its columns renamed by position, and a column for every number of `more`."""
        import ibis

        del view, schema
        columns = {f"c{at}": slice_[name] for at, name in enumerate(slice_.columns[:width])}
        columns |= {f"c{width + at}": ibis.literal(value, "int64") for at, value in enumerate(more)}
        self.slice = slice_.select(**columns)

    def place(self, snapshot: Snapshot, table: Expression) -> None:
        """Says where the slice of `snapshot` is."""
        self._placed[snapshot.table, snapshot.interval.key] = table

    def source(self, snapshot: Snapshot) -> Expression:
        """The table in which the slice of `snapshot` is."""
        return self._placed[snapshot.table, snapshot.interval.key]

    def show(self, view: str, sources: Sequence[Expression], columns: Sequence[tuple[str, str]]) -> None:
        """Makes columns of all tables readable as `view`, by (name, alias); ``slice`` counts the tables from 1.

        A column that one of the tables lacks is null there.
        """
        import ibis

        kinds = {name: table.schema()[name] for table in reversed(sources) for name in table.columns}
        parts = []
        for number, table in enumerate(sources, start=1):
            picked = {
                alias: table[name] if name in table.columns else ibis.null(kinds.get(name, "string"))
                for name, alias in columns
            }
            parts.append(table.select(slice=ibis.literal(number, "int64"), **picked))
        self._views[view] = ibis.union(*parts) if parts[1:] else parts[0]

    def stream(self, view: str, batches: pa.RecordBatchReader) -> None:
        """Raises `MeasureError`: rows are not sent to where a table lies."""
        del batches
        raise MeasureError(f"{view} is no table of this database")

    def arrays(self, key: Hashable, build: Callable[[], Expression]) -> dict[str, Any]:
        """The rows of the expression that `build` makes, column by column as NumPy arrays, masked where null."""
        del key
        return _as_arrays(self._run([self._bound(build())]))

    def rows(self, key: Hashable, build: Callable[[], Expression]) -> list[tuple[Any, ...]]:
        """The rows of the expression that `build` makes."""
        del key
        found = self._run([self._bound(build())])
        return [tuple(row.values()) for row in found.to_pylist()]

    def _bound(self, expression: Expression) -> Expression:
        """The expression over what was shown, in place of the names it was shown by."""
        import ibis.expr.operations as ops

        named = expression.op().find(ops.UnboundTable)
        return expression.op().replace({node: self._views[node.name].op() for node in named}).to_expr()

    def table(
        self, key: Hashable, build: Callable[[], Sequence[Expression]], *, columns: Collection[int] = ()
    ) -> dict[str, Any]:
        """As `arrays`, of the rows of all expressions that `build` makes, from one query."""
        del key, columns
        return _as_arrays(self._run(build()))

    def _run(self, parts: Sequence[Expression]) -> pa.Table:
        import ibis

        expression = ibis.union(*parts) if parts[1:] else parts[0]
        self.queries.append(str(ibis.to_sql(expression)))
        try:
            with self._apart():
                return expression.to_pyarrow()
        except Exception as error:  # every backend has errors of its own
            said = str(error).strip().partition("\n")[0]  # what follows is the query
            raise MeasureError(f"the table could not be measured where it lies: {said}") from error


def _as_arrays(found: pa.Table) -> dict[str, Any]:
    """By column as DuckDB gives them: masked where there are nulls; texts, and lists as arrays, are objects."""
    import numpy as np

    arrays: dict[str, Any] = {}
    for name in found.column_names:
        null = found[name].is_null().to_numpy()
        values = found[name].drop_null().to_pylist()
        plain = not values or isinstance(values[0], int | float)
        full = np.zeros(len(null), np.array(values).dtype if plain else np.dtype(object))
        for at, value in zip(np.flatnonzero(~null), values, strict=True):
            full[at] = np.ma.masked_invalid(np.array(value, np.float64)) if isinstance(value, list) else value
        arrays[name] = np.ma.masked_array(full, null) if null.any() else full
    return arrays
