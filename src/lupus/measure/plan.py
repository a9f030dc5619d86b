"""The plan: what is asked of a slice in one query, independent of where the slice lies and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from lupus.measure.columns import Column, Kind, Part, columns_of, is_binary
from lupus.measure.grid import Grid, span_grid, unit_grid
from lupus.measure.metrics import (
    CONFIDENCE,
    INVALID_RATIO,
    MATCH_RATIO,
    POSITIVE_RATIO,
    SCORE_ENTROPY,
    ColumnMetric,
    length_metrics,
    metrics_of,
    wanted,
    wanted_in_segments,
)
from lupus.measure.reference import grid_in
from lupus.model import MetricsPolicy, Project, Reference, Snapshot, Table

GRID_QUANTILES: Final = (0.01, 0.25, 0.5, 0.75, 0.99)
"""What a grid is made from."""

MOST_ITEMS: Final = 100
"""Items of one query: DuckDB plans thousands of branches slowly, and each query reads columns of its own."""


class Derive(StrEnum):
    """What is taken from a column: its numbers, or a number about each value."""

    NUMBER = "number"
    PRESENCE = "presence"
    POSITIVE = "positive"
    INVALID = "invalid"
    CONFIDENCE = "confidence"
    ENTROPY = "entropy"
    LENGTH = "length"
    MATCH = "match"
    HOURS = "hours"


class Shape(Protocol):
    """What a plan has to know of an engine: `portable` when it is not DuckDB, and what counts as small."""

    portable: bool
    upright_rows: int


@dataclass(frozen=True, slots=True)
class Item:
    """A column, what is taken from it, and the metrics of that for the whole slice and per segment.

    `shift` overrides the number from which distances are summed; `pattern` is what texts are matched with. What was
    `scanned` already needs no query of its own, except per segment.
    """

    column: Column
    derive: Derive
    metrics: tuple[ColumnMetric, ...]
    segment_metrics: tuple[ColumnMetric, ...] = ()
    grid: Grid | None = None
    wants_grid: bool = False
    wants_categories: bool = False
    pattern: str = ""
    shift: float | None = None
    scanned: bool = False

    @property
    def center(self) -> float:
        """The number from which distances are summed."""
        if self.shift is not None:
            return self.shift
        return self.grid.shift if self.grid is not None else 0.0

    @property
    def quantiles(self) -> tuple[float, ...]:
        return tuple(metric.quantile for metric in self.metrics if metric.quantile is not None)

    @property
    def segment_quantiles(self) -> tuple[float, ...]:
        return tuple(metric.quantile for metric in self.segment_metrics if metric.quantile is not None)

    @property
    def segment_needs(self) -> tuple[str, ...]:
        """The sums that the metrics of segments are made of, sorted."""
        return tuple(sorted({need for metric in self.segment_metrics for need in metric.needs}))


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the SQL depends on, and nothing else: equal plans compile to equal SQL.

    With `upright` the slice is turned upright, one row per (row, item); else every item is a branch of its own.
    With `many` the rows are those of several slices, each with its number, and are kept apart. `portable` leaves out
    what only DuckDB can. `exact` are quantiles that are computed by sorting; the others come from the grids' cells.
    """

    width: int
    items: tuple[Item, ...]
    keys: tuple[Column, ...] = ()
    segments: tuple[tuple[Column, ...], ...] = ()
    segment_rows: bool = False
    segment_cells: bool = False
    upright: bool = True
    many: bool = False
    portable: bool = False
    exact: tuple[float, ...] = ()
    least_segment_rows: int = 1
    least_category_rows: int = 1
    binary: bool = False
    threshold: float = 0.5

    @property
    def per_segment(self) -> bool:
        return bool(self.segments) and (self.segment_rows or any(item.segment_metrics for item in self.items))

    @property
    def asks(self) -> bool:
        """Whether there is anything to ask for."""
        return bool(self.keys) or self.per_segment or any(not item.scanned for item in self.items)

    @property
    def positions(self) -> frozenset[int]:
        """The positions of the columns that are asked for."""
        columns = (*(item.column for item in self.items), *self.keys, *(one for some in self.segments for one in some))
        return frozenset(column.position for column in columns)

    def of(self, *items: Item, exact: tuple[float, ...], upright: bool = True) -> Plan:
        """The plan of these items alone, over the whole slice, with exact quantiles."""
        return replace(
            self, items=items, keys=(), segments=(), segment_rows=False, upright=upright, exact=exact, many=False
        )  # fmt: skip

    def parts(self) -> list[Plan]:
        """The plan in queries of at most `MOST_ITEMS` items; keys and the rows of segments are asked for once."""
        if len(self.items) <= MOST_ITEMS:
            return [self]
        chunks = [self.items[at : at + MOST_ITEMS] for at in range(0, len(self.items), MOST_ITEMS)]
        return [
            replace(self, items=chunk, keys=() if number else self.keys, segment_rows=self.segment_rows and not number)
            for number, chunk in enumerate(chunks)
        ]


def plan_for(
    project: Project, table: Table, snapshot: Snapshot, references: Mapping[str, Reference], *, engine: Shape
) -> Plan:
    """The plan for a slice with the columns of `snapshot`, given each column's reference, if any."""
    policy, binary = project.metrics, is_binary(project)
    columns = columns_of(table, snapshot.schema)
    items: list[Item] = []
    for column in columns:
        reference = references.get(column.name)
        payload = reference.payload if reference is not None else {}
        items += _items_of(column, table, snapshot, policy, payload, binary=binary)
    by_name = {column.name: column for column in columns}
    keys = tuple(by_name[name] for name in table.key if name in by_name)
    upright = engine.portable or snapshot.rows <= engine.upright_rows
    sorts = snapshot.rows <= engine.upright_rows
    quantiles = tuple(sorted({quantile for item in items for quantile in item.quantiles})) if sorts else ()
    return Plan(
        width=len(snapshot.schema),
        items=tuple(items),
        keys=keys if len(keys) == len(table.key) and wanted("duplicate_key_ratio", policy) else (),
        segments=tuple(
            tuple(by_name[name] for name in names) for names in project.segments if all(n in by_name for n in names)
        ),
        segment_rows=wanted_in_segments("rows", policy),
        segment_cells=policy.segment_states or any(item.segment_quantiles for item in items),
        upright=upright,
        portable=engine.portable,
        exact=quantiles,
        least_category_rows=policy.min_category_rows,
        least_segment_rows=max(policy.min_segment_rows, policy.min_category_rows, 1),
        binary=binary,
        threshold=policy.threshold,
    )


def _items_of(
    column: Column,
    table: Table,
    snapshot: Snapshot,
    policy: MetricsPolicy,
    payload: Mapping[str, Any],
    *,
    binary: bool,
) -> list[Item]:
    def item(derive: Derive, metrics: tuple[ColumnMetric, ...], **more: Any) -> Item:
        whole = tuple(metric for metric in metrics if wanted(metric.name, policy))
        within = tuple(metric for metric in whole if wanted_in_segments(metric.name, policy))
        return Item(column, derive, whole, within, **more)

    kind, part = column.kind, column.part
    own = metrics_of(column, policy, binary=binary)
    if column.number:
        wants_grid = kind.numeric and not (part is Part.LABEL and binary)
        grid = grid_in(payload) if wants_grid else None
        if grid is None and part is Part.SCORE and binary:
            grid = unit_grid(policy.bins)
        items = [item(Derive.NUMBER, own, grid=grid, wants_grid=wants_grid)]
    elif kind.timely and (part is Part.TIME or part is Part.PLAIN):
        start, end = snapshot.interval.start, snapshot.interval.end
        if kind is not Kind.INSTANT:  # a clock that is put forward or back shows another length
            start, end = wall_clock(start, table.timezone), wall_clock(end, table.timezone)
        items = [item(Derive.HOURS, own, grid=span_grid((end - start).total_seconds() / 3600, policy.bins))]
    else:
        items = [item(Derive.PRESENCE, own, wants_categories=column.counted)]
    if part is Part.SCORE and column.number:
        derived = [(Derive.INVALID, INVALID_RATIO)]
        if binary:
            derived = [
                (Derive.POSITIVE, POSITIVE_RATIO),
                *derived,
                (Derive.CONFIDENCE, CONFIDENCE),
                (Derive.ENTROPY, SCORE_ENTROPY),
            ]
        items += [one for derive, metric in derived if (one := item(derive, (metric,))).metrics]
    measured_length = kind in (Kind.LIST, Kind.EMBEDDING) or (
        kind is Kind.TEXT and part is Part.PLAIN and payload.get("text", True)
    )
    if measured_length and kind is not Kind.EMBEDDING:
        lengths = item(Derive.LENGTH, length_metrics(kind), grid=grid_in(payload), wants_grid=True)
        items += [lengths] if lengths.metrics else []
    if column.name in table.patterns and kind is Kind.TEXT:
        items.append(item(Derive.MATCH, (MATCH_RATIO,), pattern=table.patterns[column.name]))
    return items


def wall_clock(moment: datetime, timezone: str) -> datetime:
    """What a clock in `timezone` shows at `moment`, as if it were UTC."""
    return moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=UTC)


def unplaced(plan: Plan) -> list[Item]:
    """The items that want a grid and have none."""
    return [item for item in plan.items if item.wants_grid and item.grid is None]
