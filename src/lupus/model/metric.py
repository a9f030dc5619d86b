"""Metric values, and their failures, which are data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lupus.model.interval import Interval
from lupus.model.series import Series


class FailureKind(StrEnum):
    """Why there is no value."""

    NO_DATA = "no_data"  # the table's slice did not come, or holds no rows
    NOT_READ = "not_read"  # the source could not be read
    MISSING_COLUMN = "missing_column"
    WRONG_TYPE = "wrong_type"
    NOT_DERIVED = "not_derived"  # a derived column could not be computed
    UNDEFINED = "undefined"  # the statistic does not exist for these rows (one class only, ...)
    NO_LABELS = "no_labels"
    INVALID = "invalid"  # the rows failed critical validation


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a metric has no value: a kind for programs, a reason for people."""

    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """A metric at an interval: a finite `value`, or a `failure`; never both, never neither.

    `n` is the number of rows behind the value. `maturity` is, for metrics that need ground truth,
    the share (0 to 1) of the expected labels that have arrived, else None. `low` and `high` are the 95 %
    confidence interval of a value that is an estimate from a sample, None where there is none.
    """

    series: Series
    interval: Interval
    value: float | None
    n: int
    failure: Failure | None = None
    maturity: float | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.failure is None):
            raise ValueError(f"{self.series.key}: a point has either a value or a failure")
