"""A product whose model is as good as a test says, day by day: for retrainings and comparisons."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from textwrap import dedent

from tests.installation import Installation

FIRST = date(2026, 1, 1)
ROWS = 60
_SCORES = "(day DATE, id INTEGER, p FLOAT, model TEXT)"
PROJECT = """
    project: loop
    owner: ml-loop
    start: 2026-01-01
    tables:
      prediction:
        {source: {connection: warehouse, table: scores}, time: day, key: id, score: p, version: model}
      ground_truth:
        {source: {connection: warehouse, table: truth}, time: day, key: id, label: y}
    task: binary_classification
    metrics: {include: [rows, log_loss, label_maturity]}
    rules:
      misleads: {kind: threshold, where: {metric: log_loss, segment: ""}, max: 0.7, severity: high}
    alerts: {backfills: true}
    retrain:
      dag: retrain_loop
      when: {group: evaluation, metric: log_loss, segment: "", severity: high, for: 2, within: 3}
      cooldown: 10d
      compare_after: 5
"""


def day(number: int) -> str:
    """The key of the interval `number` days after the first."""
    return (FIRST + timedelta(days=number)).isoformat()


def install(folder: Path, *, more: str = "", project: str = PROJECT) -> Installation:
    """An installation with the project `loop` and an empty warehouse; `more` is added to the project's file."""
    warehouse = folder / "warehouse.db"
    made = Installation.empty(folder, LUPUS_CONN_WAREHOUSE=f"sqlite:///{warehouse}")
    made.add_project("loop", dedent(project).lstrip() + more)
    with sqlite3.connect(warehouse) as database:
        database.execute(f"CREATE TABLE scores {_SCORES}")
        database.execute("CREATE TABLE truth (day DATE, id INTEGER, y INTEGER)")
    database.close()
    return made


def add(made: Installation, name: str, *, more: str, project: str = PROJECT) -> None:
    """Another model of the same truth, whose predictions are in the table ``scores_<name>``."""
    text = dedent(project).lstrip().replace("project: loop", f"project: {name}")
    made.add_project(name, text.replace("table: scores", f"table: scores_{name}") + more)
    with sqlite3.connect(made.warehouse) as database:
        database.execute(f"CREATE TABLE scores_{name} {_SCORES}")
    database.close()


def fill(
    made: Installation, losses: Mapping[int, float], *, model: str = "v1", shadow: bool = False, scores: str = "scores"
) -> None:
    """Predictions of `model` for the days of `losses`, with just that log loss; with `shadow` only the predictions.

    They go into the table `scores`. The truth is given p = exp(-loss), with some rows more certain and as many less.
    """
    with sqlite3.connect(made.warehouse) as database:
        for number, loss in losses.items():
            for row in range(ROWS):
                one = number * 1000 + row
                truth = row % 2
                right = math.exp(-loss * (0.9 + 0.2 * (row % 3) / 2))
                score = right if truth else 1 - right
                database.execute(f"INSERT INTO {scores} VALUES (?, ?, ?, ?)", (day(number), one, score, model))
                if not shadow:
                    database.execute("INSERT INTO truth VALUES (?, ?, ?)", (day(number), one, truth))
    database.close()
