"""From database types to Arrow types and kinds of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from lupus.extract.statement import TimeKind

if TYPE_CHECKING:
    import pyarrow as pa

# PostgreSQL's fixed object identifiers of its built-in types (pg_type.dat).
_POSTGRES: Final = {
    16: "bool", 17: "binary", 20: "int64", 21: "int64", 23: "int64", 26: "int64", 700: "float64", 701: "float64",
    1700: "float64", 18: "string", 19: "string", 25: "string", 1042: "string", 1043: "string", 114: "string",
    3802: "string", 2950: "string", 1082: "date32", 1083: "time", 1114: "wall", 1184: "instant", 1186: "float64",
}  # fmt: skip

# The MySQL protocol's column types.
_MYSQL: Final = {
    0: "float64", 1: "int64", 2: "int64", 3: "int64", 4: "float64", 5: "float64", 7: "instant", 8: "int64", 9: "int64",
    10: "date32", 12: "wall", 13: "int64", 245: "string", 246: "float64", 247: "string", 248: "string",
    249: "string", 250: "string", 251: "string", 252: "string", 253: "string", 254: "string", 15: "string",
}  # fmt: skip


def arrow_type(dialect: str, type_: sa.types.TypeEngine[Any]) -> pa.DataType | None:
    """The Arrow type of a column with the reflected `type_`; None when only its values can tell."""
    return _named(_name(dialect, type_))


def time_kind(dialect: str, type_: sa.types.TypeEngine[Any]) -> TimeKind:
    """What kind of time a column with the reflected `type_` holds."""
    if dialect == "sqlite":
        textual = isinstance(type_, sa.Date | sa.DateTime | sa.String)
        return TimeKind.TEXT if textual else TimeKind.OTHER
    return {
        "date32": TimeKind.DATE,
        "wall": TimeKind.WALL,
        "instant": TimeKind.INSTANT,
        "string": TimeKind.TEXT,
    }.get(_name(dialect, type_), TimeKind.OTHER)


def arrow_types_of_cursor(dialect: str, result: sa.CursorResult[Any]) -> list[pa.DataType | None]:
    """The Arrow types of a query's columns as the driver tells them; None where it does not."""
    known: dict[Any, str] = {"postgresql": _POSTGRES, "mysql": _MYSQL, "mariadb": _MYSQL}.get(dialect, {})
    described = result.cursor.description if result.cursor is not None else None
    if not described:
        return [None for _ in result.keys()]  # noqa: SIM118 - not a mapping
    return [_named(known.get(column[1], "")) for column in described]


def _named(name: str) -> pa.DataType | None:
    import pyarrow as pa

    match name:
        case "":
            return None
        case "wall":
            return pa.timestamp("us")
        case "instant":
            return pa.timestamp("us", "UTC")
        case "time":
            return pa.time64("us")
        case _:
            return pa.type_for_alias(name)


def _name(dialect: str, type_: sa.types.TypeEngine[Any]) -> str:
    """The short name of the Arrow type; "" when it is unknown."""
    mysql = dialect in ("mysql", "mariadb")
    if mysql and type(type_).__name__ == "TINYINT" and getattr(type_, "display_width", None) == 1:
        return "bool"  # what MySQL makes of BOOLEAN
    if mysql and getattr(type_, "unsigned", False) and isinstance(type_, sa.BigInteger):
        return "uint64"
    if mysql and isinstance(type_, sa.TIMESTAMP):
        return "instant"  # kept in UTC, shown in the session's zone
    if isinstance(type_, sa.DateTime):
        return "instant" if type_.timezone else "wall"
    families: tuple[tuple[Any, str], ...] = (
        (sa.Boolean, "bool"),
        (sa.Integer, "int64"),
        (sa.Numeric | sa.Float, "float64"),
        (sa.Interval, "float64"),
        (sa.Date, "date32"),
        (sa.Time, "" if mysql else "time"),
        (sa.String, "string"),
        (sa.JSON, "string"),
        (sa.Uuid, "string"),
        (sa.LargeBinary, "binary"),
    )
    return next((name for family, name in families if isinstance(type_, family)), "")
