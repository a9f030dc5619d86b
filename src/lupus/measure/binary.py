"""Binary classification: metrics of scores against labels, for many groups of rows at once, and the State that merges.

Rows are summed up by score beforehand: `score` (C,) float64 in [0, 1] ascending within each group, with
`negatives` and `positives` (C,) float64 the labels at that score; group g is ``starts[g]`` to the next start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.confusion import Confusion
from lupus.model import MeasureError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CALIBRATION_BINS: Final = 10
CELLS_PER_LOG_ODD: Final = 8192
_LARGEST_LOG_ODD: Final = 20.0


@dataclass(frozen=True, slots=True)
class EvaluationMetric:
    """A metric of predictions against labels; `undefined` is the reason to give where there is no value."""

    name: str
    unit: str
    undefined: str = "the statistic does not exist for these rows"


METRICS: Final = (
    EvaluationMetric("roc_auc", "", "only one class of labels has arrived"),
    EvaluationMetric("pr_auc", "", "no positive label has arrived"),
    EvaluationMetric("log_loss", ""),
    EvaluationMetric("brier", ""),
    EvaluationMetric("ece", ""),
    EvaluationMetric("accuracy", "ratio"),
    EvaluationMetric("precision", "ratio", "no score reaches the threshold"),
    EvaluationMetric("recall", "ratio", "no positive label has arrived"),
    EvaluationMetric("f1", "", "there is neither a positive label nor a positive decision"),
    EvaluationMetric("label_mean", "ratio"),
)


def binary_metrics(
    starts: NDArray[np.intp], score: Floats, negatives: Floats, positives: Floats, *, threshold: float
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Values and n by metric, (G,) each; NaN where a metric does not exist. No group is empty.

    ROC AUC is the Mann-Whitney statistic with ties counted half (Hanley and McNeil 1982); PR AUC is average
    precision, the step-wise sum without interpolation; log loss clips scores by the machine epsilon, as
    scikit-learn does; the Brier score is the mean squared error of the probability; the expected calibration
    error has ten equal-width bins (Guo et al. 2017, "On Calibration of Modern Neural Networks").
    A score decides for "positive" when it is at least `threshold`.

    >>> import numpy as np
    >>> one = binary_metrics(np.array([0]), np.array([0.2, 0.9]), np.array([1.0, 0.0]), np.array([0.0, 1.0]),
    ...                      threshold=0.5)[0]
    >>> float(one["roc_auc"][0]), round(float(one["brier"][0]), 3)
    (1.0, 0.025)
    """
    import numpy as np

    def total(values: Floats) -> Floats:
        return np.add.reduceat(values, starts)

    sizes = np.diff(np.append(starts, len(score)))

    def spread(values: Floats) -> Floats:
        return np.repeat(values, sizes)

    def before(values: Floats) -> Floats:
        """The sum over lower scores of the same group."""
        running = np.cumsum(values)
        return running - values - spread(running[starts] - values[starts])

    both = negatives + positives
    n, n_pos, n_neg = total(both), total(positives), total(negatives)
    at_least = spread(n) - before(both)
    positives_at_least = spread(n_pos) - before(positives)
    says_yes = score >= threshold
    tp, fp = total(positives * says_yes), total(negatives * says_yes)
    sums = _score_sums(score, negatives, positives)
    ece = _calibration_error(score, both, positives, sizes)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "roc_auc": total(positives * (before(negatives) + negatives / 2)) / (n_pos * n_neg),
            "pr_auc": total(positives * positives_at_least / at_least) / n_pos,
            "log_loss": total(sums["log_loss"]) / n,
            "brier": total(sums["brier"]) / n,
            "ece": ece / n,
            "accuracy": (tp + n_neg - fp) / n,
            "precision": tp / (tp + fp),
            "recall": tp / n_pos,
            "f1": 2 * tp / (tp + fp + n_pos),
            "label_mean": n_pos / n,
        }
    counts = dict.fromkeys(values, n) | {"precision": tp + fp, "recall": n_pos}
    return values, counts


def confusions(
    starts: NDArray[np.intp], score: Floats, negatives: Floats, positives: Floats, *, threshold: float
) -> list[Confusion]:
    """The confusion of each group at `threshold`."""
    import numpy as np

    yes = score >= threshold
    cells = (positives * yes, negatives * yes, positives * ~yes, negatives * ~yes)
    return [Confusion(*row) for row in np.column_stack([np.add.reduceat(cell, starts) for cell in cells]).tolist()]


def _score_sums(score: Floats, negatives: Floats, positives: Floats) -> dict[str, Floats]:
    import numpy as np

    epsilon = np.finfo(np.float64).eps
    clipped = np.clip(score, epsilon, 1 - epsilon)
    return {
        "log_loss": -(positives * np.log(clipped) + negatives * np.log1p(-clipped)),
        "brier": positives * (1 - score) ** 2 + negatives * score**2,
    }


def _calibration_bin(score: Floats) -> NDArray[np.intp]:
    import numpy as np

    return np.minimum((score * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)


def _calibration_error(score: Floats, both: Floats, positives: Floats, sizes: NDArray[np.intp]) -> Floats:
    """The sum over bins of |labels - scores|, by group."""
    import numpy as np

    groups = len(sizes)
    cell = np.repeat(np.arange(groups), sizes) * CALIBRATION_BINS + _calibration_bin(score)
    gap = np.bincount(cell, positives - both * score, minlength=groups * CALIBRATION_BINS)
    error: Floats = np.abs(gap).reshape(groups, CALIBRATION_BINS).sum(axis=1)
    return error


@dataclass(frozen=True, slots=True)
class BinaryScores:
    """Labels by score, merged over days.

    `cells` maps a fine cell of the score's log-odds (1/8192 wide, so also rare events are told apart) to
    (negatives, positives); `confusion` is (tp, fp, fn, tn) at `threshold`; `calibration` has per bin the rows,
    the sum of scores and the positives. From one day the ROC AUC is exact up to ties within a cell; the
    stored points are computed from exact scores.
    """

    kind: ClassVar[str] = "binary_scores"
    threshold: float
    cells: dict[int, tuple[int, int]]
    log_loss_sum: float
    brier_sum: float
    confusion: tuple[int, int, int, int]
    calibration: tuple[tuple[int, float, int], ...]

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, score: Floats, negatives: Floats, positives: Floats, *, threshold: float) -> Self:
        """The State of labels by score; shapes (C,), scores in [0, 1] in any order, repeated or not."""
        import numpy as np

        with np.errstate(divide="ignore"):
            odds = np.log(score) - np.log1p(-score)
        cell = np.rint(np.clip(odds, -_LARGEST_LOG_ODD, _LARGEST_LOG_ODD) * CELLS_PER_LOG_ODD).astype(np.int64)
        names, where = np.unique(cell, return_inverse=True)
        negative = np.bincount(where, negatives, minlength=len(names)).astype(int).tolist()
        positive = np.bincount(where, positives, minlength=len(names)).astype(int).tolist()
        place, both = _calibration_bin(score), negatives + positives
        bins = [
            np.bincount(place, weights, minlength=CALIBRATION_BINS).tolist()
            for weights in (both, both * score, positives)
        ]
        yes = score >= threshold
        sums = _score_sums(score, negatives, positives)
        return cls(
            threshold,
            dict(zip(names.tolist(), zip(negative, positive, strict=True), strict=True)),
            float(sums["log_loss"].sum()),
            float(sums["brier"].sum()),
            (
                int(positives[yes].sum()),
                int(negatives[yes].sum()),
                int(positives[~yes].sum()),
                int(negatives[~yes].sum()),
            ),
            tuple((int(n), total, int(pos)) for n, total, pos in zip(*bins, strict=True)),
        )

    @property
    def n(self) -> int:
        return sum(self.confusion)

    def metrics(self) -> dict[str, float]:
        """The metrics of all rows together; those that do not exist are left out."""
        import numpy as np

        if not self.n:
            return {}
        ordered = sorted(self.cells.items())
        score = 1 / (1 + np.exp(-np.array([cell for cell, _ in ordered]) / CELLS_PER_LOG_ODD))
        counts = np.array([pair for _, pair in ordered], dtype=float)
        found, _ = binary_metrics(np.array([0]), score, counts[:, 0], counts[:, 1], threshold=self.threshold)
        tp, fp, fn, tn = self.confusion
        exact = {
            "log_loss": self.log_loss_sum / self.n,
            "brier": self.brier_sum / self.n,
            "ece": math.fsum(abs(pos - total) for _, total, pos in self.calibration) / self.n,
            "accuracy": (tp + tn) / self.n,
            "precision": tp / (tp + fp) if tp + fp else math.nan,
            "recall": tp / (tp + fn) if tp + fn else math.nan,
            "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else math.nan,
        }
        values = {name: float(value[0]) for name, value in found.items()} | exact
        return {name: value for name, value in values.items() if math.isfinite(value)}

    def __add__(self, other: Self, /) -> Self:
        if self.threshold != other.threshold:
            raise MeasureError("scores decided at different thresholds do not merge; measure both with one threshold")
        cells = dict(self.cells)
        for cell, (negative, positive) in other.cells.items():
            mine = cells.get(cell, (0, 0))
            cells[cell] = (mine[0] + negative, mine[1] + positive)
        tp, fp, fn, tn = (a + b for a, b in zip(self.confusion, other.confusion, strict=True))
        return type(self)(
            self.threshold,
            cells,
            self.log_loss_sum + other.log_loss_sum,
            self.brier_sum + other.brier_sum,
            (tp, fp, fn, tn),
            tuple(
                (a[0] + b[0], a[1] + b[1], a[2] + b[2])
                for a, b in zip(self.calibration, other.calibration, strict=True)
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; cells as three lists of one length."""
        ordered = sorted(self.cells.items())
        return {
            "threshold": self.threshold,
            "cells": [cell for cell, _ in ordered],
            "negatives": [negative for _, (negative, _) in ordered],
            "positives": [positive for _, (_, positive) in ordered],
            "log_loss_sum": self.log_loss_sum,
            "brier_sum": self.brier_sum,
            "confusion": list(self.confusion),
            "calibration": [list(each) for each in self.calibration],
        }

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        pairs = zip(payload["negatives"], payload["positives"], strict=True)
        tp, fp, fn, tn = payload["confusion"]
        return cls(
            payload["threshold"],
            dict(zip(payload["cells"], pairs, strict=True)),
            payload["log_loss_sum"],
            payload["brier_sum"],
            (tp, fp, fn, tn),
            tuple((n, total, positive) for n, total, positive in payload["calibration"]),
        )
