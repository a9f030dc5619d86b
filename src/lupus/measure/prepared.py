"""Small slices in tables that stay: their queries are planned once, for planning costs more than running them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any


class PreparedSlices:
    """A table for every schema that slices have, filled anew by each of them, and prepared statements over it.

    It has a DuckDB connection of its own: views that come and go on the other one would have every statement planned
    again. Raises `duckdb.Error`.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection.cursor()
        self._tables: dict[Hashable, str] = {}
        self._statements: dict[tuple[str, str], str] = {}
        self._shown = ("", "")

    def show(self, view: str, schema: Hashable, body: str) -> None:
        """Fills the table of `schema` with the rows of the query `body`, to be read as `view`."""
        name = self._tables.get(schema)
        if name is None:
            name = f"{view}_{len(self._tables)}"
            self._connection.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {body}')
            self._tables[schema] = name
        else:
            self._connection.execute(f'TRUNCATE "{name}"')
            self._connection.execute(f'INSERT INTO "{name}" {body}')
        self._shown = view, name

    def arrays(self, sql: str) -> dict[str, Any]:
        """The rows of a query of the view, column by column as NumPy arrays, masked where there are nulls."""
        view, name = self._shown
        statement = self._statements.get((sql, name))
        if statement is None:
            statement = f"lupus_{len(self._statements)}"
            over = sql.replace(f'"{view}"', f'"{name}"')
            self._connection.execute(f"PREPARE {statement} AS {over}")
            self._statements[sql, name] = statement
        found: dict[str, Any] = self._connection.execute(f"EXECUTE {statement}").fetchnumpy()
        return found

    def close(self) -> None:
        self._connection.close()
