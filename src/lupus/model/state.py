"""State: a mergeable sufficient statistic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from lupus.model.interval import Interval


class State(Protocol):
    """A statistic of rows that merges: ``state(A) + state(B) == state(A ∪ B)`` for disjoint A and B."""

    def __add__(self, other: Self, /) -> Self: ...

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, from which the State's ``from_json`` makes an equal State."""
        ...


@dataclass(frozen=True, slots=True)
class StoredState:
    """A State of one column of one table in one segment at one Interval, ready for the store.

    `kind` names the State's class (``moments``, ``histogram``, ...); `payload` is its ``to_json()``.
    """

    project: str
    table: str
    column: str
    segment: str
    kind: str
    interval: Interval
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """What makes days comparable, by version: a column's grid or its categories, or (column "") a table's schema.

    `payload` is ``{"grid": {...}}`` (`lupus.measure.grid.Grid`) for numbers; for texts ``{"categories": [str, ...]}``,
    those that are followed, ``"text"``, whether people wrote them, and ``"seen"``, all categories that are no news;
    for vectors ``{"vectors": {...}}`` (`lupus.measure.embeddings`); for a table ``{"schema": {column: kind}}``.
    """

    project: str
    table: str
    column: str
    version: int
    since: str
    payload: Mapping[str, Any]
