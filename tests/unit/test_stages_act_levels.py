"""What the act stage knows of what is over: the newest values, without those that some labels say only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from act_cases import day, project, series_of, verdict
from lupus.act import update_incidents
from lupus.model import History, Interval
from lupus.stages.act import _levels
from lupus.stages.workspace import Workspace


@pytest.mark.parametrize(
    ("values", "maturity", "level"),
    [
        ([0.5, 0.4], [np.nan, np.nan], 0.4),
        ([0.5, np.nan], [np.nan, np.nan], 0.5),
        ([0.5, 0.4], [1.0, 0.2], 0.5),
        ([0.5, 0.4], [0.1, 0.2], None),
    ],
)
def test_the_newest_mature_value_is_the_level(values: list[float], maturity: list[float], level: float | None) -> None:
    found, another = verdict(0), verdict(0, "another")
    series = series_of([found, another])
    made, judged = project(), [day(1), day(2)]
    incidents = update_incidents(made, day(0), [found], series, [], newest=day(2)).incidents
    shape = (2, 2)

    def history(name: str, intervals: list[Interval]) -> History:
        assert (name, intervals) == (made.name, judged)
        return History(
            series=(series[found.series], series[another.series]),
            intervals=tuple(intervals),
            values=np.array([values, [9.0, 9.0]]),
            n=np.ones(shape, dtype=np.int64),
            maturity=np.array([maturity, [1.0, 1.0]]),
            excluded=np.zeros(shape, dtype=bool),
            closed=np.ones(2, dtype=bool),
        )

    workspace = cast("Workspace", SimpleNamespace(store=cast("Any", SimpleNamespace(history=history))))
    assert _levels(workspace, made, incidents, judged[::-1]) == ({} if level is None else {found.series: level})
    assert _levels(workspace, made, (), judged) == {}
