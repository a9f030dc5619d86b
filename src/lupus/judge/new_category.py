"""`new_category`: something that was not there before.

It reads what `measure` counts: `unseen_ratio` (the share of rows whose category is not in the reference), ``share:X``
(the share of one category) and the numbers of columns that came, went or changed their type.

- Of a **count** anything above 0 is new, and above the second largest count of the last `window` intervals: what came
  once is no habit.
- Of a **ratio** of n rows, once there are `min_history` intervals, new is what is surely above `max_share`, and above
  the second largest ratio of the last `window` intervals: the lower end of Wilson's 95 % interval is compared, so that
  one odd row among thirty says nothing (Wilson, Probable inference, the law of succession, and statistical inference,
  JASA 22, 1927). Where nobody counted the rows the ratio itself is.
- A series ``share:X`` is judged in its first intervals only, where it has no value in the `window` before but others of
  that column have, for at least `min_history` intervals: the category itself is new.

So a new category is told when it comes, and again when it grows. The score is the value in the bound just allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lupus.judge.rolling import trailing, trailing_count
from lupus.judge.rule import MOST, Anomaly, Assessment, Matrix
from lupus.judge.sentences import nouns
from lupus.model import NewCategoryParameters, Severity, format_value

Floats = NDArray[np.float64]

_NORMAL: Final = 1.96
_SHARE: Final = "share:"


class NewCategoryRule:
    """Anomalous is a share or a count of the new that the last intervals did not have."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = NewCategoryParameters(**parameters)

    @property
    def least_severity(self) -> Severity:
        return Severity.MEDIUM

    def lookback(self, season: int) -> int:  # noqa: ARG002 - other rules need it
        return self.parameters.window

    def assess(self, matrix: Matrix) -> Assessment:
        parts = Assessment.empty(matrix, needed=self.parameters.min_history)
        if not parts.expected.size:
            return parts
        assert parts.tested is not None  # noqa: S101 - made by Assessment.empty
        first = max(0, int(matrix.at[0]) - self.lookback(matrix.season))
        columns, at = slice(first, int(matrix.at[-1]) + 1), matrix.at - first
        values, n = matrix.values[:, matrix.at], matrix.n[:, matrix.at]
        ratio = (matrix.units == "ratio")[:, None]
        usual = _second_largest(matrix.baseline[:, columns], self.parameters.window)[:, at]
        allowed = np.maximum(np.where(ratio, self.parameters.max_share, 0.0), usual)
        sure = np.where(ratio & (n > 0), _wilson_lower(np.clip(values, 0, 1), n), values)
        shares: NDArray[np.bool_] = np.array([one.key.metric.startswith(_SHARE) for one in matrix.series], dtype=bool)
        if shares.any():
            news = self._new(matrix, columns, np.flatnonzero(shares))[:, at]
            sure[shares] = np.where(news, sure[shares], 0.0)
        # What is unseen from the first day on is not new. A count says itself what changed.
        known = trailing_count(~np.isnan(matrix.baseline[:, columns]), self.parameters.window)[:, at]
        parts.seen[:] = np.where(ratio & ~shares[:, None], known, parts.needed)
        parts.upper[:] = allowed
        # The value is what people see; that it is surely above is what makes it an anomaly.
        parts.tested[:] = np.where(sure > allowed, np.maximum(values, sure), np.nan)
        least = np.where(ratio, max(self.parameters.max_share, 1e-6), 1.0)
        parts.score[:] = np.minimum(values / np.maximum(allowed, least), MOST)
        return parts

    def sentence(self, anomaly: Anomaly) -> str:
        key, unit, window = anomaly.series.key, anomaly.series.unit, self.parameters.window
        value = format_value(anomaly.value, "" if unit == key.metric else unit)
        if key.metric.startswith(_SHARE):
            return f"{key.metric} is new: {value} after none in {window} {nouns(anomaly.cadence)}"
        allowed = format_value(anomaly.upper or 0.0, unit)
        return (
            f"{key.metric} {value} is above {allowed}, the most that the last {window} {nouns(anomaly.cadence)} allow"
        )

    def _new(self, matrix: Matrix, columns: slice, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Where (len(rows), T) a category has no value in the window before, and its column has."""
        known = ~np.isnan(matrix.values[rows, columns])
        groups: dict[tuple[str, str, str], list[int]] = {}
        for local, row in enumerate(rows.tolist()):
            key = matrix.series[row].key
            groups.setdefault((key.table, key.column, key.segment), []).append(local)
        window, found = self.parameters.window, np.zeros(known.shape, dtype=bool)
        for members in groups.values():
            others = np.any(known[members], axis=0, keepdims=True)
            there = trailing_count(others, window) >= self.parameters.min_history
            found[members] = there & (trailing_count(known[members], window) == 0)
        return found


def _second_largest(values: Floats, width: int) -> Floats:
    """The second largest (S, T) of the `width` columns before each; 0 where there are not two."""
    windows = np.where(np.isnan(trailing(values, width)), 0.0, trailing(values, width))
    return np.asarray(np.partition(windows, width - 2, axis=-1)[..., width - 2]) if width > 1 else windows[..., 0]


def _wilson_lower(ratio: Floats, n: NDArray[np.int64]) -> Floats:
    """The lower end of Wilson's 95 % interval of `ratio` among `n` rows."""
    rows, square = np.maximum(n, 1), _NORMAL**2
    centre = ratio + square / (2 * rows)
    reach = _NORMAL * np.sqrt(ratio * (1 - ratio) / rows + square / (4 * rows**2))
    lower: Floats = np.maximum(centre - reach, 0) / (1 + square / rows)
    return lower
