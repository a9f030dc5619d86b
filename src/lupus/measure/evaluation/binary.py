"""Binary classification: metrics of scores against labels with confidence intervals, for many groups at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lupus.measure.confusion import Confusion
from lupus.measure.evaluation import intervals
from lupus.measure.evaluation.cells import CALIBRATION_BINS, Cells, losses
from lupus.measure.evaluation.metric import EvaluationMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lupus.measure.evaluation.metric import Columns

    Floats = NDArray[np.float64]

METRICS: Final = (
    EvaluationMetric("roc_auc", "", "only one class of labels has arrived"),
    EvaluationMetric("pr_auc", "", "no positive label has arrived"),
    EvaluationMetric("log_loss", ""),
    EvaluationMetric("brier", ""),
    EvaluationMetric("ece", ""),
    EvaluationMetric("accuracy", "ratio"),
    EvaluationMetric("precision", "ratio", "no score reaches the threshold"),
    EvaluationMetric("recall", "ratio", "no positive label has arrived"),
    EvaluationMetric("specificity", "ratio", "no negative label has arrived"),
    EvaluationMetric("f1", "", "there is neither a positive label nor a positive decision"),
    EvaluationMetric("mcc", "", "there is only one class of labels, or only one of decisions"),
    EvaluationMetric("lift", "", "there is no positive label, or no score reaches the threshold"),
    EvaluationMetric("label_mean", "ratio"),
)
FEW: Final = 10
"""Rows of a class below which DeLong's variance is not trusted."""


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by group, and back."""

    starts: NDArray[np.intp]
    sizes: NDArray[np.intp]

    def total(self, values: Floats) -> Floats:
        import numpy as np

        summed: Floats = np.add.reduceat(values, self.starts)
        return summed

    def spread(self, values: Floats) -> Floats:
        import numpy as np

        return np.repeat(values, self.sizes)

    def before(self, values: Floats) -> Floats:
        """The sum over lower scores of the same group."""
        import numpy as np

        running = np.cumsum(values)
        return running - values - self.spread(running[self.starts] - values[self.starts])


def binary_estimates(cells: Cells) -> dict[str, Columns]:
    """The metrics of each group with 95 % confidence intervals, by name; see `METRICS`.

    - ``roc_auc`` is the Mann-Whitney statistic with ties counted half (Hanley and McNeil 1982). Interval: DeLong's
      variance (1988) on the log-odds scale; below ten rows of a class, or at 0 or 1, Newcombe's (2006).
    - ``pr_auc`` is average precision, the step-wise sum without interpolation. Interval: logit, with the positives as n
      (Boyd, Eng and Page 2013).
    - ``log_loss`` clips scores by the machine epsilon; ``brier`` is the mean squared error of the probability (Brier
      1950). Interval of both: mean ± z standard errors.
    - ``ece`` has ten equal-width bins (Guo et al. 2017). Interval: its bins' gaps are normal; the lower end has the
      part removed that chance alone makes, so that it is conservative.
    - ``accuracy``, ``precision``, ``recall``, ``specificity``, ``label_mean``: Wilson's interval (1927).
    - ``f1``: Wilson's interval of tp / (tp + fp + fn), of which F1 is a monotone function.
    - ``mcc`` (Matthews 1975), the phi coefficient. Interval: delta method on Fisher's scale.
    - ``lift``: precision over the share of positives. Interval: delta method on the log scale.

    Without weights these are exact where cells are; of cells of several scores the error of ``roc_auc`` is at most
    Σ neg·pos / (2 · negatives · positives) and in practice below 1e-6.

    >>> import numpy as np
    >>> none, one = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> found = binary_estimates(Cells.of_scores(np.array([0]), np.array([0.2, 0.9]), none, one, threshold=0.5))
    >>> float(found["roc_auc"][0][0]), round(float(found["brier"][0][0]), 3)
    (1.0, 0.025)
    """
    import numpy as np

    sums = _Sums(cells.starts, cells.sizes)
    total = sums.total
    both, rows = cells.negatives + cells.positives, cells.rows
    weight, positives = total(both), total(cells.positives)
    n = total(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = weight**2 / total(cells.squares)  # Kish's effective sample size
        found = _ranking(cells, sums)
        for name, losses_, most in (("log_loss", cells.loss, np.inf), ("brier", cells.brier, 1.0)):
            mean = total(losses_) / weight
            square = _squared_losses(cells, name)
            error = np.sqrt(np.maximum(total(square) / weight - mean**2, 0.0) / np.maximum(size - 1, 1))
            found[name] = (mean, n, *intervals.around(mean, error, least=0.0, most=most))
        found["ece"] = _calibration(cells, sums, weight, n)
        found |= _decisions(cells, sums)
        share = positives / weight
        found["label_mean"] = (share, n, *intervals.wilson(share, size))
    return {metric.name: found[metric.name] for metric in METRICS}


def confusions(cells: Cells) -> list[Confusion]:
    """The confusion of each group at the threshold, in sums of weights."""
    import numpy as np

    yes, no = cells.yes, ~cells.yes
    parts = (cells.positives * yes, cells.negatives * yes, cells.positives * no, cells.negatives * no)
    columns = [np.add.reduceat(part, cells.starts) for part in parts]
    return [Confusion(*row) for row in np.column_stack(columns).tolist()]


def _squared_losses(cells: Cells, name: str) -> Floats:
    """Sums of squared losses; of cells of several scores, those of their means."""
    if name == "brier":
        return cells.positives * (1 - cells.high) ** 4 + cells.negatives * cells.low**4
    positive, negative = losses(cells.high, positive=True), losses(cells.low, positive=False)
    return cells.positives * positive**2 + cells.negatives * negative**2


def _ranking(cells: Cells, sums: _Sums) -> dict[str, Columns]:
    """ROC AUC and PR AUC."""
    import numpy as np

    negatives, positives, both = cells.negatives, cells.positives, cells.negatives + cells.positives
    n, all_positives, all_negatives = sums.total(both), sums.total(positives), sums.total(negatives)
    half = 0.5 + cells.ahead()
    # The share of the negatives below a positive, and of the positives above a negative.
    below = (sums.before(negatives) + negatives * half) / sums.spread(all_negatives)
    above = (sums.spread(all_positives) - sums.before(positives) - positives * (1 - half)) / sums.spread(all_positives)
    auc = sums.total(positives * below) / all_positives
    each = sums.spread(auc)
    positive_size = all_positives**2 / sums.total(cells.positive_squares)
    negative_size = all_negatives**2 / sums.total(cells.squares - cells.positive_squares)
    variance = sums.total(positives * (below - each) ** 2) / all_positives / (positive_size - 1)
    variance += sums.total(negatives * (above - each) ** 2) / all_negatives / (negative_size - 1)
    low, high = intervals.on_logits(auc, np.sqrt(variance))
    few = (np.minimum(positive_size, negative_size) < FEW) | ~(variance > 0) | (auc <= 0) | (auc >= 1)
    if few.any():
        low[few], high[few] = intervals.mann_whitney(auc[few], positive_size[few], negative_size[few])
    rows = sums.total(cells.rows)
    found: dict[str, Columns] = {"roc_auc": (auc, rows, low, high)}

    at_least = sums.spread(n) - sums.before(both)
    positives_at_least = sums.spread(all_positives) - sums.before(positives)
    # Equal scores are decided together; of a cell of several scores, a positive has half of the others above it.
    unit = np.divide(cells.positive_squares, positives, out=np.zeros_like(positives), where=positives > 0)
    below_mine = np.where(cells.tied, 0.0, (positives - unit) / 2)
    below_theirs = np.where(cells.tied, 0.0, negatives / 2)
    precision = (positives_at_least - below_mine) / (at_least - below_mine - below_theirs)
    area = sums.total(positives * precision) / all_positives
    low, high = intervals.on_logits(area, np.sqrt(area * (1 - area) / positive_size))
    certain = (area <= 0) | (area >= 1)
    if certain.any():
        low[certain], high[certain] = intervals.wilson(np.clip(area[certain], 0, 1), positive_size[certain])
    found["pr_auc"] = (area, rows, low, high)
    return found


def _calibration(cells: Cells, sums: _Sums, weight: Floats, n: Floats) -> Columns:
    import numpy as np

    groups = len(cells.starts)
    bins = np.repeat(np.arange(groups), cells.sizes) * CALIBRATION_BINS + cells.bin

    def by_bin(values: Floats) -> Floats:
        summed = np.bincount(bins, values, minlength=groups * CALIBRATION_BINS).astype(np.float64)
        return summed.reshape(groups, CALIBRATION_BINS)

    both = cells.negatives + cells.positives
    gap = by_bin(cells.positives * (1 - cells.high) - cells.negatives * cells.low)
    inside = np.maximum(by_bin(both), 1e-300)
    # Of weighted rows the squares count, as for any weighted mean.
    spread = by_bin(cells.brier) - gap**2 / inside
    variance = np.maximum(spread, 0.0).sum(axis=1) * sums.total(cells.squares) / weight
    chance = np.sqrt(2 / np.pi) * np.sqrt(np.maximum(spread * (sums.total(cells.squares) / weight)[:, None], 0.0))
    error = np.abs(gap).sum(axis=1) / weight
    low, high = intervals.around(error, np.sqrt(variance) / weight, least=0.0, most=1.0)
    return error, n, np.maximum(low - chance.sum(axis=1) / weight, 0.0), high


def _decisions(cells: Cells, sums: _Sums) -> dict[str, Columns]:
    """What the decisions at the threshold give."""
    import numpy as np

    total, yes, no = sums.total, cells.yes, ~cells.yes
    tp, fp = total(cells.positives * yes), total(cells.negatives * yes)
    fn, tn = total(cells.positives * no), total(cells.negatives * no)
    weight = tp + fp + fn + tn
    rows = total(cells.rows)
    # Rows behind a sum of weights, and their effective number.
    each = rows / weight
    kish = weight / total(cells.squares)

    def share(part: Floats, whole: Floats) -> Columns:
        value = part / whole
        return value, np.rint(whole * each), *intervals.wilson(value, whole * kish)

    found = {
        "accuracy": share(tp + tn, weight),
        "precision": share(tp, tp + fp),
        "recall": share(tp, tp + fn),
        "specificity": share(tn, tn + fp),
    }
    f1 = 2 * tp / (2 * tp + fp + fn)
    found["f1"] = (f1, rows, *intervals.overlap(f1, (tp + fp + fn) * kish))

    a, b, c, d = (part / weight for part in (tp, fp, fn, tn))
    size = weight * kish
    scale = np.sqrt((a + b) * (a + c) * (d + b) * (d + c))
    mcc = (a * d - b * c) / scale
    slopes = (
        d / scale - mcc / 2 * (1 / (a + b) + 1 / (a + c)),
        -c / scale - mcc / 2 * (1 / (a + b) + 1 / (d + b)),
        -b / scale - mcc / 2 * (1 / (a + c) + 1 / (d + c)),
        a / scale - mcc / 2 * (1 / (d + b) + 1 / (d + c)),
    )
    found["mcc"] = (mcc, rows, *intervals.on_fisher(mcc, np.sqrt(_multinomial((a, b, c, d), slopes) / size)))

    lift = a / (a + b) / (a + c)
    zero = np.zeros_like(a)
    slopes = (1 / a - 1 / (a + b) - 1 / (a + c), -1 / (a + b), -1 / (a + c), zero)
    factor = np.exp(intervals.Z * np.sqrt(_multinomial((a, b, c, d), slopes) / size))
    found["lift"] = (lift, np.rint((tp + fp) * each), lift / factor, lift * factor)
    return found


def _multinomial(shares: tuple[Floats, ...], slopes: tuple[Floats, ...]) -> Floats:
    """The variance of one draw of a statistic with `slopes` by cell of a multinomial distribution (delta method)."""
    import numpy as np

    share, slope = np.stack(shares), np.stack(slopes)
    variance: Floats = (share * slope**2).sum(axis=0) - (share * slope).sum(axis=0) ** 2
    return np.maximum(variance, 0.0)
