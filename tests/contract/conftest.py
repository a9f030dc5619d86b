"""A store in each of its databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lupus.store import Store, open_store
from store_cases import history_store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may be: a file that is not there yet, in a folder that is neither; an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new folder' / 'lupus.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with four days of three series."""
    history_store(store)
    return store
