"""Statistics of moving windows over (S, T) matrices. NaN means "no value" and is left out; empty windows give NaN."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def trailing(values: Floats, width: int) -> Floats:
    """Views (S, T, width) of the `width` columns before each column, never the column itself."""
    padding = np.full((values.shape[0], width), np.nan)
    windows: Floats = sliding_window_view(np.concatenate([padding, values[:, :-1]], axis=1), width, axis=1)
    return windows


def same_season(values: Floats, season: int, count: int) -> Floats:
    """The values (S, T, count) of the same position in the `count` seasons before."""
    series, length = values.shape
    gathered = np.full((series, length, count), np.nan)
    for back in range(1, count + 1):
        lag = back * season
        if lag < length:
            gathered[:, lag:, back - 1] = values[:, :-lag]
    return gathered


def quantiles(windows: Floats, probabilities: Sequence[float]) -> list[Floats]:
    """The quantiles of the last axis, interpolated linearly (type 7 of Hyndman and Fan, 1996).

    >>> quantiles(np.array([[3.0, np.nan, 1.0]]), [0.5])
    [array([2.])]
    """
    ordered = np.sort(windows, axis=-1)  # NaN goes last
    count = (ordered.shape[-1] - np.isnan(ordered).sum(axis=-1)).astype(np.intp)
    last = np.maximum(count - 1, 0)
    results = []
    for probability in probabilities:
        place = probability * last
        low = place.astype(np.intp)
        share = place - low
        below = np.take_along_axis(ordered, low[..., None], -1)[..., 0]
        above = np.take_along_axis(ordered, np.minimum(low + 1, last)[..., None], -1)[..., 0]
        results.append(below + (above - below) * share)
    return results


def median(windows: Floats) -> Floats:
    """The medians of the last axis."""
    return quantiles(windows, (0.5,))[0]


def trailing_mean(values: Floats, width: int) -> Floats:
    """The means (S, T) of the `width` columns before each column."""
    length = values.shape[1]
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    total = np.zeros(values.shape)
    # Window by window and not by differences of running sums: those lose all digits next to one huge value.
    for lag in range(1, min(width, length - 1) + 1):
        total[:, lag:] += filled[:, :-lag]
    count = trailing_count(known, width)
    means: Floats = np.divide(total, count, out=np.full(values.shape, np.nan), where=count > 0)
    return means


def trailing_count(known: NDArray[np.bool_], width: int) -> NDArray[np.int64]:
    """How many of the `width` columns before each column are `known`."""
    running = np.zeros((known.shape[0], known.shape[1] + 1), dtype=np.int64)
    np.cumsum(known, axis=1, out=running[:, 1:])
    ends = np.arange(known.shape[1])
    return np.asarray(running[:, ends] - running[:, np.maximum(ends - width, 0)])
