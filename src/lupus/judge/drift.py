"""`drift`: a distribution far from its reference, by effect size, surely, and not by chance among many columns.

It reads the drift metrics that `measure` writes, whose values are effect sizes with their sampling noise removed, and
whose points carry a 95 % confidence interval. Three things must hold, never a p-value alone (a large sample makes any
difference significant):

1. **Size.** The value is above `limit`. Customary limits, when none is given:

       psi 0.2           Siddiqi, Credit Risk Scorecards (2006): below 0.1 nothing, above 0.25 a lot
       js, hellinger 0.1 distances from 0 to 1, the square roots of divergences
       tv, linf 0.1      a tenth of the rows has moved; a tenth in one category
       ks 0.1            the largest gap between the distribution functions
       wasserstein 0.1   in standard deviations of the reference: half of a small effect (Cohen, 1988)
       cramers_v 0.1     as Cramér's V: a small effect (Cohen, 1988)

2. **Certainty.** The lower end of the interval is above `least` times the limit.
3. **Not by chance among many.** z = (value - least x limit) / standard error, where the standard error is half of the
   interval over 1.96; its one-sided Gaussian p-values over all series of the metric at this interval pass the procedure
   of Benjamini and Hochberg (Controlling the false discovery rate, JRSS B 57, 1995) at `false_discoveries`.

A value without an interval is taken for certain: whoever pushed it knows. Values of fewer than `min_rows` rows are not
judged. The score is the value in limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import erfc, sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.chance import discoveries
from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.sentences import tell
from lupus.model import DriftParameters, Severity, format_value

Floats = NDArray[np.float64]

LIMITS: Final[Mapping[str, float]] = {"psi": 0.2}
"""The customary limits of drift metrics, by name; any other has `LIMIT`."""

LIMIT: Final = 0.1

_NORMAL: Final = 1.959964


class DriftRule:
    """Anomalous is a drift metric that is above its limit, surely so, and more often than chance among all columns."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = DriftParameters(**parameters)

    @property
    def least_severity(self) -> Severity:
        return Severity.LOW

    def lookback(self, season: int) -> int:  # noqa: ARG002 - other rules need it
        return 0

    def assess(self, matrix: Matrix) -> Assessment:
        remarks: dict[tuple[int, int], str] = {}
        parts = Assessment.empty(matrix, needed=0, remarks=remarks)
        if not parts.expected.size:
            return parts
        assert parts.tested is not None  # noqa: S101 - made by Assessment.empty
        values, n = matrix.values[:, matrix.at], matrix.n[:, matrix.at]
        # psi@trailing is psi against another reference.
        families = [one.key.metric.partition("@")[0] for one in matrix.series]
        limit = np.array([self.parameters.limit or LIMITS.get(name, LIMIT) for name in families])[:, None]
        low, high = matrix.interval(matrix.at)
        known = ~np.isnan(low) & ~np.isnan(high)
        least = self.parameters.least * limit
        error = np.where(known, np.maximum(high - low, 0) / (2 * _NORMAL), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, (values - least) / error, np.where(values > least, np.inf, -np.inf))
        enough = (n == 0) | (n >= self.parameters.min_rows)
        candidates = enough & ~np.isnan(values)
        passed = np.zeros(values.shape, dtype=bool)
        for family in dict.fromkeys(matrix.series[row].key.metric for row in range(len(matrix.series))):
            rows = np.array([one.key.metric == family for one in matrix.series], dtype=bool)
            for column in range(values.shape[1]):
                among = rows & candidates[:, column]
                passed[among, column] = discoveries(_upper_tail(z[among, column]), self.parameters.false_discoveries)
        certain = np.where(known, low, values) > least
        drifted = candidates & (values > limit) & certain & passed
        parts.upper[:] = limit
        parts.score[:] = np.minimum(np.maximum(values, 0) / limit, MOST)
        parts.tested[:] = np.where(drifted, values, np.nan)
        for row, column in np.argwhere((values > limit) & ~drifted).tolist():
            many = f"{n[row, column]:,} rows"
            remarks[row, column] = (
                f"above the limit, but within what {many} give by chance"
                if enough[row, column]
                else f"not judged: {many} of at least {self.parameters.min_rows:,}"
            )
        return parts

    def sentence(self, anomaly: Anomaly) -> str:
        least = format_value(self.parameters.least * (anomaly.upper or 0.0))
        return tell(anomaly, because=f"the limit, and surely above {least}")


def _upper_tail(z: Floats) -> Floats:
    """P(Z >= z) for a standard Gaussian."""
    return np.array([erfc(one / sqrt(2)) / 2 for one in z.tolist()])
