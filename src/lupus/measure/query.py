"""The query: a plan as one Ibis expression, for DuckDB and every other engine that Ibis speaks to.

What is asked of an item is always the same: its numbers are put into the cells of its grid, and of every cell the
query gives the rows, the smallest and the largest number, and sums of powers. Moments, quantiles and histograms all
come of these. A small slice is first turned upright, one row per (row, item), because planning a branch per item
costs more than reading the rows; in a large slice every item is a branch that reads its own column only.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.columns import Kind
from lupus.measure.grid import HUGE, INFINITE, NOT_A_NUMBER, place
from lupus.measure.plan import Derive, Item, Plan
from lupus.measure.reference import MOST_SEEN

if TYPE_CHECKING:
    import ibis

VIEW: Final = "lupus_slice"
SUMS: Final = ("low", "high", "s1", "s2", "s3", "zeros", "negatives")
"""What is known of a cell besides its rows."""

_LONGEST_LABEL: Final = 200
_NUMBERS: Final = 8


class Answer(IntEnum):
    """Which question a row of the result answers."""

    CELL = 0
    QUANTILES = 1
    CATEGORY = 2
    CATEGORIES = 3
    KEYS = 4
    SEGMENT = 5
    SEGMENT_CELL = 6


# What the engine is told a column is. Numbers are declared as integers although they may be decimals or
# floats of any width, because that makes Ibis write the cast to a double that all of them need.
_DECLARED: Final = {
    Kind.INTEGER: "int64",
    Kind.DECIMAL: "int64",
    Kind.FLOAT: "int64",
    Kind.BOOLEAN: "boolean",
    Kind.TEXT: "string",
    Kind.TIMESTAMP: "timestamp",
    Kind.INSTANT: "timestamp('UTC')",
    Kind.DATE: "date",
    Kind.LIST: "array<string>",
    Kind.EMBEDDING: "array<float64>",
    Kind.OTHER: "binary",
}


def build(plan: Plan, slice_: ibis.Table | None = None) -> list[ibis.Table]:
    """The plan as Ibis expressions over `slice_`, by default `VIEW`, whose rows together are the result of one query.

    The slice's columns are c0, c1, ... by position, and after them the interval's start in seconds, as UTC and in
    the table's time zone. The result's are (answer, item, place, label0, label1, v0 ... v7, numbers); see `Answer`
    and `lupus.measure.answers`. A plan of `many` slices has the column `slice` in both: which one a row belongs to.
    """
    import ibis

    if slice_ is None:
        kinds = {item.column.position: item.column.kind for item in plan.items}
        kinds |= {column.position: column.kind for columns in plan.segments for column in columns}
        columns = {f"c{at}": _DECLARED[kinds.get(at, Kind.OTHER)] for at in range(plan.width)}
        columns |= dict.fromkeys((f"c{plan.width}", f"c{plan.width + 1}"), "int64")
        columns |= dict.fromkeys(_apart(plan), "int16")
        slice_ = ibis.table(columns, name=VIEW)
    parts: list[ibis.Table] = []
    if plan.items:
        numbers = _upright(plan, slice_) if plan.upright else None
        parts += _cells(plan, slice_, numbers)
        if plan.exact:
            parts.append(_quantiles(plan, slice_, numbers))
    if plan.per_segment:
        parts += [_segment(plan, slice_, number) for number in range(len(plan.segments))]
        if plan.segment_cells:
            parts += [part for n in range(len(plan.segments)) for part in _segment_cells(plan, slice_, numbers, n)]
    if any(item.wants_categories for item in plan.items):
        parts += _categories(plan, slice_)
    if plan.keys:
        parts.append(_keys(plan, slice_))
    # What is upright is shared by all parts; branches of their own are planned faster one after the other.
    return [ibis.union(*parts)] if plan.upright and len(parts) > 1 else parts


def _apart(plan: Plan) -> list[str]:
    """What keeps the slices of a plan of many apart: a column of every table, and a key of every group."""
    return ["slice"] if plan.many else []


def _taken(plan: Plan, item: Item, slice_: ibis.Table) -> ibis.Value:
    """The item's numbers, one per row, as doubles; they may be null, NaN or infinite."""
    import ibis

    column = slice_[f"c{item.column.position}"]
    match item.derive:
        case Derive.PRESENCE:
            return ibis.ifelse(column.notnull(), 1.0, None)
        case Derive.LENGTH:
            return column.length().cast("float64")
        case Derive.MATCH:
            return _one_or_zero(column.re_search(item.pattern))
        case Derive.HOURS:
            zoned = item.column.kind is Kind.INSTANT
            start = slice_[f"c{plan.width + (0 if zoned else 1)}"]
            moment = column.cast("timestamp") if item.column.kind is Kind.DATE else column
            return (moment.epoch_seconds() - start).cast("float64") / 3600.0
        case Derive.NUMBER if item.column.kind is Kind.BOOLEAN:
            return _one_or_zero(column)
        case Derive.NUMBER:
            return column.cast("float64")
    number = column.cast("float64")
    valid = (number >= 0) & (number <= 1) if plan.binary else number.abs() <= HUGE
    if item.derive is Derive.INVALID:
        return ibis.ifelse(number.notnull(), _one_or_zero(~valid), None)
    if item.derive is Derive.POSITIVE:
        return ibis.ifelse(valid, _one_or_zero(number >= plan.threshold), None)
    rest = 1.0 - number
    if item.derive is Derive.CONFIDENCE:
        return ibis.ifelse(valid, ibis.greatest(number, rest), None)
    inside = (number > 0) & (number < 1)
    bits = -(number * number.ln() + rest * rest.ln()) / 0.6931471805599453
    return ibis.ifelse(valid, ibis.ifelse(inside, bits, 0.0), None)


def _one_or_zero(truth: ibis.Value) -> ibis.Value:
    """1 where true, 0 where false, null where null: not every engine casts a truth value to a number."""
    import ibis

    return ibis.cases((truth, 1.0), (~truth, 0.0))


def _may_be_odd(item: Item) -> bool:
    """Whether a number may be NaN or too large."""
    return item.derive is Derive.NUMBER and item.column.kind in (Kind.FLOAT, Kind.DECIMAL)


def _placed(item: Item, slice_: ibis.Table, plan: Plan, **labels: Any) -> ibis.Table:
    """The item's numbers in a branch of their own: (number, distance, place)."""
    import ibis

    rows = slice_.select(value=_taken(plan, item, slice_), **labels)
    value = number = rows.value
    at = item.grid.place(value) if item.grid is not None else ibis.literal(0)
    if not _may_be_odd(item):
        # Without a word about nulls the smallest of several expressions would be that of those that are not null.
        at = ibis.ifelse(value.notnull(), at, None)
    else:
        # What is odd has places of its own, whose sums DuckDB lets overflow without harm.
        at = ibis.cases((value.isnan(), NOT_A_NUMBER), (value.abs() <= HUGE, at), (value.notnull(), INFINITE))
        number = ibis.ifelse(value.abs() <= HUGE, value, None) if plan.portable else value
    return rows.select(*labels, number=number, distance=number - item.center, place=at.cast("int16"))


def _upright(plan: Plan, slice_: ibis.Table) -> ibis.Table:
    """The numbers of all items, one row per (row, item): (item, number, distance, place, and the segments' labels)."""
    import ibis

    numbers = ibis.array([ibis.literal(at, "int16") for at in range(len(plan.items))]).unnest()
    if plan.portable:  # not every engine unnests several lists side by side
        slice_ = slice_.mutate(item=numbers)
        numbers = slice_["item"]

    def spread(values: Sequence[ibis.Value]) -> ibis.Value:
        if plan.portable:
            return numbers.cases(*enumerate(values), else_=ibis.null("float64"))
        return ibis.array(values).unnest()

    def constants(values: Sequence[float | None]) -> ibis.Value:
        return spread([ibis.literal(value, "float64") for value in values])

    taken = [_taken(plan, item, slice_) for item in plan.items]
    grids = [item.grid for item in plan.items]
    labels = _labels(plan, slice_)
    lists: dict[str, ibis.Value] = {
        "item": numbers,
        "value": spread(taken),
        "center": constants([item.center for item in plan.items]),
    }
    gridded = any(grids)
    if gridded:
        scaled = [
            item.grid.scaled(value) if item.grid is not None else value
            for item, value in zip(plan.items, taken, strict=True)
        ]
        lists |= {
            "scaled": spread(scaled),
            "start": constants([grid.low if grid else None for grid in grids]),
            "per_unit": constants([grid.cells / (grid.high - grid.low) if grid else None for grid in grids]),
            "cells": constants([float(grid.cells) if grid else None for grid in grids]),
        }
    rows = slice_.select(**labels, **lists)
    number = ibis.ifelse(rows.value.abs() <= HUGE, rows.value, None)
    within = ibis.literal(0)
    if gridded:
        at = place(rows.scaled, rows.start, rows.per_unit, rows.cells, ibis)
        within = ibis.ifelse(rows.start.notnull(), at, within)
    within = ibis.ifelse(rows.value.notnull(), within, None)
    at = ibis.cases((rows.value.isnan(), NOT_A_NUMBER), (rows.value.abs() > HUGE, INFINITE), else_=within)
    return rows.select(
        "item", *labels, number=number, distance=number - rows.center, place=at.cast("int16")
    )  # fmt: skip


def _labels(plan: Plan, slice_: ibis.Table) -> dict[str, ibis.Value]:
    """What goes along with every number: the values of the segment columns as text, by alias, and the slice."""
    columns = {column for columns in plan.segments for column in columns}
    labels = {f"label_{column.position}": slice_[f"c{column.position}"].cast("string") for column in columns}
    return labels | {name: slice_[name] for name in _apart(plan)}


def _sums(rows: ibis.Table, number: ibis.Value, distance: ibis.Value) -> dict[str, ibis.Value]:
    square = distance * distance
    return {
        "low": number.min(),
        "high": number.max(),
        "s1": distance.sum(),
        "s2": square.sum(),
        "s3": (square * distance).sum(),
        "zeros": rows.count(where=number == 0),
        "negatives": rows.count(where=number < 0),
    }


def _answer(answer: int, rows: ibis.Table, numbers: Sequence[Any] = (), **found: Any) -> ibis.Table:
    """`rows` in the columns that all answers share."""
    import ibis

    padded = [*(value.cast("float64") for value in numbers), *[ibis.null("float64")] * (_NUMBERS - len(numbers))]
    return rows.select(
        answer=ibis.literal(answer, "int16"),
        item=found.get("item", ibis.null("int16")),
        place=found.get("place", ibis.null("int16")),
        label0=found.get("label0", ibis.null("string")),
        label1=found.get("label1", ibis.null("string")),
        **{f"v{at}": value for at, value in enumerate(padded)},
        numbers=found.get("many", ibis.null("array<float64>")),
        **({"slice": rows["slice"]} if "slice" in rows.columns else {}),
    )


def _cells(plan: Plan, slice_: ibis.Table, upright: ibis.Table | None) -> list[ibis.Table]:
    import ibis

    if upright is not None:
        rows = upright.group_by([*_apart(plan), "item", "place"]).aggregate(
            n=upright.count(), **_sums(upright, upright.number, upright.distance)
        )
        found = [rows.n, *(rows[name] for name in SUMS)]
        return [_answer(Answer.CELL, rows, found, item=rows["item"], place=rows.place)]
    parts = []
    for number, item in enumerate(plan.items):
        if item.scanned or item.wants_categories:  # the categories tell how many rows have a value
            continue
        placed = _placed(item, slice_, plan)
        rows = placed.group_by("place").aggregate(n=placed.count(), **_sums(placed, placed.number, placed.distance))
        found = [rows.n, *(rows[name] for name in SUMS)]
        parts.append(_answer(Answer.CELL, rows, found, item=ibis.literal(number, "int16"), place=rows.place))
    return parts


def _quantiles(plan: Plan, slice_: ibis.Table, upright: ibis.Table | None) -> ibis.Table:
    import ibis

    if upright is None:
        placed = _placed(plan.items[0], slice_, plan)
        upright = placed.mutate(item=ibis.literal(0, "int16"))
    finite = upright.filter(upright.place >= 0)
    rows = finite.group_by([*_apart(plan), "item"]).aggregate(many=finite.number.quantile(list(plan.exact)))
    return _answer(Answer.QUANTILES, rows, item=rows["item"], many=rows.many)


def _segment(plan: Plan, slice_: ibis.Table, number: int) -> ibis.Table:
    """One row per segment; `numbers` holds rows and then, item by item, present, count and the sums needed."""
    import ibis

    columns = plan.segments[number]
    labels = {f"label{at}": slice_[f"c{column.position}"].cast("string") for at, column in enumerate(columns)}
    by = labels | {name: slice_[name] for name in _apart(plan)}
    asked = [(at, item) for at, item in enumerate(plan.items) if item.segment_metrics]
    rows = slice_.select(**by, **{f"x{at}": _taken(plan, item, slice_) for at, item in asked})
    found: dict[str, ibis.Value] = {"rows": rows.count()}
    for at, item in asked:
        value = rows[f"x{at}"]
        number_ = ibis.ifelse(value.abs() <= HUGE, value, None) if _may_be_odd(item) else value
        known = {"nan": rows.count(where=value.isnan()), **_sums(rows, number_, number_ - item.center)}
        found |= {f"x{at}_present": value.count(), f"x{at}_count": number_.count()}
        found |= {f"x{at}_{need}": known[need] for need in item.segment_needs}
    groups = rows.group_by(list(by)).aggregate(**found)
    groups = groups.filter(groups["rows"] >= plan.least_segment_rows)
    many = ibis.array([groups[name].cast("float64") for name in found])
    return _answer(
        Answer.SEGMENT,
        groups,
        item=ibis.literal(number, "int16"),
        many=many,
        **{name: groups[name] for name in labels},
    )


def _segment_cells(plan: Plan, slice_: ibis.Table, upright: ibis.Table | None, number: int) -> list[ibis.Table]:
    """The cells of every item that has a grid, per segment; the item and the segment's number share a column."""
    import ibis

    columns = plan.segments[number]
    first = number * len(plan.items)
    names = {f"label{at}": f"label_{column.position}" for at, column in enumerate(columns)}

    def answered(rows: ibis.Table, item: Any) -> ibis.Table:
        found = [rows.n, *(rows[name] for name in SUMS)]
        labels = {label: rows[alias] for label, alias in names.items()}
        return _answer(Answer.SEGMENT_CELL, rows, found, item=item, place=rows.place, **labels)

    by = list(names.values())
    if upright is not None:
        rows = upright.group_by([*_apart(plan), *by, "item", "place"]).aggregate(
            n=upright.count(), **_sums(upright, upright.number, upright.distance)
        )
        return [answered(rows, (rows["item"] + first).cast("int16"))]
    parts = []
    for at, item in enumerate(plan.items):
        if item.grid is None:
            continue
        labels = {alias: slice_[f"c{c.position}"].cast("string") for alias, c in zip(by, columns, strict=True)}
        placed = _placed(item, slice_, plan, **labels)
        rows = placed.group_by([*by, "place"]).aggregate(
            n=placed.count(), **_sums(placed, placed.number, placed.distance)
        )
        parts.append(answered(rows, ibis.literal(first + at, "int16")))
    return parts


def _categories(plan: Plan, slice_: ibis.Table) -> list[ibis.Table]:
    """Of every column of categories the most frequent ones, and totals over all of them."""
    import ibis

    counted = {number: item for number, item in enumerate(plan.items) if item.wants_categories}
    texts = {number: slice_[f"c{item.column.position}"].cast("string") for number, item in counted.items()}
    if plan.upright and not plan.portable:
        long = slice_.select(
            *_apart(plan),
            item=ibis.array([ibis.literal(number, "int16") for number in counted]).unnest(),
            text=ibis.array(list(texts.values())).unnest(),
        )
        long = long.filter(long.text.notnull())
        groups = [long.group_by([*_apart(plan), "item", "text"]).aggregate(n=long.count())]
    else:
        groups = []
        for number, text in texts.items():
            rows = slice_.select(text=text)
            rows = rows.filter(rows.text.notnull())
            one = rows.group_by("text").aggregate(n=rows.count())
            groups.append(one.select("text", "n", item=ibis.literal(number, "int16")))
    ranked = plan.upright and not plan.portable
    return [part for one in groups for part in _counted(one, [*_apart(plan), "item"], ranked=ranked)]


def _counted(groups: ibis.Table, by: Sequence[str], *, ranked: bool) -> list[ibis.Table]:
    import ibis

    n = groups.n.cast("float64")
    totals = groups.group_by(by).aggregate(
        distinct=groups.count(), total=groups.n.sum(), bits=(n * n.ln()).sum(), most=groups.n.max()
    )
    found = [totals["distinct"], totals["total"], totals["bits"], totals["most"]]
    if ranked:
        window = ibis.window(group_by=by, order_by=[ibis.desc("n"), "text"])
        numbered = groups.mutate(rank=ibis.row_number().over(window))
        top = numbered.filter(numbered["rank"] < MOST_SEEN)
    else:
        top = groups.order_by([ibis.desc("n"), "text"]).limit(MOST_SEEN)
    label = top.text.left(_LONGEST_LABEL)
    both = (
        _answer(Answer.CATEGORIES, totals, found, item=totals["item"]),
        _answer(Answer.CATEGORY, top, [top.n], item=top["item"], label0=label),
    )
    return list(both) if ranked else [ibis.union(*both)]


def _keys(plan: Plan, slice_: ibis.Table) -> ibis.Table:
    names = [f"c{column.position}" for column in plan.keys]
    complete = slice_.filter([slice_[name].notnull() for name in names])
    groups = complete.group_by([*_apart(plan), *names]).aggregate(n=complete.count())
    found = groups.group_by(_apart(plan)) if plan.many else groups
    found = found.aggregate(n=groups.n.sum(), distinct=groups.count())
    return _answer(Answer.KEYS, found, [found["n"], found["distinct"]])
