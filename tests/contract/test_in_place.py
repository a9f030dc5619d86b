"""Tables that are measured where they lie say what their snapshots say, through whole runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import tiny
from lupus.config import load_project
from lupus.model import MetricPoint, Project, RunReport
from lupus.stages import EnvironmentConnections, Settings, open_workspace, run_range

# psycopg's connections, kept by Ibis, are closed when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

COLUMNS = {
    "loans": {"day": sa.Date, "loan_id": sa.Integer, "region": sa.String, "income": sa.Float, "amount": sa.Float},
    "scores": {
        "day": sa.Date,
        "loan_id": sa.Integer,
        "region": sa.String,
        "p_default": sa.Float,
        "model_version": sa.String,
    },
    "outcomes": {"known_on": sa.Date, "loan_id": sa.Integer, "defaulted": sa.Boolean},
}
DERIVED = """
    derived:
      share: {sql: amount / income}
      size: {sql: "CASE WHEN amount > 9000 THEN 'large' ELSE 'small' END"}
      broken: {sql: upper(regiom)}
"""


@pytest.fixture
def product(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """The tiny product, its warehouse in PostgreSQL; the environment that makes Lupus use it."""
    environ = tiny.make(tmp_path, days=6)
    engine = sa.create_engine(postgres_url)
    with sqlite3.connect(tmp_path / "warehouse.db") as source, engine.begin() as target:
        for name, columns in COLUMNS.items():
            table = sa.Table(name, sa.MetaData(), *(sa.Column(one, type_) for one, type_ in columns.items()))
            table.create(target)
            rows = [dict(zip(columns, row, strict=True)) for row in source.execute(f"SELECT * FROM {name}")]
            for row in rows:
                row |= {one: date.fromisoformat(row[one]) for one, type_ in columns.items() if type_ is sa.Date}
                row |= {one: bool(row[one]) for one, type_ in columns.items() if type_ is sa.Boolean}
            target.execute(sa.insert(table), rows)
    source.close()
    engine.dispose()
    return environ | {"LUPUS_CONN_WAREHOUSE": postgres_url}


def project_of(environ: Mapping[str, str], *, in_place: bool, change: Callable[[str], str] = str) -> Project:
    path = Path(environ["LUPUS_PROJECTS"]) / "loans.yaml"
    text = change(path.read_text()).replace("    source:", f"    in_place: {str(in_place).lower()}\n    source:")
    other = path.with_name(f"{'there' if in_place else 'copied'}.yaml")
    other.write_text(text)
    return load_project(other)


def lived(environ: Mapping[str, str], project: Project, folder: Path, *, last: int = 5) -> list[RunReport]:
    """The product's first days, in a store and a folder of its own."""
    settings = Settings.from_environment({**environ, "LUPUS_HOME": str(folder)})
    folder.mkdir(exist_ok=True)
    with open_workspace(settings, connections=EnvironmentConnections(environ)) as workspace:
        days = [project.cadence.parse(tiny.day(number)) for number in (0, last)]
        return list(run_range(workspace, project, *days))


def points_of(reports: list[RunReport]) -> dict[Any, MetricPoint]:
    return {(one.interval.key, one.series.key): one for report in reports for one in report.points}


def test_a_project_in_place_measures_what_it_measures_of_snapshots(product: dict[str, str], tmp_path: Path) -> None:
    def derive(text: str) -> str:
        text = text.replace("    expectations: loans/data.json\n", f"    expectations: loans/data.json{DERIVED}")
        return f"{text}metrics: {{estimates: {{min_labels: 100}}}}\n"

    reports = [
        lived(product, project_of(product, in_place=in_place, change=derive), tmp_path / str(in_place))
        for in_place in (False, True)
    ]
    assert not [failed for report in reports[1] for failed in report.failed]
    copied, there = map(points_of, reports)
    assert not list((tmp_path / "True").rglob("*.parquet"))
    assert len(copied) > 1000
    estimated = [point for point in copied.values() if point.series.key.metric == "estimated_roc_auc"]
    assert sum(point.value is not None for point in estimated) >= 2
    outcomes = [
        [(one.table, outcome) for report in lived for one in report.validations for outcome in one.outcomes]
        for lived in reports
    ]
    assert len(outcomes[0]) == 3 * 6
    assert outcomes[0] == outcomes[1]
    # Concept drift is learnt from rows, and these stay where they are.
    copied = {name: point for name, point in copied.items() if name[1].metric != "concept_drift"}
    assert there.keys() == copied.keys()
    for name, point in copied.items():
        other = there[name]
        assert (other.n, other.maturity) == (point.n, point.maturity), name
        assert (other.failure and other.failure.kind) == (point.failure and point.failure.kind), name
        for mine, yours in ((point.value, other.value), (point.low, other.low), (point.high, other.high)):
            assert yours == (mine if mine is None else pytest.approx(mine, rel=1e-9, abs=1e-12)), name
