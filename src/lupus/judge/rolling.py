"""Statistics of moving windows over (S, T) matrices. NaN means "no value" and is left out; empty windows give NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FEW: Final = 8
"""Columns of which each is counted faster than all are."""


def trailing(values: Floats, width: int, *, own: bool = False) -> Floats:
    """Views (S, T, width) of the `width` columns before each column, or of those that end with its `own`."""
    padding = np.full((values.shape[0], width - own), np.nan)
    there = values if own else values[:, :-1]
    windows: Floats = sliding_window_view(np.concatenate([padding, there], axis=1), width, axis=1)
    return windows


def before(values: NDArray[Any], columns: int) -> NDArray[Any]:
    """`values` (S, T) of so many columns earlier; NaN, 0 or False where there are none.

    >>> before(np.array([[1.0, 2.0, 3.0]]), 2).tolist()
    [[nan, nan, 1.0]]
    """
    fill = np.nan if values.dtype.kind == "f" else 0
    moved = np.full(values.shape, fill, dtype=values.dtype)
    moved[:, columns:] = values[:, : max(values.shape[1] - columns, 0)]
    return moved


def count_at(known: NDArray[np.bool_], width: int, at: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many (S, A) of the `width` columns before each of the columns `at` are `known` (S, T).

    >>> count_at(np.array([[True, False, True]]), 2, np.array([0, 2])).tolist()
    [[0, 1]]
    """
    if len(at) > _FEW:
        return trailing_count(known, width)[:, at]
    found = [known[:, max(0, column - width) : column].sum(axis=1) for column in at.tolist()]
    return np.stack(found, axis=1).astype(np.int64)


def quantiles(windows: Floats, count: NDArray[np.int64], probabilities: Sequence[float | Floats]) -> list[Floats]:
    """The quantiles of the last axis, which has `count` values, interpolated linearly (Hyndman and Fan's type 7, 1996).

    A probability is one number, or one for each window.

    >>> quantiles(np.array([[3.0, np.nan, 1.0]]), np.array([2]), [0.5])
    [array([2.])]
    """
    ordered = np.sort(windows, axis=-1)  # NaN goes last
    size = ordered.shape[-1]
    flat = ordered.reshape(-1)
    start = np.arange(0, flat.size, size, dtype=np.intp).reshape(ordered.shape[:-1])
    last = np.maximum(count - 1, 0)
    results = []
    for probability in probabilities:
        place = probability * last
        low = place.astype(np.intp)
        place -= low
        low += start
        below = flat[low]
        above = flat[np.minimum(low + 1, start + last)]
        above -= below
        above *= place
        above += below
        results.append(above)
    return results


def season_median(values: Floats, season: int) -> Floats:
    """The medians (S, T) of the same position in the four seasons before.

    >>> season_median(np.array([[1.0, 9.0, 2.0, 9.0, 4.0, 9.0]]), 2).tolist()
    [[nan, nan, 1.0, 9.0, 1.5, 9.0]]
    """
    length = values.shape[1]
    filled = np.where(np.isnan(values), np.inf, values)
    a, b, c, d = (np.full(values.shape, np.inf) for _ in range(4))
    for back, one in enumerate((a, b, c, d), start=1):
        if back * season < length:
            one[:, back * season :] = filled[:, : -back * season]
    count = sum(np.isfinite(one).astype(np.int8) for one in (a, b, c, d))
    # A sorting network over whole arrays; sorting millions of rows of four takes ten times as long.
    for low, high in ((a, b), (c, d), (a, c), (b, d), (b, c)):
        smaller = np.minimum(low, high)
        np.maximum(low, high, out=high)
        low[:] = smaller
    below = np.where(count < 3, a, b)
    above = np.where(count < 2, a, np.where(count < 4, b, c))
    return np.where(count > 0, below / 2 + above / 2, np.nan)


def trailing_mean(values: Floats, width: int) -> Floats:
    """The means (S, T) of the `width` columns before each column."""
    known = ~np.isnan(values)
    total = _shift(_moving_sum(np.where(known, values, 0.0), width), 1)
    count = trailing_count(known, width)
    means: Floats = np.divide(total, count, out=np.full(values.shape, np.nan), where=count > 0)
    return means


def _moving_sum(values: Floats, width: int) -> Floats:
    """The sums of each column with the ``width - 1`` before it.

    From sums of 1, 2, 4, ... columns, and not from differences of running sums: those lose all digits next to one huge
    value.
    """
    total = np.zeros(values.shape)
    block, size, done = values, 1, 0
    while size <= width:
        if width & size:
            total += _shift(block, done)
            done += size
        block = block + _shift(block, size)
        size *= 2
    return total


def _shift(values: Floats, columns: int) -> Floats:
    """`values` moved `columns` to the right, zeros before them."""
    if columns == 0:
        return values
    moved = np.zeros(values.shape)
    moved[:, columns:] = values[:, :-columns]
    return moved


def trailing_count(known: NDArray[np.bool_], width: int, *, own: bool = False) -> NDArray[np.int64]:
    """How many of the `width` columns before each column, or of those that end with its `own`, are `known`."""
    running = np.zeros((known.shape[0], known.shape[1] + 1), dtype=np.int64)
    np.cumsum(known, axis=1, out=running[:, 1:])
    ends = np.arange(known.shape[1]) + own
    return np.asarray(running[:, ends] - running[:, np.maximum(ends - width, 0)])
