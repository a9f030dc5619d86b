"""What is read of recommendation lists: the tables that they need, and answers by segment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from lupus.measure import list_queries
from lupus.measure.columns import kind_of
from lupus.measure.engine import TableEngine
from lupus.measure.list_queries import Shape
from lupus.model import FailureKind, Recommendations, Snapshot, segment_name

_LIST: Final = re.compile(r"(?:large_)?list(?:_view)?<[^:]*: (.*?)(?: not null)?>$")


class UnusableError(Exception):
    """What is needed cannot be used; the arguments are a failure's kind and reason."""


def element_of(arrow_type: str) -> str | None:
    """The Arrow type of the elements of a list's type; None of what is no list.

    >>> element_of("list<item: double>")
    'double'
    """
    found = _LIST.match(arrow_type)
    return found[1] if found is not None else None


class ListReader:
    """Reads the lists of one slice, the whole or by the segment columns `part`, and the tables beside it.

    `shape` is how the lists are written, once they were `shown`. `slots` are the items that are shown in each segment
    that has lists enough; others are left out of the answers. The whole is the segment "".
    """

    def __init__(
        self, spec: Recommendations, snapshots: Mapping[str, Snapshot], engine: TableEngine, part: tuple[str, ...]
    ) -> None:
        self.shape = Shape(len(spec.user), bool(spec.items), numbers=False, segments=len(part))
        self.slots: dict[str, int] = {}
        self._spec, self._snapshots, self._engine, self._part = spec, snapshots, engine, part
        self._asked: dict[bool, list[tuple[str, tuple[Any, Any]]]] = {}

    def shown(self, snapshot: Snapshot, view: str, segments: Sequence[str] = ()) -> Shape:
        """Makes the lists of `snapshot` readable as `view`, with the columns of their `segments`."""
        spec, types = self._spec, dict(snapshot.schema)
        for name in (*spec.user, spec.column):
            if name not in types:
                raise UnusableError(FailureKind.MISSING_COLUMN, f"the column {name!r} is not in the slice")
        item_type = types[spec.column]
        if spec.items:
            element = element_of(item_type)
            if element is None:
                reason = f"the column {spec.items!r} must hold lists of items, and holds {item_type}"
                raise UnusableError(FailureKind.WRONG_TYPE, reason)
            item_type = element
        users = [(name, f"u{place}") for place, name in enumerate(spec.user)]
        apart = [(name, f"s{place}") for place, name in enumerate(segments)]
        self._show(snapshot, view, [*users, *apart, (spec.column, "items")])
        return replace(self.shape, numbers=kind_of(item_type).numeric)

    def beside(self, table: str, view: str, **columns: str) -> Shape:
        """Makes the `columns` (names by alias) of another table readable as `view`."""
        snapshot = self._snapshots.get(table)
        if snapshot is None or not snapshot.usable:
            raise UnusableError(FailureKind.UNDEFINED, f"the table {table!r} has no rows for this interval")
        types = dict(snapshot.schema)
        for column in columns.values():
            if column not in types:
                reason = f"the column {column!r} is not in the slice of {table!r}"
                raise UnusableError(FailureKind.MISSING_COLUMN, reason)
        self._show(snapshot, view, [(column, alias) for alias, column in columns.items()])
        return replace(self.shape, numbers=self.shape.numbers and kind_of(types[columns["item"]]).numeric)

    def _show(self, snapshot: Snapshot, view: str, columns: Sequence[tuple[str, str]]) -> None:
        self._engine.show(view, [snapshot.path] if snapshot.path else [], columns)

    def exposures(self, shape: Shape, *, listed: bool = False) -> list[tuple[str, tuple[Any, Any]]]:
        """By segment, for each item that was shown: how often, and whether it is in the catalogue."""
        if listed not in self._asked:
            query = partial(list_queries.exposures, listed=listed, counted=False, weighted=False)
            arrays = self.arrays(query, shape, "exposures", listed)
            shown, known = arrays["n"].astype(float), arrays["known"].astype(bool)
            self._asked[listed] = [(segment, (shown[at], known[at])) for segment, at in self.places(arrays)]
        return self._asked[listed]

    def places(self, arrays: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Where the rows of each segment that has lists enough are, if it has any."""
        import numpy as np

        told = np.array([self._segment(one) for one in arrays["segment"].tolist()], object)
        places = ((segment, np.flatnonzero(told == segment)) for segment in self.slots)
        return [(segment, where) for segment, where in places if len(where)]

    def by_segment(self, rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        return dict(sorted((self._segment(row[0]), row[1:]) for row in rows))

    def _segment(self, told: str) -> str:
        values = told.split(list_queries.APART, max(len(self._part) - 1, 0))
        return segment_name(*zip(self._part, values, strict=False))

    def catalogue_size(self, shape: Shape) -> int:
        ((size,),) = self.rows(list_queries.catalogue_size, shape)
        return int(size)

    def rows(self, query: Callable[[Shape], Any], shape: Shape, *more: Any) -> list[tuple[Any, ...]]:
        name = getattr(query, "func", query).__name__
        return self._engine.rows((name, shape, *more), partial(query, shape))

    def arrays(self, query: Callable[[Shape], Any], shape: Shape, *more: Any) -> dict[str, Any]:
        return self._engine.arrays(("lists", shape, *more), partial(query, shape))
