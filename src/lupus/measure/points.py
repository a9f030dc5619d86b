"""Writes points and States from answers; every failure becomes a point with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from datetime import timedelta
from typing import Any, Final

from lupus.measure.answers import Answers, Counted, Labels, profile_of
from lupus.measure.cells import Cells
from lupus.measure.columns import Kind, columns_of, group_of, is_binary, kind_of
from lupus.measure.engine import TableEngine
from lupus.measure.grid import Grid
from lupus.measure.metrics import ENTROPY, TOP_SHARE, ColumnMetric, Profile, wanted
from lupus.measure.plan import Derive, Item, Plan
from lupus.measure.reference import categories_in, grid_in
from lupus.measure.states import Categories, Histogram
from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    MetricPoint,
    Project,
    Reference,
    Series,
    SeriesKey,
    Snapshot,
    StoredState,
    Table,
    segment_name,
)

NULL_LABEL: Final = "(null)"
"""The name of the rows that have no value in a segment column."""

OTHER: Final = "other"
_SIZED: Final = (Kind.LIST, Kind.EMBEDDING)
"""Kinds whose grid is that of their lengths, or of their norms."""


def arrival_hours(snapshot: Snapshot) -> float | None:
    """Hours from the interval's end until the slice was first seen whole; negative for one that was seen before.

    None when nobody looked in time: a slice that is first read when the following interval is over, in a backfill, may
    have been there for long.
    """
    if snapshot.arrived is None:
        return None
    start, end = snapshot.interval.start, snapshot.interval.end
    late = snapshot.arrived - end
    return late / timedelta(hours=1) if late <= end - start else None


class Writer:
    """Collects the points and States of one slice."""

    def __init__(self, project: Project, table: Table, snapshot: Snapshot, engine: TableEngine) -> None:
        self.project = project
        self.table = table
        self.snapshot = snapshot
        self.points: list[MetricPoint] = []
        self.states: list[StoredState] = []
        self._group = group_of(table)
        self._known_series = engine.series

    def table_points(self, plan: Plan, answers: Answers) -> None:
        """Rows, when they came, and how many of them repeat a key."""
        rows = answers.rows
        self._value(WHOLE, "rows", "rows", rows, n=rows)
        late = arrival_hours(self.snapshot)
        if late is not None:
            self._value(WHOLE, "arrival", "h", late, n=rows)
        if plan.keys:
            complete, distinct = answers.keys
            if complete:
                self._value(WHOLE, "duplicate_key_ratio", "ratio", (complete - distinct) / complete, n=complete)
            elif rows:
                self.fail(WHOLE, "duplicate_key_ratio", "ratio", FailureKind.UNDEFINED, "no row has a complete key")

    def schema(self, known: Reference | None) -> Reference | None:
        """How many columns are new, lost or of another kind than in `known`; the reference to keep when any is."""
        now = {name: str(kind_of(arrow_type)) for name, arrow_type in self.snapshot.schema}
        payload = {"schema": now}
        if known is None:
            return self.reference(WHOLE, payload)
        before: Mapping[str, str] = known.payload.get("schema", now)
        changes = {
            "new_columns": sum(name not in before for name in now),
            "lost_columns": sum(name not in now for name in before),
            "retyped_columns": sum(_family(now[name]) != _family(before[name]) for name in now if name in before),
        }
        for metric, count in changes.items():
            self._value(WHOLE, metric, "columns", count, n=len(before))
        return self.reference(WHOLE, payload, version=known.version + 1) if any(changes.values()) else None

    def item(self, number: int, item: Item, answers: Answers, reference: Mapping[str, Any]) -> None:
        """All metrics and States of one item over the whole slice, given its column's reference."""
        profile = answers.profile(number, item)
        if profile is None:  # a slice without rows
            return
        name = item.column.name
        for metric in item.metrics:
            if item.wants_categories and reference.get("text") and metric in (ENTROPY, TOP_SHARE):
                continue  # most texts are different
            self._metric(name, metric, profile, WHOLE)
        if item.derive is Derive.NUMBER:
            self._state(name, "moments", profile.moments.to_json())
            if item.grid is not None:
                self._histogram(name, item.grid, answers.cells[number], WHOLE)
        if item.wants_categories:
            self._categories(item, answers.categories.get(number, Counted(0, 0, 0.0, 0)), reference)

    def _histogram(self, column: str, grid: Grid, cells: Cells, segment: str) -> None:
        counts = grid.bins(cells.counts(grid.cells + 2).tolist())
        self._state(column, "histogram", Histogram(grid.edges, counts, cells.beyond).to_json(), segment)

    def _categories(self, item: Item, counted: Counted, reference: Mapping[str, Any]) -> None:
        name, policy, found, total = item.column.name, self.project.metrics, dict(counted.counts), counted.total
        counts = {category: found.get(category, 0) for category in reference.get("categories", ())}
        other = total - sum(counts.values())
        self._state(name, "categories", Categories(counts, other).to_json())
        followed = list(counts)[: policy.top]
        # A version's share falls to nothing when the next one takes over: that is news, but no fault.
        share = "version_share" if item.column.part == "version" else "share"
        if item.column.part == "version":  # new versions are followed from their first day
            news = sorted((n for n in found if n not in counts), key=lambda n: (-found[n], n))
            followed += [n for n in news if found[n] >= policy.min_category_rows][: policy.top]
        if not total:
            for category in followed:
                self.fail(name, f"{share}:{category}", "ratio", FailureKind.UNDEFINED, "all values are null")
            return
        for category in followed:
            self._value(name, f"{share}:{category}", "ratio", found.get(category, 0) / total, n=total)
        # A category that is itself called "other" keeps its own share, and the rest joins it.
        if followed and OTHER not in followed:
            rest = total - sum(found.get(category, 0) for category in followed)
            self._value(name, f"{share}:{OTHER}", "ratio", rest / total, n=total)
        if "seen" in reference and item.column.part != "version":
            seen = sum(found.get(category, 0) for category in reference["seen"])
            self._value(name, "unseen_ratio", "ratio", (total - seen) / total, n=total)

    def segments(self, plan: Plan, answers: Answers, *, idle: Set[int] = frozenset()) -> None:
        """The metrics that are followed per segment, but not of `idle` items, and its States where they are kept."""
        for (number, labels), (rows, profiles) in answers.segments.items():
            segment = _segment(plan, number, labels)
            if plan.segment_rows:
                self._value(WHOLE, "rows", "rows", rows, n=rows, segment=segment)
            cells = answers.segment_cells.get((number, labels), {})
            for place, profile in profiles.items():
                if place in idle:
                    continue
                item = plan.items[place]
                own = profile_of(cells[place], item, quantiles=item.segment_quantiles) if place in cells else profile
                for metric in item.segment_metrics:
                    if metric.needs or metric.over_rows or metric.quantile is not None:
                        self._metric(item.column.name, metric, own, segment)
            for place, one in cells.items() if self.project.metrics.segment_states else ():
                item = plan.items[place]
                if item.derive is Derive.NUMBER and item.grid is not None:
                    self._state(item.column.name, "moments", one.moments.to_json(), segment)
                    self._histogram(item.column.name, item.grid, one, segment)

    def vectors(self, column: str, rows: Any, known: Reference | None, *, portable: bool) -> Reference | None:
        """The metrics and the State of a column of vectors; the reference to keep when one is fixed from them."""
        import pyarrow as pa

        from lupus.measure.embeddings import MMD, SHIFT, VECTOR_METRICS, VectorSums, batches_of, measure_vectors

        payload = known.payload.get("vectors") if known is not None else None
        if not self.snapshot.rows or (known is not None and payload is None):  # its type has changed: see `missing`
            return None
        # What the reference was fixed from is not compared with itself, in no rerun either.
        compare = known is not None and known.since != self.snapshot.interval.key
        asked = [one for one in VECTOR_METRICS if wanted(one.name, self.project.metrics)]
        failure = ""
        if portable:
            failure = "vectors are measured in extracted snapshots, not where the table lies"
        elif asked:
            try:
                least = self.project.metrics.drift.min_rows
                found = measure_vectors(batches_of(rows, column), payload, compare=compare, least=least)
            except (pa.ArrowException, OSError) as error:
                failure = f"the vectors could not be read: {error}"
        if failure or not asked:
            for metric in asked:
                if compare or metric not in (SHIFT, MMD):
                    self.fail(column, metric.name, metric.unit, FailureKind.UNDEFINED, failure)
            return None
        for metric, answer in found.metrics.items():
            if isinstance(answer, Failure):
                self.fail(column, metric.name, metric.unit, answer.kind, answer.reason)
            else:
                self._value(column, metric.name, metric.unit, answer[0], n=answer[1])
        if found.state is not None:
            self._state(column, VectorSums.kind, found.state.to_json())
        return self.reference(column, {"vectors": dict(found.reference)}) if found.reference is not None else None

    def missing(self, references: Mapping[str, Reference]) -> None:
        """Failed points for columns that are configured, or were there before, and are not there now."""
        kinds = {name: kind_of(arrow_type) for name, arrow_type in self.snapshot.schema}
        measured = {column.name for column in columns_of(self.table, self.snapshot.schema)}
        table = self.table
        roles = {table.time: "time", table.version: "version", table.score: "score", table.label: "label"}
        roles |= dict.fromkeys(table.key, "key")
        for name in dict.fromkeys((*(n for n in roles if n), *references)):
            if name in kinds:
                if name in measured:
                    self._retyped(name, kinds[name], references.get(name))
                continue
            if name in table.exclude or (table.columns and name not in table.columns and name not in roles):
                continue
            what = (
                f"the {roles[name]} column {name!r}" if name in roles else f"column {name!r}, which was there before,"
            )
            reason = f"{what} is not in the slice"
            self.fail(name, "null_ratio", "ratio", FailureKind.MISSING_COLUMN, reason)
        if table.key and not set(table.key) <= kinds.keys():
            lost = ", ".join(repr(name) for name in table.key if name not in kinds)
            reason = f"the key column {lost} is not in the slice"
            self.fail(WHOLE, "duplicate_key_ratio", "ratio", FailureKind.MISSING_COLUMN, reason)

    def _retyped(self, name: str, kind: Kind, reference: Reference | None) -> None:
        """A column that must be, or used to be, of another kind: its main statistic fails with the reason."""
        payload = reference.payload if reference is not None else {}
        numeric = kind.numeric or kind is Kind.BOOLEAN
        if name == self.table.score and not numeric:
            reason = f"the score column {name!r} holds {kind}, not numbers"
            self.fail(name, "mean", "", FailureKind.WRONG_TYPE, reason)
            if is_binary(self.project):
                self.fail(name, "positive_ratio", "ratio", FailureKind.WRONG_TYPE, reason)
        elif "categories" not in payload and grid_in(payload) is not None and not (kind.numeric or kind in _SIZED):
            self.fail(name, "mean", "", FailureKind.WRONG_TYPE, f"column {name!r} held numbers and now holds {kind}")
        elif (categories := categories_in(payload)) is not None and kind is not Kind.TEXT:
            if name == self.table.version:  # versions are names whatever their type
                return
            for category in categories[: self.project.metrics.top]:
                reason = f"column {name!r} held text and now holds {kind}"
                self.fail(name, f"share:{category}", "ratio", FailureKind.WRONG_TYPE, reason)

    def reference(self, column: str, payload: Mapping[str, Any], *, version: int = 1) -> Reference:
        return Reference(self.project.name, self.table.name, column, version, self.snapshot.interval.key, payload)

    def fail(self, column: str, metric: str, unit: str, kind: FailureKind, reason: str) -> None:
        if wanted(metric, self.project.metrics):
            series = self._series(column, metric, unit, WHOLE)
            self.points.append(MetricPoint(series, self.snapshot.interval, None, 0, Failure(kind, reason)))

    def _metric(self, column: str, metric: ColumnMetric, profile: Profile, segment: str) -> None:
        value = metric.compute(profile)
        n = metric.n(profile)
        if value is not None and math.isfinite(value):
            self._value(column, metric.name, metric.unit, value, n=n, segment=segment)
            return
        moments = profile.moments
        if not moments.present:
            reason = "all values are null"
        elif not moments.count:
            reason = "no value is a finite number"
        else:
            reason = metric.undefined
        failure = Failure(FailureKind.UNDEFINED, reason)
        series = self._series(column, metric.name, metric.unit, segment)
        self.points.append(MetricPoint(series, self.snapshot.interval, None, n, failure))

    def _value(self, column: str, metric: str, unit: str, value: float, *, n: int, segment: str = WHOLE) -> None:
        if not wanted(metric, self.project.metrics):
            return
        series = self._series(column, metric, unit, segment)
        self.points.append(MetricPoint(series, self.snapshot.interval, float(value), n))

    def _series(self, column: str, metric: str, unit: str, segment: str) -> Series:
        # Making a Series costs as much as making its point, and there are thousands a day, the same every day.
        name = (self.project.name, self.table.name, self._group, column, metric, segment)
        series = self._known_series.get(name)
        if series is None:
            key = SeriesKey(self.project.name, self.table.name, column, metric, segment)
            series = self._known_series[name] = Series(key, self._group, unit)
        return series

    def _state(self, column: str, kind: str, payload: Mapping[str, Any], segment: str = WHOLE) -> None:
        snapshot = self.snapshot
        self.states.append(
            StoredState(snapshot.project, snapshot.table, column, segment, kind, snapshot.interval, payload)
        )


def _segment(plan: Plan, number: int, labels: Labels) -> str:
    """The name of a segment, by its columns and their values."""
    return segment_name(
        *(
            (column.name, NULL_LABEL if label is None else label)
            for column, label in zip(plan.segments[number], labels, strict=True)
        )
    )


def _family(kind: str) -> str:
    """Kinds that take each other's place without a word: a null turns integers into floats."""
    return "number" if Kind(kind).numeric else kind
