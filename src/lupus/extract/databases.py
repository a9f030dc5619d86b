"""Databases that measure: an Ibis backend over a connection, which is only read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.sessions import kept
from lupus.extract.source import first_line, scrub, secrets_of
from lupus.model import Connection, ExtractError

if TYPE_CHECKING:
    import sqlalchemy as sa

_CONNECT_SECONDS: Final = 10
# Most lack functions that every query of a table needs: logarithms, places of a grid, arrays. A file of DuckDB is read
# into a snapshot as fast as it is counted, and Ibis does not know DuckDB 2.
_UNABLE: Final = frozenset({"sqlite", "mysql", "mariadb", "mssql", "oracle", "duckdb"})
_SPARK: Final = frozenset({"spark", "sc"})


@contextmanager
def opened_database(connection: Connection, where: str) -> Iterator[Any]:
    """The Ibis backend of `connection`: PostgreSQL, Spark, or whatever Ibis knows by the URL's scheme.

    PostgreSQL answers all questions meanwhile from one state of its tables, and refuses to write. Spark and others
    answer from what is there when they are asked. Raises `ExtractError` for databases that cannot measure; errors of
    the backend itself are left to the caller.
    """
    from lupus.extract.sql import url_of

    url = url_of(connection, where)
    name = url.get_backend_name()
    if name in _UNABLE:
        raise ExtractError(
            f"{where}: {name} (connection {connection.name!r}) cannot measure a table in place; remove in_place, so "
            "that the table is copied into snapshots"
        )
    key = f"in place {url.render_as_string(hide_password=False)}"
    with kept(key, lambda: _opened(url), _close) as backend:
        if name == "postgresql":
            with backend.con.transaction():
                yield backend
        else:
            yield backend


def check_database(connection: Connection) -> None:
    """Opens the database of `connection` to measure in it. Raises `ExtractError` when that fails."""
    problem = ""
    try:
        with opened_database(connection, "check"):
            return
    except ExtractError:
        raise
    except Exception as error:  # every backend has errors of its own
        problem = said(connection, error)
    raise ExtractError(f"check: {problem}")


def said(connection: Connection, error: Exception) -> str:
    """What a backend says is wrong, in a line, without the secrets of `connection`."""
    import sqlalchemy as sa

    password = ""
    with suppress(sa.exc.ArgumentError):
        password = str(sa.make_url(connection.url).password or "")
    text = f"{type(error).__name__}: {first_line(error)}".replace(connection.url or "\0", "***")
    return scrub(text, secrets_of(connection, password))


def _opened(url: sa.URL) -> Any:
    import ibis

    match url.get_backend_name():
        case "postgresql":
            return _postgresql(url)
        case name if name in _SPARK:
            return _spark(url)
        case _:
            return ibis.connect(url.render_as_string(hide_password=False))


def _postgresql(url: sa.URL) -> Any:
    import ibis
    import psycopg

    named = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    settings: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        **url.query,
        **{n: one for n, one in named.items() if one},
    }
    settings["options"] = f"{url.query.get('options', '')} -c default_transaction_read_only=on".strip()
    session = psycopg.connect(psycopg.conninfo.make_conninfo(**settings), autocommit=True)
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return ibis.postgres.from_connection(session)


def _spark(url: sa.URL) -> Any:
    """``spark://local``, ``spark://host:7077`` or ``sc://host:15002``; settings of the session as the URL's query."""
    import ibis
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    place = f"{url.host}:{url.port}" if url.port else url.host or "local"
    if url.drivername == "sc":
        builder = builder.remote(f"sc://{place}")
    else:
        builder = builder.master("local[*]" if place == "local" else f"spark://{place}")
    for name, value in url.query.items():
        builder = builder.config(name, str(value))
    session = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    if url.database:
        session.catalog.setCurrentDatabase(url.database)
    return ibis.pyspark.connect(session)


def _close(backend: Any) -> None:
    if backend.name != "pyspark":  # whoever started the session may use it on
        backend.disconnect()
