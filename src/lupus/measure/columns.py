"""Which columns of a slice are measured, as what: the kind of each, its part in the product, its group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lupus.model import Group, Project, Role, Table, Task

_INTEGER: Final = re.compile(r"u?int\d+$")
_FLOAT: Final = re.compile(r"(float|double|halffloat|float\d+)$")
_NUMBER: Final = re.compile(r"decimal\d*\(")
_TEXT: Final = re.compile(r"((large_)?string|string_view|(large_)?utf8)$")
_ZONED: Final = re.compile(r"timestamp\[[a-z]+, tz=")
_TIMESTAMP: Final = re.compile(r"timestamp\[")
_DATE: Final = re.compile(r"date\d+")
_EMBEDDING: Final = re.compile(r"((large_)?list(_view)?|fixed_size_list)<(\w+): (half)?(float|double)")
_LIST: Final = re.compile(r"((large_)?list(_view)?|fixed_size_list)<")
_DICTIONARY: Final = re.compile(r"dictionary<values=([^,]+),")


class Kind(StrEnum):
    """What a column's values are, as far as metrics go."""

    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIMESTAMP = "timestamp"  # in the table's time zone
    INSTANT = "instant"  # with a time zone of its own
    DATE = "date"
    LIST = "list"
    EMBEDDING = "embedding"  # a list of floats
    OTHER = "other"

    @property
    def numeric(self) -> bool:
        return self in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)

    @property
    def timely(self) -> bool:
        return self in (Kind.TIMESTAMP, Kind.INSTANT, Kind.DATE)


def kind_of(arrow_type: str) -> Kind:
    """The kind of an Arrow type's name.

    >>> kind_of("dictionary<values=string, indices=int32, ordered=0>"), kind_of("decimal128(10, 2)")
    (<Kind.TEXT: 'text'>, <Kind.DECIMAL: 'decimal'>)
    """
    if found := _DICTIONARY.match(arrow_type):
        return kind_of(found.group(1))
    if arrow_type == "bool":
        return Kind.BOOLEAN
    for pattern, kind in (
        (_INTEGER, Kind.INTEGER),
        (_FLOAT, Kind.FLOAT),
        (_NUMBER, Kind.DECIMAL),
        (_TEXT, Kind.TEXT),
        (_ZONED, Kind.INSTANT),
        (_TIMESTAMP, Kind.TIMESTAMP),
        (_DATE, Kind.DATE),
        (_EMBEDDING, Kind.EMBEDDING),
        (_LIST, Kind.LIST),
    ):
        if pattern.match(arrow_type):
            return kind
    return Kind.OTHER


class Part(StrEnum):
    """What a column is to the product; most are plain features."""

    PLAIN = "plain"
    KEY = "key"
    TIME = "time"
    SCORE = "score"
    LABEL = "label"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a slice: its name, its position (which names it in SQL), what it is."""

    name: str
    position: int
    kind: Kind
    part: Part

    @property
    def counted(self) -> bool:
        """Whether its values are counted by name."""
        return self.part not in (Part.KEY, Part.TIME) and (self.kind is Kind.TEXT or self.part is Part.VERSION)

    @property
    def number(self) -> bool:
        """Whether its values are measured as numbers."""
        if self.counted or self.part in (Part.KEY, Part.TIME):
            return False
        return self.kind.numeric or self.kind is Kind.BOOLEAN


def columns_of(table: Table, schema: Sequence[tuple[str, str]]) -> tuple[Column, ...]:
    """The columns of `table` that are measured, of those that `schema` (name, Arrow type) has."""
    parts = dict.fromkeys(table.key, Part.KEY)
    parts |= {table.time: Part.TIME, table.version: Part.VERSION, table.label: Part.LABEL, table.score: Part.SCORE}
    return tuple(
        Column(name, position, kind_of(arrow_type), parts.get(name, Part.PLAIN) if name else Part.PLAIN)
        for position, (name, arrow_type) in enumerate(schema)
        if name not in table.exclude
        and (not table.columns or name in table.columns or name in parts or table.derives(name))
    )


def group_of(table: Table) -> Group:
    """The group of a table's series, by its role."""
    if table.role is Role.PREDICTION:
        return Group.PREDICTION
    return Group.TARGET if table.role is Role.GROUND_TRUTH else Group.INPUT


def is_binary(project: Project) -> bool:
    return project.task is Task.BINARY_CLASSIFICATION
