"""Confidence-based performance estimation: the expected confusion of scores whose labels are not known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lupus.measure.estimates.calibration import Calibration
from lupus.measure.estimates.metric import Estimate, EstimateMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METRICS: Final = (
    EstimateMetric("estimated_roc_auc", "", "roc_auc", "only one class of labels is expected"),
    EstimateMetric("estimated_log_loss", "", "log_loss"),
    EstimateMetric("estimated_brier", "", "brier"),
    EstimateMetric("estimated_accuracy", "ratio", "accuracy"),
    EstimateMetric("estimated_precision", "ratio", "precision", "no score reaches the threshold"),
    EstimateMetric("estimated_recall", "ratio", "recall", "no positive label is expected"),
    EstimateMetric("estimated_f1", "", "f1", "there is neither a positive decision nor an expected positive label"),
)

_FEWEST: Final = 1.0
"""Expected labels of a class below which there is probably none."""


def expected_performance(
    score: Floats, rows: Floats, calibration: Calibration, *, threshold: float
) -> dict[str, Estimate]:
    """The metrics by name that are to be expected of `score` (C,) strictly ascending in [0, 1], `rows` (C,) each.

    Every row's label is taken for a Bernoulli draw with the calibrated probability of its score; what is linear in
    the labels is replaced by its expectation, ratios by the ratio of expectations (Białek et al. 2024, "Estimating
    Model Performance Under Covariate Shift Without Labels"). The interval is where 95 % of the values that the real
    labels give will lie while the share of positives at a score changes no more than between the reference's
    intervals: the variance of the draws and that of the calibration map, both by the delta method, and that between
    intervals. Metrics that do not exist for these rows are left out.

    >>> import numpy as np
    >>> half = Calibration((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (500.0, 500.0))
    >>> found = expected_performance(np.array([0.1, 0.8]), np.array([50.0, 50.0]), half, threshold=0.5)
    >>> round(found["estimated_accuracy"].value, 3), round(found["estimated_precision"].value, 3)
    (0.85, 0.8)
    """
    found = {}
    for name, (value, variance) in expected_moments(score, rows, calibration, threshold=threshold).items():
        most = float("inf") if name == "log_loss" else 1.0
        varying = calibration.between.get(name, 0.0)
        found[f"estimated_{name}"] = Estimate.around(value, variance + varying, most=most)
    return found


def expected_moments(
    score: Floats, rows: Floats, calibration: Calibration, *, threshold: float
) -> dict[str, tuple[float, float]]:
    """The expectation and variance of each metric; as `expected_performance`, but of independent rows."""
    import numpy as np

    p = calibration.probabilities(score)
    q = 1.0 - p
    n, positives, negatives = float(rows.sum()), float(rows @ p), float(rows @ q)
    yes = (score >= threshold).astype(np.float64)
    decided, hits = float(rows @ yes), float(rows @ (yes * p))
    found: dict[str, tuple[float, float]] = {}

    def add(name: str, value: float, gradient: Floats) -> None:
        draws = float((rows * p * q * gradient * gradient).sum())
        found[name] = value, draws + calibration.variance_of(score, rows * gradient)

    def add_mean(name: str, if_positive: Floats, if_negative: Floats) -> None:
        mean = float(rows @ (p * if_positive + q * if_negative)) / n
        add(name, mean, (if_positive - if_negative) / n)

    if not n:
        return found
    if min(positives, negatives) >= _FEWEST:
        add("roc_auc", *_ranking(rows, p, q))
    held = np.clip(score, np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps)
    add_mean("log_loss", -np.log(held), -np.log1p(-held))
    add_mean("brier", (1.0 - score) ** 2, score**2)
    add_mean("accuracy", yes, 1.0 - yes)
    if decided:
        add("precision", hits / decided, yes / decided)
    if positives >= _FEWEST:
        add("recall", hits / positives, (yes - hits / positives) / positives)
    if decided + positives >= _FEWEST:
        f1 = 2 * hits / (decided + positives)
        add("f1", f1, (2 * yes - f1) / (decided + positives))
    return found


def _ranking(rows: Floats, p: Floats, q: Floats) -> tuple[float, Floats]:
    """The expected ROC AUC, and how it changes with each row's label (its Hájek projection).

    A row cannot be positive and negative at once, so that pairs of a row with itself count neither above nor below.
    """
    import numpy as np

    positive, negative = rows * p, rows * q
    below = np.cumsum(negative) - negative
    above = positive.sum() - np.cumsum(positive)
    beaten = below + (negative - q) / 2  # by a row, if it is positive
    beating = above + (positive - p) / 2  # a row, if it is negative
    pairs = float(positive.sum() * negative.sum() - positive @ q)
    if pairs <= 0:
        return 0.5, np.zeros_like(p)
    area = float(positive @ beaten) / pairs
    others = (negative.sum() - q) - (positive.sum() - p)
    return area, (beaten - beating - area * others) / pairs
