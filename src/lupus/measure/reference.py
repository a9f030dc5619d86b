"""References: the histogram edges and category lists that keep days comparable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from lupus.measure.columns import Kind

MOST_CATEGORIES: Final = 50
"""Categories with a count of their own; what is rarer is counted as "other"."""

_LONGEST_CATEGORY: Final = 100
_LEAST_SHARE: Final = 0.01


def unit_edges(bins: int) -> tuple[float, ...]:
    """Equal bins of [0, 1], for probabilities."""
    return tuple(number / bins for number in range(bins + 1))


def edges_from(kind: Kind, *, low: float, high: float, p01: float, p99: float, bins: int) -> tuple[float, ...]:
    """Equal-width edges that hold the bulk of a first slice, with room for ordinary days.

    A few integers get a bin each. Else the bins span the 1st to the 99th percentile and a tenth of that
    beyond on both sides; the rest is for the outer bins, below and above all edges.

    >>> edges_from(Kind.INTEGER, low=0, high=2, p01=0, p99=2, bins=20)
    (-0.5, 0.5, 1.5, 2.5)
    >>> edges_from(Kind.FLOAT, low=0, high=99, p01=0.0, p99=10.0, bins=4)
    (-1.0, 2.0, 5.0, 8.0, 11.0)
    """
    if kind is Kind.INTEGER and high - low < bins and abs(high) < 2**50 and abs(low) < 2**50:
        return tuple(low - 0.5 + step for step in range(int(high - low) + 2))
    if p99 <= p01:
        p01, p99 = low, high
    margin = (p99 - p01) / 10 or max(abs(p01), 1.0) / 2
    start = p01 - margin
    width = (p99 + margin - start) / bins
    edges = tuple(start + width * step for step in range(bins + 1))
    if any(a >= b for a, b in pairwise(edges)):  # the width drowns in the numbers' size
        return (start, start + max(abs(start), 1.0))
    return edges


def is_uniform(edges: Sequence[float]) -> bool:
    """Whether all bins have one width, up to rounding."""
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    return all(abs(edges[0] + width * step - edge) <= 1e-9 * width for step, edge in enumerate(edges))


def categories_from(counts: Sequence[tuple[str, int]], *, least: int) -> tuple[str, ...]:
    """The categories worth following, most frequent first: none that is rare, and none that is an essay.

    >>> categories_from([("JFK", 300), ("LGA", 290), ("XXX", 1)], least=5)
    ('JFK', 'LGA')
    """
    total = sum(count for _, count in counts)
    kept = [
        (name, count)
        for name, count in counts
        if count >= max(least, _LEAST_SHARE * total) and len(name) <= _LONGEST_CATEGORY
    ]
    kept.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple(name for name, _ in kept[:MOST_CATEGORIES])


def edges_in(payload: Any) -> tuple[float, ...] | None:
    """The edges of a reference's payload, or None when it holds no usable ones."""
    edges = tuple(payload.get("edges", ()))
    return edges if len(edges) > 1 and all(a < b for a, b in pairwise(edges)) else None


def categories_in(payload: Any) -> tuple[str, ...] | None:
    """The categories of a reference's payload, or None when it holds none."""
    return tuple(payload["categories"]) if "categories" in payload else None
