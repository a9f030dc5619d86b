"""DuckDB databases and DuckDB as the reader of files: batches come as Arrow, never as Python objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.sessions import kept
from lupus.extract.source import BATCH_ROWS, Slice, first_line, unknown
from lupus.extract.statement import TimeKind, bound_query, query_parameters, slice_statement
from lupus.model import ExtractError, SqlSource

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_KINDS: Final = {"DATE": TimeKind.DATE, "TIMESTAMP WITH TIME ZONE": TimeKind.INSTANT, "VARCHAR": TimeKind.TEXT}


def read_duckdb(database: str, source: SqlSource, wanted: Slice) -> Iterator[pa.RecordBatch]:
    """Yields the slice of a table or the rows of a query from the DuckDB file `database`, opened read-only."""
    import duckdb

    problem = ""
    with (
        kept(f"duckdb {database}", lambda: opened(database, source.connection, str(wanted)), _close) as shared,
        shared.cursor() as session,
    ):
        try:
            session.execute("SET TimeZone = 'UTC'")
            if source.query:
                yield from _streamed(session, bound_query(source.query, query_parameters(wanted), wanted))
            else:
                schema, name = _found(session, source.table, wanted)
                yield from stream_slice(session, name, wanted, schema=schema)
        except duckdb.Error as error:
            problem = f"{wanted}: DuckDB file {database!r} (connection {source.connection!r}): {first_line(error)}"
    if problem:
        raise ExtractError(problem)


def opened(database: str, connection: str, where: str) -> duckdb.DuckDBPyConnection:
    """The DuckDB file `database`, open for reading, in UTC; `ExtractError` when that cannot be."""
    import duckdb

    if not Path(database).is_file():
        raise ExtractError(
            f"{where}: there is no DuckDB file {database!r}; check the URL of connection {connection!r} "
            "(duckdb:////absolute/path or duckdb:///relative/path)"
        )
    try:
        session = duckdb.connect(database, read_only=True)
    except duckdb.Error as error:
        hint = "; another process has it open for writing" if "lock" in str(error) else ""
        raise ExtractError(
            f"{where}: cannot open the DuckDB file {database!r} of connection {connection!r}: {first_line(error)}{hint}"
        ) from error
    return session


def _close(session: duckdb.DuckDBPyConnection) -> None:
    session.close()


def stream_slice(
    session: duckdb.DuckDBPyConnection, name: str, wanted: Slice, *, schema: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Yields the slice of the table or view `name`."""
    types = _types(session, name, schema)
    if wanted.table.time and wanted.table.time not in types:
        raise ExtractError(f"{wanted}: {unknown('time column', wanted.table.time, types)}")
    kind = _kind(types.get(wanted.table.time, ""))
    json = frozenset(column for column, type_ in types.items() if type_ == "JSON")
    yield from _streamed(session, slice_statement(name, list(types), wanted, kind, schema=schema, json_columns=json))


def _types(session: duckdb.DuckDBPyConnection, name: str, schema: str | None) -> dict[str, str]:
    import sqlalchemy as sa
    from sqlalchemy.sql.elements import quoted_name

    relation = sa.table(quoted_name(name, quote=True), schema=quoted_name(schema, quote=True) if schema else None)
    shape = _relation(session, sa.select(sa.text("*")).select_from(relation).limit(0))
    return {column: str(type_) for column, type_ in zip(shape.columns, shape.types, strict=True)}


def _kind(type_: str) -> TimeKind:
    if type_.startswith("TIMESTAMP") and type_ not in _KINDS:
        return TimeKind.WALL
    return _KINDS.get(type_, TimeKind.OTHER)


def _found(session: duckdb.DuckDBPyConnection, table: str, wanted: Slice) -> tuple[str, str]:
    """The schema and name of `table`, written ``table`` or ``schema.table``; a dot may also belong to the name."""
    import duckdb

    schema, _, name = table.partition(".")
    for candidate in (("main", table), (schema, name)):
        with suppress(duckdb.CatalogException, duckdb.ParserException, duckdb.BinderException):
            if all(candidate):
                _types(session, candidate[1], candidate[0])
                return candidate
    # Asked last: the information schema takes longer than a day's rows.
    rows = session.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database()"
    ).fetchall()
    known = [name if schema == "main" else f"{schema}.{name}" for schema, name in rows]
    raise ExtractError(f"{wanted}: {unknown('table', table, known)}")


def _relation(session: duckdb.DuckDBPyConnection, statement: Any) -> duckdb.DuckDBPyRelation:
    from sqlalchemy.engine.default import DefaultDialect

    compiled = statement.compile(
        dialect=DefaultDialect(paramstyle="qmark"), compile_kwargs={"render_postcompile": True}
    )
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    return session.sql(str(compiled), params=values or None)


def _streamed(session: duckdb.DuckDBPyConnection, statement: Any) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    reader = _relation(session, statement).to_arrow_reader(BATCH_ROWS)
    none = True
    for batch in reader:
        none = False
        yield batch
    if none:
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
