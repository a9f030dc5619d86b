"""Other engines: the same queries, pushed down to where the table lies, through any Ibis backend."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from lupus.model import MeasureError, Series

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis import Table as Expression


class BackendEngine:
    """Runs queries in the backend of the Ibis tables that it is shown: PostgreSQL, Spark, BigQuery, ...

    Only aggregates leave the backend. What a backend computes otherwise than DuckDB is left to cells (see
    `lupus.measure.query`), so counts are the same everywhere, means and moments up to rounding, quantiles up to the
    rank error of their cells, and exact for up to `upright_rows` rows. Raises `MeasureError` when the backend refuses
    a query.
    """

    portable = True

    def __init__(self, *, upright_rows: int = 50_000) -> None:
        self.upright_rows = upright_rows
        self.slice: Expression | None = None
        self.series: dict[Hashable, Series] = {}
        self.plans: dict[Hashable, Any] = {}
        self.queries: list[str] = []

    def show_slice(self, view: str, slice_: Expression, width: int, more: Sequence[int]) -> None:
        """Makes an Ibis table the slice: its columns renamed by position, and a column for every number of `more`."""
        import ibis

        del view
        columns = {f"c{at}": slice_[name] for at, name in enumerate(slice_.columns[:width])}
        columns |= {f"c{width + at}": ibis.literal(value, "int64") for at, value in enumerate(more)}
        self.slice = slice_.select(**columns)

    def table(self, key: Hashable, build: Callable[[], Sequence[Expression]]) -> pa.Table:
        """The rows of all expressions that `build` makes, from one query."""
        import ibis

        del key
        parts = build()
        expression = ibis.union(*parts) if parts[1:] else parts[0]
        self.queries.append(str(ibis.to_sql(expression)))
        try:
            return expression.to_pyarrow()
        except Exception as error:  # every backend has errors of its own
            raise MeasureError(f"the table could not be measured where it lies: {error}") from error
