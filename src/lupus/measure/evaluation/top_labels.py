"""Whether the predicted class was right, by its probability: what estimates of a multiclass model are learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lupus.measure.evaluation import query
from lupus.measure.evaluation.answers import sorted_out
from lupus.measure.evaluation.binary_state import BinaryScores
from lupus.measure.evaluation.read_binary import cells_of
from lupus.measure.evaluation.rows import joined
from lupus.measure.evaluation.shape import Outcome, Shape

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True, slots=True)
class TopLabels:
    """By predicted class, right and wrong predictions by the probability that they came with; merged over days.

    Only rows whose predicted class has a valid probability count.
    """

    kind: ClassVar[str] = "top_labels"
    classes: dict[str, BinaryScores]

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Self, /) -> Self:
        both = dict(self.classes)
        for name, scores in other.classes.items():
            both[name] = both[name] + scores if name in both else scores
        return type(self)(both)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"classes": {name: scores.to_json() for name, scores in sorted(self.classes.items())}}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls({name: BinaryScores.from_json(scores) for name, scores in payload["classes"].items()})


def build(shape: Shape) -> ibis.Table:
    """As a binary classification: is the predicted class (``klass`` is its place) right, by its probability?"""
    rows = with_top_score(shape, joined(shape))
    import ibis

    right = ibis.ifelse(rows["truth"] == rows["o0"], 1, 0).cast("int8")
    rows = rows.filter(rows["outcome"] == int(Outcome.USED)).mutate(truth=right, o0=rows["top"])
    whole = replace(shape, parts=())
    return (query.by_cell if shape.cells else query.by_score)(whole, rows, "klass")


def with_top_score(shape: Shape, rows: ibis.Table) -> ibis.Table:
    """The `rows` whose predicted class ``o0`` is known, with its place ``klass`` and its probability ``top``."""
    import ibis

    places = range(len(shape.classes))
    klass = ibis.cases(*((rows["o0"] == shape.classes[place], place) for place in places))
    top = ibis.cases(*((rows["o0"] == shape.classes[place], rows[f"o{place + 1}"]) for place in places))
    rows = rows.mutate(klass=klass, top=top)
    return rows.filter((rows["top"] >= 0) & (rows["top"] <= 1))


def read(shape: Shape, arrays: Mapping[str, Any]) -> dict[int, TopLabels]:
    """The State of every slice, by its number."""
    import numpy as np

    found: dict[int, dict[str, BinaryScores]] = {}
    classes = np.ma.filled(arrays["klass"], -1)
    for place, name in enumerate(shape.classes):
        here = classes == place
        if not here.any():
            continue
        part = {column: values[here] for column, values in arrays.items()}
        answers = sorted_out(part, 0)
        cells, groups = cells_of(shape, part, answers.group, answers.take)
        for number, group in enumerate(groups.tolist()):
            scores = BinaryScores.of(cells.group(number), threshold=shape.threshold)
            found.setdefault(answers.places[group].slice, {})[name] = scores
    return {number: TopLabels(of) for number, of in found.items()}
