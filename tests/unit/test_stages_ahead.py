"""What is prepared ahead: how many intervals at a time, and what becomes of those that cannot be."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tiny
from installation import Installation
from lupus.measure import Engine
from lupus.model import Interval, LupusError, Project

ahead = importlib.import_module("lupus.stages.ahead")


@pytest.mark.parametrize(
    ("size", "rows", "following"),
    [(1, 900, 2), (2, 900, 4), (4, 900, 8), (8, 900, 8), (4, 20_000, 2), (8, 200_000, 1), (1, 0, 2)],
)
def test_small_slices_are_prepared_some_at_a_time(size: int, rows: int, following: int) -> None:
    snapshots = (SimpleNamespace(rows=rows / 2), SimpleNamespace(rows=rows / 2))
    prepared = SimpleNamespace(extracted=SimpleNamespace(snapshots=snapshots))
    assert ahead._next_size(size, [prepared] * size) == following
    assert ahead._next_size(size, [None] * size) == min(2 * size, 8)  # nothing is known of those that could not be


def test_what_cannot_be_prepared_is_left_to_the_run_that_will_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = Installation.tiny(tmp_path)
    project = installation.project()
    intervals = [project.cadence.parse(tiny.day(number)) for number in range(4)]

    def checked(settings: Any, connections: Any, project: Project, interval: Interval) -> Any:
        if interval == intervals[2]:
            raise LupusError("the suite cannot be read")
        return real(settings, connections, project, interval)

    real = ahead.check_tables
    monkeypatch.setattr(ahead, "check_tables", checked)
    with installation.workspace() as opened, Engine() as engine:
        monkeypatch.setattr(ahead, "_made", [])
        monkeypatch.setattr(ahead, "_state", (project, opened.connections, opened.settings, engine))
        prepared = ahead._prepare(intervals, ())
    assert [one is None for one in prepared] == [False, False, True, True]
    assert [one.extracted.interval for one in prepared if one] == intervals[:2]
