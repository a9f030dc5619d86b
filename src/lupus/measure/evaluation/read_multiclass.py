"""From the answers of a multiclass query to what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lupus.measure.evaluation.answers import Place, sorted_out
from lupus.measure.evaluation.binary import binary_estimates
from lupus.measure.evaluation.metric import Estimate, Found, by_group
from lupus.measure.evaluation.multiclass import ConfusionMatrix
from lupus.measure.evaluation.read_binary import cells_of
from lupus.measure.evaluation.regression import Mean
from lupus.measure.evaluation.shape import Shape


def read_multiclass(
    shape: Shape, arrays: Mapping[str, Any], one_versus_rest: Mapping[str, Any] | None, *, top: int, least: int
) -> Iterator[tuple[Place, Found]]:
    """What was found of every interval and segment; only the whole has a State, with classes below `least` folded.

    The metrics of single classes are those of the `top` most frequent labels of the interval, of at least `least` rows.
    """
    answers = sorted_out(arrays, len(shape.parts))
    names = [name for name in arrays if name not in ("a", "b", "truth", "guess")]
    columns = {name: _filled(arrays[name]) for name in names}
    truth, guess = arrays["truth"].tolist(), arrays["guess"].tolist()
    sums: dict[Place, _Sums] = {}
    for group, row in zip(answers.group.tolist(), answers.take.tolist(), strict=True):
        place = answers.places[group]
        one = {name: values[row] for name, values in columns.items()}
        sums.setdefault(place, _Sums()).add(truth[row], guess[row], one)
    matrices = {place: one.matrix() for place, one in sums.items()}
    areas = _areas(shape, one_versus_rest) if one_versus_rest is not None else {}
    followed: dict[int, tuple[str, ...]] = {}
    for place, matrix in matrices.items():
        if place.part < 0:
            frequent = [name for name, rows in matrix.label_rows().items() if rows >= least]
            followed[place.slice] = tuple(frequent[:top])
    for place, counts in answers.counts.items():
        known = matrices.get(place)
        if known is None:
            yield place, Found(counts, {})
            continue
        estimates = known.estimates(followed.get(place.slice, ()))
        if place in areas:
            estimates["roc_auc_macro"] = areas[place]
        yield place, Found(counts, estimates, None, known.folded(least) if place.part < 0 else None)


@dataclass(slots=True)
class _Sums:
    """A matrix that is being added up."""

    cells: dict[tuple[str, str, bool], tuple[int, float]] = field(default_factory=dict)
    squares: float = 0.0
    loss: Mean = field(default_factory=Mean)

    def add(self, truth: str, guess: str, row: Mapping[str, float]) -> None:
        n = int(row["n"])
        key = (truth, guess, truth == guess)
        rows, weight = self.cells.get(key, (0, 0.0))
        self.cells[key] = (rows + n, weight + row.get("weight", float(n)))
        self.squares += row.get("squares", float(n))
        if row.get("losses"):
            n = int(row["losses"])
            self.loss += Mean(n, row.get("loss_weight", float(n)), row["loss"], row["squared_loss"])

    def matrix(self) -> ConfusionMatrix:
        # In an order of its own, so that sums come out the same to the last digit.
        return ConfusionMatrix(dict(sorted(self.cells.items())), self.squares, self.loss)


def _filled(values: Any) -> list[float]:
    import numpy as np

    filled: list[float] = np.ma.filled(values, 0).tolist()
    return filled


def _areas(shape: Shape, arrays: Mapping[str, Any]) -> dict[Place, Estimate]:
    """The mean over classes of the ROC AUC of each against the rest, of at least two classes that have arrived.

    As every class's interval is for itself, the mean of their ends is an interval that is rather too wide.
    """
    import numpy as np

    found: dict[Place, list[Estimate]] = {}
    classes = np.ma.filled(arrays["klass"], -1)
    for number in range(len(shape.classes)):
        here = classes == number
        if not here.any():
            continue
        part = {name: values[here] for name, values in arrays.items()}
        answers = sorted_out(part, len(shape.parts))
        cells, groups = cells_of(shape, part, answers.group, answers.take)
        columns = binary_estimates(cells) if len(groups) else {}
        for group, estimates in zip(groups.tolist(), by_group(columns), strict=False):
            if "roc_auc" in estimates:
                found.setdefault(answers.places[group], []).append(estimates["roc_auc"])
    return {place: _mean(each) for place, each in found.items() if len(each) > 1}


def _mean(each: list[Estimate]) -> Estimate:
    ends = [(one.low, one.high) for one in each if one.low is not None and one.high is not None]
    value, n = sum(one.value for one in each) / len(each), max(one.n for one in each)
    if len(ends) < len(each):
        return Estimate(value, n)
    return Estimate(value, n, sum(low for low, _ in ends) / len(ends), sum(high for _, high in ends) / len(ends))
