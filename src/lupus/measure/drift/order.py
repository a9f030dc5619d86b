"""Distances between the distributions of numbers: Kolmogorov–Smirnov and Wasserstein, from histograms and moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lupus.measure.drift.distances import absolute_product, simulated
from lupus.measure.drift.estimate import Observed
from lupus.measure.drift.samples import Counts, Sample

_GRID: Final = 48
"""Edges that the noise is worked out on; the distances themselves use all."""

_DROWNED: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """C columns of numbers, both sides over the same up to E edges (C, E).

    `reference` and `current` are the shares (C, E + 1) of the bins, `n` and `m` the numbers on both sides. Columns with
    fewer edges repeat their last one, with nothing in between. `tails` are the mean distances (C,) of what lies outside
    of the edges from them: reference below and above, current below and above; `means` of both sides and `unit`, the
    reference's standard deviation, are (C,) too.
    """

    edges: Counts
    reference: Counts
    current: Counts
    n: Counts
    m: Counts
    tails: tuple[Counts, Counts, Counts, Counts]
    means: tuple[Counts, Counts]
    unit: Counts
    lengths: NDArray[np.intp]

    @property
    def spread(self) -> Counts:
        spread: Counts = 1 / self.n + 1 / self.m
        return spread

    @property
    def pooled(self) -> Counts:
        n, m = self.n[:, None], self.m[:, None]
        pooled: Counts = (self.reference * n + self.current * m) / (n + m)
        return pooled


def steps_of(pairs: Sequence[tuple[Sample, Sample]]) -> Steps:
    """The distribution functions of aligned `pairs` (reference, current) of numbers, with rows on both sides."""
    width = max((len(reference.bins) for reference, _ in pairs), default=1)
    edges = np.zeros((len(pairs), width))
    counts = np.zeros((2, len(pairs), width + 1))
    lengths = np.array([len(reference.bins) for reference, _ in pairs], dtype=np.intp)
    tails = np.zeros((4, len(pairs)))
    moments = np.zeros((3, len(pairs)))
    for row, pair in enumerate(pairs):
        length = lengths[row]
        edges[row, :length] = pair[0].bins
        edges[row, length:] = pair[0].bins[-1]
        for side, sample in enumerate(pair):
            counts[side, row, :length] = sample.counts[:length]
            counts[side, row, -1] = sample.counts[-1]
            outside = sample.counts[0], sample.counts[-1]
            for end, (rows, far) in enumerate(zip(outside, sample.beyond, strict=True)):
                tails[2 * side + end, row] = far / rows if rows > 0 else 0.0
            if sample.moments is not None:
                moments[side, row] = sample.moments.mean
        if pair[0].moments is not None:
            moments[2, row] = np.sqrt(max(pair[0].moments.m2, 0.0) / max(pair[0].moments.count, 1))
    n, m = counts.sum(axis=2)
    # A spread that drowns in the numbers' size is none.
    size = np.maximum(np.abs(edges).max(axis=1, initial=0.0), np.abs(moments[:2]).max(axis=0))
    moments[2] *= moments[2] > _DROWNED * size
    return Steps(
        edges,
        counts[0] / n[:, None],
        counts[1] / m[:, None],
        n,
        m,
        (tails[0], tails[1], tails[2], tails[3]),
        (moments[0], moments[1]),
        moments[2],
        lengths,
    )


def kolmogorov_smirnov(steps: Steps) -> Observed:
    """The largest difference of the distribution functions at an edge; its noise is simulated (see `simulated`)."""
    p, q = _below(steps.reference), _below(steps.current)
    apart = np.abs(p - q)
    where = np.arange(len(p)), apart.argmax(axis=1)
    grid = _grid(steps)
    pooled = np.diff(np.take_along_axis(_below(steps.pooled), grid, axis=1), axis=1, prepend=0.0, append=1.0)
    second, still = simulated(np.maximum(pooled, 0.0), running=True)
    own, other = p[where], q[where]
    still = still * steps.spread
    moved = own * (1 - own) / steps.n + other * (1 - other) / steps.m
    return Observed(apart[where], second * steps.spread, still, np.maximum(moved, still))


def wasserstein(steps: Steps) -> Observed:
    """The area between the distribution functions, in standard deviations of the reference.

    Between edges the functions are taken to be straight; what lies outside is carried from its own mean. The signed
    area is the difference of the means, which is known exactly: what is missing from it lies inside.
    """
    widths = np.diff(steps.edges, axis=1)
    apart = _below(steps.reference) - _below(steps.current)
    left, right = apart[:, :-1], apart[:, 1:]
    sizes = np.abs(left) + np.abs(right)
    crossed = (left**2 + right**2) / (2 * np.where(sizes > 0, sizes, 1.0))
    inside = (widths * np.where(left * right < 0, crossed, sizes / 2)).sum(axis=1)
    signed = (widths * (left + right) / 2).sum(axis=1)
    below, above = _outside(steps, 0), _outside(steps, 1)
    shift = steps.means[1] - steps.means[0]
    missing = shift - signed - below - above
    one_sided = np.divide(signed, inside, out=np.zeros_like(signed), where=inside > 0)
    area = np.maximum(inside + missing * one_sided, 0.0)
    area = np.maximum(area + np.abs(below) + np.abs(above), np.abs(shift))
    second, still = _area_noise(steps)
    unit = np.where(steps.unit > 0, steps.unit, 1.0)
    moved = _area_variance(steps, apart, widths, below, above) + area**2 * _unit_variance(steps, unit)
    return Observed(area / unit, second / unit**2, still / unit**2, np.maximum(moved, still) / unit**2)


def _outside(steps: Steps, side: int) -> Counts:
    """The signed area below (0) or above (1) all edges."""
    own = steps.reference[:, -side] * steps.tails[side]
    other = steps.current[:, -side] * steps.tails[2 + side]
    area: Counts = other - own if side else own - other
    return area


def _unit_variance(steps: Steps, unit: Counts) -> Counts:
    """The variance of the reference's standard deviation, as a share of its square: (kurtosis − 1) / 4n."""
    low, high = steps.tails[0], steps.tails[1]
    first, last = steps.edges[:, :1] - 2 * low[:, None], steps.edges[:, -1:] + 2 * high[:, None]
    places = np.concatenate([first, (steps.edges[:, :-1] + steps.edges[:, 1:]) / 2, last], axis=1)
    powers = ((places - steps.means[0][:, None]) / unit[:, None]) ** 4
    kurtosis = (steps.reference * powers).sum(axis=1)
    variance: Counts = np.maximum(kurtosis - 1, 0.0) / (4 * steps.n)
    return variance


def _below(shares: Counts) -> Counts:
    """The distribution function at each edge (C, E)."""
    below: Counts = np.cumsum(shares, axis=1)[:, :-1]
    return below


def _area_noise(steps: Steps) -> tuple[Counts, Counts]:
    """Mean square and variance of the area by chance: that of an absolute Brownian bridge, run by the pooled shares.

    Its covariances are F (1 − F') (1/n + 1/m); see Shepp, "On the integral of the absolute value of the pinned Wiener
    process", Annals of Probability 10 (1982), for the continuous case.
    """
    grid = _grid(steps)
    at = np.take_along_axis(_below(steps.pooled), grid, axis=1)
    places = np.take_along_axis(steps.edges, grid, axis=1)
    gaps = np.diff(places, axis=1)
    weights = np.zeros_like(places)
    weights[:, :-1] += gaps / 2
    weights[:, 1:] += gaps / 2
    # Outside, the function of an exponential tail falls with its mean distance, and its root half as fast.
    weights[:, 0] += 2 * _mean_tail(steps, 0)
    weights[:, -1] += 2 * _mean_tail(steps, 1)
    sigma = np.sqrt(np.maximum(at * (1 - at), 0.0)) * weights
    odds = np.sqrt(np.maximum(at, 1e-300) / np.maximum(1 - at, 1e-300))
    with np.errstate(over="ignore"):
        correlation = odds[:, :, None] / odds[:, None, :]
    correlation = np.minimum(correlation, 1 / np.maximum(correlation, 1e-300))
    products = sigma[:, :, None] * sigma[:, None, :] * absolute_product(correlation)
    mean = sigma.sum(axis=1) * np.sqrt(2 / np.pi)
    second = products.sum(axis=(1, 2))
    return second * steps.spread, np.maximum(second - mean**2, 0.0) * steps.spread


def _mean_tail(steps: Steps, side: int) -> Counts:
    """The mean distance of what lies below (0) or above (1) all edges, of both samples together."""
    own, other = steps.reference[:, -side] * steps.n, steps.current[:, -side] * steps.m
    rows = own + other
    together: Counts = (steps.tails[side] * own + steps.tails[2 + side] * other) / np.where(rows > 0, rows, 1.0)
    return together


def _area_variance(steps: Steps, apart: Counts, widths: Counts, below: Counts, above: Counts) -> Counts:
    """The delta method's variance of the area: that of the mean of a function of the rows.

    The function rises where the current rows lie higher, and falls where they lie lower.
    """
    signs = np.sign(apart[:, :-1] + apart[:, 1:])
    heights = np.concatenate([np.zeros((len(widths), 1)), np.cumsum(widths * signs, axis=1)], axis=1)
    middles = (heights[:, :-1] + heights[:, 1:]) / 2
    variance = np.zeros(len(widths))
    for side, shares, rows in ((0, steps.reference, steps.n), (2, steps.current, steps.m)):
        low, high = steps.tails[side], steps.tails[side + 1]
        first = -low * np.sign(below)
        last = heights[:, -1] + high * np.sign(above)
        levels = np.concatenate([first[:, None], middles, last[:, None]], axis=1)
        mean = (levels * shares).sum(axis=1)
        within = (shares[:, 1:-1] * widths**2).sum(axis=1) / 12 + shares[:, 0] * low**2 + shares[:, -1] * high**2
        variance += ((levels**2 * shares).sum(axis=1) - mean**2 + within) / rows
    return np.maximum(variance, 0.0)


def _grid(steps: Steps) -> NDArray[np.intp]:
    """Up to `_GRID` places of edges (C, G), evenly by number; a column with fewer has some of them twice."""
    size = min(_GRID, steps.edges.shape[1])
    last = (steps.lengths - 1)[:, None]
    return np.rint(np.linspace(0.0, 1.0, size)[None, :] * last).astype(np.intp)
