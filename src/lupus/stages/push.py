"""Metrics made elsewhere: training runs, services, business figures."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lupus.model import Interval, LupusError, MetricPoint, Series, SeriesKey
from lupus.stages.workspace import Workspace

PUSHED = "pushed"
"""The table name of pushed metrics."""


def push_metrics(
    workspace: Workspace,
    project: str,
    metrics: Mapping[str, float],
    interval: Interval,
    *,
    group: str = "training",
    unit: str = "",
    tags: Mapping[str, str] | None = None,
) -> tuple[MetricPoint, ...]:
    """Store `metrics` as points at `interval`; pushing the same name again replaces its value.

    Raises `LupusError` for a value that is not a finite number.
    """
    for name, value in metrics.items():
        if not name.strip():
            raise LupusError("a metric needs a name")
        if not math.isfinite(value):
            raise LupusError(f"{name}={value} is not a finite number")
    # Nobody said how many rows are behind them: with n=1 the noise of a single row would be granted to a ratio.
    points = tuple(
        MetricPoint(Series(SeriesKey(project, PUSHED, "", name), group, unit, dict(tags or {})), interval, value, 0)
        for name, value in metrics.items()
    )
    workspace.store.upsert_points(points, scope=PUSHED)
    return points
