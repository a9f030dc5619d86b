"""The query of an evaluation: the joined rows summed up, by interval and segment, in one aggregate.

Every answer has ``part`` (which of the shape's segments; all of them repeat every row), ``slice`` (the interval, from
1), ``a`` and ``b`` (the values of the segment's columns), ``cell`` (an `Outcome` below zero, else what the rows are
summed up by), ``n`` rows, and the sums of the task. Columns that a shape does not need are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lupus.measure.evaluation.cells import (
    CALIBRATION_BINS,
    CELLS_PER_LOG_ODD,
    CODE_OFFSET,
    CODES,
    LEAST_GAP,
    LEAST_SCORE,
)
from lupus.measure.evaluation.rows import joined, predictions, segment_value
from lupus.measure.evaluation.shape import PREDICTIONS, TRUTHS, Outcome, Shape
from lupus.measure.grid import HUGE
from lupus.model import Task

if TYPE_CHECKING:
    import ibis

_EPSILON: Final = 2.0**-52


def build(shape: Shape) -> ibis.Table:
    """The evaluation of a shape. Of a ranking see `lupus.measure.evaluation.ranking`."""
    rows = joined(shape)
    if shape.task is Task.BINARY_CLASSIFICATION:
        return _binary(shape, rows)
    if shape.task is Task.MULTICLASS_CLASSIFICATION:
        return _multiclass(shape, rows)
    return _regression(shape, rows)


def build_distinct(shape: Shape) -> ibis.Table:
    """How many different predictions with a complete key there are."""
    rows = predictions(shape)
    names = ["slice", *shape.key_names]
    complete = rows.filter([rows[name].notnull() for name in shape.key_names])
    return complete.select(*names).distinct().aggregate(n=lambda one: one.count())


def build_segment_values(shape: Shape) -> ibis.Table:
    """Every value of every segment column (by number): its text, and the hash that tells it in the query."""
    import ibis

    parts = []
    for number, (_, predicted) in enumerate(shape.columns):
        name = f"s{number}"
        table = ibis.table({name: "int64"}, name=PREDICTIONS if predicted else TRUTHS)
        texts = table.select(text=table[name].cast("string")).distinct()
        parts.append(texts.mutate(column=ibis.literal(number, "int64"), told=segment_value(shape, texts["text"])))
    return (ibis.union(*parts) if parts[1:] else parts[0]).select("column", "text", "told")


def build_one_versus_rest(shape: Shape) -> ibis.Table:
    """As a binary classification of every class in turn: ``class`` is its place, its probability the score."""
    import ibis

    rows = joined(shape)
    rows = rows.filter(rows["outcome"] == int(Outcome.USED))
    rows = rows.mutate(klass=ibis.range(0, len(shape.classes)).unnest())
    places = range(len(shape.classes))
    score = ibis.cases(*((rows["klass"] == place, rows[f"o{place + 1}"]) for place in places))
    positive = ibis.cases(*((rows["klass"] == place, rows["truth"] == shape.classes[place]) for place in places))
    rows = rows.mutate(o0=score, truth=ibis.ifelse(positive, 1, 0).cast("int8"))
    rows = rows.filter((rows["o0"] >= 0) & (rows["o0"] <= 1))
    return _binary(shape, rows, "klass")


def spread(shape: Shape, rows: ibis.Table) -> tuple[ibis.Table, list[str]]:
    """The rows once for every part, and the columns that a part's segment is told by."""
    import ibis

    if not shape.parts:
        return rows, ["slice"]
    names = ["slice", "a"]
    if len(shape.parts) == 1:
        values = [rows[f"s{column}"] for column in shape.parts[0]]
    else:
        names = ["part", *names]
        rows = rows.mutate(part=ibis.range(0, len(shape.parts)).unnest())
        values = [
            ibis.cases(
                *(
                    (rows["part"] == number, rows[f"s{part[place]}"])
                    for number, part in enumerate(shape.parts)
                    if place < len(part)
                ),
                else_=None,
            )
            for place in range(max(map(len, shape.parts)))
        ]
    if len(values) > 1:
        names.append("b")
    return rows.mutate(**dict(zip(("a", "b"), values, strict=False))), names


def weigher(shape: Shape, rows: ibis.Table) -> Any:
    """What makes a weighted sum of an expression."""
    if not shape.weight:
        return lambda value: value.sum()
    return lambda value: (value * rows["weight"]).sum()


def _binary(shape: Shape, rows: ibis.Table, *more: str) -> ibis.Table:
    return by_cell(shape, rows, *more) if shape.cells else by_score(shape, rows, *more)


def by_score(shape: Shape, rows: ibis.Table, *more: str) -> ibis.Table:
    """Rows and positive labels by score ``o0``, and by the columns `more`."""
    import ibis

    used = rows["outcome"] == int(Outcome.USED)
    rows = rows.mutate(cell=ibis.ifelse(used, rows["o0"], rows["outcome"].cast("float64")))
    rows, names = spread(shape, rows)
    positive = ibis.ifelse(rows["truth"] == 1, 1, 0)
    sums = {"n": rows.count(), "positives": weigher(shape, rows)(positive)}
    if shape.weight:
        weight = rows["weight"]
        sums |= {"weight": weight.sum(), "squares": (weight * weight).sum()}
        sums |= {"positive_squares": (weight * weight * positive).sum()}
    return rows.group_by([*names, *more, "cell"]).aggregate(**sums)


def by_cell(shape: Shape, rows: ibis.Table, *more: str) -> ibis.Table:
    """The cell's code, and the label as its lowest bit; with it few sums are needed."""
    import ibis

    score, truth, used = rows["o0"], rows["truth"], rows["outcome"] == int(Outcome.USED)
    odds = (ibis.greatest(score, LEAST_SCORE) / ibis.greatest(1.0 - score, LEAST_GAP)).ln()
    place = (odds * float(CELLS_PER_LOG_ODD)).floor().cast("int64") + CODE_OFFSET
    ten = ibis.least((score * float(CALIBRATION_BINS)).floor().cast("int64"), CALIBRATION_BINS - 1)
    code = place * CODES + ten * 2 + ibis.ifelse(score >= shape.threshold, 1, 0)
    cell = ibis.ifelse(used, code * 2 + truth.cast("int64"), rows["outcome"].cast("int64"))
    rows, names = spread(shape, rows.mutate(cell=cell))
    score, total = rows["o0"], weigher(shape, rows)
    sums = {"n": rows.count(), "scores": total(score), "squared_scores": total(score * score)}
    if shape.weight:
        sums |= {"weight": rows["weight"].sum(), "squares": (rows["weight"] * rows["weight"]).sum()}
    return rows.group_by([*names, *more, "cell"]).aggregate(**sums)


def _multiclass(shape: Shape, rows: ibis.Table) -> ibis.Table:
    import ibis

    rows = rows.mutate(
        cell=rows["outcome"].cast("int64"),
        truth=ibis.ifelse(rows["outcome"] == int(Outcome.USED), rows["truth"], None),
        guess=ibis.ifelse(rows["outcome"] == int(Outcome.USED), rows["o0"], None),
    )
    rows, names = spread(shape, rows)
    total = weigher(shape, rows)
    sums = {"n": rows.count()}
    if shape.weight:
        sums |= {"weight": rows["weight"].sum(), "squares": (rows["weight"] * rows["weight"]).sum()}
    if shape.classes:
        own = ibis.cases(*((rows["truth"] == name, rows[f"o{n + 1}"]) for n, name in enumerate(shape.classes)))
        valid = (own >= 0) & (own <= 1)
        loss = ibis.ifelse(valid, -ibis.greatest(own, _EPSILON).ln(), None)
        sums |= {"losses": loss.count(), "loss": total(loss), "squared_loss": total(loss * loss)}
        if shape.weight:
            sums["loss_weight"] = total(ibis.ifelse(valid, 1.0, 0.0))
    return rows.group_by([*names, "cell", "truth", "guess"]).aggregate(**sums)


def _regression(shape: Shape, rows: ibis.Table) -> ibis.Table:
    import ibis

    rows, names = spread(shape, rows.mutate(cell=rows["outcome"].cast("int64")))
    total = weigher(shape, rows)
    truth, output = rows["truth"], rows["o0"]
    error = output - truth
    size = truth.abs() + output.abs()
    relative = ibis.ifelse(truth != 0, error.abs() / truth.abs(), 0.0)
    symmetric = ibis.ifelse(size > 0, 2.0 * error.abs() / size, 0.0)
    square, level = error * error, ibis.ifelse(truth.abs() <= 1e60, truth, None)
    sums = {
        "n": rows.count(),
        "absolute": total(error.abs()),
        "squared": total(square),
        "signed": total(error),
        "fourth": total(ibis.ifelse(square <= 1e120, square * square, None)),
        "nonzero": total(ibis.ifelse(truth != 0, 1.0, 0.0)),
        "relative": total(relative),
        "relative2": total(relative * relative),
        "symmetric": total(symmetric),
        "symmetric2": total(symmetric * symmetric),
        "third_label": total(level * level * level),
        "fourth_label": total(level * level * level * level),
        "squared_label": total(square * level),
        "squared_label2": total(square * level * level),
    }
    if shape.weight:
        weight = rows["weight"]
        sums |= {"weight": weight.sum(), "squares": (weight * weight).sum()}
        sums |= {"labels": total(truth), "labels2": total(truth * truth)}
    else:
        sums |= {"mean": truth.mean(), "m2": truth.var(how="pop") * rows.count()}
    for number, quantile in enumerate(shape.levels):
        gap = truth - rows[f"o{number + 1}"]
        loss = ibis.ifelse(gap >= 0, gap * quantile, gap * (quantile - 1.0))
        sums |= _means(f"pinball{number}", ibis.ifelse(gap.abs() <= HUGE, loss, None), total, shape)
    if shape.interval:
        low, high = rows[f"o{len(shape.levels) + 1}"], rows[f"o{len(shape.levels) + 2}"]
        width = ibis.ifelse((low.abs() <= HUGE) & (high.abs() <= HUGE), high - low, None)
        sums |= _means("width", width, total, shape)
        inside = (truth >= low) & (truth <= high)
        sums["covered"] = total(ibis.ifelse(inside & width.notnull(), 1.0, 0.0))
    return rows.group_by([*names, "cell"]).aggregate(**sums)


def _means(name: str, value: Any, total: Any, shape: Shape) -> dict[str, Any]:
    """Rows, weight, sum and sum of squares of a value that some rows lack."""
    import ibis

    weight = total(ibis.ifelse(value.notnull(), 1.0, 0.0))
    there = {f"{name}_n": value.count(), f"{name}_weight": weight if shape.weight else value.count().cast("float64")}
    return there | {f"{name}_sum": total(value), f"{name}_sum2": total(value * value)}
