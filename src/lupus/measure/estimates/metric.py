"""Estimate: a value with the interval in which the true one is expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NORMAL_95: Final = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""

ERROR_PREFIX: Final = "estimate_error:"


@dataclass(frozen=True, slots=True)
class EstimateMetric:
    """A metric of predictions whose labels are not known; `of` is the metric that it estimates."""

    name: str
    unit: str
    of: str = ""
    undefined: str = "the statistic does not exist for these rows"

    @property
    def error(self) -> str:
        """The name of the series of estimated minus true values."""
        return ERROR_PREFIX + self.of


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, and its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def around(cls, value: float, variance: float, *, least: float = 0.0, most: float = float("inf")) -> Estimate:
        """The normal interval of a value with this `variance`, cut where the metric ends.

        >>> Estimate.around(0.5, 0.01, most=1.0).high.__round__(3)
        0.696
        """
        half = NORMAL_95 * max(variance, 0.0) ** 0.5
        value = min(max(value, least), most)
        return cls(value, max(value - half, least), min(value + half, most))


LEAST_INTERVALS: Final = 5


def between(errors: Sequence[float], variances: Sequence[float]) -> float:
    """The variance by which intervals differ beyond what their own `variances` explain, by their `errors`.

    The method of moments of DerSimonian and Laird (1986), unweighted. Days have weather, holidays and campaigns in
    common for all of their rows, so that errors do not shrink with the number of rows as independent ones do. With
    fewer than five intervals nothing is known of it: 0.

    >>> between([0.3, -0.1, 0.2, -0.3, -0.1], [0.01] * 5).__round__(3)
    0.05
    """
    if len(errors) < LEAST_INTERVALS:
        return 0.0
    squares = sum(error * error for error in errors) / (len(errors) - 1)
    return max(squares - sum(variances) / len(variances), 0.0)
