"""A chart of one series as a PNG: its line, the band as it was judged, and what was found."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Final, Literal

from lupus.act.text import shorten
from lupus.model import ChartPoint, Status, format_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BYTES: Final = 1_000_000
"""Slack takes more, but a picture on a phone need not be larger."""

_SCALE: Final = 2
"""Device pixels per logical pixel: 360 logical pixels are a phone's width."""


@dataclass(frozen=True, slots=True)
class _Theme:
    background: str
    text: str
    quiet: str
    grid: str
    line: str
    band: str
    anomaly: str
    warn: str


_THEMES: Final = {
    "light": _Theme("#ffffff", "#1d1c1d", "#616061", "#ececec", "#1264a3", "#cfe3f5", "#d92d20", "#b7791f"),
    "dark": _Theme("#1a1d21", "#f2f2f2", "#abadb0", "#35373b", "#5ab0f2", "#1f3a52", "#ff7b72", "#e3b341"),
}
# A shape and a colour, so that the difference is seen without colours, too.
_MARKS: Final = {Status.ANOMALY: ("D", "anomaly"), Status.ERROR: ("D", "anomaly"), Status.WARN: ("^", "warn")}


def render_chart(
    points: Sequence[ChartPoint],
    *,
    title: str,
    unit: str = "",
    theme: Literal["light", "dark"] = "light",
    width: int = 360,
    height: int = 220,
) -> bytes:
    """`points` (oldest first, one per interval) as a PNG of at most `MOST_BYTES`.

    `width` and `height` are logical pixels (100 to 2,000), two device pixels each; texts are sized to be read at that
    size. A value that is absent leaves a gap in the line, with a hollow mark at the bottom where that was a finding.
    The answer depends on the arguments only. Raises `ValueError` for a size out of range.
    """
    if not (100 <= width <= 2000 and 100 <= height <= 2000):
        raise ValueError(f"a chart is 100 to 2,000 pixels wide and high, not {width} x {height}")
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = _THEMES[theme]
    with warnings.catch_warnings(), rc_context({"text.usetex": False, "text.parse_math": False}):
        # No font has every sign: what is missing is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width / 100, height / 100), dpi=100 * _SCALE, facecolor=colours.background)
        FigureCanvasAgg(figure)
        left, right, bottom, top = 52 / width, 1 - 12 / width, 24 / height, 1 - 30 / height
        axes = figure.add_axes((left, bottom, right - left, top - bottom), facecolor=colours.background)
        size = 8.5  # points at 100 dots an inch: 12 logical pixels
        room = max(8, int((width - 16) / 7.9))
        figure.text(
            8 / width, 1 - 16 / height, shorten(title, room), color=colours.text, fontsize=9, weight="bold", va="center"
        )
        _draw(axes, points, colours)
        _label(axes, points, unit, colours, size, width=width)
        out = BytesIO()
        figure.savefig(out, format="png", facecolor=colours.background, metadata={"Software": None})
    return out.getvalue()


def _draw(axes: Axes, points: Sequence[ChartPoint], colours: _Theme) -> None:
    places = list(range(len(points)))
    nan = float("nan")

    def numbers(name: str) -> list[float]:
        found = (getattr(point, name) for point in points)
        # The difference of the largest and the smallest number has to be a number, too.
        return [nan if one is None or not isfinite(one) else min(max(one, -1e300), 1e300) for one in found]

    values, lower, upper = numbers("value"), numbers("lower"), numbers("upper")
    low, high = _range(values, lower, upper)
    axes.set_ylim(low, high)
    axes.set_xlim(-0.7, max(len(points) - 0.3, 0.7))
    if points:
        # A bound on one side only: the band goes on to the edge of the chart.
        floor = [low if isnan(lo) and not isnan(hi) else lo for lo, hi in zip(lower, upper, strict=True)]
        ceiling = [high if isnan(hi) and not isnan(lo) else hi for lo, hi in zip(lower, upper, strict=True)]
        axes.fill_between(places, floor, ceiling, step="mid", color=colours.band, linewidth=0, zorder=1)
        axes.plot(places, values, color=colours.line, linewidth=1.6, solid_capstyle="round", zorder=2)
        lonely = [
            place
            for place in places
            if not isnan(values[place])
            and all(isnan(values[one]) for one in (place - 1, place + 1) if 0 <= one < len(places))
        ]
        axes.plot(lonely, [values[one] for one in lonely], ".", color=colours.line, markersize=4, zorder=2)
    for status, (shape, colour) in _MARKS.items():
        chosen = [place for place in places if points[place].status is status and not isnan(values[place])]
        axes.plot(
            chosen,
            [values[one] for one in chosen],
            shape,
            color=getattr(colours, colour),
            markeredgecolor=colours.background,
            markeredgewidth=0.6,
            markersize=5.5,
            zorder=4,
        )
    absent = [place for place in places if isnan(values[place]) and _is_finding(points[place])]
    axes.plot(
        absent,
        [low + 0.05 * (high - low)] * len(absent),
        "o",
        markerfacecolor="none",
        markeredgecolor=colours.anomaly,
        markersize=5.5,
        clip_on=False,
        zorder=4,
    )


def _is_finding(point: ChartPoint) -> bool:
    return point.status is not None and point.status.is_finding


def _range(values: Sequence[float], lower: Sequence[float], upper: Sequence[float]) -> tuple[float, float]:
    """What the y axis shows: all values, and the bands as far as they do not squeeze the values flat."""
    known = [one for one in values if not isnan(one)]
    bounds = [one for one in (*lower, *upper) if not isnan(one)]
    if not known and not bounds:
        return 0.0, 1.0
    low, high = min(known or bounds), max(known or bounds)
    span = (high - low) or abs(high) * 0.1 or 1.0
    low = min([low, *(one for one in bounds if one >= low - 2 * span)])
    high = max([high, *(one for one in bounds if one <= high + 2 * span)])
    margin = 0.08 * ((high - low) or span)
    return low - margin, high + margin


def _label(axes: Axes, points: Sequence[ChartPoint], unit: str, colours: _Theme, size: float, *, width: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def words(value: float, _place: Any = None) -> str:
        # The unit of rows is known from the title; a percent sign is short.
        return format_value(value, unit if unit == "ratio" else "")

    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2))
    axes.yaxis.set_major_formatter(FuncFormatter(words))
    names = [shorten(point.interval.key, 16) for point in points]
    label, plot = 7 * max(map(len, names), default=1), width - 64  # logical pixels
    step = max(1, -(-len(points) // max(1, min(6, int(plot / (label + 20))))))
    # Counted from the end: the newest interval is always named. Labels end where their interval is.
    places = [
        place
        for place in range(len(points) - 1, -1, -step)
        if place == len(points) - 1 or 40 + plot * place / len(points) > label
    ]
    axes.set_xticks(places, [names[place] for place in places], ha="right" if len(points) > 2 else "center")
    axes.tick_params(colors=colours.quiet, labelsize=size, length=0, pad=4)
    axes.grid(axis="y", color=colours.grid, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
