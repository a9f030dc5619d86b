"""The demo's expectations hold on ordinary days of 2013 and warn of what really happened on others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flights_product import warehouse

from lupus.config import load_project
from lupus.extract import extract_table
from lupus.model import Connection, Project, Snapshot
from lupus.validate import validate_snapshot

ROOT = Path(__file__).parents[2]


class _Warehouse:
    """Knows one connection."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> Connection:
        assert name == "warehouse"
        return Connection(name, url=f"sqlite:///{self.path}")


@pytest.fixture(scope="module")
def project() -> Project:
    """The demo's monitor."""
    return load_project(ROOT / "dags" / "projects" / "flights.yaml", environ={})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's warehouse."""
    return warehouse.build(tmp_path_factory.mktemp("suites") / "warehouse.db")


@pytest.mark.parametrize(
    ("day", "broken"),
    [
        ("2013-03-08", {"data.dep_time"}),  # a snow storm: 18 % cancelled
        ("2013-03-10", set()),  # the day of 23 hours
        ("2013-04-10", {"data.dep_time"}),
        ("2013-05-06", set()),
        ("2013-06-07", {"prediction.p_late"}),  # rain all day: the model expects the worst
        ("2013-08-22", {"data.precip"}),  # the weather feed stopped for some hours
        ("2013-11-03", set()),  # the day of 25 hours
        ("2013-11-28", set()),  # Thanksgiving, the quietest day
        ("2013-12-11", {"ground_truth.is_late"}),  # the labels of the 10th, when two of three flights were late
        ("2013-12-31", {"data.precip"}),  # the weather feed stopped
    ],
)
def test_what_is_broken_is_what_broke(
    project: Project, built: Path, tmp_path: Path, day: str, broken: set[str]
) -> None:
    interval = project.cadence.parse(day)
    found = set()
    for table in project.tables:
        snapshot = extract_table(
            project, table, interval, root=tmp_path, connections=_Warehouse(built), now=datetime.now(UTC)
        )
        assert isinstance(snapshot, Snapshot)
        assert snapshot.usable
        validation = validate_snapshot(project.name, snapshot, ROOT / "expectations" / table.expectations)
        assert len(validation.outcomes) >= 6
        assert validation.critical_failures == ()
        found |= {f"{table.name}.{one.column}" for one in validation.outcomes if not one.success}
    assert found == broken
