"""Recommendation lists: how much of the catalogue they show, how varied, how new, and how often the same.

The formulas are in `lupus.measure.exposure` and `lupus.measure.vectors`, the queries in `lupus.measure.list_queries`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from lupus.measure import list_queries
from lupus.measure.columns import kind_of
from lupus.measure.engine import TableEngine
from lupus.measure.exposure import ItemExposure, gini, self_information
from lupus.measure.list_queries import BEFORE, CATALOGUE, NOW, POPULARITY
from lupus.measure.list_reader import ListReader, UnusableError, element_of
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
)

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
        if lists.show_items:
            lists.guarded("gini", lists.exposure)
            lists.guarded("catalogue_coverage", lists.coverage)
            lists.guarded("novelty", lists.novelty)
            lists.guarded("intra_list_diversity", lists.diversity)
            lists.guarded("reshown_ratio", partial(lists.reshown, previous))
    return found


class _Lists:
    """The lists of one slice, the whole or by the segment columns `part`, and what has been found of them."""

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
        self._part = part
        self._project, self._table, self._spec = project, table, spec
        self._snapshots, self._snapshot = snapshots, snapshots[table.name]
        self._read = ListReader(spec, snapshots, engine, part)

    @property
    def show_items(self) -> bool:
        """Whether any list shows anything."""
        return any(self._read.slots.values())

    def guarded(self, metric: str, measure: Callable[[], None]) -> None:
        """Calls `measure`; what goes wrong becomes the failure of `metric`. Segments do not say it again."""
        try:
            measure()
        except UnusableError as error:
            if not self._part:
                self._fail(metric, *error.args)
        except MeasureError as error:
            if not self._part:
                self._fail(metric, FailureKind.NOT_READ, str(error))

    # ---- what is measured

    def summary(self) -> None:
        """How many lists there are, how long, how many of them empty, and repeats within them."""
        self._read.shape = self._read.shown(self._snapshot, NOW, self._part)
        answers = self._read.by_segment(self._read.rows(list_queries.summary, self._read.shape))
        if not self._part:
            answers.setdefault(WHOLE, (0, 0, 0, 0))
        policy = self._project.metrics
        least = max(policy.min_segment_rows, policy.min_category_rows, 1) if self._part else 0
        for segment, answer in answers.items():
            lists, slots, kinds, empty = (int(one or 0) for one in answer)
            if lists < least:
                continue
            self._read.slots[segment] = slots
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
            top = {_named(item): int(n) for item, n in self._read.rows(list_queries.top_items, self._read.shape)}
            self._keep(ItemExposure(top, self._read.slots[WHOLE] - sum(top.values())))
        catalogue, shape = self._spec.catalogue, self._read.shape
        if catalogue and catalogue.table:
            try:
                shape = self._read.beside(catalogue.table, CATALOGUE, item=catalogue.item)
            except UnusableError:
                return  # the coverage tells the reason; a gini without the items never shown is another measure
        size = self._read.catalogue_size(shape) if catalogue and catalogue.table else catalogue.size if catalogue else 0
        for segment, (shown, known) in self._read.exposures(shape, listed=bool(catalogue and catalogue.table)):
            never = max((size or 0) - int(known.sum()), 0)
            self._value("gini", gini(shown, never=never), n=self._read.slots[segment], segment=segment)

    def coverage(self) -> None:
        """The share of the catalogue that is shown at all, and the share of what is shown that is not in it."""
        catalogue = self._spec.catalogue
        if catalogue is None:
            return
        if catalogue.size:
            for segment, (shown, _) in self._read.exposures(self._read.shape):
                share = min(len(shown) / catalogue.size, 1.0)
                self._value("catalogue_coverage", share, n=self._read.slots[segment], segment=segment)
            return
        shape = self._read.beside(catalogue.table, CATALOGUE, item=catalogue.item)
        size = self._read.catalogue_size(shape)
        for segment, (shown, known) in self._read.exposures(shape, listed=True):
            slots = self._read.slots[segment]
            self._value("unknown_item_ratio", float(shown[~known].sum()) / slots, n=slots, segment=segment)
            if size:
                self._value("catalogue_coverage", int(known.sum()) / size, n=slots, segment=segment)
        if not size:
            raise UnusableError(FailureKind.UNDEFINED, f"the table {catalogue.table!r} names no item")

    def novelty(self) -> None:
        """How unknown the items are that are shown."""
        spec = self._spec.popularity
        if spec is None:
            return
        weighted = bool(spec.count)
        columns = {"item": spec.item} | ({"count": spec.count} if weighted else {})
        shape = self._read.beside(spec.table, POPULARITY, **columns)
        if weighted and not kind_of(dict(self._snapshots[spec.table].schema)[spec.count]).numeric:
            raise UnusableError(FailureKind.WRONG_TYPE, f"the column {spec.count!r} must hold numbers")
        total = partial(list_queries.popularity_total, weighted=weighted)
        ((items, interactions),) = self._read.rows(total, shape, weighted)
        if not interactions:
            raise UnusableError(FailureKind.UNDEFINED, "no item has an interaction")
        query = partial(list_queries.exposures, listed=False, counted=True, weighted=weighted)
        arrays = self._read.arrays(query, shape, "novelty", weighted)
        unheard = {segment: int(arrays["unheard"][where].sum()) for segment, where in self._read.places(arrays)}
        for segment, where in self._read.places(arrays):
            shown, heard = arrays["n"][where], arrays["interactions"][where]
            everything = int(items) + unheard[segment]
            bits = self_information(shown, heard, total=float(interactions), items=everything)
            self._value("novelty", bits, n=self._read.slots[segment], segment=segment)

    def diversity(self) -> None:
        """One minus the mean similarity of all pairs of different items in a list, averaged over lists."""
        catalogue = self._spec.catalogue
        if catalogue is None or not (catalogue.category or catalogue.vector):
            return
        alike = catalogue.category or catalogue.vector
        shape = self._read.beside(catalogue.table, CATALOGUE, item=catalogue.item, alike=alike)
        if catalogue.category:
            found = self._read.by_segment(self._read.rows(list_queries.category_diversity, shape))
        else:
            element = element_of(dict(self._snapshots[catalogue.table].schema)[alike])
            if element is None or not kind_of(element).numeric:
                raise UnusableError(FailureKind.WRONG_TYPE, f"the column {alike!r} must hold lists of numbers")
            items = self._read.arrays(list_queries.vectors, shape, "vectors")
            pairs = self._read.arrays(list_queries.vector_places, shape, "vector places")
            found = {
                segment: list_diversity(pairs["number"][where], pairs["place"][where], items["alike"])
                for segment, where in self._read.places(pairs)
            }
        for segment in self._read.slots:
            lists, mean, spread = found.get(segment, (0, 0.0, 0.0))
            if lists:
                half = _Z * (spread or 0.0) / math.sqrt(lists)
                self._value("intra_list_diversity", mean, n=int(lists), half=half, segment=segment)
            elif not self._part:
                reason = f"no list has two different items whose {alike} is known"
                raise UnusableError(FailureKind.UNDEFINED, reason)

    def reshown(self, previous: Snapshot | None) -> None:
        """The share of what users are shown that they were shown in the interval before."""
        if not self._spec.user or previous is None or not previous.usable:
            return  # nothing to compare with: a first day, or lists for nobody in particular
        before = self._read.shown(previous, BEFORE)
        shape = replace(self._read.shape, numbers=self._read.shape.numbers and before.numbers)
        for segment, (pairs, again) in self._read.by_segment(self._read.rows(list_queries.reshown, shape)).items():
            if segment in self._read.slots:
                self._value("reshown_ratio", again / pairs, n=int(pairs), segment=segment)

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
