"""The grid: fixed cells of a column's numbers, fine enough for quantiles, the same on every day."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

from lupus.measure.columns import Kind

if TYPE_CHECKING:
    import ibis
    import numpy as np
    from numpy.typing import NDArray

CELLS: Final = 2000
"""Cells of a grid, about. A quantile is found within its cell, so its rank errs by less than what the cell holds."""

NOT_A_NUMBER: Final = -1
"""The place of NaN."""
INFINITE: Final = -2
"""The place of what is infinite, or so large that its cube overflows."""
HUGE: Final = 1e100
"""Numbers beyond this count as infinite: the sum of their cubes would overflow."""


class Scale(StrEnum):
    """In what the cells are equally wide."""

    LINEAR = "linear"
    ASINH = "asinh"  # linear around `center`, logarithmic far away from it, on both sides


@dataclass(frozen=True, slots=True)
class Grid:
    """`cells` equal cells between `low` and `high` on a scale; `merged` of them make a bin of the kept histogram.

    Place 0 lies below `low`, places 1 to `cells` between, place ``cells + 1`` at or above `high`. On the asinh
    scale, `low` and `high` are values of asinh((x - center) / width).

    >>> grid = Grid(low=0.0, high=4.0, cells=4, merged=2)
    >>> grid.edges
    (0.0, 2.0, 4.0)
    >>> grid.bins([1, 5, 5, 0, 7, 2])
    (1, 10, 7, 2)
    """

    low: float
    high: float
    cells: int
    merged: int
    scale: Scale = Scale.LINEAR
    center: float = 0.0
    width: float = 1.0

    @property
    def shift(self) -> float:
        """A number in the middle: sums of distances from it lose no digits."""
        return self.center if self.scale is Scale.ASINH else (self.low + self.high) / 2

    @property
    def edges(self) -> tuple[float, ...]:
        """The edges of the kept histogram's bins, strictly increasing."""
        return _edges(self)

    def bins(self, counts: Any) -> tuple[int, ...]:
        """The histogram's counts, from counts by place: below, the bins, above."""
        inside = [int(sum(counts[at : at + self.merged])) for at in range(1, self.cells + 1, self.merged)]
        return (int(counts[0]), *inside, int(counts[self.cells + 1]))

    def place(self, number: ibis.Value) -> ibis.Value:
        """The place of a finite number, as an expression."""
        import ibis

        return place(self.scaled(number), self.low, self.cells / (self.high - self.low), float(self.cells), ibis)

    def places(self, numbers: NDArray[np.float64]) -> NDArray[np.intp]:
        """The places of finite numbers: `place`, step by step the same, of an array."""
        import numpy as np

        if self.scale is Scale.LINEAR:
            at = numbers - self.low
        else:
            ratio = (numbers - self.center) / self.width
            size = np.abs(ratio)
            at = np.sign(ratio) * np.log(size + np.sqrt(size * size + 1.0)) - self.low
        at *= self.cells / (self.high - self.low)
        np.clip(at, -1.0, float(self.cells), out=at)
        np.floor(at, out=at)
        return (at + 1.0).astype(np.intp)

    def scaled(self, number: ibis.Value) -> ibis.Value:
        """The number on the grid's scale."""
        if self.scale is Scale.LINEAR:
            return number
        ratio = (number - self.center) / self.width
        size = ratio.abs()
        # asinh by its definition, with the sign taken out: nothing cancels in the sum under the logarithm.
        return ratio.sign() * (size + (size * size + 1.0).sqrt()).ln()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        plain: dict[str, Any] = {"low": self.low, "high": self.high, "cells": self.cells, "merged": self.merged}
        if self.scale is not Scale.LINEAR:
            plain |= {"scale": str(self.scale), "center": self.center, "width": self.width}
        return plain

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**payload, "scale": Scale(payload.get("scale", "linear"))})


def place(number: Any, low: Any, per_unit: Any, cells: Any, ibis: Any) -> Any:
    """The place of `number` on a linear grid; every argument may be a column."""
    inside = ibis.least(ibis.greatest((number - low) * per_unit, ibis.literal(-1.0)), cells)
    return inside.floor() + 1


@lru_cache(maxsize=65536)
def _edges(grid: Grid) -> tuple[float, ...]:
    bins = grid.cells // grid.merged
    steps = [grid.low + (grid.high - grid.low) * step / bins for step in range(bins + 1)]
    if grid.scale is Scale.ASINH:
        steps = [grid.center + grid.width * math.sinh(step) for step in steps]
    return tuple(steps)


def unit_grid(bins: int) -> Grid:
    """Equal cells of [0, 1], for probabilities."""
    merged = max(CELLS // bins, 1)
    return Grid(0.0, 1.0, bins * merged, merged)


def span_grid(length: float, bins: int) -> Grid:
    """Equal cells of [0, `length`), for times since an interval's start."""
    merged = max(CELLS // bins, 1)
    return Grid(0.0, length, bins * merged, merged)


def grid_for(kind: Kind, quantiles: Mapping[float, float], *, low: float, high: float, bins: int) -> Grid:
    """A grid for the bulk of a first slice, with room for ordinary days, from its quantiles 1, 25, 50, 75 and 99 %.

    Integers of a range below `CELLS` get a cell each. Else the cells span the 1st to the 99th percentile and a
    tenth of that beyond on both sides. Where the middle half of the numbers fills less than a tenth of that, cells
    are equally wide on an asinh scale, so that a skewed column has as many where its rows are.

    >>> grid_for(Kind.INTEGER, {0.01: 0, 0.25: 0, 0.5: 1, 0.75: 2, 0.99: 2}, low=0, high=2, bins=20).edges
    (-0.5, 0.5, 1.5, 2.5)
    >>> quartiles = {0.01: 0.0, 0.25: 2.5, 0.5: 5.0, 0.75: 7.5, 0.99: 10.0}
    >>> grid_for(Kind.FLOAT, quantiles=quartiles, low=-50, high=99, bins=4).edges
    (-1.0, 2.0, 5.0, 8.0, 11.0)
    """
    if kind is Kind.INTEGER and high - low < CELLS and abs(high) < 2**50 and abs(low) < 2**50:
        count = int(high - low) + 1
        merged = -(-count // bins)
        cells = merged * -(-count // merged)
        return Grid(low - 0.5, low - 0.5 + cells, cells, merged)
    merged = max(CELLS // bins, 1)
    cells = bins * merged
    start, end = quantiles[0.01], quantiles[0.99]
    if end <= start:
        start, end = low, high
    margin = (end - start) / 10 or max(abs(start), 1.0) / 2
    middle = quantiles[0.75] - quantiles[0.25]
    if 0 < middle < (end - start + 2 * margin) / 10:
        center, width = quantiles[0.5], middle / 2
        first, last = math.asinh((start - center) / width), math.asinh((end - center) / width)
        room = (last - first) / 10
        return Grid(first - room, last + room, cells, merged, Scale.ASINH, center, width)
    start, end = start - margin, end + margin
    if kind is Kind.INTEGER and max(abs(start), abs(end)) < 2**50:
        # Every cell holds the same number of integers.
        step = math.ceil((end - start) / cells)
        start = math.floor(start) - 0.5
        return Grid(start, start + step * cells, cells, merged)
    grid = Grid(start, end, cells, merged)
    if any(a >= b for a, b in zip(grid.edges, grid.edges[1:], strict=False)):  # the width drowns in the numbers' size
        return Grid(start, start + max(abs(start), 1.0), 1, 1)
    return grid
