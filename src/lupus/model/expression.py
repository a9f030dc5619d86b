"""Scalar SQL expressions in DuckDB's dialect: what a derived column may say, and which columns it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_OUTSIDE: Final = frozenset(
    {
        *("now", "get_current_time", "get_current_timestamp", "transaction_timestamp", "setseed", "nextval", "currval"),
        *("getvariable", "current_setting", "current_database", "current_schema", "current_schemas", "current_query"),
    }
)


@dataclass(frozen=True, slots=True)
class ScalarExpression:
    """One expression over the `columns` of a row, as written in `text`; made by `parse_expression`."""

    text: str
    columns: tuple[str, ...]

    def over(self, names: Mapping[str, str], *, dialect: Any = None) -> str:
        """DuckDB's SQL of the expression with each of its `columns` called by the plain name in `names`.

        Or another `dialect`'s, a name or a class of sqlglot, in which names are quoted and may be any, and what is
        divided by zero is null: to some databases it is an error of the whole query.

        >>> parse_expression('"dep delay" / 60').over({"dep delay": "c0"})
        'c0 / 60'
        >>> parse_expression("delay // 60").over({"delay": "dep delay"}, dialect="postgres")
        'DIV("dep delay", NULLIF(60, 0))'
        """
        from sqlglot import exp

        def renamed(node: Any) -> Any:
            if dialect and isinstance(node, exp.Div | exp.IntDiv | exp.Mod):
                node.set("expression", exp.Nullif(this=node.expression, expression=exp.Literal.number(0)))
            if not isinstance(node, exp.Column):
                return node
            return exp.column(exp.to_identifier(names[node.name], quoted=True if dialect else None))

        return str(_tree(self.text).transform(renamed).sql(dialect or "duckdb", comments=False))


def parse_expression(text: str) -> ScalarExpression:
    """The scalar expression in `text`; `ValueError` says what it is instead, and what to write.

    Nothing but columns of the row, constants, operators, CASE, casts, lambdas and scalar functions may stand in it:
    no query, no second statement, no aggregate or window, nothing that gives another value at every run.

    >>> parse_expression("CASE WHEN dep_delay > 15 THEN 1 ELSE 0 END").columns
    ('dep_delay',)
    >>> parse_expression("(SELECT max(secret) FROM users)")
    Traceback (most recent call last):
    ValueError: a query stands in it; use columns of the row alone
    """
    from sqlglot import exp

    columns: dict[str, None] = {}
    for node in _tree(text).walk():
        _check(node)
        if isinstance(node, exp.Column):
            columns[node.name] = None
    return ScalarExpression(text, tuple(columns))


def _tree(text: str) -> Any:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        trees = sqlglot.parse(text, dialect="duckdb")
    except (SqlglotError, RecursionError) as error:
        found: dict[str, Any] = (getattr(error, "errors", None) or [{}])[0]
        near = f" near {found['highlight']!r} (character {found['col']})" if found.get("highlight") else ""
        raise ValueError(f"it is no SQL expression{near}; write one expression in DuckDB's dialect") from None
    if len(trees) > 1:
        raise ValueError("it is more than one statement; write one expression")
    if not trees or trees[0] is None:
        raise ValueError("it is empty; write one expression")
    return trees[0]


def _check(node: Any) -> None:
    """Refuses what is no part of a scalar expression, by what it is."""
    from sqlglot import exp

    kind = type(node).__name__
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists | exp.Table | exp.Values):
        raise ValueError("a query stands in it; use columns of the row alone")
    if isinstance(node, exp.AggFunc | exp.Window | exp.Filter | exp.WithinGroup):
        raise ValueError(f"{kind} looks at other rows; only functions of one row are possible")
    if isinstance(node, exp.Explode | exp.UDTF | exp.Star | exp.Columns):
        raise ValueError(f"{kind} gives more than one value; write an expression with one value per row")
    if isinstance(node, exp.Column) and node.table:
        field = f"{node.table}['{node.name}']"
        raise ValueError(f"{node.sql('duckdb')} names a table; write the column alone, a field of a struct as {field}")
    if isinstance(node, exp.Alias):
        raise ValueError("it has a name of its own; the derived column's name stands before the colon")
    outside = isinstance(node, exp.Anonymous) and node.name.lower() in _OUTSIDE
    if outside or (isinstance(node, exp.Func) and kind.startswith(("Current", "Local", "Rand", "Uuid", "Session"))):
        raise ValueError("it would give another value at every run; use columns of the row alone")
    parts = (
        *(exp.Condition, exp.Identifier, exp.DataType, exp.DataTypeParam, exp.ColumnDef, exp.If, exp.Var),
        *(exp.Interval, exp.IntervalSpan, exp.AtTimeZone, exp.Lambda, exp.Tuple, exp.Slice),
    )
    parameters = (exp.Placeholder, exp.Parameter, exp.SessionParameter, exp.PositionalColumn)
    if isinstance(node, parameters) or not isinstance(node, parts):
        raise ValueError(f"{kind} is no part of an expression over a row")
