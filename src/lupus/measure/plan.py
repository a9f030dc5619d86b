"""The plan: what is asked of a slice in one query, independent of where the slice lies.

The slice is turned upright, one row per (row, column), so that a statistic is one expression however many
columns there are: planning time stays flat, and a new metric is a new expression, not one per column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.columns import Column, Kind, Part, columns_of, is_binary
from lupus.measure.metrics import (
    DISTINCT,
    INVALID_RATIO,
    POSITIVE_RATIO,
    ColumnMetric,
    metrics_of,
    wanted,
    wanted_in_segments,
)
from lupus.measure.reference import MOST_CATEGORIES, categories_in, edges_in, is_uniform
from lupus.model import Project, Reference, Snapshot, Table

if TYPE_CHECKING:
    import ibis

VIEW: Final = "lupus_slice"

HUGE: Final = 1e150
"""Numbers beyond this count as infinite: their squares would overflow."""


class Derive(StrEnum):
    """What is taken from a column: its numbers, or a yes (1) or no (0) about each value."""

    NUMBER = "number"
    PRESENCE = "presence"
    POSITIVE = "positive"
    INVALID = "invalid"


class Answer(IntEnum):
    """Which question a row of the result answers; from SEGMENT on, one per segment column."""

    PROFILE = 0
    HISTOGRAM = 1
    CATEGORY = 2
    DISTINCT = 3
    KEYS = 4
    SEGMENT = 5


@dataclass(frozen=True, slots=True)
class Item:
    """A column, what is taken from it, and the metrics of that for the whole slice and per segment."""

    column: Column
    derive: Derive
    metrics: tuple[ColumnMetric, ...]
    segment_metrics: tuple[ColumnMetric, ...]
    edges: tuple[float, ...] | None = None
    wants_edges: bool = False
    categories: tuple[str, ...] | None = None
    wants_categories: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the SQL depends on, and nothing else: equal plans compile to equal SQL."""

    width: int
    items: tuple[Item, ...]
    keys: tuple[Column, ...]
    segments: tuple[Column, ...]
    segment_rows: bool
    quantiles: tuple[float, ...]
    least_category_rows: int
    least_segment_rows: int
    binary: bool
    threshold: float

    @property
    def per_segment(self) -> bool:
        return bool(self.segments) and (self.segment_rows or any(item.segment_metrics for item in self.items))


def plan_for(project: Project, table: Table, snapshot: Snapshot, references: Mapping[str, Reference]) -> Plan:
    """The plan for a slice with the columns of `snapshot`, given each column's reference, if any."""
    policy, binary = project.metrics, is_binary(project)
    columns = columns_of(table, snapshot.schema)
    items: list[Item] = []
    for column in columns:
        items += _items_of(column, project, references.get(column.name), binary=binary)
    by_name = {column.name: column for column in columns}
    keys = tuple(by_name[name] for name in table.key if name in by_name)
    needed = any(metric.needs_quantiles for item in items for metric in (*item.metrics, *item.segment_metrics))
    quantiles = policy.quantiles if needed else ()
    if any(item.wants_edges and item.edges is None for item in items):
        quantiles += tuple(q for q in (0.01, 0.99) if q not in quantiles)
    return Plan(
        width=len(snapshot.schema),
        items=tuple(items),
        keys=keys if len(keys) == len(table.key) and wanted("duplicate_key_ratio", policy) else (),
        segments=tuple(by_name[name] for name, *crossed in project.segments if name in by_name and not crossed),
        segment_rows=wanted_in_segments("rows", policy),
        quantiles=quantiles,
        least_category_rows=policy.min_category_rows,
        least_segment_rows=max(policy.min_segment_rows, policy.min_category_rows, 1),
        binary=binary,
        threshold=policy.threshold,
    )


def _items_of(column: Column, project: Project, reference: Reference | None, *, binary: bool) -> list[Item]:
    policy = project.metrics

    def chosen(metrics: tuple[ColumnMetric, ...], *, only_rows: bool = False) -> tuple[Any, Any]:
        whole = tuple(metric for metric in metrics if wanted(metric.name, policy))
        # Text has no numbers in the upright table, so distinct values are counted for the whole only.
        within = tuple(m for m in whole if wanted_in_segments(m.name, policy) and not (only_rows and m is DISTINCT))
        return whole, within

    kind, part = column.kind, column.part
    payload = reference.payload if reference is not None else {}
    metrics = metrics_of(kind, part, policy, binary=binary)
    counted = part not in (Part.KEY, Part.TIME) and (kind is Kind.TEXT or part is Part.VERSION)
    number = (kind.numeric or kind is Kind.BOOLEAN) and not counted and part not in (Part.KEY, Part.TIME)
    whole, within = chosen(metrics, only_rows=not number)
    wants_edges = number and kind.numeric and not (part is Part.LABEL and binary)
    edges = edges_in(payload) if wants_edges else None
    items = [
        Item(
            column,
            Derive.NUMBER if number else Derive.PRESENCE,
            whole,
            within,
            edges=edges,
            wants_edges=wants_edges,
            categories=categories_in(payload) if counted else None,
            wants_categories=counted,
        )
    ]
    if part is Part.SCORE and number:
        derived = [(Derive.POSITIVE, POSITIVE_RATIO)] if binary else []
        for derive, metric in (*derived, (Derive.INVALID, INVALID_RATIO)):
            whole, within = chosen((metric,))
            if whole:
                items.append(Item(column, derive, whole, within))
    return items


# What DuckDB is told a column is. Numbers are declared as integers although they may be decimals or
# floats of any width, because that makes Ibis write the cast to a double that all of them need.
_DECLARED: Final = {
    Kind.INTEGER: "int64",
    Kind.DECIMAL: "int64",
    Kind.FLOAT: "int64",
    Kind.BOOLEAN: "boolean",
    Kind.TEXT: "string",
    Kind.TIMESTAMP: "timestamp",
    Kind.OTHER: "binary",
}


def build(plan: Plan) -> ibis.Table:
    """The plan as one Ibis expression over `VIEW`, whose columns are c0, c1, ... by position.

    Rows are (answer, item, label, numbers, quantiles); see `Answer` and `lupus.measure.answers`.
    """
    import ibis

    kinds = {item.column.position: item.column.kind for item in plan.items}
    kinds |= {column.position: column.kind for column in plan.segments}
    slice_ = ibis.table({f"c{at}": _DECLARED[kinds.get(at, Kind.OTHER)] for at in range(plan.width)}, name=VIEW)
    parts = []
    if plan.items:
        upright = _upright(plan, slice_)
        parts.append(_profile(plan, upright))
        if any(item.edges for item in plan.items):
            parts.append(_histogram(upright))
        if plan.per_segment:
            parts += [_segment(plan, upright, number) for number in range(len(plan.segments))]
    if any(item.wants_categories for item in plan.items):
        parts += _categories(plan, slice_)
    if plan.keys:
        parts.append(_keys(plan, slice_))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _upright(plan: Plan, slice_: ibis.Table) -> ibis.Table:
    import ibis

    def taken(item: Item) -> ibis.Value:
        column = slice_[f"c{item.column.position}"]
        if item.derive is Derive.PRESENCE:
            return ibis.ifelse(column.notnull(), 1.0, None)
        number = column.cast("float64")
        valid = (number >= 0) & (number <= 1) if plan.binary else number.abs() <= HUGE
        if item.derive is Derive.POSITIVE:
            return ibis.ifelse(valid, (number >= plan.threshold).cast("float64"), None)
        if item.derive is Derive.INVALID:
            return ibis.ifelse(number.notnull(), (~valid).cast("float64"), None)
        return number

    uniform = [item.edges if item.edges and is_uniform(item.edges) else None for item in plan.items]
    constants = {
        "low": [edges[0] if edges else None for edges in uniform],
        "width": [(edges[-1] - edges[0]) / (len(edges) - 1) if edges else None for edges in uniform],
        "high": [edges[-1] if edges else None for edges in uniform],
        "bins": [float(len(edges) - 1) if edges else None for edges in uniform],
    }
    labels = {f"s{n}": slice_[f"c{column.position}"].cast("string") for n, column in enumerate(plan.segments)}
    lists = {"item": ibis.array([ibis.literal(n, "int16") for n in range(len(plan.items))]).unnest()}
    lists["value"] = ibis.array([taken(item) for item in plan.items]).unnest()
    if any(uniform):
        lists |= {
            name: ibis.array([ibis.literal(value, "float64") for value in values]).unnest()
            for name, values in constants.items()
        }
    upright = slice_.select(**labels, **lists)
    upright = upright.mutate(number=ibis.ifelse(upright.value.abs() <= HUGE, upright.value, None))
    if not any(item.edges for item in plan.items):
        return upright
    place = ibis.null("float64")
    if any(uniform):
        number = upright.number
        # Between the edges the quotient is at most the number of bins: its floor is a safe integer.
        inside = ibis.least(((number - upright.low) / upright.width).floor() + 1.0, upright.bins)
        place = ibis.cases((number < upright.low, 0.0), (number >= upright.high, upright.bins + 1.0), else_=inside)
    for at, item in enumerate(plan.items):
        if item.edges and uniform[at] is None:
            steps = reduce(add, [(upright.number >= edge).cast("float64") for edge in item.edges])
            place = ibis.ifelse(upright["item"] == at, steps, place)
    return upright.mutate(place=place)


def _numbers(upright: ibis.Table, *, distinct: bool) -> list[Any]:
    number = upright.number
    count = number.count()
    numbers = [
        upright.count(),
        upright.value.count(),
        upright.value.isnan().sum(),
        count,
        (number == 0).sum(),
        number.mean(),
        number.var(how="pop") * count,
        number.min(),
        number.max(),
    ]
    return numbers + ([number.nunique()] if distinct else [])


def _answer(answer: int, rows: ibis.Table, **found: Any) -> ibis.Table:
    """`rows` in the columns that all answers share."""
    import ibis

    return rows.select(
        answer=ibis.literal(answer, "int16"),
        item=found.get("item", ibis.null("int16")),
        label=found.get("label", ibis.null("string")),
        numbers=ibis.array([value.cast("float64") for value in found["numbers"]]),
        quantiles=found.get("quantiles", ibis.null("array<float64>")),
    )


def _aggregated(plan: Plan, upright: ibis.Table, by: list[str], metrics: list[ColumnMetric]) -> ibis.Table:
    distinct = any(metric.needs_distinct for metric in metrics)
    numbers = _numbers(upright, distinct=distinct)
    found = {f"n{place}": value for place, value in enumerate(numbers)}
    if plan.quantiles and any(metric.needs_quantiles for metric in metrics):
        found["quantiles"] = upright.number.quantile(list(plan.quantiles))
    return upright.group_by(by).aggregate(**found)


def _profile(plan: Plan, upright: ibis.Table) -> ibis.Table:
    import ibis

    metrics = [metric for item in plan.items if item.derive is not Derive.PRESENCE for metric in item.metrics]
    rows = _aggregated(plan, upright, ["item"], metrics)
    quantiles = rows["quantiles"] if "quantiles" in rows.columns else ibis.null("array<float64>")
    names = [name for name in rows.columns if name.startswith("n")]
    return _answer(Answer.PROFILE, rows, item=rows["item"], numbers=[rows[n] for n in names], quantiles=quantiles)


def _segment(plan: Plan, upright: ibis.Table, number: int) -> ibis.Table:
    import ibis

    metrics = [metric for item in plan.items for metric in item.segment_metrics]
    label = f"s{number}"
    rows = _aggregated(plan, upright, [label, "item"], metrics)
    rows = rows.filter(rows.n0 >= plan.least_segment_rows)
    quantiles = rows["quantiles"] if "quantiles" in rows.columns else ibis.null("array<float64>")
    names = [name for name in rows.columns if name.startswith("n")]
    found = [rows[name] for name in names]
    return _answer(
        Answer.SEGMENT + number, rows, item=rows["item"], label=rows[label], numbers=found, quantiles=quantiles
    )


def _histogram(upright: ibis.Table) -> ibis.Table:
    placed = upright.filter(upright.place.notnull())
    rows = placed.group_by(["item", "place"]).aggregate(rows=placed.count())
    return _answer(Answer.HISTOGRAM, rows, item=rows["item"], numbers=[rows.place, rows["rows"]])


def _categories(plan: Plan, slice_: ibis.Table) -> list[ibis.Table]:
    import ibis

    counted = {number: item for number, item in enumerate(plan.items) if item.wants_categories}
    texts = [slice_[f"c{item.column.position}"].cast("string") for item in counted.values()]
    long = slice_.select(
        item=ibis.array([ibis.literal(number, "int16") for number in counted]).unnest(),
        text=ibis.array(texts).unnest(),
    )
    long = long.filter(long.text.notnull())
    groups = long.group_by(["item", "text"]).aggregate(rows=long.count())
    totals = groups.group_by("item").aggregate(distinct=groups.count(), rows=groups["rows"].sum())
    known = [(n, item.categories) for n, item in counted.items() if item.categories]
    # A model's version is new by nature, so the commonest versions of each slice are shown by name.
    ranked = [n for n, item in counted.items() if item.categories is None or item.column.part is Part.VERSION]
    keep = [(groups["item"] == n) & groups.text.isin(names) for n, names in known]
    if ranked:
        window = ibis.window(group_by="item", order_by=[ibis.desc("rows"), "text"])
        groups = groups.mutate(rank=ibis.row_number().over(window))
        keep = [(groups["item"] == n) & groups.text.isin(names) for n, names in known]
        keep.append(
            groups["item"].isin(ranked)
            & (groups["rank"] < MOST_CATEGORIES)
            & (groups["rows"] >= plan.least_category_rows)
        )
    parts = [_answer(Answer.DISTINCT, totals, item=totals["item"], numbers=[totals["distinct"], totals["rows"]])]
    if keep:
        kept = groups.filter(reduce(or_, keep))
        parts.append(_answer(Answer.CATEGORY, kept, item=kept["item"], label=kept.text, numbers=[kept["rows"]]))
    return parts


def _keys(plan: Plan, slice_: ibis.Table) -> ibis.Table:
    names = [f"c{column.position}" for column in plan.keys]
    complete = slice_.filter([slice_[name].notnull() for name in names])
    groups = complete.group_by(names).aggregate(rows=complete.count())
    found = groups.aggregate(rows=groups["rows"].sum(), distinct=groups.count())
    return _answer(Answer.KEYS, found, numbers=[found["rows"], found["distinct"]])
