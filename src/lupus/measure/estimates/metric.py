"""Estimate: a value with the interval in which the true one is expected."""

from __future__ import annotations

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
