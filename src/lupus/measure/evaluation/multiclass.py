"""Multiclass classification: the confusion matrix, which merges, and the metrics from it with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.evaluation import intervals
from lupus.measure.evaluation.metric import Estimate, EvaluationMetric
from lupus.measure.evaluation.regression import Mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

OTHER: Final = "other"
METRICS: Final = (
    EvaluationMetric("accuracy", "ratio"),
    *(
        EvaluationMetric(f"{name}_{mean}", "")
        for mean in ("macro", "micro", "weighted")
        for name in ("precision", "recall", "f1")
    ),
    EvaluationMetric("mcc", "", "there is only one class of labels, or only one of predictions"),
)
WITH_SCORES: Final = (
    EvaluationMetric("log_loss", "", "no label's class has a valid probability"),
    EvaluationMetric("roc_auc_macro", "", "fewer than two classes have arrived"),
)


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """Rows by (label, predicted class): number and weight, and whether the prediction is right.

    Classes of few rows may be folded into "other"; then right and wrong ones of them are still told apart. `squares` is
    the sum of squared weights, `loss` has the log loss of the rows whose label's class has a probability.
    """

    kind: ClassVar[str] = "confusion_matrix"
    cells: dict[tuple[str, str, bool], tuple[int, float]]
    squares: float
    loss: Mean = field(default_factory=Mean)

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, pairs: list[tuple[str, str]]) -> Self:
        """The State of a few (label, predicted class) pairs of weight 1.

        >>> ConfusionMatrix.of([("cat", "cat"), ("cat", "dog")]).metrics()["accuracy"]
        0.5
        """
        found: dict[tuple[str, str, bool], tuple[int, float]] = {}
        for label, guess in pairs:
            n, weight = found.get((label, guess, label == guess), (0, 0.0))
            found[label, guess, label == guess] = (n + 1, weight + 1.0)
        return cls(found, float(len(pairs)))

    @property
    def n(self) -> int:
        return sum(n for n, _ in self.cells.values())

    def label_rows(self) -> dict[str, int]:
        """Rows by label, most frequent first, equal ones by name."""
        rows: dict[str, int] = {}
        for (label, _, _), (n, _) in self.cells.items():
            rows[label] = rows.get(label, 0) + n
        return dict(sorted(rows.items(), key=lambda one: (-one[1], one[0])))

    def folded(self, least: int) -> Self:
        """With the classes of fewer than `least` rows, labels and predictions together, as "other"."""
        rows: dict[str, int] = {}
        for (label, guess, _), (n, _) in self.cells.items():
            for name in {label, guess}:
                rows[name] = rows.get(name, 0) + n
        found: dict[tuple[str, str, bool], tuple[int, float]] = {}
        for (label, guess, right), (n, weight) in self.cells.items():
            names = [name if rows[name] >= least else OTHER for name in (label, guess)]
            known = found.get((names[0], names[1], right), (0, 0.0))
            found[names[0], names[1], right] = (known[0] + n, known[1] + weight)
        return type(self)(found, self.squares, self.loss)

    def metrics(self) -> dict[str, float]:
        """The metrics of all classes together that exist, by name."""
        return {name: one.value for name, one in self.estimates().items()}

    def estimates(self, classes: tuple[str, ...] = ()) -> dict[str, Estimate]:
        """The metrics of all classes together, and of each of `classes`, with their 95 % confidence intervals.

        The averages are over every class that is a label or a prediction; precision of a class that is never
        predicted, and recall of one that is no label, count as 0, as in scikit-learn. Macro: the plain mean; weighted:
        by the labels' weight; micro: of all rows, which is the accuracy. MCC is R_K of Gorodkin (2004). Intervals:
        Wilson's for shares, the delta method over the cells of the matrix on the log-odds scale for averages, on
        Fisher's for MCC. All classes but `classes` together are `other`.
        """
        import numpy as np

        weight = math.fsum(weight for _, weight in self.cells.values())
        if not weight > 0:
            return {}
        numbers: dict[str, int] = {}
        for label, guess, _ in self.cells:
            numbers.setdefault(label, len(numbers))
            numbers.setdefault(guess, len(numbers))
        table = _Table(
            label=np.array([numbers[one] for one, _, _ in self.cells], dtype=np.intp),
            guess=np.array([numbers[one] for _, one, _ in self.cells], dtype=np.intp),
            right=np.array([one for _, _, one in self.cells], dtype=np.float64),
            share=np.array([one for _, one in self.cells.values()], dtype=np.float64) / weight,
        )
        size = weight * weight / self.squares
        found = _averages(table, size, self.n)
        found |= self._classes(classes, size / self.n)
        loss = self.loss.estimate(size / self.n)
        if loss is not None:
            found["log_loss"] = Estimate(
                loss.value, loss.n, None if loss.low is None else max(loss.low, 0.0), loss.high
            )
        return {name: one for name, one in found.items() if math.isfinite(one.value)}

    def _classes(self, classes: tuple[str, ...], effective: float) -> dict[str, Estimate]:
        if not classes:
            return {}
        names = dict.fromkeys((*classes, OTHER))
        sums = {name: [0.0, 0.0, 0.0, 0.0, 0.0] for name in names}  # right, labels, predictions; rows of the two
        for (label, guess, correct), (n, weight) in self.cells.items():
            mine, theirs = (sums[one if one in names else OTHER] for one in (label, guess))
            mine[1] += weight
            mine[3] += n
            theirs[2] += weight
            theirs[4] += n
            mine[0] += weight if correct else 0.0
        found: dict[str, Estimate] = {}
        for name, (right, labels, guesses, rows, guessed) in sums.items():
            if guesses:
                found[f"precision:{name}"] = _share(right / guesses, int(guessed), guessed * effective)
            if labels:
                found[f"recall:{name}"] = _share(right / labels, int(rows), rows * effective)
            if labels and name != OTHER:
                f1 = 2 * right / (labels + guesses)
                union = (labels + guesses - right) / labels * rows * effective
                found[f"f1:{name}"] = _estimate(f1, int(rows), intervals.overlap(*_arrays(f1, union)))
        return found

    def __add__(self, other: Self, /) -> Self:
        cells = dict(self.cells)
        for name, (n, weight) in other.cells.items():
            known = cells.get(name, (0, 0.0))
            cells[name] = (known[0] + n, known[1] + weight)
        return type(self)(cells, self.squares + other.squares, self.loss + other.loss)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; cells as rows of label, predicted class, whether it is right, number, weight."""
        loss = self.loss
        return {
            "cells": [[*name, n, weight] for name, (n, weight) in sorted(self.cells.items())],
            "squares": self.squares,
            "loss": [loss.n, loss.weight, loss.total, loss.squared],
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        cells = {(label, guess, right): (n, weight) for label, guess, right, n, weight in payload["cells"]}
        return cls(cells, payload["squares"], Mean(*payload["loss"]))


@dataclass(frozen=True, slots=True)
class _Table:
    """The cells (C,) of a matrix: number of the label and of the predicted class, whether it is right, its share."""

    label: NDArray[np.intp]
    guess: NDArray[np.intp]
    right: Floats
    share: Floats


def _averages(table: _Table, size: float, n: int) -> dict[str, Estimate]:
    import numpy as np

    label, guess, right, share = table.label, table.guess, table.right, table.share
    classes = int(max(label.max(), guess.max())) + 1

    def summed(place: NDArray[np.intp], values: Floats) -> Floats:
        return np.bincount(place, values, minlength=classes).astype(np.float64)

    labels, guesses, hits = summed(label, share), summed(guess, share), summed(label, share * right)

    def safe(part: Floats, whole: Floats) -> Floats:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    precision, recall, f1 = safe(hits, guesses), safe(hits, labels), safe(2 * hits, labels + guesses)
    accuracy = float(hits.sum())
    exact = _share(accuracy, n, size)
    found = dict.fromkeys(("accuracy", "precision_micro", "recall_micro", "f1_micro", "recall_weighted"), exact)

    def averaged(value: float, slope: Floats) -> Estimate:
        """A mean between 0 and 1, whose derivative by a cell's share is `slope`."""
        error = math.sqrt(max(float(share @ slope**2) - float(share @ slope) ** 2, 0.0) / size)
        if not (error > 0 and 0 < value < 1):
            return _share(min(max(value, 0.0), 1.0), n, size)
        return _estimate(value, n, intervals.on_logits(*_arrays(value, error)))

    by_precision = (right - precision[guess]) / guesses[guess]
    by_recall = (right - recall[label]) / labels[label]
    both = labels + guesses
    wrong = 1 - right

    def by_f1(weight: Floats) -> Floats:
        per = weight * safe(np.ones_like(both), both)
        mine, theirs = per[label], per[guess]
        return right * 2 * (1 - f1[label]) * mine - wrong * (f1[label] * mine + f1[guess] * theirs)

    even = np.full(classes, 1 / classes, dtype=np.float64)
    found["precision_macro"] = averaged(float(precision.mean()), by_precision / classes)
    found["recall_macro"] = averaged(float(recall.mean()), by_recall / classes)
    found["f1_macro"] = averaged(float(f1.mean()), by_f1(even))
    found["precision_weighted"] = averaged(float(labels @ precision), precision[label] + labels[guess] * by_precision)
    found["f1_weighted"] = averaged(float(labels @ f1), f1[label] + by_f1(labels))

    top, a, b = accuracy - float(labels @ guesses), 1 - float(guesses @ guesses), 1 - float(labels @ labels)
    if a > 1e-15 and b > 1e-15:
        scale = math.sqrt(a * b)
        mcc = top / scale
        slope = (right - guesses[label] - labels[guess]) / scale + mcc * (guesses[guess] / a + labels[label] / b)
        error = math.sqrt(max(float(share @ slope**2) - float(share @ slope) ** 2, 0.0) / size)
        found["mcc"] = _estimate(mcc, n, intervals.on_fisher(*_arrays(mcc, error)))
    return found


def _arrays(*numbers: float) -> tuple[Floats, ...]:
    import numpy as np

    return tuple(np.array([number]) for number in numbers)


def _estimate(value: float, n: int, bounds: tuple[Floats, Floats]) -> Estimate:
    low, high = (float(bound[0]) for bound in bounds)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Estimate(value, n)
    return Estimate(value, n, low, high)


def _share(value: float, n: int, size: float) -> Estimate:
    return _estimate(value, n, intervals.wilson(*_arrays(value, size)))
