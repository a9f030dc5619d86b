"""Pictures of stored series: in messages, and wherever else a picture is wanted."""

from __future__ import annotations

from typing import Literal

from lupus.model import Interval, SeriesKey
from lupus.stages.workspace import Workspace


def series_chart(
    workspace: Workspace,
    key: SeriesKey,
    *,
    until: Interval | None = None,
    intervals: int = 60,
    title: str = "",
    unit: str | None = None,
    theme: Literal["light", "dark"] = "light",
    width: int = 360,
    height: int = 220,
) -> bytes | None:
    """A PNG of the newest `intervals` of a series up to `until`, or None when nothing is stored of it.

    `width` and `height` are logical pixels. Title and unit are those of the series when they are not given.
    """
    from lupus.act import render_chart

    points = workspace.store.chart(key, until=until, limit=intervals)
    if not points:
        return None
    if unit is None:
        known = workspace.store.series(key.project).get(key)
        unit = known.unit if known else ""
    return render_chart(points, title=title or str(key), unit=unit, theme=theme, width=width, height=height)
