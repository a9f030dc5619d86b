"""`missing`: a value that ought to be there and is not, or rows of which most are.

Absence that somebody saw has a status of its own and needs no rule: a table that did not come by its deadline, a
column that is gone (`judge.absence`). Late is the same: `ready.by` in the project file is the deadline, and what comes
after it is absent. This rule finds what nobody saw:

- **Absent.** The series has no value and no reason, though at this place of the season (weekday, hour) it had one in at
  least `regular` of the last `seasons` seasons: a push that did not come, a job that no longer runs. Without a season
  the last 7 times `seasons` intervals count. A finding of status `no_data`.
- **Partial.** A count of rows is below `least_share` of the median that this place of the season had, and by more than
  three standard deviations of a Poisson count (on the scale of square roots: 3 / 2). The score is the distance from
  the median in such bands.

Judge pushed metrics with it only where they come before the project's own run does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.rolling import before, quantiles
from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.sentences import nouns, seasons
from lupus.model import Cadence, Interval, MissingParameters, Severity, format_value

Floats = NDArray[np.float64]

_WITHOUT: Final = 7  # intervals for one season, where there is none
_POISSON: Final = 1.5  # three standard deviations of the root of a count


class MissingRule:
    """Anomalous is a value that is not there but was on such days, and a count of rows far below such days'."""

    restarts = False  # whether a value comes has nothing to do with its level

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = MissingParameters(**parameters)

    @property
    def least_severity(self) -> Severity:
        return Severity.HIGH

    def lookback(self, season: int) -> int:
        return self.parameters.seasons * max(season, _WITHOUT)

    def assess(self, matrix: Matrix) -> Assessment:
        absent: dict[tuple[int, int], str] = {}
        many = self.parameters.seasons if matrix.season > 1 else self.parameters.seasons * _WITHOUT
        needed = max(2, int(np.ceil(self.parameters.regular * many)))
        parts = Assessment.empty(matrix, needed=needed, absent=absent, tested=False)
        if not parts.expected.size:
            return parts
        parts.seasonal[:] = matrix.season > 1
        first = max(0, int(matrix.at[0]) - self.lookback(matrix.season))
        columns, at = slice(first, int(matrix.at[-1]) + 1), matrix.at - first
        steps = [back * matrix.season if matrix.season > 1 else back for back in range(1, many + 1)]
        earlier = np.stack([before(matrix.values[:, columns], step)[:, at] for step in steps], axis=-1)
        known = (~np.isnan(earlier)).sum(axis=-1)
        parts.seen[:] = known
        for row, column in np.argwhere((known >= needed) & np.isnan(matrix.values[:, matrix.at])).tolist():
            name, span = matrix.series[row].key.metric, self._span(matrix.cadence, matrix.intervals[at[column] + first])
            absent[row, column] = (
                f"{name} is missing, and nobody said why: it was there on {known[row, column]} of {span}"
            )
        usual = np.stack([before(matrix.baseline[:, columns], step)[:, at] for step in steps], axis=-1)
        (middle,) = quantiles(usual, (~np.isnan(usual)).sum(axis=-1), (0.5,))
        middle[matrix.units != "rows"] = np.nan
        root = np.sqrt(np.maximum(middle, 0))
        lower = np.minimum(self.parameters.least_share * middle, np.maximum(root - _POISSON, 0) ** 2)
        parts.expected[:], parts.lower[:] = middle, lower
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            score = (middle - matrix.values[:, matrix.at]) / (middle - lower)
        parts.score[:] = np.where(np.isnan(score), 0.0, np.clip(score, 0.0, MOST))
        return parts

    def sentence(self, anomaly: Anomaly) -> str:
        key, unit = anomaly.series.key, anomaly.series.unit
        unit = "" if unit == key.metric else unit
        value, usual = format_value(anomaly.value, unit), format_value(anomaly.expected or 0.0, unit)
        span = self._span(anomaly.cadence, anomaly.interval)
        return f"{key.metric} {value} is below {self.parameters.least_share:g} times {usual}, the usual of {span}"

    def _span(self, cadence: Cadence | None, interval: Interval) -> str:
        """``the last 4 Mondays``."""
        count = self.parameters.seasons
        if cadence is None:
            return f"the last {count * _WITHOUT} intervals"
        return f"the last {seasons(cadence, interval, count) or f'{count * _WITHOUT} {nouns(cadence)}'}"
