"""Refitting on recent flights, and scoring the days that follow with the new model."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Final

from flights_product.warehouse import FIRST_DAY, connected, fit, load, predict, save

TRAINING_DAYS: Final = 60


def refit(path: Path, day: date) -> str:
    """Trains on the `TRAINING_DAYS` days up to and with `day`, as far as their arrivals were known then.

    Returns the new model's version, which is the day: running it again writes the same model again.
    """
    first = max(FIRST_DAY, day - timedelta(days=TRAINING_DAYS - 1))
    with connected(path) as connection:
        model = fit(connection, first, day)
        save(connection, model)
    return model.version


def rescore(path: Path, version: str) -> int:
    """Replaces, in one transaction, the predictions of all days after the training days of `version`: how many."""
    with connected(path) as connection:
        return predict(connection, load(connection, version), after=date.fromisoformat(version))
