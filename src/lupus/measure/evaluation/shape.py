"""Everything that the SQL of an evaluation depends on, and nothing else: it is compiled once per shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from lupus.measure.columns import Kind, kind_of
from lupus.model import Project, Snapshot, Table, Task

PREDICTIONS: Final = "lupus_predictions"
TRUTHS: Final = "lupus_truths"
JOINED: Final = "lupus_joined"
"""Predictions that have their labels already; see `lupus.measure.evaluation.lookup`."""

MANY_ROWS: Final = 500_000
"""Rows of predictions from which scores share cells, and copies of keys are looked for before they are removed."""


class Outcome(IntEnum):
    """What became of a prediction; whatever is below zero is not evaluated."""

    USED = 0
    UNLABELLED = -1
    BAD_LABEL = -2
    BAD_OUTPUT = -3
    NO_KEY = -4
    NULL_LABEL = -5


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of an evaluation's query.

    `outputs` are the columns with the model's outputs, score or rank first, with their kinds; OTHER is a column that
    no snapshot has, or that holds nothing usable. `columns` are (segment column, whether the prediction table has it),
    `parts` which of these make a segment; `query` the places of the query in the key. With `copies` keys may repeat;
    without, that has to be checked. Rows of one key that differ in the segment with the alias `apart` are no copies:
    two versions of the model have scored them side by side. With `cells` scores are summed up by cell, without by
    exact score. With `looked_up` predictions and labels are read joined, and if `coded` with a number for every text of
    a segment column.
    """

    task: Task
    keys: tuple[str, ...]
    key_kinds: tuple[Kind, ...]
    outputs: tuple[tuple[str, Kind], ...]
    label: str
    label_kind: Kind
    weight: str = ""
    weight_predicted: bool = True
    columns: tuple[tuple[str, bool], ...] = ()
    parts: tuple[tuple[int, ...], ...] = ()
    query: tuple[int, ...] = ()
    threshold: float = 0.5
    k: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()
    interval: bool = False
    classes: tuple[str, ...] = ()
    ranked: bool = False
    apart: str = ""
    copies: bool = True
    cells: bool = False
    looked_up: bool = False
    coded: bool = False

    @property
    def hashed(self) -> bool:
        """Whether segments are told by a number, mostly the hash of their value: it is grouped faster than text."""
        return self.cells and not self.copies and bool(self.parts)

    @property
    def key_names(self) -> tuple[str, ...]:
        return tuple(f"k{number}" for number in range(len(self.keys)))

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(f"o{number}" for number in range(len(self.outputs)))

    def segment_names(self, *, predicted: bool) -> tuple[str, ...]:
        """The aliases of the segment columns of one of the tables."""
        return tuple(f"s{number}" for number, (_, mine) in enumerate(self.columns) if mine is predicted)

    def prediction_columns(self) -> list[tuple[str, str]]:
        """(name, alias) of what is read of predictions."""
        found = list(zip(self.keys, self.key_names, strict=True))
        found += [
            (name, alias)
            for (name, kind), alias in zip(self.outputs, self.output_names, strict=True)
            if kind is not Kind.OTHER
        ]
        found += [(self.columns[int(alias[1:])][0], alias) for alias in self.segment_names(predicted=True)]
        return found + ([(self.weight, "weight")] if self.weight and self.weight_predicted else [])

    def truth_columns(self, keys: Sequence[str]) -> list[tuple[str, str]]:
        """(name, alias) of what is read of ground truth, whose key columns may have names of their own."""
        found = [*zip(keys, self.key_names, strict=True), (self.label, "label")]
        found += [(self.columns[int(alias[1:])][0], alias) for alias in self.segment_names(predicted=False)]
        return found + ([(self.weight, "weight")] if self.weight and not self.weight_predicted else [])


def shape_of(
    project: Project, prediction: Table, truth: Table, predictions: Sequence[Snapshot], truths: Sequence[Snapshot]
) -> Shape:
    """The shape for these snapshots; all have their key and label columns, and the score or rank if one is named."""
    task = project.task
    if task is None:
        raise ValueError("a project without a task is not evaluated")
    predicted = {name for snapshot in predictions for name, _ in snapshot.schema}
    labelled = {name for snapshot in truths for name, _ in snapshot.schema}
    known = [columns for columns in project.segments if set(columns) <= predicted | labelled]
    names = tuple(dict.fromkeys(column for columns in known for column in columns))
    main = (prediction.rank if task is Task.RANKING and prediction.rank else prediction.score,)
    extra: tuple[str, ...] = ()
    if task is Task.REGRESSION:
        extra = (*(column for _, column in prediction.quantiles), prediction.lower, prediction.upper)
    elif task is Task.MULTICLASS_CLASSIFICATION:
        extra = tuple(column for _, column in prediction.scores)
    outputs = [(main[0], _kind(main[0], predictions) if main[0] in predicted else Kind.OTHER)]
    for name in extra:
        kind = _kind(name, predictions) if name in predicted else Kind.OTHER
        outputs.append((name, kind if kind.numeric else Kind.OTHER))
    mine, theirs = prediction.key, truth.key
    return Shape(
        task=task,
        keys=mine,
        key_kinds=tuple(_joined(_kind(a, predictions), _kind(b, truths)) for a, b in zip(mine, theirs, strict=True)),
        outputs=tuple(outputs),
        label=truth.label,
        label_kind=_kind(truth.label, truths),
        weight=prediction.weight or truth.weight,
        weight_predicted=bool(prediction.weight),
        columns=tuple((name, name in predicted) for name in names),
        parts=tuple(tuple(names.index(column) for column in columns) for columns in known),
        query=tuple(mine.index(name) for name in prediction.query) if task is Task.RANKING else (),
        threshold=project.metrics.threshold if task is Task.BINARY_CLASSIFICATION else 0.5,
        k=tuple(sorted(project.metrics.k)) if task is Task.RANKING else (),
        levels=tuple(level for level, _ in prediction.quantiles) if task is Task.REGRESSION else (),
        interval=task is Task.REGRESSION and bool(prediction.lower),
        classes=tuple(name for name, _ in prediction.scores) if task is Task.MULTICLASS_CLASSIFICATION else (),
        ranked=task is Task.RANKING and bool(prediction.rank),
        apart=_apart(project, prediction, names, predicted),
    )


def _apart(project: Project, prediction: Table, names: Sequence[str], predicted: Collection[str]) -> str:
    """The alias of the version's segment where versions are compared."""
    compared = project.compare is not None and prediction.version in predicted and prediction.version in names
    return f"s{names.index(prediction.version)}" if compared else ""


def _kind(name: str, snapshots: Sequence[Snapshot]) -> Kind:
    """What a column of all these snapshots is: numbers of any kind are numbers, all else that differs is text."""
    schemas = (dict(snapshot.schema) for snapshot in snapshots)
    kinds = {kind_of(schema[name]) for schema in schemas if name in schema}
    if len(kinds) == 1:
        return kinds.pop()
    return Kind.FLOAT if all(kind.numeric for kind in kinds) else Kind.TEXT


def _joined(mine: Kind, theirs: Kind) -> Kind:
    """As what keys are compared: as they are, so that large integers stay exact, or as text."""
    if mine.numeric and theirs.numeric:
        return Kind.FLOAT
    return mine if mine is theirs else Kind.TEXT


def lacking(snapshot: Snapshot, names: Mapping[str, str]) -> str:
    """Which of `names` (column to what it is) the snapshot lacks, as words; "" for none."""
    have = {name for name, _ in snapshot.schema}
    return ", ".join(f"{what} column {name!r}" for name, what in names.items() if name not in have)
