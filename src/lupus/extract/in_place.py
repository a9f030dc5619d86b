"""Slices that stay where they lie: a table of a database as an Ibis expression, cut to an interval.

Nothing is copied. What an interval means is the same as for a snapshot (see `lupus.extract.window`), but the rows are
those of the moment at which the database is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lupus.extract.databases import opened_database, said
from lupus.extract.derive import NotDerivedError
from lupus.extract.derive_sql import sql_for
from lupus.extract.source import Slice, first_line, unknown
from lupus.extract.statement import bound_query, query_parameters
from lupus.model import Connections, ExtractError, LupusError, SqlDerivation, SqlSource

if TYPE_CHECKING:
    from ibis import Table as Expression

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Placed:
    """A slice in its database: an Ibis table with the slice's columns, their (name, Arrow type) pairs, and the derived
    columns that could not be made, with the reason for each. `apart` is to surround a query, so that one that fails
    does not end the transaction in which all are asked.
    """

    rows: Expression
    schema: tuple[tuple[str, str], ...]
    failures: tuple[tuple[str, str], ...] = ()
    apart: Callable[[], AbstractContextManager[Any]] = nullcontext

    def sql(self) -> str:
        """The slice in the SQL of its database."""
        return _sql(self.rows)

    def count(self) -> int:
        """How many rows there are now."""
        with self.apart():
            return int(self.rows.count().to_pyarrow().as_py())

    def fingerprint(self) -> tuple[int, str]:
        """The rows, and a hash of their number, the columns and how many values each has. From one query.

        Slices that differ in values alone have the same one. Where a column cannot be read, the rows alone are counted.
        """
        import ibis

        counts = {f"n{at}": self.rows[name].count() for at, (name, _) in enumerate(self.schema)}
        try:
            with self.apart():
                (found,) = self.rows.aggregate(n=ibis._.count(), **counts).to_pyarrow().to_pylist()
        except Exception:  # every backend has errors of its own, and one column's is told when it is measured
            found = {"n": self.count()}
        text = json.dumps([self.schema, list(found.values())])
        return int(found["n"]), hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def placed(wanted: Slice, connections: Connections) -> Iterator[Placed]:
    """The slice `wanted` in the database of its table, which is open meanwhile and only read.

    Raises `ExtractError` with a text for people, free of secrets, whatever the database says.
    """
    with placed_together([wanted], connections) as (one,):
        yield one


@contextmanager
def placed_together(wanted: list[Slice], connections: Connections) -> Iterator[list[Placed]]:
    """The slices in one database, that of the first one's connection, as it is at one moment where it can say so.

    What goes wrong while they are looked at comes out as an `ExtractError`, too.
    """
    source = wanted[0].table.source
    try:
        connection = connections.get(source.connection if isinstance(source, SqlSource) else "")
    except LupusError as error:
        raise ExtractError(f"{wanted[0]}: {error}") from None
    try:
        with opened_database(connection, str(wanted[0])) as backend:
            yield [_placed(backend, one) for one in wanted]
            return
    except LupusError:
        raise
    except Exception as error:  # every backend has errors of its own
        problem = said(connection, error)
    # Outside of the handler, so that nothing the driver said (it may hold a password) is chained to it.
    raise ExtractError(f"{wanted[0]}: connection {connection.name!r} refused: {problem}")


def _placed(backend: Any, wanted: Slice) -> Placed:
    source = wanted.table.source
    if not isinstance(source, SqlSource):
        raise ExtractError(f"{wanted}: only a database can measure a table in place")
    rows, failures = _derived(backend, _relation(backend, source, wanted), wanted)
    lost = {name for name, _ in failures}
    given = {one.name for one in wanted.table.derived} - lost
    if wanted.table.time:
        rows = rows.filter(_inside(rows, wanted))
    names = [name for name in rows.columns if name in given or wanted.keeps(name)]
    if not names:
        raise ExtractError(f"{wanted}: no column is left; the source has: {', '.join(sorted(rows.columns)) or 'none'}")
    columns = {name: _readable(rows[name]) for name in names}
    failures += [
        (
            name,
            f"a column of type {rows[name].type()} cannot be measured in place; convert it in a query, or exclude it",
        )
        for name, column in columns.items()
        if column is None
    ]
    columns = {name: column for name, column in columns.items() if column is not None}
    rows = rows.select(**columns)
    schema = tuple((name, str(type_.to_pyarrow())) for name, type_ in rows.schema().items())
    apart = backend.con.transaction if backend.name == "postgres" else nullcontext
    return Placed(rows, schema, tuple(failures), apart)


def _relation(backend: Any, source: SqlSource, wanted: Slice) -> Expression:
    """The whole table, or the query's rows."""
    if source.query:
        return _asked(backend, _bound(source.query, wanted))
    schema, dot, name = source.table.partition(".")
    places = [(source.table, None)] + ([(name, schema)] if dot else [])
    for table, database in places:
        known = _tables(backend, database)
        if table not in known:
            continue
        if backend.name != "postgres":
            return backend.table(table, database=database)
        parts = [_quoted(part, backend.dialect) for part in (database, table) if part is not None]
        return _asked(backend, f"SELECT * FROM {'.'.join(parts)}")  # noqa: S608 - names, quoted
    raise ExtractError(f"{wanted}: {unknown('table', source.table, known)}")


def _tables(backend: Any, database: str | None) -> list[str]:
    if database is not None and database not in getattr(backend, "list_databases", list)():
        return []
    return list(backend.list_tables(database=database))


def _bound(query: str, wanted: Slice) -> str:
    """`query` with its parameters as constants: times and an interval's key, which are ours, never text of the data."""
    from sqlalchemy.engine.default import DefaultDialect

    clause = bound_query(query, query_parameters(wanted), wanted)
    return str(clause.compile(dialect=DefaultDialect(paramstyle="named"), compile_kwargs={"literal_binds": True}))


def _asked(backend: Any, query: str) -> Expression:
    """The rows of a query."""
    if backend.name != "postgres":
        return backend.sql(query)
    # Ibis would make a view to learn the columns, and nothing is made here; and it takes enumerations for text, which
    # they are not to PostgreSQL's functions.
    import ibis.expr.datatypes as dt

    with backend.con.transaction(), backend.con.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}\n) AS asked LIMIT 0")  # noqa: S608 - the project's own query, read-only
        columns = [(one.name, one.type_code, getattr(one, "_fmod", -1)) for one in cursor.description]
        kinds = {}
        for name, code, modifier in columns:
            cursor.execute("SELECT format_type(%s, %s)", (code, modifier))
            (kind,) = cursor.fetchone()
            kinds[name] = dt.unknown if kind == "money" else backend.compiler.type_mapper.from_string(kind)
    return backend.sql(query, schema=kinds)


def _derived(backend: Any, rows: Expression, wanted: Slice) -> tuple[Expression, list[tuple[str, str]]]:
    """The rows with the derived columns, and why some of them could not be made."""
    failures = []
    for one in wanted.table.derived:
        if not isinstance(one, SqlDerivation):
            raise ExtractError(f"{wanted}: {one.name!r} is derived in Python, for which rows would leave the database")
        try:
            if one.name in rows.columns:
                raise NotDerivedError(f"there is a column {one.name!r} already; give the derived one another name")
            sql = sql_for(one, rows.columns, backend.dialect)
            # The rows as they are come from Ibis itself, so that every backend quotes its own names.
            name = _quoted(one.name, backend.dialect)
            inner = _sql(rows)
            rows = _asked(backend, f"SELECT rows_.*, ({sql}) AS {name} FROM ({inner}) AS rows_")  # noqa: S608
        except NotDerivedError as error:
            failures.append((one.name, str(error)[:_LONGEST_REASON]))
        except Exception as error:  # every backend has errors of its own
            reason = f"{backend.name} refuses the expression: {first_line(error)}"
            failures.append((one.name, reason[:_LONGEST_REASON]))
    return rows, failures


def _sql(rows: Expression) -> str:
    """The rows in the SQL of their own backend."""
    import ibis

    return str(ibis.to_sql(rows))


def _quoted(name: str, dialect: Any) -> str:
    """`name` as an identifier of `dialect`, whatever letters it has."""
    from sqlglot import exp

    return str(exp.to_identifier(name, quoted=True).sql(dialect))


def _inside(rows: Expression, wanted: Slice) -> Any:
    """Which rows lie in the slice's window, by its time column."""
    import ibis

    name = wanted.table.time
    if name not in rows.columns:
        raise ExtractError(f"{wanted}: {unknown('time column', name, rows.columns)}")
    time, window = rows[name], wanted.window
    type_ = time.type()
    if type_.is_date():
        if window.dates is None:
            raise ExtractError(
                f"{wanted}: the time column {name!r} holds dates, but the interval is not made of whole days; use a "
                "timestamp column, or cadence daily or weekly"
            )
        start, end = (ibis.literal(day, "date") for day in window.dates)
    elif type_.is_timestamp():
        bounds = window.instants if type_.timezone else window.walls
        start, end = (ibis.literal(bound, type_.copy(scale=6, nullable=False)) for bound in bounds)
    else:
        raise ExtractError(
            f"{wanted}: the time column {name!r} has type {type_}; in place it must be a date or a timestamp "
            "(convert it in a query)"
        )
    return (time >= start) & (time < end)


def _readable(column: Any) -> Any | None:
    """The column in a type that all engines measure alike: as it is, but for identifiers, enumerations and the like.

    None for shapes and places, which Ibis does not read without further packages.
    """
    type_ = column.type()
    if type_.is_geospatial():
        return None
    if type_.is_decimal() and (type_.precision is None or type_.scale is None):
        return column.cast("float64")
    if type_.is_unknown() or type_.is_json() or type_.is_uuid() or type_.is_macaddr() or type_.is_inet():
        return column.cast("string")
    return column
