"""SeriesKey and Series: what a metric is a metric of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final

_COLUMN: Final = re.compile(r"[\\,=]")
_VALUE: Final = re.compile(r"[\\,]")
_ESCAPED: Final = r"\\\g<0>"
_PART: Final = re.compile(r"(?s)((?:\\.|[^\\,=])*+)=((?:\\.|[^\\,])*+)(?:,|$)")
_PLAIN: Final = re.compile(r"(?s)\\(.)")

WHOLE: Final = ""
"""The segment that is the whole table, and the column of a metric of the whole table."""


class Group(StrEnum):
    """The standard metric groups; a user's own group is any other string."""

    INPUT = "input"
    TARGET = "target"
    PREDICTION = "prediction"
    EVALUATION = "evaluation"
    TRAINING = "training"
    BUSINESS = "business"
    SOFTWARE = "software"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """The name of one series of metric values. `column` and `segment` are ``""`` for the whole."""

    project: str
    table: str
    column: str
    metric: str
    segment: str = WHOLE

    @property
    def id(self) -> int:
        """A stable 63-bit hash of the key: the primary key in the store and in links."""
        parts = (self.project, self.table, self.column, self.metric, self.segment)
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") >> 1

    @property
    def slug(self) -> str:
        """The id in links: 16 hexadecimal digits.

        >>> SeriesKey("flights", "data", "dep_time", "null_ratio").slug
        '6d74e12ed7d5e38e'
        """
        return f"{self.id:016x}"

    @property
    def subject(self) -> str:
        """`table.column [segment]`: what is measured, without the metric's name."""
        name = f"{self.table}.{self.column}" if self.column else self.table
        return f"{name} [{self.segment}]" if self.segment else name

    def __str__(self) -> str:
        """`table.column metric [segment]`, as people read it.

        >>> str(SeriesKey("flights", "data", "dep_time", "null_ratio", "origin=JFK"))
        'data.dep_time null_ratio [origin=JFK]'
        """
        name = f"{self.table}.{self.column}" if self.column else self.table
        return f"{name} {self.metric}" + (f" [{self.segment}]" if self.segment else "")


@dataclass(frozen=True, slots=True)
class Series:
    """A series: its key with what is said of it. `unit` is ``""`` (the column's own), ``ratio``, ``rows``, ..."""

    key: SeriesKey
    group: str
    unit: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)


def segment_name(*parts: tuple[str, str]) -> str:
    """The canonical name of the rows where every column of `parts` equals its value, in the order given.

    No two segments share a name: a comma in a column or value, and an equals sign in a column, get a backslash
    before them, and so does the backslash itself. `segment_parts` reads it back.

    >>> segment_name(("origin", "JFK"))
    'origin=JFK'
    >>> segment_name(("origin", "JFK"), ("carrier", "AA"))
    'origin=JFK,carrier=AA'
    """
    return _named(parts)


@lru_cache(maxsize=65536)  # thousands of points a day are of the same few segments
def _named(parts: tuple[tuple[str, str], ...]) -> str:
    return ",".join(f"{_COLUMN.sub(_ESCAPED, column)}={_VALUE.sub(_ESCAPED, value)}" for column, value in parts)


def segment_parts(name: str) -> tuple[tuple[str, str], ...]:
    """The (column, value) pairs that `segment_name` made `name` of; () for the whole table.

    >>> segment_parts("origin=JFK,carrier=AA")
    (('origin', 'JFK'), ('carrier', 'AA'))
    """
    parts, at = [], 0
    # From the end of one part to the next: looking for a part anywhere takes squared time in a long name without one.
    while at < len(name) and (found := _PART.match(name, at)) is not None:
        column, value = found.groups()
        parts.append((_PLAIN.sub(r"\1", column), _PLAIN.sub(r"\1", value)))
        at = found.end()
    return tuple(parts)
