"""What the warehouse really holds: the facts that the demo's tables put beside what was found."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

STORM_RATIO: Final = 0.08
"""A day on which at least this share of the flights was cancelled is called a storm here."""

_DAYS: Final = """
SELECT flights.date, COUNT(*), AVG(dep_time IS NULL), AVG(is_late)
FROM flights LEFT JOIN arrivals USING (flight_id) WHERE flights.date >= :first GROUP BY 1 ORDER BY 1
"""
_MODELS: Final = """
SELECT model_version, MIN(predictions.date), MAX(predictions.date), COUNT(*), AVG(p_late), AVG(is_late),
    -AVG(CASE WHEN is_late THEN LN(p_late) WHEN NOT is_late THEN LN(1 - p_late) END)
FROM predictions LEFT JOIN arrivals USING (flight_id) GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Day:
    """One day: scheduled flights, and the shares (0 to 1) that were cancelled, and late of those that arrived."""

    day: str
    flights: int
    cancelled_ratio: float
    late_ratio: float

    @property
    def storm(self) -> bool:
        return self.cancelled_ratio >= STORM_RATIO


@dataclass(frozen=True, slots=True)
class Storm:
    """Days in a row that were storms, and the greatest share of their flights that was cancelled."""

    first: str
    last: str
    cancelled_ratio: float


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What one model version predicted, and how it did on the arrivals known by now."""

    version: str
    first: str
    last: str
    flights: int
    mean_score: float
    late_ratio: float
    log_loss: float


def days(warehouse: Path, *, first: str) -> dict[str, Day]:
    """Every day from `first` (ISO) on."""
    return {row[0]: Day(*row) for row in _rows(warehouse, _DAYS, first)}


def storms(warehouse: Path, *, first: str) -> list[Storm]:
    """The storms from `first` (ISO) on."""
    found: list[Storm] = []
    for day in (one for one in days(warehouse, first=first).values() if one.storm):
        eve = (date.fromisoformat(day.day) - timedelta(days=1)).isoformat()
        if found and found[-1].last == eve:
            before = found.pop()
            found.append(Storm(before.first, day.day, max(before.cancelled_ratio, day.cancelled_ratio)))
        else:
            found.append(Storm(day.day, day.day, day.cancelled_ratio))
    return found


def models(warehouse: Path) -> list[ModelRecord]:
    """Every model version that has predictions, oldest first."""
    return [ModelRecord(*row) for row in _rows(warehouse, _MODELS, "")]


def _rows(warehouse: Path, query: str, first: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(warehouse, timeout=60)) as connection:
        # Not every SQLite is built with its mathematical functions.
        connection.create_function("LN", 1, math.log, deterministic=True)
        return connection.execute(query, {"first": first}).fetchall()
