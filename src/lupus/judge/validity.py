"""`validity`: values that cannot be, whatever the history: a ratio outside of 0–1, a negative count.

What a metric may be follows from its unit. It needs no history and no parameters, and it is never a matter of taste:
whoever computed such a value has a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.model import Severity, ValidityParameters, format_value


class ValidityRule:
    """Anomalous is a ratio below 0 or above 1, and rows, milliseconds and bytes below 0. Other units allow anything."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = ValidityParameters(**parameters)

    @property
    def least_severity(self) -> Severity:
        return Severity.HIGH

    def lookback(self, season: int) -> int:  # noqa: ARG002 - other rules need it
        return 0

    def assess(self, matrix: Matrix) -> Assessment:
        values = matrix.values[:, matrix.at]
        ratio = (matrix.units == "ratio")[:, None]
        bounded = np.isin(matrix.units, ("ratio", "rows", "ms", "s", "bytes"))[:, None]
        # A number of rows is reckoned to the tolerance of its own size, a ratio to that of 1.
        tolerance = self.parameters.tolerance
        lower = np.where(bounded, -tolerance, np.nan) + np.zeros(values.shape)
        upper = np.where(ratio, 1 + tolerance, np.nan) + np.zeros(values.shape)
        past = np.fmax(np.fmax(lower - values, values - upper), 0)
        return Assessment(
            expected=np.full(values.shape, np.nan),
            lower=lower,
            upper=upper,
            score=np.where(np.isnan(values), np.nan, np.minimum(np.where(past > 0, 1 + past, 0), MOST)),
            seen=np.zeros(values.shape, dtype=np.int64),
            needed=0,
            seasonal=np.zeros(values.shape, dtype=bool),
            drawn=False,
        )

    def sentence(self, anomaly: Anomaly) -> str:
        key, unit = anomaly.series.key, anomaly.series.unit
        below = anomaly.lower is not None and anomaly.tested < anomaly.lower
        bound, word = (0.0, "below") if below else (1.0, "above")
        value = format_value(anomaly.value, "" if unit == key.metric else unit)
        return f"{key.metric} {value} is {word} {format_value(bound, unit)}, which cannot be: look at who computed it"
