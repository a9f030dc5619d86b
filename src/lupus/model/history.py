"""History: many series over the same consecutive intervals, as matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lupus.model.interval import Interval
from lupus.model.metric import Failure
from lupus.model.series import Series

if TYPE_CHECKING:  # numpy costs a tenth of a second wherever a Dag file is parsed
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """S series over T consecutive intervals, oldest first.

    `values` (S, T) float64 is NaN where there is no value; `n` (S, T) int64 counts the rows behind
    each value; `maturity` (S, T) float64 is NaN for metrics that need no ground truth; `excluded`
    (S, T) bool marks points that may be judged but belong to no baseline. `failures` has the reason
    at (series, interval) positions that were measured without a value. `closed` (T,) bool marks
    intervals whose labels are not waited for any longer. `low` and `high` (S, T) float64 are the ends of the values'
    95 % confidence intervals, NaN where there is none, or None when no value has one. Where baselines were restarted,
    `since` (S, T) int64 is the first interval that the baseline of a point may hold; None when none was.
    """

    series: tuple[Series, ...]
    intervals: tuple[Interval, ...]
    values: NDArray[np.float64]
    n: NDArray[np.int64]
    maturity: NDArray[np.float64]
    excluded: NDArray[np.bool_]
    closed: NDArray[np.bool_]
    failures: Mapping[tuple[int, int], Failure] = field(default_factory=dict)
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    since: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.series), len(self.intervals))
        for name in ("values", "n", "maturity", "excluded", "low", "high", "since"):
            given = getattr(self, name)
            if given is not None and given.shape != shape:
                raise ValueError(f"history.{name} has shape {given.shape}, not {shape}")
        if self.closed.shape != shape[1:]:
            raise ValueError(f"history.closed has shape {self.closed.shape}, not {shape[1:]}")
