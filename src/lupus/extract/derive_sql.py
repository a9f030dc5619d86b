"""Derived columns by SQL: one expression over a batch, in a DuckDB session that can reach nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.derive import Compute, NotDerivedError, column_named
from lupus.extract.source import first_line
from lupus.model import SqlDerivation, parse_expression

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_BATCH: Final = "batch_rows"
_SETTINGS: Final[dict[str, Any]] = {
    "threads": 1,
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
# What DuckDB's own parser calls the parts of an expression over one row.
_PARTS: Final = frozenset(
    {
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT"),
        *("FUNCTION", "LAMBDA", "OPERATOR", "TYPE"),
    }
)
_NOW: Final = frozenset({"current_timestamp", "current_date", "current_time", "localtime", "localtimestamp"})


def sql_compute(derivation: SqlDerivation, timezone: str) -> Compute:
    """A function from a batch to the values of the expression; instants are meant in `timezone`."""
    import duckdb

    try:
        expression = parse_expression(derivation.sql)
    except ValueError as error:
        raise NotDerivedError(str(error)) from None
    session = duckdb.connect(config=_SETTINGS)
    session.execute("SET TimeZone = ?", [timezone])
    session.execute("SET lock_configuration = true")
    checked: set[str] = set()

    def compute(batch: pa.RecordBatch) -> Any:
        import pyarrow as pa

        there = batch.schema.names
        used = list(dict.fromkeys(column_named(name, there) for name in expression.columns))
        # By position: no name of the data gets into SQL.
        names = {name: f"c{used.index(column_named(name, there))}" for name in expression.columns}
        sql = expression.over(names)
        if sql not in checked:
            _check(session, sql, frozenset(names.values()))
            checked.add(sql)
        arrays = [batch.column(name) for name in used] or [pa.nulls(batch.num_rows, pa.int64())]
        rows = pa.Table.from_arrays(arrays, names=[f"c{place}" for place in range(len(arrays))])
        try:
            relation = session.from_arrow(rows).project(f"({sql}) AS v")
            found = relation.to_arrow_table().column(0)
        except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
            raise NotDerivedError(f"DuckDB refuses the expression: {first_line(error)}") from None
        except duckdb.Error as error:
            # Its text holds the value that it could not compute with.
            kind = type(error).__name__.removesuffix("Exception")
            hint = "; use TRY_CAST or CASE for values that do not fit" if kind in ("Conversion", "OutOfRange") else ""
            raise NotDerivedError(f"DuckDB could not compute a row ({kind} error){hint}") from None
        return found.combine_chunks()

    return compute


def sql_for(derivation: SqlDerivation, columns: Sequence[str], dialect: Any) -> str:
    """The expression in another database's SQL `dialect`, over a row's `columns`. Raises `NotDerivedError`.

    What DuckDB would refuse is refused, so that no function of the database's own is called.
    """
    import duckdb

    try:
        expression = parse_expression(derivation.sql)
    except ValueError as error:
        raise NotDerivedError(str(error)) from None
    names = {name: column_named(name, columns) for name in expression.columns}
    with duckdb.connect(config=_SETTINGS) as session:
        places = {name: f"c{place}" for place, name in enumerate(names)}
        _check(session, expression.over(places), frozenset(places.values()))
    return expression.over(names, dialect=dialect)


def _check(session: duckdb.DuckDBPyConnection, sql: str, columns: frozenset[str]) -> None:
    """Refuses whatever DuckDB itself reads in `sql` that is not a pure function of a row's `columns`.

    The expression was parsed by another parser before; what is run is what this one understands.
    """
    node = _parsed(session, sql)
    selected = node.pop("select_list", [])
    plain = _parsed(session, "1")
    plain.pop("select_list")
    if len(selected) != 1 or _without_places(node) != _without_places(plain):
        raise NotDerivedError("it is more than one expression over the row")
    variables = {name for node in _nodes(selected) if node["class"] == "LAMBDA" for name in _names(node["lhs"])}
    for node in _nodes(selected):
        kind = node["class"]
        if kind not in _PARTS:
            raise NotDerivedError(f"{kind.lower()} is no part of an expression over a row")
        if kind == "COLUMN_REF" and node["column_names"][0] not in columns | variables:
            raise NotDerivedError(f"{'.'.join(node['column_names'])} is no column of the row")
        if kind == "FUNCTION":
            _check_function(node["function_name"].lower())


def _parsed(session: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    """DuckDB's parse of a query that selects `sql` of a batch."""
    statement = f"SELECT ({sql}\n) FROM {_BATCH}"  # noqa: S608 - text for DuckDB's parser; nothing is run here
    (answer,) = session.execute("SELECT json_serialize_sql(?::VARCHAR)", [statement]).fetchall()
    tree: dict[str, Any] = json.loads(answer[0])
    if tree["error"]:
        raise NotDerivedError(f"DuckDB cannot read the expression: {tree.get('error_message', 'it is no SQL')}")
    if len(tree["statements"]) != 1:
        raise NotDerivedError("it is more than one statement")
    node: dict[str, Any] = tree["statements"][0]["node"]
    return node


def _without_places(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _without_places(part) for name, part in tree.items() if name != "query_location"}
    return [_without_places(part) for part in tree] if isinstance(tree, list) else tree


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, list):
        for one in tree:
            yield from _nodes(one)
    elif isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for one in tree.values():
            yield from _nodes(one)


def _names(tree: Any) -> Iterator[str]:
    for node in _nodes(tree):
        yield from node.get("column_names", ())


def _check_function(name: str) -> None:
    pure, others = _functions()
    if name in pure:
        return
    if name not in others:
        raise NotDerivedError(f"DuckDB has no function {name}")
    raise NotDerivedError(f"{name} is {others[name]}; only functions of one row's values are possible")


@cache
def _functions() -> tuple[frozenset[str], dict[str, str]]:
    """The names of DuckDB's functions of one row that give the same value every time; what the others are."""
    import duckdb

    with duckdb.connect() as session:
        rows = session.execute(
            "SELECT DISTINCT lower(function_name), function_type, stability, macro_definition FROM duckdb_functions()"
        ).fetchall()
    steady = {name for name, kind, stability, _ in rows if kind == "scalar" and stability == "CONSISTENT"}
    fickle = {name for name, kind, stability, _ in rows if kind == "scalar" and stability != "CONSISTENT"} | _NOW
    macros: dict[str, bool] = {}
    for name, kind, _, definition in rows:
        if kind == "macro":
            words = set(re.findall(r"\w+", (definition or "select").lower()))
            macros[name] = macros.get(name, True) and not words & (fickle | {"select"})
    steady |= {name for name, pure in macros.items() if pure}
    others = {name: f"a function of kind {kind}" for name, kind, _, _ in rows if name not in steady}
    others |= dict.fromkeys(fickle | {n for n, pure in macros.items() if not pure}, "not the same at every run")
    return frozenset(steady - fickle), others
