"""A small product with five weeks of history, made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from installation import Installation

HISTORY_DAYS = 34


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The tiny product, run for its first `HISTORY_DAYS` days. Not to be changed: see `lived`."""
    installation = Installation.tiny(tmp_path_factory.mktemp("history") / "tiny")
    installation.run(*map(tiny.day, range(HISTORY_DAYS)))
    return installation


@pytest.fixture
def copy_of_history(history: Installation, tmp_path: Path) -> Callable[[str], Installation]:
    """Makes copies of `history`, each with a name, to do with as one likes."""
    return lambda name: history.copied(tmp_path / name)


@pytest.fixture
def lived(copy_of_history: Callable[[str], Installation]) -> Installation:
    """A copy of `history`."""
    return copy_of_history("lived")
