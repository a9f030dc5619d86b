"""Ten thousand anomalies in one interval: one incident, one message, no more questions to the store than for few."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lupus.config import load_project
from lupus.model import MetricPoint, NoticeState, Series, SeriesKey, Severity, Status, Verdict
from lupus.stages import EnvironmentConnections, Settings, Workspace, act
from lupus.store import open_store

PROJECT = 'project: shop\nstart: 2026-01-01\ntables: {data: {source: {python: "a:b"}}}\nalerts: {backfills: true}\n'


def _statements(folder: Path, count: int, url: str = "") -> list[int]:
    """How many statements the act stage makes in each of three runs that find `count` anomalies.

    None of them compares each of the anomalies with each: a database that has just been made does not know how many
    rows it has, and plans badly where a query leaves it the choice.
    """
    folder.mkdir()
    (folder / "shop.yaml").write_text(PROJECT)
    project = load_project(folder / "shop.yaml", environ={})
    settings = Settings.from_environment({"LUPUS_HOME": str(folder), "LUPUS_PROJECTS": str(folder)})
    made: list[int] = []
    with open_store(url or f"sqlite:///{folder / 'lupus.db'}") as store:
        workspace = Workspace(settings, store, EnvironmentConnections({}))
        statements: list[tuple[str, Any]] = []
        engine = store._database.engine
        sa.event.listen(engine, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
        for number in range(3):
            day = project.cadence.parse(f"2026-01-{5 + number:02d}")
            keys = [
                SeriesKey("shop", "data", f"c{one % 50}", "mean", f"s={one // 50}" if one >= 50 else "")
                for one in range(count)
            ]
            points = [MetricPoint(Series(key, "input"), day, 1.0, 10) for key in keys]
            store.replace_points("shop", day, points, scope="table:data")
            verdicts = [Verdict(key, day, "rule", Status.ANOMALY, 1.0, "off", Severity.HIGH, score=3.0) for key in keys]
            store.replace_verdicts("shop", [day], verdicts)
            statements.clear()
            report = act(workspace, project, day)
            made.append(len(statements))
            _check_plans(engine, list(statements))
            assert len(report.incidents) == len(report.notices) == 1
            assert report.notices[0].state is (NoticeState.SENT if number == 0 else NoticeState.NOT_SENT)
            assert len(report.incidents[0].findings) == count * (number + 1)
    return made


def _check_plans(engine: sa.Engine, statements: list[tuple[str, Any]]) -> None:
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        for statement, values in statements:
            if statement.startswith("SELECT verdicts."):
                plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
                assert not any("Nested Loop" in line for line in plan), "\n".join(plan)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def test_ten_thousand_anomalies_are_one_incident_and_ask_no_more_than_a_hundred(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else ""
    few, many = _statements(tmp_path / "few", 100), _statements(tmp_path / "many", 10_000, url)
    assert all(one <= other for one, other in zip(many, few, strict=True))
