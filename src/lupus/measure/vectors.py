"""How alike the items of lists are, by the angle between their vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIECE: Final = 100_000
"""Items of lists whose vectors are in memory at once, about."""


def list_diversity(
    lists: Sequence[Any] | NDArray[Any], places: Sequence[int] | NDArray[Any], vectors: Sequence[Any] | NDArray[Any]
) -> tuple[int, float, float]:
    """Lists with two vectors or more; mean and sample standard deviation of their diversity.

    ``vectors[places[i]]`` is the vector of an item of the list ``lists[i]``; those of one list stand together.
    Diversity is one minus the mean cosine of all pairs (Ziegler et al., "Improving recommendation lists through topic
    diversification", 2005; Smyth and McClave, 2001): from unit vectors u of a list of n, Σ over pairs =
    (|Σ u|² − n) / 2, so that it takes n steps and not n². Vectors without a direction, or of another length than
    most, are left out.

    >>> list_diversity(["a", "a", "b"], [0, 1, 2], [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    (1, 1.0, 0.0)
    """
    import numpy as np

    directions, good = _directions(vectors)
    if not len(lists) or not good.any():
        return 0, 0.0, 0.0
    names, where = np.asarray(lists), np.asarray(places)
    names, where = names[good[where]], where[good[where]]
    found = [_diversity(names[piece], directions[where[piece]]) for piece in _pieces(names)]
    diversity = np.concatenate(found) if found else np.zeros(0)
    if not len(diversity):
        return 0, 0.0, 0.0
    return len(diversity), float(diversity.mean()), float(diversity.std(ddof=1)) if len(diversity) > 1 else 0.0


def _directions(vectors: Sequence[Any] | NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Unit vectors, and which of them are any."""
    import numpy as np

    sizes = np.array([len(vector) for vector in vectors], dtype=int)
    usual = int(np.bincount(sizes).argmax()) if len(sizes) else 0
    matrix = np.zeros((len(sizes), usual))
    for place in np.flatnonzero(sizes == usual).tolist():
        matrix[place] = _numbers(vectors[place])
    with np.errstate(all="ignore"):
        lengths = np.sqrt((matrix**2).sum(axis=1))
        good = np.isfinite(lengths) & (lengths > 0)
        return matrix / lengths[:, None], good


def _numbers(vector: Any) -> Any:
    """`vector` with NaN where it is masked or None."""
    import numpy as np

    return np.ma.filled(np.ma.array(vector, dtype=float), np.nan)


def _pieces(names: NDArray[Any]) -> Iterator[slice]:
    """Slices of whole lists."""
    import numpy as np

    starts = _starts(names)
    cuts = starts[np.unique(np.searchsorted(starts, np.arange(0, len(names), _PIECE)).clip(max=len(starts) - 1))]
    for begin, end in zip(cuts, [*cuts[1:], len(names)], strict=True):
        yield slice(int(begin), int(end))


def _starts(names: NDArray[Any]) -> NDArray[Any]:
    """Where each list begins."""
    import numpy as np

    return np.flatnonzero(np.concatenate([np.ones(min(len(names), 1), bool), names[1:] != names[:-1]]))


def _diversity(names: NDArray[Any], directions: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    starts = _starts(names)
    n = np.diff(np.append(starts, len(names)))
    squares = (np.add.reduceat(directions, starts, axis=0) ** 2).sum(axis=1)
    squares, n = squares[n > 1], n[n > 1]
    diversity: NDArray[Any] = 1 - (squares - n) / (n * (n - 1))
    return diversity
