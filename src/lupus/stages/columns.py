"""Columns: a project's metric values, one column per interval, read from the store once.

A run needs the values of the last weeks. A process that runs many intervals in a row would read
almost the same weeks each time; `Columns` keeps each interval's column until this process writes to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lupus.model import Failure, History, Interval, MetricPoint, Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lupus.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """One interval's values of all series that have a point in it, by ascending series id."""

    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    n: NDArray[np.int64]
    maturity: NDArray[np.float64]
    excluded: NDArray[np.bool_]
    failures: dict[int, Failure]  # by series id


class Columns:
    """Reads histories from `store` and keeps the columns of the intervals that it has read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._columns: dict[tuple[str, str], _Column] = {}
        self._series: dict[int, Series] = {}

    def replace(self, project: str, interval: Interval, points: Sequence[MetricPoint], *, scope: str) -> None:
        """Replace the points of `scope` at `interval` in the store."""
        self._columns.pop((project, interval.key), None)
        self._store.replace_points(project, interval, points, scope=scope)

    def history(self, project: str, intervals: Sequence[Interval]) -> History:
        """The values of every series of `project` that has a point in one of the consecutive `intervals`."""
        wanted = {(project, interval.key) for interval in intervals}
        for key in [key for key in self._columns if key not in wanted]:
            del self._columns[key]
        missing = [interval for interval in intervals if (project, interval.key) not in self._columns]
        if missing:
            self._read(project, missing)
        return self._assemble([self._columns[project, interval.key] for interval in intervals], tuple(intervals))

    def _read(self, project: str, intervals: Sequence[Interval]) -> None:
        history = self._store.history(project, intervals)
        ids = np.array([series.key.id for series in history.series], dtype=np.int64)
        order = np.argsort(ids)
        self._series.update(zip(ids.tolist(), history.series, strict=True))
        failed = [dict[int, Failure]() for _ in intervals]
        present = ~np.isnan(history.values)
        for (row, position), failure in history.failures.items():
            failed[position][int(ids[row])] = failure
            present[row, position] = True
        for position, interval in enumerate(intervals):
            rows = order[present[order, position]]
            self._columns[project, interval.key] = _Column(
                ids[rows],
                history.values[rows, position],
                history.n[rows, position],
                history.maturity[rows, position],
                history.excluded[rows, position],
                failed[position],
            )

    def _assemble(self, columns: Sequence[_Column], intervals: tuple[Interval, ...]) -> History:
        ids = np.unique(np.concatenate([column.ids for column in columns])) if columns else np.empty(0, np.int64)
        shape = (len(ids), len(columns))
        values = np.full(shape, np.nan)
        n = np.zeros(shape, dtype=np.int64)
        maturity = np.full(shape, np.nan)
        excluded = np.zeros(shape, dtype=bool)
        failures: dict[tuple[int, int], Failure] = {}
        for position, column in enumerate(columns):
            rows = np.searchsorted(ids, column.ids)
            values[rows, position] = column.values
            n[rows, position] = column.n
            maturity[rows, position] = column.maturity
            excluded[rows, position] = column.excluded
            for series_id, failure in column.failures.items():
                failures[int(np.searchsorted(ids, series_id)), position] = failure
        return History(
            series=tuple(self._series[series_id] for series_id in ids.tolist()),
            intervals=intervals,
            values=values,
            n=n,
            maturity=maturity,
            excluded=excluded,
            closed=np.ones(len(columns), dtype=bool),
            failures=failures,
        )
