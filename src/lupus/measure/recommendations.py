"""Recommendation lists: how much of the catalogue they show, how varied, how new, and how often the same.

The formulas are in `lupus.measure.exposure` and `lupus.measure.vectors`, the queries in `lupus.measure.list_queries`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from lupus.measure import list_queries
from lupus.measure.columns import kind_of
from lupus.measure.engine import TableEngine
from lupus.measure.exposure import ItemExposure, gini, self_information
from lupus.measure.list_queries import BEFORE, CATALOGUE, NOW, POPULARITY, Shape
from lupus.measure.metrics import wanted, wanted_in_segments
from lupus.measure.vectors import list_diversity
from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    Group,
    MeasureError,
    MetricPoint,
    Project,
    Recommendations,
    Series,
    SeriesKey,
    Snapshot,
    StoredState,
    Table,
    segment_name,
)

_LIST: Final = re.compile(r"(?:large_)?list(?:_view)?<[^:]*: (.*?)(?: not null)?>$")
_Z: Final = 1.959964
_UNITS: Final = {
    "lists": "lists",
    "list_length": "items",
    "empty_list_ratio": "ratio",
    "repeat_ratio": "ratio",
    "gini": "",
    "catalogue_coverage": "ratio",
    "unknown_item_ratio": "ratio",
    "intra_list_diversity": "",
    "novelty": "bits",
    "reshown_ratio": "ratio",
}


@dataclass(slots=True)
class ListMeasures:
    """What was measured of the lists of one slice."""

    points: list[MetricPoint] = field(default_factory=list)
    states: list[StoredState] = field(default_factory=list)


class _UnusableError(Exception):
    """What is needed cannot be used; the arguments are a failure's kind and reason."""


def measure_recommendations(
    project: Project, table: Table, snapshots: Mapping[str, Snapshot], previous: Snapshot | None, *, engine: TableEngine
) -> ListMeasures:
    """The metrics of the lists in `table`, from the interval's `snapshots` by table name.

    `previous` is the same table's snapshot of the interval before, None where there is none. What cannot be
    measured is a failed point; nothing is said of a slice that is not there, or of a table without lists.
    """
    spec, snapshot = table.recommendations, snapshots.get(table.name)
    found = ListMeasures()
    if spec is None or snapshot is None or not snapshot.usable:
        return found
    columns = dict(snapshot.schema)
    followed = any(wanted_in_segments(metric, project.metrics) for metric in _UNITS)
    parts = [part for part in project.segments if followed and set(part) <= columns.keys()]
    for part in ((), *parts):
        lists = _Lists(project, table, spec, snapshots, engine, part=part, found=found)
        lists.guarded("lists", lists.summary)
        if any(lists.slots.values()):
            lists.guarded("gini", lists.exposure)
            lists.guarded("catalogue_coverage", lists.coverage)
            lists.guarded("novelty", lists.novelty)
            lists.guarded("intra_list_diversity", lists.diversity)
            lists.guarded("reshown_ratio", partial(lists.reshown, previous))
    return found


class _Lists:
    """The lists of one slice, the whole or by the segment columns `part`, and what has been found of them.

    `slots` are the items that are shown in each segment that has lists enough; the whole is the segment "".
    """

    def __init__(
        self,
        project: Project,
        table: Table,
        spec: Recommendations,
        snapshots: Mapping[str, Snapshot],
        engine: TableEngine,
        *,
        part: tuple[str, ...],
        found: ListMeasures,
    ) -> None:
        self.found = found
        self.slots: dict[str, int] = {}
        self._part = part
        self._asked: dict[bool, list[tuple[str, tuple[Any, Any]]]] = {}
        self._project, self._table, self._spec = project, table, spec
        self._snapshots, self._snapshot, self._engine = snapshots, snapshots[table.name], engine
        self._shape = Shape(len(spec.user), bool(spec.items), numbers=False, segments=len(part))

    def guarded(self, metric: str, measure: Callable[[], None]) -> None:
        """Calls `measure`; what goes wrong becomes the failure of `metric`. Segments do not say it again."""
        try:
            measure()
        except _UnusableError as error:
            if not self._part:
                self._fail(metric, *error.args)
        except MeasureError as error:
            if not self._part:
                self._fail(metric, FailureKind.NOT_READ, str(error))

    # ---- what is measured

    def summary(self) -> None:
        """How many lists there are, how long, how many of them empty, and repeats within them."""
        self._shape = self._shown(self._snapshot, NOW, self._part)
        answers = self._by_segment(self._rows(list_queries.summary, self._shape))
        if not self._part:
            answers.setdefault(WHOLE, (0, 0, 0, 0))
        policy = self._project.metrics
        least = max(policy.min_segment_rows, policy.min_category_rows, 1) if self._part else 0
        for segment, answer in answers.items():
            lists, slots, kinds, empty = (int(one or 0) for one in answer)
            if lists < least:
                continue
            self.slots[segment] = slots
            self._value("lists", lists, n=lists, segment=segment)
            if lists:
                self._value("list_length", slots / lists, n=lists, segment=segment)
            if lists and self._spec.items:
                self._value("empty_list_ratio", empty / lists, n=lists, segment=segment)
            if slots:
                self._value("repeat_ratio", (slots - kinds) / slots, n=slots, segment=segment)

    def exposure(self) -> None:
        """How unequally often items are shown; items of the catalogue that are not shown count. And the State."""
        if not self._part:
            top = {_named(item): int(n) for item, n in self._rows(list_queries.top_items, self._shape)}
            self._keep(ItemExposure(top, self.slots[WHOLE] - sum(top.values())))
        catalogue, shape = self._spec.catalogue, self._shape
        if catalogue and catalogue.table:
            try:
                shape = self._beside(catalogue.table, CATALOGUE, item=catalogue.item)
            except _UnusableError:
                return  # the coverage tells the reason; a gini without the items never shown is another measure
        size = self._catalogue_size(shape) if catalogue and catalogue.table else catalogue.size if catalogue else 0
        for segment, (shown, known) in self._exposures(shape, listed=bool(catalogue and catalogue.table)):
            never = max((size or 0) - int(known.sum()), 0)
            self._value("gini", gini(shown, never=never), n=self.slots[segment], segment=segment)

    def coverage(self) -> None:
        """The share of the catalogue that is shown at all, and the share of what is shown that is not in it."""
        catalogue = self._spec.catalogue
        if catalogue is None:
            return
        if catalogue.size:
            for segment, (shown, _) in self._exposures(self._shape):
                share = min(len(shown) / catalogue.size, 1.0)
                self._value("catalogue_coverage", share, n=self.slots[segment], segment=segment)
            return
        shape = self._beside(catalogue.table, CATALOGUE, item=catalogue.item)
        size = self._catalogue_size(shape)
        for segment, (shown, known) in self._exposures(shape, listed=True):
            slots = self.slots[segment]
            self._value("unknown_item_ratio", float(shown[~known].sum()) / slots, n=slots, segment=segment)
            if size:
                self._value("catalogue_coverage", int(known.sum()) / size, n=slots, segment=segment)
        if not size:
            raise _UnusableError(FailureKind.UNDEFINED, f"the table {catalogue.table!r} names no item")

    def novelty(self) -> None:
        """How unknown the items are that are shown."""
        spec = self._spec.popularity
        if spec is None:
            return
        weighted = bool(spec.count)
        columns = {"item": spec.item} | ({"count": spec.count} if weighted else {})
        shape = self._beside(spec.table, POPULARITY, **columns)
        if weighted and not kind_of(dict(self._snapshots[spec.table].schema)[spec.count]).numeric:
            raise _UnusableError(FailureKind.WRONG_TYPE, f"the column {spec.count!r} must hold numbers")
        total = partial(list_queries.popularity_total, weighted=weighted)
        ((items, interactions),) = self._rows(total, shape, weighted)
        if not interactions:
            raise _UnusableError(FailureKind.UNDEFINED, "no item has an interaction")
        query = partial(list_queries.exposures, listed=False, counted=True, weighted=weighted)
        arrays = self._arrays(query, shape, "novelty", weighted)
        unheard = {segment: int(arrays["unheard"][where].sum()) for segment, where in self._places(arrays)}
        for segment, where in self._places(arrays):
            shown, heard = arrays["n"][where], arrays["interactions"][where]
            everything = int(items) + unheard[segment]
            bits = self_information(shown, heard, total=float(interactions), items=everything)
            self._value("novelty", bits, n=self.slots[segment], segment=segment)

    def diversity(self) -> None:
        """One minus the mean similarity of all pairs of different items in a list, averaged over lists."""
        catalogue = self._spec.catalogue
        if catalogue is None or not (catalogue.category or catalogue.vector):
            return
        alike = catalogue.category or catalogue.vector
        shape = self._beside(catalogue.table, CATALOGUE, item=catalogue.item, alike=alike)
        if catalogue.category:
            found = self._by_segment(self._rows(list_queries.category_diversity, shape))
        else:
            element = _LIST.match(dict(self._snapshots[catalogue.table].schema)[alike])
            if element is None or not kind_of(element[1]).numeric:
                raise _UnusableError(FailureKind.WRONG_TYPE, f"the column {alike!r} must hold lists of numbers")
            items = self._arrays(list_queries.vectors, shape, "vectors")
            pairs = self._arrays(list_queries.vector_places, shape, "vector places")
            found = {
                segment: list_diversity(pairs["number"][where], pairs["place"][where], items["alike"])
                for segment, where in self._places(pairs)
            }
        for segment in self.slots:
            lists, mean, spread = found.get(segment, (0, 0.0, 0.0))
            if lists:
                half = _Z * (spread or 0.0) / math.sqrt(lists)
                self._value("intra_list_diversity", mean, n=int(lists), half=half, segment=segment)
            elif not self._part:
                reason = f"no list has two different items whose {alike} is known"
                raise _UnusableError(FailureKind.UNDEFINED, reason)

    def reshown(self, previous: Snapshot | None) -> None:
        """The share of what users are shown that they were shown in the interval before."""
        if not self._spec.user or previous is None or not previous.usable:
            return  # nothing to compare with: a first day, or lists for nobody in particular
        before = self._shown(previous, BEFORE)
        shape = replace(self._shape, numbers=self._shape.numbers and before.numbers)
        for segment, (pairs, again) in self._by_segment(self._rows(list_queries.reshown, shape)).items():
            if segment in self.slots:
                self._value("reshown_ratio", again / pairs, n=int(pairs), segment=segment)

    # ---- what is read

    def _shown(self, snapshot: Snapshot, view: str, segments: Sequence[str] = ()) -> Shape:
        """Makes the lists of `snapshot` readable as `view`, with the columns of their `segments`."""
        spec, types = self._spec, dict(snapshot.schema)
        for name in (*spec.user, spec.column):
            if name not in types:
                raise _UnusableError(FailureKind.MISSING_COLUMN, f"the column {name!r} is not in the slice")
        item_type = types[spec.column]
        if spec.items:
            element = _LIST.match(item_type)
            if element is None:
                reason = f"the column {spec.items!r} must hold lists of items, and holds {item_type}"
                raise _UnusableError(FailureKind.WRONG_TYPE, reason)
            item_type = element[1]
        users = [(name, f"u{place}") for place, name in enumerate(spec.user)]
        apart = [(name, f"s{place}") for place, name in enumerate(segments)]
        self._show(snapshot, view, [*users, *apart, (spec.column, "items")])
        return replace(self._shape, numbers=kind_of(item_type).numeric)

    def _beside(self, table: str, view: str, **columns: str) -> Shape:
        """Makes the `columns` (names by alias) of another table readable as `view`."""
        snapshot = self._snapshots.get(table)
        if snapshot is None or not snapshot.usable:
            raise _UnusableError(FailureKind.UNDEFINED, f"the table {table!r} has no rows for this interval")
        types = dict(snapshot.schema)
        for column in columns.values():
            if column not in types:
                reason = f"the column {column!r} is not in the slice of {table!r}"
                raise _UnusableError(FailureKind.MISSING_COLUMN, reason)
        self._show(snapshot, view, [(column, alias) for alias, column in columns.items()])
        return replace(self._shape, numbers=self._shape.numbers and kind_of(types[columns["item"]]).numeric)

    def _show(self, snapshot: Snapshot, view: str, columns: Sequence[tuple[str, str]]) -> None:
        self._engine.show(view, [snapshot.path] if snapshot.path else [], columns)

    def _exposures(self, shape: Shape, *, listed: bool = False) -> list[tuple[str, tuple[Any, Any]]]:
        """By segment, for each item that was shown: how often, and whether it is in the catalogue."""
        if listed not in self._asked:
            query = partial(list_queries.exposures, listed=listed, counted=False, weighted=False)
            arrays = self._arrays(query, shape, "exposures", listed)
            shown, known = arrays["n"].astype(float), arrays["known"].astype(bool)
            self._asked[listed] = [(segment, (shown[at], known[at])) for segment, at in self._places(arrays)]
        return self._asked[listed]

    def _places(self, arrays: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Where the rows of each segment that has lists enough are, if it has any."""
        import numpy as np

        told = np.array([self._segment(one) for one in arrays["segment"].tolist()], object)
        places = ((segment, np.flatnonzero(told == segment)) for segment in self.slots)
        return [(segment, where) for segment, where in places if len(where)]

    def _by_segment(self, rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        return dict(sorted((self._segment(row[0]), row[1:]) for row in rows))

    def _segment(self, told: str) -> str:
        values = told.split(list_queries.APART, max(len(self._part) - 1, 0))
        return segment_name(*zip(self._part, values, strict=False))

    def _catalogue_size(self, shape: Shape) -> int:
        ((size,),) = self._rows(list_queries.catalogue_size, shape)
        return int(size)

    def _rows(self, query: Callable[[Shape], Any], shape: Shape, *more: Any) -> list[tuple[Any, ...]]:
        name = getattr(query, "func", query).__name__
        return self._engine.rows((name, shape, *more), partial(query, shape))

    def _arrays(self, query: Callable[[Shape], Any], shape: Shape, *more: Any) -> dict[str, Any]:
        return self._engine.arrays(("lists", shape, *more), partial(query, shape))

    # ---- what is found

    def _value(self, metric: str, value: float, *, n: int, half: float | None = None, segment: str) -> None:
        if (wanted_in_segments if segment else wanted)(metric, self._project.metrics):
            low, high = (None, None) if half is None else (value - half, value + half)
            series = self._series(metric, segment)
            point = MetricPoint(series, self._snapshot.interval, float(value), n, low=low, high=high)
            self.found.points.append(point)

    def _fail(self, metric: str, kind: FailureKind, reason: str) -> None:
        if wanted(metric, self._project.metrics):
            series, failure = self._series(metric, WHOLE), Failure(kind, reason)
            self.found.points.append(MetricPoint(series, self._snapshot.interval, None, 0, failure))

    def _series(self, metric: str, segment: str) -> Series:
        key = SeriesKey(self._project.name, self._table.name, self._spec.column, metric, segment)
        return Series(key, Group.PREDICTION, _UNITS[metric])

    def _keep(self, exposure: ItemExposure) -> None:
        """The State without what is rare: aggregates alone leave the tables."""
        snapshot, least = self._snapshot, self._project.metrics.min_category_rows
        payload = exposure.capped(least=least, most=list_queries.MOST_ITEMS).to_json()
        names = (snapshot.project, snapshot.table, self._spec.column, WHOLE, ItemExposure.kind)
        self.found.states.append(StoredState(*names, snapshot.interval, payload))


def _named(item: Any) -> str:
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)
