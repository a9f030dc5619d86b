"""Source ``sql``: a table or a query, through SQLAlchemy; DuckDB databases natively."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.sessions import kept
from lupus.extract.source import BATCH_ROWS, Slice, first_line, scrub, secrets_of, unknown
from lupus.model import Connection, Connections, ExtractError, SqlSource

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa


_CONNECT_SECONDS: Final = 10
_EXTRAS: Final = {"psycopg": "postgres", "psycopg2": "postgres", "pymysql": "mysql"}


def read_sql(source: SqlSource, wanted: Slice, connections: Connections) -> Iterator[pa.RecordBatch]:
    """Yields the slice of a table (bounds and columns pushed down), or what the query gives, in batches.

    Rows stream from a server-side cursor where the driver has one. The session only reads, in UTC.
    """
    connection = connections.get(source.connection)
    url = url_of(connection, str(wanted))
    if url.get_backend_name() == "duckdb":
        from lupus.extract.duckdb_database import read_duckdb

        yield from read_duckdb(url.database or "", source, wanted)
    else:
        yield from _session(connection, url, str(wanted), lambda session: _read(session, source, wanted))


def check_connection(connection: Connection) -> None:
    """Opens the database of `connection` and asks it for nothing. Raises `ExtractError` when that fails."""
    import sqlalchemy as sa

    url = url_of(connection, "check")
    if url.get_backend_name() == "duckdb":
        from lupus.extract.duckdb_database import opened

        with opened(url.database or "", connection.name, "check"):
            return

    def ask(session: sa.Connection) -> Iterator[Any]:
        yield session.scalar(sa.select(1))

    for _ in _session(connection, url, "check", ask):
        pass


def url_of(connection: Connection, where: str) -> sa.URL:
    """The URL of `connection`; `ExtractError` when it is none."""
    import sqlalchemy as sa

    url = None
    with suppress(sa.exc.ArgumentError):
        url = sa.make_url(connection.url)
    if url is None:  # outside of the handler: the error's own text may hold the URL
        raise ExtractError(
            f"{where}: the URL of connection {connection.name!r} is no database URL; "
            "write it like postgresql+psycopg://user:password@host:5432/database"
        )
    return url


def _session(
    connection: Connection, url: sa.URL, where: str, work: Callable[[sa.Connection], Iterator[Any]]
) -> Iterator[Any]:
    """What `work` yields in a session that only reads; any driver error as an `ExtractError` without secrets."""
    import sqlalchemy as sa

    name = connection.name
    problem = ""
    connected = False
    try:
        key = url.render_as_string(hide_password=False)
        with kept(key, lambda: _engine(url), lambda engine: engine.dispose()) as engine, engine.connect() as session:
            connected = True
            _only_read(session)
            yield from work(session)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "", "")
        problem = f"the driver {error.name!r} is not installed" + (f"; pip install 'lupus[{extra}]'" if extra else "")
    except sa.exc.NoSuchModuleError:
        problem = f"SQLAlchemy knows no database {url.drivername!r}; check the URL of connection {name!r}"
    except sa.exc.SQLAlchemyError as error:
        cause = first_line(getattr(error, "orig", None) or error)
        if connected:
            problem = f"connection {name!r} ({_place(url)}) refused the query: {cause}"
        elif url.host:
            problem = (
                f"cannot connect to {_place(url)} as {url.username or 'nobody'} (connection {name!r}): {cause}; "
                "check that the server runs and that host, user and password of the connection are right"
            )
        else:
            problem = f"cannot open {_place(url)}: {cause}; check the URL of connection {name!r}"
    if problem:
        raise ExtractError(scrub(f"{where}: {problem}", secrets_of(connection, str(url.password or ""))))


def _place(url: sa.URL) -> str:
    host = f" at {url.host}{f':{url.port}' if url.port else ''}" if url.host else ""
    return f"{url.get_backend_name()} database {url.database or ''!r}{host}"


def _engine(url: sa.URL) -> sa.Engine:
    import sqlalchemy as sa

    options: dict[str, Any] = {"pool_size": 1, "hide_parameters": True}
    name = url.get_backend_name()
    if name == "sqlite":
        return sa.create_engine("sqlite://", creator=_sqlite(url.database or ""), poolclass=sa.QueuePool, **options)
    if name in ("postgresql", "mysql", "mariadb") and "connect_timeout" not in url.query:
        options["connect_args"] = {"connect_timeout": _CONNECT_SECONDS}
    return sa.create_engine(url, **options)


def _sqlite(database: str) -> Callable[[], Any]:
    """Opens an existing file only: SQLite would create a missing one, and the day would look empty."""
    import sqlite3

    def connect() -> Any:
        if not database.startswith("file:") and not Path(database).is_file():
            raise sqlite3.OperationalError(f"there is no file {database!r}")
        uri = database if database.startswith("file:") else f"{Path(database).absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)

    return connect


def _only_read(session: sa.Connection) -> None:
    """Nothing in a project file may write to a source; times are in UTC."""
    match session.dialect.name:
        case "sqlite":
            session.exec_driver_sql("PRAGMA query_only = ON")
        case "postgresql":
            session.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            session.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        case "mysql" | "mariadb":
            session.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            session.exec_driver_sql("SET SESSION time_zone = '+00:00'")
            session.commit()


def _read(session: sa.Connection, source: SqlSource, wanted: Slice) -> Iterator[pa.RecordBatch]:
    from lupus.extract.sql_types import arrow_types_of_cursor
    from lupus.extract.statement import bound_query, query_parameters

    dialect = session.dialect.name
    if not source.query:
        yield from _read_table(session, source.table, wanted)
        return
    values = query_parameters(wanted, text=dialect == "sqlite", naive=dialect in ("mysql", "mariadb"))
    result = _streamed(session, bound_query(source.query, values, wanted))
    if not result.returns_rows:
        raise ExtractError(f"{wanted}: the query returns no rows by its nature; write a SELECT")
    types = arrow_types_of_cursor(dialect, result)
    yield from _batches(result, types)


def _read_table(session: sa.Connection, table: str, wanted: Slice) -> Iterator[pa.RecordBatch]:
    import sqlalchemy as sa

    from lupus.extract.sql_types import arrow_type, time_kind
    from lupus.extract.statement import TimeKind, slice_statement

    dialect = session.dialect.name
    naive = dialect in ("mysql", "mariadb")
    inspector = sa.inspect(session)
    schema, name = _found(inspector, table, wanted)
    types = {column["name"]: column["type"] for column in inspector.get_columns(name, schema)}
    if naive:
        # SQLAlchemy gives the names as they stand in SHOW CREATE TABLE, their backticks still doubled.
        types = {column.replace("``", "`"): type_ for column, type_ in types.items()}
    kind = TimeKind.OTHER
    if wanted.table.time:
        if wanted.table.time not in types:
            raise ExtractError(f"{wanted}: {unknown(f'time column of {table}', wanted.table.time, types)}")
        kind = time_kind(dialect, types[wanted.table.time])
    statement = slice_statement(name, list(types), wanted, kind, schema=schema, naive_utc=naive)
    result = _streamed(session, statement)
    empty = True
    for batch in _batches(result, [arrow_type(dialect, types[c]) for c in types if wanted.reads(c)]):
        empty = empty and not batch.num_rows
        yield batch
    if empty and kind is TimeKind.TEXT and dialect == "sqlite":
        _check_stored_as_text(session, schema, name, wanted)


def _found(inspector: sa.Inspector, table: str, wanted: Slice) -> tuple[str | None, str]:
    """The schema and name of `table`, written ``table`` or ``schema.table``; a dot may also belong to the name."""
    if inspector.has_table(table):
        return None, table
    schema, dot, name = table.partition(".")
    if dot and schema in inspector.get_schema_names() and inspector.has_table(name, schema):
        return schema, name
    known = [*inspector.get_table_names(), *inspector.get_view_names()]
    if dot and schema in inspector.get_schema_names():
        known = [f"{schema}.{n}" for n in (*inspector.get_table_names(schema), *inspector.get_view_names(schema))]
    raise ExtractError(f"{wanted}: {unknown('table', table, known)}")


def _streamed(session: sa.Connection, statement: Any) -> sa.CursorResult[Any]:
    return session.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(statement)


def _batches(result: sa.CursorResult[Any], types: list[pa.DataType | None]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    from lupus.extract.arrow import array_of

    names = list(result.keys())
    none = True
    with closing(result):
        for rows in result.partitions(BATCH_ROWS):
            none = False
            columns = [array_of(values, type_) for values, type_ in zip(zip(*rows, strict=True), types, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, names=names)
    if none:
        yield pa.RecordBatch.from_arrays([pa.array([], type_ or pa.null()) for type_ in types], names=names)


def _check_stored_as_text(session: sa.Connection, schema: str | None, name: str, wanted: Slice) -> None:
    """SQLite stores what it is given; numbers in a time column would make every day look empty."""
    import sqlalchemy as sa
    from sqlalchemy.sql.elements import quoted_name

    time: sa.ColumnClause[str] = sa.column(quoted_name(wanted.table.time, quote=True), sa.String)
    relation = sa.table(quoted_name(name, quote=True), time, schema=quoted_name(schema, quote=True) if schema else None)
    stored = session.scalar(
        sa.select(sa.func.typeof(time))
        .select_from(relation)
        .where(sa.func.typeof(time).notin_(["text", "null"]))
        .limit(1)
    )
    if stored:
        raise ExtractError(
            f"{wanted}: the time column {wanted.table.time!r} holds values stored as {stored}; "
            "store ISO 8601 text, or convert it in a query"
        )
