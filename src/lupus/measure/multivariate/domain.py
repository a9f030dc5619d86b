"""Domain classifier: how well rows can be told from the reference's, by all columns at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lupus.measure.estimates.metric import Estimate, EstimateMetric
from lupus.measure.learners import Columns, Encoder, Family, coefficients_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DOMAIN_AUC: Final = EstimateMetric("domain_auc", "")
FOLDS: Final = 5
_TOLERANCE: Final = 1e-5


def domain_auc(reference: Columns, current: Columns, *, least: int = 5) -> Estimate | None:
    """The cross-validated ROC AUC of a classifier that tells `current` rows from `reference`: 0.5 is no drift.

    A classifier two-sample test (Lopez-Paz and Oquab 2017; Rabanser et al. 2019, "Failing Loudly") by a logistic
    regression on hat functions between quantiles of both sides together, categories, and missingness. Row i of a side
    is in fold i mod 5, so that there is no randomness; a row is scored by the model that has not seen it. The 95 %
    interval is DeLong's (1988), with a variance 2.25 times as large, because the folds' models share most of their
    rows (Nadeau and Bengio 2003, "Inference for the Generalization Error"). None with fewer than five rows on a side.
    """
    import numpy as np

    sizes = reference.rows, current.rows
    if min(sizes) < FOLDS:
        return None
    both = reference.and_those_of(current)
    design = Encoder.fitted(both, least=least).encode(both)
    is_current = np.repeat([0.0, 1.0], sizes)
    # Both sides weigh the same in expectation only if they are of one size; an AUC does not mind.
    fold = np.concatenate([np.arange(size) % FOLDS for size in sizes])
    start, _ = coefficients_of(design, is_current, Family.BINOMIAL, tolerance=_TOLERANCE)
    above, below = np.zeros(sizes[1]), np.zeros(sizes[0])
    for number in range(FOLDS):
        held = fold == number
        rest = (design[~held], is_current[~held])
        found, _ = coefficients_of(*rest, Family.BINOMIAL, start=start, tolerance=_TOLERANCE)
        score = design[held] @ found
        mine, theirs = score[is_current[held] == 1], score[is_current[held] == 0]
        above[fold[sizes[0] :] == number] = _rank(mine, theirs)
        below[fold[: sizes[0]] == number] = 1.0 - _rank(theirs, mine)
    variance = float(np.var(above, ddof=1)) / sizes[1] + float(np.var(below, ddof=1)) / sizes[0]
    shared = 1.0 + FOLDS / (FOLDS - 1)
    return Estimate.around(float(above.mean()), variance * shared, most=1.0)


def _rank(scores: Floats, others: Floats) -> Floats:
    """For each of `scores` the share of `others` below it, ties half."""
    import numpy as np

    ordered = np.sort(others)
    first, last = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    share: Floats = (first + last) / (2.0 * len(others))
    return share
