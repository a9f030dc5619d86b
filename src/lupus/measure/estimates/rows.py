"""Predictions joined with their features and labels, row by row, for the models that are fitted on a reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from lupus.measure.columns import Kind
from lupus.measure.engine import Engine
from lupus.measure.estimates.slices import Feature, Slices, aliases_of, columns_from, floats, labels_of, values_of
from lupus.measure.learners import Columns
from lupus.model import Interval

if TYPE_CHECKING:
    import ibis
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PREDICTIONS: Final = "lupus_rows_of_predictions"
_FEATURES: Final = "lupus_rows_of_data"
_LABELS: Final = "lupus_rows_of_labels"
_LARGEST_LOG_ODD: Final = 20.0
_HUGE: Final = 1e300


@dataclass(frozen=True, slots=True)
class Joined:
    """Rows of predictions: their features, `prediction` (n,), and `label` (n,), empty when none was asked for.

    `slice` (n,) counts the predictions' slices from 1. `segment_columns` (n,) are texts.
    """

    columns: Columns
    prediction: Floats
    label: Floats
    slice: Floats
    segment_columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Join:
    """Predictions with what else is known of their keys; the SQL depends on this alone.

    Labels of slices `bands` count: (slice of predictions, first and last slice of labels). `every` takes one key of
    so many. `by` are columns of the predictions that tell segments apart.
    """

    keys: int
    numeric_keys: tuple[bool, ...]
    own: tuple[Feature, ...]
    others: tuple[Feature, ...]
    binary: bool
    bands: tuple[tuple[int, int, int], ...]
    every: int = 1
    by: tuple[Feature, ...] = ()

    def of_predictions(self) -> dict[str, Feature]:
        """What is read of the predictions, by its alias."""
        return aliases_of(self.own) | aliases_of(self.by, "s")

    def of_data(self) -> dict[str, Feature]:
        """What is read of the data, by its alias."""
        return aliases_of(self.others, "d")


def join_for(
    predictions: Slices,
    data: Slices | None,
    labels: Slices | None,
    features: tuple[Sequence[Feature], Sequence[Feature]],
    *,
    binary: bool,
    bands: Sequence[tuple[int, int, int]] = (),
    limit: int,
    by: Sequence[str] = (),
) -> Join:
    """The join of these slices; `features` are those of the predictions and of the data."""
    keys = predictions.table.key
    kinds = [predictions.kinds(), *(one.kinds() for one in (data, labels) if one is not None)]
    names = [keys, *(one.table.key for one in (data, labels) if one is not None)]
    numeric = tuple(
        all(kind.get(own[place]) is Kind.FLOAT for kind, own in zip(kinds, names, strict=True))
        for place in range(len(keys))
    )
    every = max(math.ceil(predictions.rows / limit), 1)
    others = tuple(features[1]) if data is not None else ()
    return Join(len(keys), numeric, tuple(features[0]), others, binary, tuple(bands), every, labels_of(by))


def joined_rows(
    engine: Engine, join: Join, predictions: Slices, data: Slices | None = None, labels: Slices | None = None
) -> Joined:
    """The rows of `predictions`, of keys that repeat within a slice the lowest values, in the order of their keys.

    `data` has the slices of the same intervals.
    With `labels` only those with a valid label and score: of a label's copies the latest counts, of those in one slice
    the highest. Features of `data` are missing where it lacks the key.
    """

    def keyed(slices: Slices, more: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(name, f"k{place}") for place, name in enumerate(slices.table.key)] + list(more)

    mine = [(one.name, alias) for alias, one in join.of_predictions().items()]
    engine.show(
        _PREDICTIONS, predictions.sources(engine), keyed(predictions, [(predictions.table.score, "score"), *mine])
    )
    if join.others and data is not None:
        theirs = [(one.name, alias) for alias, one in join.of_data().items()]
        engine.show(_FEATURES, data.sources(engine), keyed(data, theirs))
    if labels is not None:
        engine.show(_LABELS, labels.sources(engine), keyed(labels, [(labels.table.label, "label")]))
    own, others, by = (tuple(map(_nameless, features)) for features in (join.own, join.others, join.by))
    aliases = replace(join, own=own, others=others, by=by)
    found = engine.arrays(aliases, partial(_joined, join))
    score = floats(found["score"])
    columns = columns_from(found, aliases_of(join.own) | join.of_data())
    told = columns_from(found, aliases_of(join.by, "s")).texts
    numbers = {predictions.table.score: _log_odds(score) if join.binary else score}
    numbers |= {name: values for name, values in columns.numbers.items() if name not in numbers}
    label = floats(found["label"]) if "label" in found else score[:0]
    return Joined(Columns(numbers, columns.texts), score, label, floats(found["slice"]), told)


def _joined(join: Join) -> ibis.Table:
    import ibis

    names = [f"k{place}" for place in range(join.keys)]
    own, theirs = join.of_predictions(), join.of_data()

    def read(view: str, more: Mapping[str, Feature], *columns: str) -> ibis.Table:
        table = ibis.table({"slice": "int64"} | dict.fromkeys((*names, *columns, *more), "int64"), name=view)
        # Numbers are compared as they are, so that large integers stay exact; all else as text.
        keys = {
            name: table[name] if numeric else table[name].cast("string")
            for name, numeric in zip(names, join.numeric_keys, strict=True)
        }
        plain = {name: table[name].try_cast("float64") for name in columns if name != "label"}
        plain |= {"label": _label(table.label, binary=join.binary)} if "label" in columns else {}
        table = table.select("slice", **keys, **plain, **values_of(table, more))
        table = table.filter([table[name].notnull() for name in names])
        if join.every > 1:
            # A number is 7 in one table and 7.0 in the other.
            numbers = zip(names, join.numeric_keys, strict=True)
            texts = [
                (table[name].cast("float64") if number else table[name]).cast("string") for name, number in numbers
            ]
            whole = texts[0]
            for one in texts[1:]:
                whole = whole + ibis.literal("\x1f") + one
            table = table.filter(whole.hash() % join.every == 0)
        return table

    scores = read(_PREDICTIONS, own, "score")
    score = scores.score
    scores = scores.filter((score >= 0) & (score <= 1) if join.binary else score.abs() <= _HUGE)
    scores = scores.group_by(["slice", *names]).aggregate(
        score=scores.score.min(), **{alias: scores[alias].min() for alias in own}
    )
    columns = ["slice", *names, "score", *own]
    if theirs:
        data = read(_FEATURES, theirs)
        both = ("slice", *names)
        data = data.group_by(both).aggregate(**{alias: data[alias].min() for alias in theirs})
        data = data.rename({f"d_{name}": name for name in both})
        scores = scores.left_join(data, [scores[name] == data[f"d_{name}"] for name in both])
        columns += list(theirs)
        scores = scores.select(*columns)
    if join.bands:
        labels = read(_LABELS, {}, "label")
        labels = labels.filter(labels.label.notnull())
        labels = labels.group_by([*names, "slice"]).aggregate(label=labels.label.max())
        labels = labels.rename({f"t_{name}": name for name in (*names, "slice")})
        first, last = (
            ibis.cases(*((scores["slice"] == band[0], band[place]) for band in join.bands)) for place in (1, 2)
        )
        both = scores.mutate(first=first, last=last)
        matched = [both[name] == labels[f"t_{name}"] for name in names]
        both = both.inner_join(labels, [*matched, labels.t_slice >= both["first"], labels.t_slice <= both["last"]])
        values = {name: both[name].arbitrary() for name in columns if name not in ("slice", *names)}
        both = both.group_by(["slice", *names]).aggregate(**values, label=both.label.argmax(both.t_slice))
        good = both.label.isin([0.0, 1.0]) if join.binary else both.label.abs() <= _HUGE
        scores = both.filter(good)
        columns.append("label")
    return scores.order_by(["slice", *names]).select("slice", *columns[1 + len(names) :])


def bands_for(
    predictions: Slices, labels: Slices, window: Mapping[Interval, tuple[Interval, Interval]]
) -> list[tuple[int, int, int]]:
    """Which slices of `labels` count for which of `predictions`: those inside its `window`, first and last included."""
    found = []
    for place, snapshot in enumerate(predictions.snapshots, start=1):
        first, last = window[snapshot.interval]
        inside = [
            number
            for number, one in enumerate(labels.snapshots, start=1)
            if first.start <= one.interval.start <= last.start
        ]
        found.append((place, inside[0], inside[-1]) if inside else (place, 0, 0))
    return found


def _label(label: ibis.Value, *, binary: bool) -> ibis.Value:
    import ibis

    number = label.try_cast("float64")
    if not binary:
        return number
    text = label.cast("string").lower().strip()
    return ibis.cases((text == "true", 1.0), (text == "false", 0.0), else_=number)


def _nameless(feature: Feature) -> Feature:
    return Feature("", feature.numeric)


def _log_odds(score: Floats) -> Floats:
    import numpy as np

    with np.errstate(divide="ignore"):
        odds: Floats = np.clip(np.log(score) - np.log1p(-score), -_LARGEST_LOG_ODD, _LARGEST_LOG_ODD)
    return odds
