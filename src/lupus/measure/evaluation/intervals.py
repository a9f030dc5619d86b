"""Confidence intervals of 95 %, of many groups at once: arrays in, (low, high) arrays out, NaN where there is none.

`n` need not be whole: of weighted rows it is Kish's effective sample size (Kish 1965), (Σ w)² / Σ w².
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bounds = tuple[Floats, Floats]

Z: Final = 1.959963984540054
"""The 0.975 quantile of the standard normal distribution."""


def wilson(share: Floats, n: Floats) -> Bounds:
    """Of a binomial share: the score interval (Wilson 1927, "Probable inference").

    >>> import numpy as np
    >>> low, high = wilson(np.array([0.0]), np.array([10.0]))
    >>> float(low[0]), round(float(high[0]), 4)
    (0.0, 0.2775)
    """
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        centre = share + Z * Z / (2 * n)
        half = Z * np.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
        scale = 1 + Z * Z / n
        low, high = np.maximum((centre - half) / scale, 0.0), np.minimum((centre + half) / scale, 1.0)
        return np.where(share <= 0, 0.0, low), np.where(share >= 1, 1.0, high)


def around(value: Floats, error: Floats, *, least: float = float("-inf"), most: float = float("inf")) -> Bounds:
    """Value ± z · standard error (central limit theorem, or the delta method), within what is possible."""
    import numpy as np

    return np.maximum(value - Z * error, least), np.minimum(value + Z * error, most)


def on_logits(value: Floats, error: Floats) -> Bounds:
    """Of a value between 0 and 1: ± z standard errors of its log-odds, by the delta method; it stays within."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        middle, half = np.log(value) - np.log1p(-value), Z * error / (value * (1 - value))
        return 1 / (1 + np.exp(half - middle)), 1 / (1 + np.exp(-half - middle))


def on_fisher(value: Floats, error: Floats) -> Bounds:
    """Of a correlation: ± z standard errors of Fisher's transformation atanh, by the delta method."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        middle, half = np.arctanh(value), Z * error / (1 - value * value)
        return np.tanh(middle - half), np.tanh(middle + half)


def overlap(f1: Floats, n: Floats) -> Bounds:
    """Of F1 = 2 J / (1 + J): Wilson's interval of J = tp / (tp + fp + fn), a binomial share of `n`, mapped likewise."""
    low, high = wilson(f1 / (2 - f1), n)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mann_whitney(auc: Floats, positives: Floats, negatives: Floats) -> Bounds:
    """Of an AUC from few rows, or of exactly 0 or 1: every θ with (auc - θ)² <= z² V(θ).

    V is the variance of Hanley and McNeil (1982); that is method 5 of Newcombe (2006), "Confidence intervals for
    an effect size measure based on the Mann-Whitney statistic, part 2".
    """
    import numpy as np

    star = (positives + negatives) / 2 - 1

    def apart(theta: Floats) -> Floats:
        spread = 1 + star * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        with np.errstate(divide="ignore", invalid="ignore"):
            return (auc - theta) ** 2 - Z * Z * theta * (1 - theta) * spread / (positives * negatives)

    bounds = []
    for end in (np.zeros_like(auc), np.ones_like(auc)):
        inside, outside = auc.copy(), end
        for _ in range(50):
            middle = (inside + outside) / 2
            within = apart(middle) <= 0
            inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
        bounds.append(np.where(np.isfinite(auc), np.where(auc == end, end, outside), np.nan))
    return bounds[0], bounds[1]
