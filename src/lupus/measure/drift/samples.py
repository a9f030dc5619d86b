"""Samples: one side of a comparison, a column's rows counted over bins or categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from lupus.measure.states import Categories, Histogram, Moments

Counts = NDArray[np.float64]
Bins = tuple[float, ...] | tuple[str, ...]

FALSE_AND_TRUE: Final = ("false", "true")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The rows of one column, counted.

    Of numbers `bins` are the E histogram edges and `counts` has shape (E + 1,), as in `Histogram`. Else `bins` are
    names of categories, and `counts` has shape (len(bins) + 1,) with all others last. `nulls` are the rows without a
    value, `odd` those that are NaN or infinite; `moments` are those of the numbers, and `beyond` the sums of their
    distances below and above all edges.

    >>> one = Sample.of_numbers(Moments.of([1.0, 2.0, 9.0]), Histogram((0.0, 5.0), (0, 2, 1), (0.0, 4.0)))
    >>> one.counts.tolist(), one.rows
    ([0.0, 2.0, 1.0], 3.0)
    """

    bins: Bins
    counts: Counts
    nulls: float = 0.0
    odd: float = 0.0
    moments: Moments | None = None
    beyond: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of_numbers(cls, moments: Moments, histogram: Histogram | None) -> Sample | None:
        """The sample of a column of numbers; without a histogram only of one that holds nothing but 0 and 1."""
        nulls, odd = float(moments.rows - moments.present), float(moments.infinite + moments.nan)
        if histogram is not None:
            counts = np.array(histogram.counts, dtype=np.float64)
            return cls(histogram.edges, counts, nulls, odd, moments, histogram.beyond)
        ones = moments.count - moments.zeros
        if not moments.count or abs(moments.mean * moments.count - ones) > 1e-6 * moments.count:
            return None
        if moments.low < 0 or moments.high > 1:
            return None
        return cls(FALSE_AND_TRUE, np.array([moments.zeros, ones, 0.0]), nulls, odd)

    @classmethod
    def of_categories(cls, categories: Categories, *, rows: int | None) -> Sample:
        """The sample of a column of categories in a slice of `rows` rows (None: as many as have a value)."""
        names = tuple(sorted(categories.counts))
        counts = np.array([*(categories.counts[name] for name in names), categories.other], dtype=np.float64)
        nulls = 0.0 if rows is None else max(float(rows) - float(counts.sum()), 0.0)
        return cls(names, counts, nulls)

    @property
    def ordered(self) -> bool:
        """Whether the bins have an order: those of numbers."""
        return self.moments is not None

    @property
    def rows(self) -> float:
        return float(self.counts.sum()) + self.nulls + self.odd


def merged(samples: Sequence[Sample]) -> Sample | None:
    """All rows of `samples` in one; None when there are none, or they have nothing in common.

    Samples over other edges than the newest one (the last) count over the edges that all share, and categories that
    not all have count as others.

    >>> days = [Sample(("a", "b"), np.array([3.0, 1.0, 0.0])), Sample(("b", "c"), np.array([2.0, 5.0, 0.0]))]
    >>> both = merged(days)
    >>> both.bins, both.counts.tolist()
    (('b',), [3.0, 8.0])
    """
    if not samples:
        return None
    newest = samples[-1]
    alike = [sample for sample in samples if sample.ordered == newest.ordered]
    if any(sample.bins is not newest.bins and sample.bins != newest.bins for sample in alike):
        bins = reduce(_shared, (sample.bins for sample in alike[:-1]), newest.bins)
        if not bins:
            return None
        alike = [over(sample, bins) for sample in alike]
    moments = [sample.moments for sample in alike if sample.moments is not None]
    return Sample(
        alike[-1].bins,
        np.sum([sample.counts for sample in alike], axis=0),
        sum(sample.nulls for sample in alike),
        sum(sample.odd for sample in alike),
        reduce(add, moments) if moments else None,
        (sum(sample.beyond[0] for sample in alike), sum(sample.beyond[1] for sample in alike)),
    )


def aligned(reference: Sample, current: Sample) -> tuple[Sample, Sample] | None:
    """Both samples over the bins that both have; None when they cannot be compared."""
    if reference.bins == current.bins:
        return reference, current
    if reference.ordered != current.ordered:
        return None
    bins = _shared(current.bins, reference.bins)
    return (over(reference, bins), over(current, bins)) if bins else None


def over(sample: Sample, bins: Bins) -> Sample:
    """`sample` counted over `bins`, which are some of its own."""
    if sample.bins == bins:
        return sample
    beyond = sample.beyond
    if sample.ordered:
        beyond = _beyond(sample, bins)
        starts = np.array([0, *np.searchsorted(np.array(sample.bins), np.array(bins)) + 1])
        counts = np.add.reduceat(sample.counts, starts)
    else:
        own = dict(zip(sample.bins, sample.counts.tolist(), strict=False))
        kept = [own[str(name)] for name in bins]
        counts = np.array([*kept, float(sample.counts.sum()) - sum(kept)])
    return Sample(bins, counts, sample.nulls, sample.odd, sample.moments, beyond)


def _beyond(sample: Sample, bins: Bins) -> tuple[float, float]:
    """The sums of distances below and above `bins`; the rows of a bin that is given up lie in its middle."""
    edges, counts = np.array(sample.bins, dtype=np.float64), sample.counts
    first, last = float(bins[0]), float(bins[-1])
    inner, middles = counts[1:-1], (edges[:-1] + edges[1:]) / 2
    below, above = middles < first, middles > last
    return (
        sample.beyond[0] + float(counts[0] * (first - edges[0]) + (inner * (first - middles))[below].sum()),
        sample.beyond[1] + float(counts[-1] * (edges[-1] - last) + (inner * (middles - last))[above].sum()),
    )


def _shared(bins: Bins, others: Bins) -> Bins:
    known: set[float | str] = set(others)
    return cast("Bins", tuple(one for one in bins if one in known))
