"""The benchmark's store, at a small size: what it makes hangs together as what runs write does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from lupus.store import open_store

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from ui.generate import Size, generate

TINY = Size("tiny", 2, 60, 70_000)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_store_of_the_benchmark_hangs_together(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    generate(url, TINY)
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def count(query: str) -> int:
            return int(connection.execute(sa.text(query)).scalar_one())

        points = count("SELECT count(*) FROM points")
        assert points == 60 * (1000 + TINY.short_days) == count("SELECT count(*) FROM verdicts")
        found = count("SELECT count(*) FROM verdicts WHERE finding = 1")
        assert 0 < found < points / 50
        assert count("SELECT sum(anomaly) FROM tallies") == found
        assert count("SELECT sum(ok) FROM tallies") == points - found
    engine.dispose()
    with open_store(url) as store:
        stands = store.views.projects()
        listing, rows, _, keys = store.views.catalog(stands)
        assert len(listing.ids) == len(rows) == 120
        assert set(rows["start"].tolist()) == {start for _, start in keys}
        assert set(keys.values()) == {"2026-11-28"}
        ids = listing.ids[:7].tolist()
        until = max(one.latest_start or 0 for one in stands)
        columns = store.views.columns(store.views.homes(ids), stands, since=until - 9 * 86_400, until=until)
        assert sum(len(one.ids) for one in columns) == 7
        assert all(value is not None for one in columns for line in one.value for value in line)
