"""How alike the items of lists are, by the angle between their vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def list_diversity(lists: Sequence[Any], vectors: Sequence[Any]) -> tuple[int, float, float]:
    """Lists with two vectors or more; mean and sample standard deviation of their diversity.

    `lists` says to which list a vector belongs; those of one list stand together. Diversity is one minus the mean
    cosine of all pairs (Ziegler et al., "Improving recommendation lists through topic diversification", 2005; Smyth
    and McClave, 2001): from unit vectors u of a list of n, Σ over pairs = (|Σ u|² − n) / 2, so that it takes n
    steps and not n². Vectors without a direction, or of another length than most, are left out.

    >>> list_diversity(["a", "a", "b"], [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    (1, 1.0, 0.0)
    """
    import numpy as np

    sizes = np.array([len(vector) for vector in vectors])
    if not len(sizes):
        return 0, 0.0, 0.0
    usual = np.bincount(sizes).argmax()
    good = np.flatnonzero(sizes == usual) if usual else np.array([], dtype=int)
    matrix = np.array([np.asarray(vectors[place], dtype=float) for place in good]).reshape(len(good), usual)
    names = np.asarray(lists, dtype=object)[good]
    with np.errstate(all="ignore"):
        lengths = np.sqrt((matrix**2).sum(axis=1))
    kept = np.isfinite(lengths) & (lengths > 0)
    matrix, names = matrix[kept] / lengths[kept, None], names[kept]
    if not len(names):
        return 0, 0.0, 0.0
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    n = np.diff(np.append(starts, len(names)))
    sums = np.add.reduceat(matrix, starts, axis=0)
    enough = n > 1
    squares, n = (sums**2).sum(axis=1)[enough], n[enough]
    if not len(n):
        return 0, 0.0, 0.0
    diversity = 1 - (squares - n) / (n * (n - 1))
    return len(n), float(diversity.mean()), float(diversity.std(ddof=1)) if len(n) > 1 else 0.0
