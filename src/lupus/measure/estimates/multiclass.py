"""Confidence-based estimates of a multiclass model: is the predicted class right, and if not, which one is?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.estimates.calibration import Calibration
from lupus.measure.estimates.metric import Estimate, EstimateMetric, between

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lupus.measure.evaluation import ConfusionMatrix, TopLabels

    Floats = NDArray[np.float64]
    Scores = Mapping[str, tuple[Floats, Floats]]

METRICS: Final = (
    EstimateMetric("estimated_accuracy", "ratio", "accuracy"),
    EstimateMetric("estimated_precision_macro", "", "precision_macro"),
    EstimateMetric("estimated_recall_macro", "", "recall_macro"),
    EstimateMetric("estimated_f1_macro", "", "f1_macro"),
)

_FEWEST: Final = 100.0
"""Predictions of a class in the reference below which its scores are read like those of all classes."""
_EXPECTED: Final = 0.5
"""Labels of a class that are to be expected before it counts as one of the interval's."""


@dataclass(frozen=True, slots=True)
class TopLabelModel:
    """What a reference says of the predicted classes' probabilities.

    `calibrations` has, by predicted class, the share of right predictions by their probability, under "" that of all
    classes together; `confused` has, by predicted class, the share of each label among the wrong ones. `between` are,
    by metric, the variances by which the reference's intervals differ beyond what their labels' draws explain.
    """

    kind: ClassVar[str] = "top_label_model"
    calibrations: Mapping[str, Calibration]
    confused: Mapping[str, Mapping[str, float]]
    between: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fitted(cls, tops: Sequence[TopLabels], matrices: Sequence[ConfusionMatrix]) -> Self:
        """The model of a reference: of its intervals the right and wrong predictions, and the confusion matrices."""
        by_class = _columns(tops)
        calibrations = {"": _calibration([one for parts in by_class.values() for one in parts])}
        calibrations |= {
            name: _calibration(parts)
            for name, parts in by_class.items()
            if sum(float((part[1] + part[2]).sum()) for part in parts) >= _FEWEST
        }
        wrong: dict[str, dict[str, float]] = {}
        for matrix in matrices:
            for (label, guess, right), (_, weight) in matrix.cells.items():
                if not right and label != guess:
                    of = wrong.setdefault(guess, {})
                    of[label] = of.get(label, 0.0) + weight
        confused = {
            guess: {label: weight / sum(of.values()) for label, weight in sorted(of.items())}
            for guess, of in sorted(wrong.items())
        }
        model = cls(calibrations, confused)
        errors: dict[str, list[tuple[float, float]]] = {}
        for top, matrix in zip(tops, matrices, strict=True):
            expected, true = model.moments(_scores(top)), matrix.metrics()
            for name, (value, variance) in expected.items():
                if name in true:
                    errors.setdefault(name, []).append((true[name] - value, variance))
        varying = {
            name: between([error for error, _ in pairs], [own for _, own in pairs]) for name, pairs in errors.items()
        }
        return cls(calibrations, confused, varying)

    def estimates(self, scores: Scores) -> dict[str, Estimate]:
        """The metrics by name that are to be expected of (score ascending, rows) by predicted class.

        A prediction is right with the calibrated probability of its class's score (Gupta and Ramdas 2022, "Top-label
        calibration and multiclass-to-binary reductions"); a wrong one has the label that the reference's wrong
        predictions of this class had. Metrics are those of the expected confusion matrix (Białek et al. 2024). The
        interval is where 95 % of the values that the real labels give will lie, as for binary estimates.
        """
        return {
            f"estimated_{name}": Estimate.around(value, variance + self.between.get(name, 0.0), most=1.0)
            for name, (value, variance) in self.moments(scores).items()
        }

    def moments(self, scores: Scores) -> dict[str, tuple[float, float]]:
        """The expectation and variance of each metric; as `estimates`, but of independent rows."""
        import numpy as np

        guessed = [name for name, (_, rows) in scores.items() if float(rows.sum())]
        if not guessed:
            return {}
        names = sorted({*guessed, *(label for name in guessed for label in self.confused.get(name, ()))})
        at = {name: place for place, name in enumerate(names)}
        size = len(names)
        total, right, draws = (np.zeros(size) for _ in range(3))
        split = np.zeros((size, size))  # of the wrong ones of a predicted class (row) the share of each label
        for name in guessed:
            score, rows = scores[name]
            calibration = self.calibrations.get(name, self.calibrations[""])
            p = calibration.probabilities(score)
            place = at[name]
            total[place], right[place] = float(rows.sum()), float(rows @ p)
            draws[place] = float(rows @ (p * (1.0 - p))) + calibration.variance_of(score, rows)
            known = self.confused.get(name, {})
            for label in names:
                even = 1.0 / max(size - 1, 1) if label != name else 0.0
                split[place, at[label]] = known.get(label, 0.0) if known else even
        wrong = total - right
        spread = (wrong[:, None] * split * (1.0 - split)).sum(axis=0)
        there = (total > 0) | (right + wrong @ split >= _EXPECTED)

        def metrics(hits: Floats) -> Floats:
            labels = hits + (total - hits) @ split
            precision, recall, f1 = (
                np.divide(part, whole, out=np.zeros(size), where=whole > 0)[there].mean()
                for part, whole in ((hits, total), (hits, labels), (2.0 * hits, labels + total))
            )
            return np.array([hits.sum() / total.sum(), precision, recall, f1])

        value = metrics(right)
        variance = np.zeros(4)
        for place in np.flatnonzero(total).tolist():
            step = np.zeros(size)
            step[place] = 1e-4 * total[place]
            slope = (metrics(right + step) - metrics(right - step)) / (2.0 * step[place])
            variance += draws[place] * slope * slope
        # Which labels the wrong ones have moves recall and F1 as well.
        labels, count = right + wrong @ split, int(there.sum())
        for number, whole, factor in ((2, labels, 1.0), (3, labels + total, 2.0)):
            slope = np.divide(factor * right, whole * whole, out=np.zeros(size), where=whole > 0) / count
            variance[number] += float((slope * slope * spread)[there].sum())
        found = zip(("accuracy", "precision_macro", "recall_macro", "f1_macro"), value, variance, strict=True)
        return {name: (float(mean), float(own)) for name, mean, own in found}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "calibrations": {name: one.to_json() for name, one in self.calibrations.items()},
            "confused": {name: dict(of) for name, of in self.confused.items()},
            "between": dict(self.between),
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        calibrations = {name: Calibration.from_json(one) for name, one in payload["calibrations"].items()}
        return cls(calibrations, payload["confused"], payload["between"])


def _columns(tops: Sequence[TopLabels]) -> dict[str, list[tuple[Floats, Floats, Floats]]]:
    found: dict[str, list[tuple[Floats, Floats, Floats]]] = {}
    for top in tops:
        for name, scores in top.classes.items():
            found.setdefault(name, []).append(scores.by_score())
    return found


def _scores(top: TopLabels) -> dict[str, tuple[Floats, Floats]]:
    by_class = {name: scores.by_score() for name, scores in top.classes.items()}
    return {name: (score, negatives + positives) for name, (score, negatives, positives) in by_class.items()}


def _calibration(parts: Sequence[tuple[Floats, Floats, Floats]]) -> Calibration:
    import numpy as np

    score, negatives, positives = (np.concatenate([part[number] for part in parts]) for number in range(3))
    order = np.argsort(score, kind="stable")
    return Calibration.fitted(score[order], negatives[order], positives[order])
