"""What a query gives for an interval, as one small table: numbers that were counted where the rows are."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from lupus.extract.source import Slice
from lupus.extract.table import guarded
from lupus.extract.window import window_of
from lupus.model import Cadence, Connections, ExtractError, Interval, Role, SqlSource, Table

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS: Final = 10_000
"""More is no answer but a table."""


def read_query(
    project: str, name: str, source: SqlSource, cadence: Cadence, interval: Interval, *, connections: Connections
) -> pa.Table:
    """The rows that the query of `source` gives for `interval`; its parameters are bound as those of a table's query.

    `name` says in errors which query it is. Raises `ExtractError` when it fails or gives more than `MOST_ROWS` rows.
    """
    import pyarrow as pa

    from lupus.extract.arrow import canonical, fitted, merged

    wanted = Slice(project, Table(name, Role.OTHER, source), cadence, window_of(cadence, interval, cadence.timezone))
    parts: list[pa.Table] = []
    rows = 0
    with closing(guarded(source, wanted, connections)) as batches:
        for batch in batches:
            rows += batch.num_rows
            if rows > MOST_ROWS:
                raise ExtractError(f"{wanted}: the query gives more than {MOST_ROWS:,} rows; let it group them")
            parts.append(pa.Table.from_batches([canonical(batch)]))
    if not parts:
        return pa.table({})
    schema = parts[0].schema
    for part in parts[1:]:
        schema = merged(schema, part.schema)
    return pa.concat_tables([fitted(part, schema) for part in parts])
