"""What makes counts, ratios and other numbers comparable: a scale on which their noise is even, and its least size.

Counts of independent events have a standard deviation of sqrt(mean), so sqrt(count) has one of 1/2; an observed
ratio of n rows has sqrt(p(1-p)/n), so arcsin(sqrt(ratio)) has one of 1/(2 sqrt(n)) (Anscombe, The transformation of
Poisson, binomial and negative-binomial data, Biometrika 35, 1948). Noise below that cannot be real, however
quiet the series was until now. Of other numbers nothing is known but their own size, and the confidence interval of
those that are estimates from a sample.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lupus.model import Series

Floats = NDArray[np.float64]

LARGEST: Final = 1e300
"""Larger numbers are no values, so that sums of a window stay finite."""

RELATIVE_FLOOR: Final = 0.005
"""The least noise of a number, as a share of its expected size."""

SCORE: Final = "score"
"""The unit of what is no ratio of rows, and is between 0 and 1 all the same."""

_SCORES: Final = frozenset(
    {"brier", "ece", "f1", "f1_macro", "f1_weighted", "map", "mrr", "ndcg", "pr_auc", "roc_auc", "roc_auc_macro"}
)
_RATIO_FLOOR: Final = 0.002  # for ratios of which nobody counted the rows, on the scale of their angle
_COUNT_NOISE: Final = 0.5
_HALF_PI: Final = np.pi / 2
_NORMAL: Final = 1.959964


def unit_of(series: Series) -> str:
    """The unit by which `series` is judged: its own, or `SCORE`.

    >>> from lupus.model import SeriesKey
    >>> unit_of(Series(SeriesKey("p", "predictions", "score", "estimated_roc_auc"), "evaluation"))
    'score'
    """
    metric = series.key.metric.removeprefix("estimated_").partition("@")[0].partition(":")[0]
    return SCORE if not series.unit and metric in _SCORES else series.unit


class Scale:
    """The scales of S series, by their `units` (S,): the angle of ratios, the root of row counts, else the number.

    >>> scale = Scale(np.array(["rows", "ratio", ""]))
    >>> there = scale.even(np.array([[400.0], [0.5], [-3.0]]))
    >>> scale.back(there).round(9).tolist()
    [[400.0], [0.5], [-3.0]]
    """

    def __init__(self, units: NDArray[np.str_]) -> None:
        self._ratio = units == "ratio"
        self._count = units == "rows"
        self._whole = np.isin(units, ("values", "columns"))
        self._score = units == SCORE

    def even(self, values: Floats) -> Floats:
        """`values` (S, T) on the scale on which their noise is even."""
        result = values.copy()
        if self._ratio.any():
            part = result[self._ratio]
            inside = np.arcsin(np.sqrt(np.clip(part, 0, 1)))
            # Ratios outside [0, 1] do not exist, but are measured all the same; the scale goes on straight.
            result[self._ratio] = inside + np.minimum(part, 0) + np.maximum(part - 1, 0)
        if self._count.any():
            part = result[self._count]
            result[self._count] = np.sign(part) * np.sqrt(np.abs(part))
        return result

    def back(self, evened: Floats) -> Floats:
        """The inverse of `even`."""
        result = evened.copy()
        if self._ratio.any():
            part = result[self._ratio]
            inside = np.sin(np.clip(part, 0, _HALF_PI)) ** 2
            result[self._ratio] = inside + np.minimum(part, 0) + np.maximum(part - _HALF_PI, 0)
        if self._count.any():
            part = result[self._count]
            result[self._count] = np.sign(part) * part**2
        return result

    def floor(self, expected: Floats, n: NDArray[np.int64]) -> Floats:
        """The least noise (S, A) around `expected` (S, A), both on the even scale, of values from `n` rows."""
        result = RELATIVE_FLOOR * np.abs(expected)
        if self._ratio.any():
            rows = n[self._ratio]
            result[self._ratio] = np.where(rows > 0, 0.5 / np.sqrt(np.maximum(rows, 1)), _RATIO_FLOOR)
        if self._count.any():
            result[self._count] = np.maximum(result[self._count], _COUNT_NOISE)
        if self._whole.any():
            # One more or less of what can only be counted is never far out, however steady the series was.
            result[self._whole] = np.maximum(result[self._whole], _COUNT_NOISE)
        return result

    def uncertainty(self, low: Floats, high: Floats) -> Floats:
        """The standard error (S, A) on the even scale of values with 95 % intervals; 0 for those without one."""
        return np.nan_to_num((self.even(high) - self.even(low)) / (2 * _NORMAL))

    def possible(self, value: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """The band (S, A) without what counts, ratios and scores cannot be, unless the `value` (S, A) is just that.

        A value that cannot be is for the rule `validity` to find: the unit may be wrong, and then the band is not.
        """
        low, high = lower.copy(), upper.copy()
        shared = (self._ratio | self._score)[:, None]
        np.maximum(low, 0, out=low, where=(shared | self._count[:, None]) & ~(value < 0) & (upper >= 0))
        np.minimum(high, 1, out=high, where=shared & ~(value > 1) & (lower <= 1))
        return low, high
