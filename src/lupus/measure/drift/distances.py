"""Distances between the shares of two samples, bin by bin; see `estimate` for how the noise is removed from each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Final

import numpy as np

from lupus.measure.drift.bins import Shares
from lupus.measure.drift.estimate import Observed
from lupus.measure.drift.samples import Counts

EMPTY: Final = 1e-4
"""The share that PSI takes an empty bin to have, when half a row is less: else an empty bin would be infinite."""

_LN2: Final = log(2)
_FOLDED: Final = 2 / np.pi  # E|Z|² / E[Z²] of a normal variable
_PLENTY: Final = 50.0  # expected rows of a bin from which its noise is that of a normal variable


@dataclass(frozen=True, slots=True)
class Divergence:
    """A divergence that is a sum over bins of a smooth function of both shares, 0 where they are equal.

    `term` gives, for shares p and q of any one shape, the summands; `slopes` their derivatives by p and by q. Where
    p ≈ q a summand is ``curvature`` (p − q)² / p, so that its mean is ``curvature`` (1 − p) (1/n + 1/m) when nothing
    has changed. The distance is the divergence's root.
    """

    term: Callable[[Counts, Counts], Counts]
    slopes: Callable[[Counts, Counts], tuple[Counts, Counts]]
    curvature: float
    floored: bool = False

    def observe(self, shares: Shares) -> Observed:
        p, q = shares.reference, shares.current
        if self.floored:
            used = shares.pooled > 0
            p = np.where(used, np.maximum(p, _floor(shares.n)), 0.0)
            q = np.where(used, np.maximum(q, _floor(shares.m)), 0.0)
        squared = np.maximum(self.term(p, q).sum(axis=1), 0.0)
        by_bin = self.curvature * (1 - shares.pooled) * shares.spread[:, None] * self._sparse(shares)
        noise = np.where(shares.pooled > 0, by_bin, 0.0).sum(axis=1)
        by_p, by_q = self.slopes(p, q)
        variance = _variance(by_p, shares.reference) / shares.n + _variance(by_q, shares.current) / shares.m
        near = self.curvature * shares.spread
        moved = np.where(squared > 0, variance / np.maximum(4 * squared, 1e-300), near)
        return Observed(np.sqrt(squared), noise, near / 2, np.maximum(moved, near / 2))

    def _sparse(self, shares: Shares) -> Counts | float:
        """How much more, or less, noise a bin of few rows has than one of many."""
        least, most = np.minimum(shares.n, shares.m), np.maximum(shares.n, shares.m)
        expected = least[:, None] * shares.pooled
        if not ((expected > 0) & (expected < _PLENTY)).any():
            return 1.0
        rows, alike, apart = _sparse_noise(self)
        even = np.interp(np.log(np.maximum(expected, rows[0])), np.log(rows), alike)
        uneven = np.interp(np.log(np.maximum(expected, rows[0])), np.log(rows), apart)
        weight = (least / most)[:, None]
        found: Counts = uneven + weight * (even - uneven)
        return found


@lru_cache(maxsize=16)
def _sparse_noise(divergence: Divergence) -> tuple[Counts, Counts, Counts]:
    """Exact noise of a bin over its large-sample formula, by expected rows: of equal samples, and of one far larger.

    The rows of a bin are Poisson when it is one of many; the sums are over all counts that matter.
    """
    rows = np.geomspace(0.1, _PLENTY, 24)
    counts = np.arange(120.0)
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
    chance = np.exp(counts * np.log(rows[:, None]) - rows[:, None] - logarithms)

    def term(p: Counts, q: Counts) -> Counts:
        least = 0.5 if divergence.floored else 0.0
        return np.where((p > 0) | (q > 0), divergence.term(np.maximum(p, least), np.maximum(q, least)), 0.0)

    pairs = term(*np.broadcast_arrays(counts[:, None], counts[None, :]))
    alike = np.einsum("ri,rj,ij->r", chance, chance, pairs) / (2 * divergence.curvature)
    apart = (chance * term(*np.broadcast_arrays(rows[:, None], counts))).sum(axis=1) / divergence.curvature
    return rows, alike, apart


def _floor(rows: Counts) -> Counts:
    return np.maximum(0.5 / rows, EMPTY)[:, None]


def _variance(slopes: Counts, shares: Counts) -> Counts:
    """The variance (C,) of ``slopes`` (C, K) over rows that are in the bins with probability `shares`."""
    mean = (slopes * shares).sum(axis=1)
    variance: Counts = np.maximum((slopes * slopes * shares).sum(axis=1) - mean * mean, 0.0)
    return variance


def _log_ratio(above: Counts, below: Counts) -> Counts:
    """ln(above / below), 0 where either is 0: there it is multiplied by 0, or stands for no rows."""
    both = (above > 0) & (below > 0)
    return np.log(np.where(both, above, 1.0)) - np.log(np.where(both, below, 1.0))


def _ratio(above: Counts, below: Counts) -> Counts:
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)


def _psi_term(p: Counts, q: Counts) -> Counts:
    term: Counts = (q - p) * _log_ratio(q, p)
    return term


def _psi_slopes(p: Counts, q: Counts) -> tuple[Counts, Counts]:
    log = _log_ratio(q, p)
    return 1 - _ratio(q, p) - log, 1 - _ratio(p, q) + log


def _js_term(p: Counts, q: Counts) -> Counts:
    return (p * _log_ratio(2 * p, p + q) + q * _log_ratio(2 * q, p + q)) / (2 * _LN2)


def _js_slopes(p: Counts, q: Counts) -> tuple[Counts, Counts]:
    return _log_ratio(2 * p, p + q) / (2 * _LN2), _log_ratio(2 * q, p + q) / (2 * _LN2)


def _hellinger_term(p: Counts, q: Counts) -> Counts:
    return (np.sqrt(p) - np.sqrt(q)) ** 2 / 2


def _hellinger_slopes(p: Counts, q: Counts) -> tuple[Counts, Counts]:
    return (1 - np.sqrt(_ratio(q, p))) / 2, (1 - np.sqrt(_ratio(p, q))) / 2


def _chi2_term(p: Counts, q: Counts) -> Counts:
    return _ratio((p - q) ** 2, 2 * (p + q))


def _chi2_slopes(p: Counts, q: Counts) -> tuple[Counts, Counts]:
    apart = _ratio(p - q, p + q)
    return apart - apart**2 / 2, -apart - apart**2 / 2


PSI: Final = Divergence(_psi_term, _psi_slopes, 1.0, floored=True)
JS: Final = Divergence(_js_term, _js_slopes, 1 / (8 * _LN2))
HELLINGER: Final = Divergence(_hellinger_term, _hellinger_slopes, 1 / 8)
CRAMERS_V: Final = Divergence(_chi2_term, _chi2_slopes, 1 / 4)


def total_variation(shares: Shares) -> Observed:
    """Half the sum of the absolute differences.

    When nothing has changed the differences are normal, with variances p (1 − p) (1/n + 1/m) and covariances
    −p p' (1/n + 1/m); the mean of their absolute values' products is known (see `absolute_product`).
    """
    p, q, pooled = shares.reference, shares.current, shares.pooled
    sigma = np.sqrt(pooled * (1 - pooled))
    odds = np.sqrt(_ratio(pooled, 1 - pooled))
    correlation = np.minimum(odds[:, :, None] * odds[:, None, :], 1.0)
    width = pooled.shape[1]
    correlation[:, np.arange(width), np.arange(width)] = 1.0
    products = sigma[:, :, None] * sigma[:, None, :] * absolute_product(correlation)
    mean = sigma.sum(axis=1) * np.sqrt(_FOLDED) / 2
    second = products.sum(axis=(1, 2)) / 4
    signs = np.sign(q - p) / 2
    moved = _variance(signs, p) / shares.n + _variance(signs, q) / shares.m
    still = np.maximum(second - mean**2, 0.0) * shares.spread
    return Observed(np.abs(p - q).sum(axis=1) / 2, second * shares.spread, still, np.maximum(moved, still))


def absolute_product(correlation: Counts) -> Counts:
    """E|X Y| of standard normal X and Y by the absolute value of their correlation r: 2/π (√(1 − r²) + r asin r).

    Nabeya, "Absolute moments in 2-dimensional normal distribution", Ann. Inst. Statist. Math. 3 (1951).

    >>> absolute_product(np.array([0.0, 1.0])).round(4).tolist()
    [0.6366, 1.0]
    """
    r = np.clip(correlation, 0.0, 1.0)
    product: Counts = _FOLDED * (np.sqrt(1 - r * r) + r * np.arcsin(r))
    return product


def largest_difference(shares: Shares) -> Observed:
    """The largest difference of a share; its noise is simulated (see `simulated`)."""
    p, q = shares.reference, shares.current
    apart = np.abs(p - q)
    where = np.arange(len(p)), apart.argmax(axis=1)
    second, still = simulated(shares.pooled, running=False)
    own, other = p[where], q[where]
    moved = own * (1 - own) / shares.n + other * (1 - other) / shares.m
    still = still * shares.spread
    return Observed(apart[where], second * shares.spread, still, np.maximum(moved, still))


_DRAWS: Final = 256


def simulated(pooled: Counts, *, running: bool) -> tuple[Counts, Counts]:
    """Mean square and variance (C,) of the largest difference of shares (or of sums of shares, `running`) by chance.

    They are meant per 1/n + 1/m. The multinomial is taken to be normal, and 256 samples of it are drawn, always the
    same ones: 3 % off in the noise, and the same answer for the same shares.
    """
    seats = np.cumsum(pooled > 0, axis=1)  # empty bins take no draws: a column's answer is its own
    draws = _draws(int(seats.max(initial=0)) + 1)[seats]
    noise = np.sqrt(pooled)[:, :, None] * draws
    noise -= pooled[:, :, None] * noise.sum(axis=1, keepdims=True)
    largest = np.abs(np.cumsum(noise, axis=1) if running else noise).max(axis=1)
    second: Counts = (largest**2).mean(axis=1)
    return second, np.maximum(second - largest.mean(axis=1) ** 2, 0.0)


@lru_cache(maxsize=8)
def _draws(width: int) -> Counts:
    """Standard normal numbers (width, `_DRAWS`); those of a narrower one are the first of a wider one."""
    return np.random.default_rng(20260101).standard_normal((width, _DRAWS))
