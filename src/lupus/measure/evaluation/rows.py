"""Predictions joined with the ground truth of many days, row by row, as an Ibis expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lupus.measure.columns import Kind
from lupus.measure.evaluation.shape import JOINED, PREDICTIONS, TRUTHS, Outcome, Shape
from lupus.measure.grid import HUGE
from lupus.model import Task

if TYPE_CHECKING:
    import ibis

INVALID_LABEL = 2
"""What a binary label that is neither 0 nor 1 becomes."""

# Declared as integers, numbers of any type get the cast to a double; see `lupus.measure.plan`.
_DECLARED = {Kind.FLOAT: "int64", Kind.BOOLEAN: "boolean", Kind.TIMESTAMP: "timestamp", Kind.TEXT: "int64"}


def joined(shape: Shape) -> ibis.Table:
    """One row per prediction: slice, segments s0 …, outputs o0 …, `truth`, `outcome`, and `weight` if there is one.

    Keys that repeat are taken once: of a prediction's copies the lowest value of every column; of a label's copies
    those of the latest slice, of them the highest. So no copy ever multiplies rows. A shape that has no copies joins
    the rows as they are; labels without a prediction then have no slice.
    """
    rows = predictions(shape, labelled=True) if shape.looked_up else _joined(shape)
    if not shape.cells and shape.task is not Task.BINARY_CLASSIFICATION:
        # Of few rows sums are made in one order, and come out the same to the last digit when a run is repeated.
        rows = rows.order_by(["slice", *shape.key_names])
    if shape.weight:
        weight = rows["weight"].cast("float64")
        rows = rows.mutate(weight=weight)
    return rows.select(
        "slice",
        *shape.segment_names(predicted=True),
        *shape.segment_names(predicted=False),
        *shape.output_names,
        "truth",
        *(["weight"] if shape.weight else []),
        outcome=_outcome(shape, rows),
    )


def _joined(shape: Shape) -> ibis.Table:
    mine, theirs = predictions(shape), labels(shape)
    on = [mine[name] == theirs[f"t_{name}"] for name in shape.key_names]
    return mine.left_join(theirs, on) if shape.copies else mine.outer_join(theirs, on)


def predictions(shape: Shape, *, labelled: bool = False) -> ibis.Table:
    """The predictions: slice, keys k0 …, outputs, segments, weight; `labelled` ones have t_k0 and truth as well."""
    import ibis

    segments = shape.segment_names(predicted=True)
    weight = ["weight"] if shape.weight and shape.weight_predicted else []
    there = [
        alias for alias, (_, kind) in zip(shape.output_names, shape.outputs, strict=True) if kind is not Kind.OTHER
    ]
    fields = {"slice": "int64"} | _key_types(shape) | dict.fromkeys((*there, *segments, *weight), "int64")
    kinds = dict(zip(shape.output_names, (kind for _, kind in shape.outputs), strict=True))
    fields |= {alias: "boolean" for alias in there if kinds[alias] is Kind.BOOLEAN}
    looked_up = {"t_k0": "int8", "truth": "int8"} if labelled else {}
    rows = ibis.table(fields | looked_up, name=JOINED if labelled else PREDICTIONS)
    values: dict[str, Any] = {}
    for alias, (_, kind) in zip(shape.output_names, shape.outputs, strict=True):
        if alias not in there:
            values[alias] = ibis.null("string" if _is_class(shape, alias) else "float64")
        else:
            values[alias] = class_name(rows[alias], kind) if _is_class(shape, alias) else _number(rows[alias], kind)
    values |= {name: segment_value(shape, rows[name]) for name in segments}
    values |= {name: rows[name].cast("float64") for name in weight}
    rows = rows.select("slice", *looked_up, **_keys(shape, rows), **values)
    if shape.copies:
        rows = rows.filter([rows[name].notnull() for name in shape.key_names])
        same = ["slice", *shape.key_names, *([shape.apart] if shape.apart else [])]
        rows = rows.group_by(same).aggregate(**{name: rows[name].min() for name in values if name not in same})
    if shape.classes and shape.outputs[0][1] is Kind.OTHER:
        return rows.mutate(o0=_most_probable(shape, rows))
    return rows


def labels(shape: Shape) -> ibis.Table:
    """The labels: keys t_k0 …, `truth`, segments, weight."""
    import ibis

    segments = shape.segment_names(predicted=False)
    weight = ["weight"] if shape.weight and not shape.weight_predicted else []
    fields = {"slice": "int64"} | _key_types(shape) | {"label": _DECLARED.get(shape.label_kind, "int64")}
    rows = ibis.table(fields | dict.fromkeys((*segments, *weight), "int64"), name=TRUTHS)
    values = {"truth": _truth(shape, rows["label"])}
    values |= {name: segment_value(shape, rows[name]) for name in segments}
    values |= {name: rows[name].cast("float64") for name in weight}
    names = [f"t_{name}" for name in shape.key_names]
    keys = dict(zip(names, _keys(shape, rows).values(), strict=True))
    if not shape.copies:
        return rows.select(**keys, **values)
    rows = rows.select("slice", **keys, **values)
    rows = rows.filter([rows[name].notnull() for name in (*names, "truth")])
    rows = rows.group_by([*names, "slice"]).aggregate(**{name: rows[name].max() for name in values})
    return rows.group_by(names).aggregate(**{name: rows[name].argmax(rows["slice"]) for name in values})


def segment_value(shape: Shape, value: Any) -> Any:
    """What tells a segment's value in the query: its text, the hash of it, or the number that it was given before."""
    if shape.coded:
        return value
    # Some engines give a hash of null as well; asking for null here would cost more than all the hashing.
    text = value.cast("string")
    return text.hash() if shape.hashed else text


def _most_probable(shape: Shape, rows: ibis.Table) -> Any:
    """The class of the highest probability, the first of equal ones; null where no probability is a number."""
    import ibis

    chances = [ibis.ifelse((rows[name] >= 0) & (rows[name] <= 1), rows[name], -1.0) for name in shape.output_names[1:]]
    chances = [chance.fill_null(-1.0) for chance in chances]
    highest = ibis.greatest(*chances) if len(chances) > 1 else chances[0]
    best = ((chance == highest, name) for chance, name in zip(chances, shape.classes, strict=True))
    return ibis.cases((highest < 0, ibis.null("string")), *best)


def class_name(value: Any, kind: Kind) -> Any:
    """A class as text: whole numbers without a point, whatever their type, so that 1, 1.0 and "1" are one class."""
    import ibis

    if kind is Kind.TEXT:
        # So a column becomes whose type was text on some days and numbers on others.
        text = value.cast("string")
        return ibis.ifelse(text.endswith(".0"), text.substr(0, text.length() - 2), text)
    if kind not in (Kind.FLOAT, Kind.DECIMAL):
        return value.cast("string")
    number = value.cast("float64")
    small = ibis.ifelse(number.abs() < 2.0**53, number, None)
    return ibis.cases(
        (small == small.floor(), small.cast("int64").cast("string")),
        (number.abs() <= HUGE, number.cast("string")),
        else_=None,
    )


def _number(value: Any, kind: Kind) -> Any:
    """A number or a boolean as a double; not every engine makes one of a boolean at once."""
    return (value.cast("int32") if kind is Kind.BOOLEAN else value).cast("float64")


def _is_class(shape: Shape, alias: str) -> bool:
    return shape.task is Task.MULTICLASS_CLASSIFICATION and alias == "o0"


def _key_types(shape: Shape) -> dict[str, str]:
    return {name: _DECLARED.get(kind, "int64") for name, kind in zip(shape.key_names, shape.key_kinds, strict=True)}


def _keys(shape: Shape, rows: ibis.Table) -> dict[str, Any]:
    # Numbers are compared as they are, so that large integers stay exact; mixed types as text.
    return {
        name: rows[name].cast("string") if kind in (Kind.TEXT, Kind.OTHER) else rows[name]
        for name, kind in zip(shape.key_names, shape.key_kinds, strict=True)
    }


def _truth(shape: Shape, label: Any) -> Any:
    import ibis

    if shape.task is Task.MULTICLASS_CLASSIFICATION:
        return class_name(label, shape.label_kind)
    if shape.task is not Task.BINARY_CLASSIFICATION:
        return _number(label, shape.label_kind)
    # A byte is enough: labels are held in memory while they are joined. (Of small literals Ibis drops a cast.)
    one, zero, bad = (ibis.literal(value, "int64") for value in (1, 0, INVALID_LABEL))
    if shape.label_kind is Kind.TEXT:
        # Slices whose labels are of different types are text to us, but not to DuckDB.
        text = label.cast("string").lower().strip()
        yes, no = text.isin(["1", "true", "1.0"]), text.isin(["0", "false", "0.0"])
        return ibis.cases((yes, one), (no, zero), (text.notnull(), bad)).cast("int8")
    number = label if shape.label_kind is Kind.INTEGER else _number(label, shape.label_kind)
    return ibis.cases((number == 1, one), (number == 0, zero), (number.notnull(), bad)).cast("int8")


def _outcome(shape: Shape, rows: ibis.Table) -> Any:
    import ibis

    truth, output = rows["truth"], rows["o0"]
    if shape.task is Task.BINARY_CLASSIFICATION:
        good_label, good_output = truth != INVALID_LABEL, (output >= 0) & (output <= 1)
    elif shape.task is Task.REGRESSION:
        good_label, good_output = truth.abs() <= HUGE, output.abs() <= HUGE
    else:
        good_label, good_output = ibis.literal(True), output.notnull()
        if shape.task is Task.MULTICLASS_CLASSIFICATION and shape.classes:
            good_label = truth.isin(shape.classes)
    if shape.weight:
        good_output = good_output & (rows["weight"] >= 0) & (rows["weight"] <= HUGE)
    # What most rows are is asked first; the rest is then asked of few.
    used = good_label & good_output & truth.notnull()
    cases = [(truth.isnull(), Outcome.UNLABELLED), (~good_label, Outcome.BAD_LABEL)]
    if not shape.copies:
        first = rows[shape.key_names[0]]
        no_key = first.isnull()
        for name in shape.key_names[1:]:
            no_key = no_key | rows[name].isnull()
        found = rows[f"t_{shape.key_names[0]}"].notnull()
        cases = [(no_key, Outcome.NO_KEY), (truth.isnull() & found, Outcome.NULL_LABEL), *cases]
    cases = [(used, Outcome.USED), *cases]
    return ibis.cases(*((when, ibis.literal(int(then), "int8")) for when, then in cases), else_=int(Outcome.BAD_OUTPUT))
