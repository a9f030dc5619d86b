"""`threshold`: a bound that a value must not leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.sentences import tell
from lupus.model import Severity, ThresholdParameters

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ThresholdRule:
    """Anomalous is what is below `min` or above `max`; a value on the bound is not. History plays no part.

    The score is the distance from the middle in half widths when there are two bounds. With one bound
    it is 1 plus the distance past the bound, relative to the bound's size (to 1 when the bound is 0).
    Somebody wrote this bound down, so its anomalies are at least of medium severity.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = ThresholdParameters(**parameters)

    @property
    def least_severity(self) -> Severity:
        return Severity.MEDIUM

    def lookback(self, season: int) -> int:  # noqa: ARG002 - other rules need it
        return 0

    def assess(self, matrix: Matrix) -> Assessment:
        values = matrix.values[:, matrix.at]
        low, high = self.parameters.min, self.parameters.max
        return Assessment(
            expected=np.full(values.shape, np.nan),
            lower=np.full(values.shape, np.nan if low is None else float(low)),
            upper=np.full(values.shape, np.nan if high is None else float(high)),
            score=np.minimum(_score(values, low, high), MOST),
            seen=np.zeros(values.shape, dtype=np.int64),
            needed=0,
            seasonal=np.zeros(values.shape, dtype=bool),
        )

    def sentence(self, anomaly: Anomaly) -> str:
        return tell(anomaly, because="the bounds that were set", bound="the {side} of {value}")


def _score(values: NDArray[np.float64], low: float | None, high: float | None) -> NDArray[np.float64]:
    past = np.full(values.shape, -np.inf)
    with np.errstate(over="ignore"):  # what is infinitely far out is far enough out
        if low is not None and high is not None and high / 2 - low / 2 > 0:
            half = high / 2 - low / 2
            return np.asarray(np.abs(values - (low + half)) / half)
        if low is not None:
            past = np.fmax(past, (low - values) / (abs(low) or 1.0))
        if high is not None:
            past = np.fmax(past, (values - high) / (abs(high) or 1.0))
    return np.where(np.isnan(values), np.nan, np.maximum(1 + past, 0))
