"""ChartPoint: what a chart shows of a series at one interval."""

from __future__ import annotations

from dataclasses import dataclass

from lupus.model.interval import Interval
from lupus.model.verdict import Status


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """A value (None when there is none), the band as it was judged, and the worst status that any rule gave.

    `status` is None where no rule has looked.
    """

    interval: Interval
    value: float | None
    lower: float | None = None
    upper: float | None = None
    status: Status | None = None
