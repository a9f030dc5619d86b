"""What an evaluation metric is, and an estimate of one with its confidence interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lupus.measure.confusion import Confusion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lupus.model import State

    Floats = NDArray[np.float64]
    Columns = tuple[Floats, Floats, Floats, Floats]
    """Of many groups: values, rows behind them, lower and upper ends of their intervals; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class EvaluationMetric:
    """A metric of predictions against labels; `undefined` is the reason to give where there is no value."""

    name: str
    unit: str
    undefined: str = "the statistic does not exist for these rows"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value from `n` rows, with its 95 % confidence interval from `low` to `high` where there is one."""

    value: float
    n: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Predictions with a key, those with a label, those whose label is invalid, those that are evaluated.

    Of a ranking they count queries, the labels apart: `bad_labels` of `labels`.
    """

    keys: int = 0
    labelled: int = 0
    bad_labels: int = 0
    used: int = 0

    @property
    def maturity(self) -> float:
        return self.labelled / self.keys if self.keys else 0.0

    def __add__(self, other: Counts, /) -> Counts:
        return Counts(
            self.keys + other.keys,
            self.labelled + other.labelled,
            self.bad_labels + other.bad_labels,
            self.used + other.used,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one interval in one segment: counts, estimates by metric name, the State, and other ones."""

    counts: Counts
    estimates: Mapping[str, Estimate]
    confusion: Confusion | None = None
    state: State | None = None
    others: tuple[State, ...] = ()


MATURITY: Final = EvaluationMetric("label_maturity", "ratio", "no prediction has a complete key")
INVALID_LABELS: Final = EvaluationMetric("invalid_label_ratio", "ratio", "no label has arrived")


def by_group(columns: Mapping[str, Columns]) -> Iterable[dict[str, Estimate]]:
    """The estimates of each group, by metric name; what does not exist is left out."""
    from math import isfinite

    names = list(columns)
    rows = zip(*(zip(*(part.tolist() for part in columns[name]), strict=True) for name in names), strict=True)
    for row in rows:
        yield {
            name: Estimate(value, round(n), *((low, high) if isfinite(low) and isfinite(high) else (None, None)))
            for name, (value, n, low, high) in zip(names, row, strict=True)
            if isfinite(value)
        }
