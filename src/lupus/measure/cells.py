"""Cells: what a query says of a column's numbers, cell by cell of its grid. Moments and quantiles come of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from lupus.measure.grid import NOT_A_NUMBER, Grid
from lupus.measure.states import Moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RANK_ERROR: Final = 0.005
"""The share of the rows by which the rank of a quantile may err."""

LOST_DIGITS: Final = 1e4
"""The factor by which squared distances may exceed the spread before they are summed again from nearer by."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells of a grid that hold numbers, by ascending `place`: arrays of one length.

    `n` rows, `low` and `high` the smallest and the largest number of each cell. `beyond` are the sums of the distances
    of the numbers below and above the grid from its ends. `unstable` says that distances were summed from so far away
    that the spread has lost digits.
    """

    place: NDArray[np.intp]
    n: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    moments: Moments
    beyond: tuple[float, float] = (0.0, 0.0)
    unstable: bool = False

    @classmethod
    def of(
        cls, place: NDArray[np.float64], columns: Mapping[str, Any], *, center: float, grid: Grid | None = None
    ) -> Self:
        """Cells from the answers of a query: `place` ascending, NaN for nulls, negative for what is no number."""
        import numpy as np

        n = columns["n"].astype(np.int64)
        inside = place >= 0
        names = ("s1", "s2", "s3", "zeros", "negatives")
        beyond = (0.0, 0.0)
        if grid is not None:
            below, above = place == 0, place == grid.cells + 1
            first, last = grid.edges[0] - center, grid.edges[-1] - center
            beyond = (
                float((n[below] * first - columns["s1"][below]).sum()),
                float((columns["s1"][above] - n[above] * last).sum()),
            )
        return cls.from_sums(
            place[inside].astype(np.intp),
            n[inside],
            columns["low"][inside],
            columns["high"][inside],
            rows=int(n.sum()),
            present=int(n[~np.isnan(place)].sum()),
            center=center,
            sums={name: math.fsum(columns[name][inside].tolist()) for name in names}
            | {"nan": float(n[place == NOT_A_NUMBER].sum())},
            beyond=beyond,
        )

    @classmethod
    def from_sums(
        cls,
        place: NDArray[np.intp],
        n: NDArray[np.int64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        *,
        rows: int,
        present: int,
        center: float,
        sums: Mapping[str, float],
        beyond: tuple[float, float],
    ) -> Self:
        """Cells that hold numbers, with the sums over all of them of distances from `center` and of their powers."""
        count = int(n.sum())
        sums = {**sums, "low": float(low.min()) if count else 0.0, "high": float(high.max()) if count else 0.0}
        moments = Moments.from_sums(rows=rows, present=present, count=count, center=center, sums=sums)
        unstable = False
        if count and sums["low"] == sums["high"]:  # what rounding leaves of a constant is no spread
            moments = replace(moments, mean=sums["low"], m2=0.0, m3=0.0)
        elif count:
            unstable = (moments.mean - center) ** 2 * count > LOST_DIGITS * moments.m2
        # Of numbers at the ends rounding may leave less than nothing.
        return cls(place, n, low, high, moments, (max(beyond[0], 0.0), max(beyond[1], 0.0)), unstable)

    def counts(self, places: int) -> NDArray[np.int64]:
        """Rows by place, from 0 to `places`."""
        import numpy as np

        return np.bincount(self.place, self.n, minlength=places).astype(np.int64)

    def quantiles(self, wanted: Sequence[float]) -> dict[float, float]:
        """Quantiles, linear between the two nearest ranks, as if the numbers of a cell were evenly spaced.

        The rank errs by less than the share of the rows in the quantile's cell; it is exact where a cell holds
        one or two numbers, or one number many times.
        """
        import numpy as np

        if not len(self.n) or not wanted:
            return {}
        until = np.cumsum(self.n)
        rank = (int(until[-1]) - 1) * np.asarray(wanted)
        lower = np.floor(rank)

        def at(index: NDArray[np.float64]) -> NDArray[np.float64]:
            cell = np.searchsorted(until, index, side="right")
            n, before = self.n[cell], until[cell] - self.n[cell]
            share = np.where(n > 1, (index - before) / np.maximum(n - 1, 1), 0.0)
            return self.low[cell] + (self.high[cell] - self.low[cell]) * share

        first, second = at(lower), at(np.minimum(lower + 1, until[-1] - 1))
        found = first + (second - first) * (rank - lower)
        return dict(zip(wanted, found.tolist(), strict=True))

    def unsure(self, wanted: Sequence[float]) -> bool:
        """Whether a quantile lies in a cell that holds more than `RANK_ERROR` of the rows, and not one number only."""
        import numpy as np

        if not len(self.n) or not wanted:
            return False
        until = np.cumsum(self.n)
        rank = (int(until[-1]) - 1) * np.asarray(wanted)
        both = np.concatenate([np.floor(rank), np.minimum(np.floor(rank) + 1, until[-1] - 1)])
        cell = np.unique(np.searchsorted(until, both, side="right"))
        crowded = self.n[cell] > max(RANK_ERROR * int(until[-1]), 2)
        return bool(np.any(crowded & (self.high[cell] > self.low[cell])))

    def gap(self, cells: int) -> float | None:
        """The longest stretch between neighbouring cells' numbers, 0 within one of the grid's `cells`.

        None where there are no two numbers, and where all are on one side of the grid: there nobody looked.
        """
        if len(self.n) < 2:
            together = len(self.n) == 1 and self.n[0] > 1 and 0 < self.place[0] <= cells
            return 0.0 if together else None
        return float((self.low[1:] - self.high[:-1]).max())
