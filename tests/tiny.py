"""A small ML product for tests: 40 days of loans, scored every day, labels up to two days late."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random

FIRST = date(2026, 1, 1)
DAYS = 40
ROWS = 120

PROJECT = """\
project: loans
owner: ml-loans
cadence: daily
timezone: America/New_York
start: 2026-01-01
tables:
  data:
    source: {connection: warehouse, table: loans}
    time: day
    key: loan_id
    expectations: loans/data.json
  prediction:
    source: {connection: warehouse, table: scores}
    time: day
    key: loan_id
    score: p_default
    version: model_version
    expectations: loans/prediction.json
  ground_truth:
    source: {connection: warehouse, table: outcomes}
    time: known_on
    key: loan_id
    label: defaulted
    arrives_within: 2d
task: binary_classification
segments: [region]
alerts: {backfills: true}
retrain:
  dag: retrain_loans
  when: {group: evaluation, metric: brier, segment: "", severity: high, for: 2, within: 4}
  cooldown: 10d
rules:
  brier_too_high: {kind: threshold, where: {metric: brier, segment: ""}, max: 0.3, severity: high}
"""

SUITES: Mapping[str, list[dict[str, object]]] = {
    "data": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "income", "mostly": 0.9},
            "severity": "warning",
        },
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "loan_id"}, "severity": "critical"},
    ],
    "prediction": [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "p_default", "min_value": 0, "max_value": 1},
            "severity": "critical",
        },
    ],
}

BROKEN_FEED = 30
"""The day (counted from `FIRST`) on which most incomes are missing."""
BAD_MODEL = range(34, 38)
"""The days on which the scores are upside down."""


def day(number: int) -> str:
    """The day `number` days after the first, as its interval's key."""
    return (FIRST + timedelta(days=number)).isoformat()


def make(folder: Path, *, days: int = DAYS) -> dict[str, str]:
    """Write project, suites and warehouse below `folder`; return the environment that makes Lupus use them."""
    projects = folder / "dags" / "projects"
    projects.mkdir(parents=True)
    (projects / "loans.yaml").write_text(PROJECT)
    suites = folder / "expectations" / "loans"
    suites.mkdir(parents=True)
    for table, expectations in SUITES.items():
        suite = {"name": f"loans.{table}", "expectations": expectations}
        (suites / f"{table}.json").write_text(json.dumps(suite))
    warehouse = folder / "warehouse.db"
    fill(warehouse, days=days)
    return {
        "LUPUS_HOME": str(folder / "home"),
        "LUPUS_PROJECTS": str(projects),
        "LUPUS_EXPECTATIONS": str(folder / "expectations"),
        "LUPUS_CONN_WAREHOUSE": f"sqlite:///{warehouse}",
        "GX_ANALYTICS_ENABLED": "false",
    }


def fill(path: Path, *, days: int = DAYS) -> None:
    """Write the warehouse: three tables, `days` days, the same on every call."""
    random = Random(7)
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE loans (day DATE, loan_id INTEGER, region TEXT, income FLOAT, amount FLOAT);
            CREATE TABLE scores (day DATE, loan_id INTEGER, region TEXT, p_default FLOAT, model_version TEXT);
            CREATE TABLE outcomes (known_on DATE, loan_id INTEGER, defaulted BOOLEAN);
            """
        )
        for number in range(days):
            for row in range(ROWS):
                loan = number * 1000 + row
                region = random.choice(["north", "south"])
                risk = random.betavariate(2, 5)
                income = None if number == BROKEN_FEED and random.random() < 0.8 else random.gauss(50_000, 8_000)
                score = 1 - risk if number in BAD_MODEL else risk
                defaulted = random.random() < risk
                late = 1 + (random.random() < 0.3)
                database.execute(
                    "INSERT INTO loans VALUES (?, ?, ?, ?, ?)",
                    (day(number), loan, region, income, random.gauss(9e3, 900)),
                )
                database.execute("INSERT INTO scores VALUES (?, ?, ?, ?, ?)", (day(number), loan, region, score, "v1"))
                database.execute("INSERT INTO outcomes VALUES (?, ?, ?)", (day(number + late), loan, defaulted))
    database.close()
