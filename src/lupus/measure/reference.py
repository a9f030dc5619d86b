"""References: the grids and category lists that keep days comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lupus.measure.grid import Grid

MOST_CATEGORIES: Final = 50
"""Categories with a count of their own; what is rarer is counted as "other"."""

MOST_SEEN: Final = 10_000
"""Categories that are remembered, and that are read of a slice. A column with more of them is free text."""

_LONGEST_CATEGORY: Final = 100
_LEAST_SHARE: Final = 0.01


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


def is_free_text(counts: Sequence[tuple[str, int]], *, distinct: int, total: int) -> bool:
    """Whether a column is text that people wrote, not a category: most of many values differ, or they are long.

    >>> is_free_text([("a", 50), ("b", 50)], distinct=2, total=100)
    False
    >>> is_free_text([(f"ticket {n}", 1) for n in range(90)], distinct=90, total=90)
    True
    """
    if distinct > MOST_SEEN or (distinct > MOST_CATEGORIES and 2 * distinct > total):
        return True
    long = sum(count for name, count in counts if len(name) > _LONGEST_CATEGORY)
    return 2 * long > total


def grid_in(payload: Mapping[str, Any]) -> Grid | None:
    """The grid of a reference's payload, or None when it holds none."""
    return Grid.from_json(payload["grid"]) if "grid" in payload else None


def categories_in(payload: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The categories of a reference's payload, or None when it holds none."""
    return tuple(payload["categories"]) if "categories" in payload else None
