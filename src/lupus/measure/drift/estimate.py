"""What is left of a distance when its sampling noise is removed, and how sure that is.

Two samples of one distribution are never equal: a distance between their shares is above 0 by chance alone, the more
the fewer rows. All distances here are computed from noisy shares in the same way, and share one correction. If x is
the distance of the shares as they are and N² the mean of x² when nothing has changed (from n and m alone), then

    E[x²] ≈ d² + N²,    so d is estimated by √max(x² − N², 0).

To second order in the noise that is exact for PSI, Jensen–Shannon, Hellinger and chi-square, which near no change are
sums of squares, (n m / (n + m)) x² being noncentral chi-square (see Cressie and Read, "Multinomial goodness-of-fit
tests", JRSS B 46, 1984; Bergsma 2013 does the same for Cramér's V). For the others it is an approximation that the
tests check by simulation.

The interval holds those d from which x is not further than 1.96 of its standard deviations. That deviation goes from
the one of pure noise where d = 0 (half of the variance, for a sum of squares) to the delta method's where d is large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lupus.measure.drift.samples import Counts

_Z: Final = 1.959964
_STEPS: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Of C columns, all (C,): the distance `x`, the mean of x² and the variance of x when nothing has changed (`noise`,
    `still`), and the variance of x when much has (`moved`).
    """

    x: Counts
    noise: Counts
    still: Counts
    moved: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The distance without noise and its 95 % confidence interval, (C,) each; all at least 0."""

    value: Counts
    low: Counts
    high: Counts


def without_noise(observed: Observed) -> Estimate:
    """The estimate of each column's distance.

    >>> three = Observed(np.array([0.0, 0.1, 0.5]), *(np.full(3, number) for number in (0.01, 0.0005, 0.001)))
    >>> without_noise(three).value.round(3).tolist(), without_noise(three).low.round(3).tolist()
    ([0.0, 0.0, 0.49], [0.0, 0.0, 0.428])
    """
    x, noise = observed.x, observed.noise
    value = np.sqrt(np.maximum(x**2 - noise, 0.0))
    # Sides that are more alike than chance allows prove no less drift than those that are as alike as chance has them.
    usual = np.sqrt(np.maximum(noise - observed.still, 0.0))
    low, high = _bound(observed, x, -_Z), _bound(observed, np.maximum(x, usual), _Z)
    return Estimate(value, np.minimum(low, value), np.maximum(high, value))


def _bound(observed: Observed, x: Counts, z: float) -> Counts:
    """The distance of which the mean x is z standard deviations from `x`.

    With y = d² + N² the mean of x² and v(y) the variance of x, the mean of x is √(y − v).
    """
    noise = observed.noise
    y = np.maximum(x**2, noise)
    for _ in range(_STEPS):
        share = noise / np.maximum(y, 1e-300)
        variance = observed.moved + (observed.still - observed.moved) * share
        mean = np.maximum(x + z * np.sqrt(variance), 0.0)
        y = np.where(mean > 0, np.maximum(mean * mean + variance, noise), noise)
    bound: Counts = np.sqrt(np.maximum(y - noise, 0.0))
    return bound
