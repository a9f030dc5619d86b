"""Few bins that hold enough rows each: what PSI and its kin are computed over.

A divergence over hundreds of bins is mostly noise, and one over bins with a row or two is all noise. Histograms are
coarsened to at most `bins` bins of about equal mass in the reference (deciles are the textbook's choice for PSI, see
Siddiqi, *Credit Risk Scorecards*, 2006), with ten rows of the smaller sample each; categories of which the smaller
sample would hold less than two rows (by the mean of both shares) are counted as others. Rows without a value, and NaN
and infinite ones, are bins of their own, so that missingness counts; so do new categories, among the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lupus.measure.drift.samples import Counts, Sample

_ROWS_IN_A_BIN: Final = 10
_ROWS_IN_A_CATEGORY: Final = 2
_FEWEST_BINS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """C columns over up to K bins: shares (C, K) of the `reference` and the `current` rows, and the rows (C,) of both.

    Where a column has fewer bins the rest of its row is 0 on both sides, which is nothing to any distance.
    """

    reference: Counts
    current: Counts
    n: Counts
    m: Counts

    @property
    def spread(self) -> Counts:
        """1 / n + 1 / m (C,): the variance of a difference of shares is this times p (1 - p)."""
        spread: Counts = 1 / self.n + 1 / self.m
        return spread

    @property
    def pooled(self) -> Counts:
        """The shares (C, K) of all rows: the best guess of both when nothing has changed."""
        n, m = self.n[:, None], self.m[:, None]
        pooled: Counts = (self.reference * n + self.current * m) / (n + m)
        return pooled


def shares_of(pairs: Sequence[tuple[Sample, Sample]], *, bins: int) -> Shares:
    """The shares of aligned `pairs` (reference, current) of samples with rows on both sides."""
    columns = [_few(reference, current, bins) for reference, current in pairs]
    width = max((len(own) for own, _ in columns), default=0)
    both = np.zeros((2, len(columns), width))
    for row, (own, other) in enumerate(columns):
        both[0, row, : len(own)] = own
        both[1, row, : len(other)] = other
    n, m = both.sum(axis=2)
    return Shares(both[0] / n[:, None], both[1] / m[:, None], n, m)


def _few(reference: Sample, current: Sample, bins: int) -> tuple[Counts, Counts]:
    least = min(reference.rows, current.rows)
    if reference.ordered:
        most = int(min(max(least // _ROWS_IN_A_BIN, _FEWEST_BINS), bins))
        first = _equal_mass(reference.counts, most)
        own, other = np.add.reduceat(reference.counts, first), np.add.reduceat(current.counts, first)
    else:
        own, other = _frequent(reference, current, _ROWS_IN_A_CATEGORY / least)
    return (
        np.append(own, (reference.nulls, reference.odd)),
        np.append(other, (current.nulls, current.odd)),
    )


def _equal_mass(counts: Counts, most: int) -> NDArray[np.intp]:
    """Where each of the at most `most` groups of neighbouring bins begins."""
    ends = np.cumsum(counts)
    middle = (ends - counts / 2) / (ends[-1] or 1.0)
    slots = np.minimum((middle * most).astype(np.intp), most - 1)
    return np.flatnonzero(np.diff(slots, prepend=-1))


def _frequent(reference: Sample, current: Sample, least: float) -> tuple[Counts, Counts]:
    own, other = reference.counts, current.counts
    rare = (own / reference.rows + other / current.rows) / 2 < least
    rare[-1] = True
    if rare.sum() == 1:
        return own, other
    return np.append(own[~rare], own[rare].sum()), np.append(other[~rare], other[rare].sum())
