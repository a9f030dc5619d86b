"""Charts as PNGs: their size, what is drawn, and that nothing in the data breaks them.

`LUPUS_UPDATE_GOLDEN=1` writes the picture in the docs anew.
"""

from __future__ import annotations

import io
import math
import os
import random
import struct
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from act_cases import day
from lupus.act import render_chart
from lupus.act.chart import MOST_BYTES
from lupus.model import ChartPoint, Status

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "slack-chart.png"
RED = (0xD9, 0x2D, 0x20)
BLUE = (0x12, 0x64, 0xA3)
BAND = (0xCF, 0xE3, 0xF5)


def flights() -> list[ChartPoint]:
    """Sixty days of a null ratio, of which the last ones are a storm."""
    rng = random.Random(20130208)
    points = []
    for number in range(60):
        value: float | None = 0.024 + 0.006 * math.sin(number / 3) + rng.gauss(0, 0.003)
        status = Status.OK
        if number in (56, 57, 59):
            value, status = {56: 0.31, 57: 0.512, 59: 0.4}[number], Status.ANOMALY
        elif number == 20:
            value, status = 0.052, Status.WARN
        elif number == 30:
            value, status = None, Status.NO_DATA
        band = (0.01, 0.04) if number > 8 else (None, None)
        points.append(ChartPoint(day(number), value, *band, status))
    return points


def _pixels(png: bytes) -> np.ndarray:
    return (matplotlib.image.imread(io.BytesIO(png))[:, :, :3] * 255).round().astype(int)


def _count(png: bytes, colour: tuple[int, int, int]) -> int:
    return int((np.abs(_pixels(png) - colour).max(axis=2) <= 4).sum())


def test_the_picture_in_the_docs() -> None:
    png = render_chart(flights(), title="Null ratio of data.dep_time", unit="ratio")
    if os.environ.get("LUPUS_UPDATE_GOLDEN") == "1":
        PICTURE.write_bytes(png)
    assert struct.unpack(">II", png[16:24]) == (720, 440)
    assert len(png) < 60_000
    # Another version of a font or of the renderer draws a few pixels otherwise.
    shown, drawn = _pixels(PICTURE.read_bytes()), _pixels(png)
    assert shown.shape == drawn.shape
    assert np.mean(np.abs(shown - drawn).max(axis=2) > 64) < 0.02


def test_what_is_drawn() -> None:
    png = render_chart(flights(), title="x", unit="ratio")
    assert _count(png, RED) > 200, "anomalies"
    assert _count(png, BLUE) > 800, "the line"
    assert _count(png, BAND) > 4000, "the band"
    quiet = [ChartPoint(one.interval, 0.02, 0.01, 0.04, Status.OK) for one in flights()]
    assert _count(render_chart(quiet, title="x"), RED) == 0


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert render_chart(flights(), title="x") == render_chart(flights(), title="x")


def test_the_dark_theme_is_dark() -> None:
    assert _pixels(render_chart(flights(), title="x", theme="dark"))[0, 0].max() < 60
    assert _pixels(render_chart(flights(), title="x"))[0, 0].min() == 255


@pytest.mark.parametrize(("width", "height"), [(100, 100), (360, 220), (720, 300), (2000, 2000)])
def test_sizes(width: int, height: int) -> None:
    png = render_chart(flights(), title="Null ratio of data.dep_time", width=width, height=height)
    assert struct.unpack(">II", png[16:24]) == (2 * width, 2 * height)
    assert len(png) < MOST_BYTES


@pytest.mark.parametrize(("width", "height"), [(99, 220), (360, 2001), (0, 0)])
def test_sizes_out_of_range(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="100 to 2,000 pixels"):
        render_chart([], title="x", width=width, height=height)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0.5],
        [None],
        [None, None],
        [1.0, None, 1.0, None, 1.0],
        [0.0, 0.0],
        [1e308, -1e308],
        [float("inf"), float("-inf"), float("nan"), 1.0],
        [5e-324, 0.0],
        [1e15, 1e15 + 2],
    ],
    ids=str,
)
def test_any_numbers(values: list[float | None]) -> None:
    for bounds in ((None, None), (0.0, None), (None, 1.0), (1.0, 0.0), (float("nan"), float("inf"))):
        points = [ChartPoint(day(n), value, *bounds, Status.ANOMALY) for n, value in enumerate(values)]
        assert render_chart(points, title="x", unit="rows")[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "title", ["", "$x^2", r"\frac{1}{0}", "🐺 ☃ \u202e", "日本語", "a\nb\x00c", "x" * 100_000, "%s {0}"]
)
def test_any_title(title: str) -> None:
    assert render_chart(flights(), title=title)[:4] == b"\x89PNG"


def test_a_year_of_days() -> None:
    points = [ChartPoint(day(number), float(number % 9), 1.0, 5.0, Status.OK) for number in range(1000)]
    assert len(render_chart(points, title="x", width=2000, height=1000)) < MOST_BYTES
