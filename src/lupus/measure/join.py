"""Predictions joined with the ground truth of many days: one query for all intervals and segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.columns import Kind, kind_of
from lupus.measure.grid import HUGE
from lupus.model import Snapshot, Table

if TYPE_CHECKING:
    import ibis

PREDICTIONS: Final = "lupus_predictions"
TRUTHS: Final = "lupus_truths"

INVALID_LABEL: Final = 2.0
"""What a binary label that is neither 0 nor 1 becomes."""

_NUMBERS: Final = 9


class Answer(IntEnum):
    """What a row of the result tells of: the whole from 0 on, segment column k from ``2 + 2 k`` on."""

    COUNTS = 0
    DETAILS = 1


@dataclass(frozen=True, slots=True)
class Join:
    """Everything that the SQL depends on. Segments are (name, whether the prediction table has it)."""

    keys: tuple[str, ...]
    key_kinds: tuple[Kind, ...]
    score: str
    score_kind: Kind
    label: str
    label_kind: Kind
    segments: tuple[tuple[str, bool], ...]
    binary: bool

    def prediction_columns(self) -> list[tuple[str, str]]:
        """(name, alias) of what is read of predictions."""
        mine = [(name, f"s{n}") for n, (name, predicted) in enumerate(self.segments) if predicted]
        return [(name, f"k{n}") for n, name in enumerate(self.keys)] + [(self.score, "score"), *mine]

    def truth_columns(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        """(name, alias) of what is read of ground truth, whose key columns may have names of their own."""
        theirs = [(name, f"s{n}") for n, (name, predicted) in enumerate(self.segments) if not predicted]
        return [(name, f"k{n}") for n, name in enumerate(keys)] + [(self.label, "label"), *theirs]


def join_for(
    prediction: Table,
    truth: Table,
    predictions: Sequence[Snapshot],
    truths: Sequence[Snapshot],
    segments: Sequence[str],
    *,
    binary: bool,
) -> Join:
    """The join of these snapshots; all have their score, label and key columns."""

    def kind(name: str, snapshots: Sequence[Snapshot]) -> Kind:
        kinds = {kind_of(dict(snapshot.schema)[name]) for snapshot in snapshots}
        if all(one.numeric for one in kinds):
            return Kind.FLOAT
        return kinds.pop() if len(kinds) == 1 else Kind.TEXT

    def key_kind(mine: str, theirs: str) -> Kind:
        both = {kind(mine, predictions), kind(theirs, truths)}
        return both.pop() if len(both) == 1 else Kind.TEXT

    predicted = {name for snapshot in predictions for name, _ in snapshot.schema}
    labelled = {name for snapshot in truths for name, _ in snapshot.schema}
    return Join(
        keys=prediction.key,
        key_kinds=tuple(key_kind(*pair) for pair in zip(prediction.key, truth.key, strict=True)),
        score=prediction.score,
        score_kind=kind(prediction.score, predictions),
        label=truth.label,
        label_kind=kind(truth.label, truths),
        segments=tuple((name, name in predicted) for name in segments if name in predicted | labelled),
        binary=binary,
    )


def build(join: Join) -> ibis.Table:
    """The join as one Ibis expression. Rows are (answer, slice, label, v0 ... v8).

    Keys that repeat are taken once: the lowest score of a prediction's copies; of a label's copies those of
    the latest slice, of them the highest. So no copy ever multiplies rows.

    COUNTS: keys, keys with a label, of these with an invalid label, and with valid label and score.
    DETAILS of a binary task: score, negatives, positives. Of a regression: the fields of `RegressionErrors`.
    """
    import ibis

    joined = _joined(join)
    whole = [_counts(joined, Answer.COUNTS, None), _details(join, joined, Answer.DETAILS, None)]
    parts = list(whole)
    for number in range(len(join.segments)):
        first = 2 + 2 * number
        parts.append(_counts(joined, first + Answer.COUNTS, f"s{number}"))
        parts.append(_details(join, joined, first + Answer.DETAILS, f"s{number}"))
    return ibis.union(*parts)


def _joined(join: Join) -> ibis.Table:
    import ibis

    # Declared as integers, numbers of any type get the cast to a double; see `lupus.measure.plan`.
    declared = {Kind.FLOAT: "int64", Kind.BOOLEAN: "boolean", Kind.TIMESTAMP: "timestamp", Kind.TEXT: "int64"}
    key_types = {f"k{n}": declared.get(kind, "int64") for n, kind in enumerate(join.key_kinds)}
    names = list(key_types)
    mine = [f"s{n}" for n, (_, predicted) in enumerate(join.segments) if predicted]
    theirs = [f"s{n}" for n, (_, predicted) in enumerate(join.segments) if not predicted]

    def keys_of(table: ibis.Table) -> dict[str, ibis.Value]:
        # Numbers are compared as they are, so that large integers stay exact; mixed types as text.
        return {
            name: table[name].cast("string") if kind in (Kind.TEXT, Kind.OTHER) else table[name]
            for name, kind in zip(names, join.key_kinds, strict=True)
        }

    scores = ibis.table(
        {"slice": "int64"} | key_types | {"score": "int64"} | dict.fromkeys(mine, "int64"), name=PREDICTIONS
    )
    scores = scores.select(
        "slice",
        **keys_of(scores),
        score=scores.score.cast("float64"),
        **{name: scores[name].cast("string") for name in mine},
    )
    scores = scores.filter([scores[name].notnull() for name in names])
    scores = scores.group_by(["slice", *names]).aggregate(
        score=scores.score.min(), **{name: scores[name].min() for name in mine}
    )
    label_type = declared.get(join.label_kind, "int64")
    labels = ibis.table(
        {"slice": "int64"} | key_types | {"label": label_type} | dict.fromkeys(theirs, "int64"), name=TRUTHS
    )
    labels = labels.select(
        "slice",
        **{f"t_{name}": value for name, value in keys_of(labels).items()},
        truth=_truth(join, labels.label),
        **{name: labels[name].cast("string") for name in theirs},
    )
    renamed = [f"t_{name}" for name in names]
    labels = labels.filter([labels[name].notnull() for name in (*renamed, "truth")])
    found = ("truth", *theirs)
    labels = labels.group_by([*renamed, "slice"]).aggregate(**{name: labels[name].max() for name in found})
    labels = labels.group_by(renamed).aggregate(**{name: labels[name].argmax(labels["slice"]) for name in found})
    joined = scores.left_join(labels, [scores[name] == labels[f"t_{name}"] for name in names])
    truth, score = joined["truth"], joined["score"]
    if join.binary:
        good_label, good_score = truth != INVALID_LABEL, (score >= 0) & (score <= 1)
    else:
        good_label, good_score = truth.abs() <= HUGE, score.abs() <= HUGE
    return joined.select(
        "slice",
        "score",
        "truth",
        *mine,
        *theirs,
        bad_label=truth.notnull() & ~good_label,
        used=(truth.notnull() & good_label & good_score).fill_null(False),
    )


def _truth(join: Join, label: ibis.Value) -> ibis.Value:
    import ibis

    if not join.binary:
        return label.cast("float64")
    if join.label_kind is Kind.TEXT:
        # Slices whose labels are of different types are text to us, but not to DuckDB.
        text = label.cast("string").lower().strip()
        return ibis.cases(
            (text.isin(["1", "true", "1.0"]), 1.0), (text.isin(["0", "false", "0.0"]), 0.0), (text.notnull(), 2.0)
        )
    number = label.cast("float64")
    return ibis.cases((number.isin([0.0, 1.0]), number), (number.notnull(), INVALID_LABEL))


def _answer(answer: int, rows: ibis.Table, segment: str | None, numbers: Sequence[Any]) -> ibis.Table:
    import ibis

    padded = [*numbers, *[ibis.null("float64")] * (_NUMBERS - len(numbers))]
    return rows.select(
        answer=ibis.literal(answer, "int16"),
        slice=rows["slice"],
        label=rows[segment] if segment else ibis.null("string"),
        **{f"v{place}": value.cast("float64") for place, value in enumerate(padded)},
    )


def _counts(joined: ibis.Table, answer: int, segment: str | None) -> ibis.Table:
    rows = joined.group_by(["slice", *([segment] if segment else [])]).aggregate(
        keys=joined.count(),
        labelled=joined.truth.count(),
        bad=joined.bad_label.sum(),
        good=joined.used.sum(),
    )
    return _answer(answer, rows, segment, [rows["keys"], rows.labelled, rows.bad, rows.good])


def _details(join: Join, joined: ibis.Table, answer: int, segment: str | None) -> ibis.Table:
    import ibis

    by = ["slice", *([segment] if segment else [])]
    used = joined.filter(joined.used)
    if join.binary:
        rows = used.group_by([*by, "score"]).aggregate(
            negatives=(used.truth == 0).sum(), positives=(used.truth == 1).sum()
        )
        return _answer(answer, rows, segment, [rows.score, rows.negatives, rows.positives])
    truth, error = used.truth, used.score - used.truth
    size = truth.abs() + used.score.abs()
    rows = used.group_by(by).aggregate(
        n=used.count(),
        absolute=error.abs().sum(),
        squared=(error * error).sum(),
        signed=error.sum(),
        nonzero=(truth != 0).sum(),
        relative=ibis.ifelse(truth != 0, error.abs() / truth.abs(), 0.0).sum(),
        symmetric=ibis.ifelse(size > 0, 2.0 * error.abs() / size, 0.0).sum(),
        average=truth.mean(),
        m2=truth.var(how="pop") * used.count(),
    )
    names = ("n", "absolute", "squared", "signed", "nonzero", "relative", "symmetric", "average", "m2")
    return _answer(answer, rows, segment, [rows[name] for name in names])


def files_of(snapshots: Sequence[Snapshot]) -> list[Path]:
    """The Parquet files of usable snapshots, in order."""
    return [snapshot.path for snapshot in snapshots if snapshot.path is not None]


def lacking(snapshot: Snapshot, names: Mapping[str, str]) -> str:
    """Which of `names` (column to what it is) the snapshot lacks, as words; "" for none."""
    have = {name for name, _ in snapshot.schema}
    return ", ".join(f"{what} column {name!r}" for name, what in names.items() if name not in have)
