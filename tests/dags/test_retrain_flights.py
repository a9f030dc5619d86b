"""The demo's retraining Dag: light to parse, refits, rescores, and may run again."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from flights_product import warehouse

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The Dag file, imported."""
    spec = importlib.util.spec_from_file_location("retrain_flights_under_test", DAGS / "retrain_flights.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse up to 17 March; tests copy it."""
    flights = warehouse._read_flights()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "_read_flights", lambda: flights[flights["date"] <= "2013-03-17"])
        return warehouse.build(tmp_path_factory.mktemp("original") / "warehouse.db")


@pytest.fixture
def connected(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse of the test's own, behind the Airflow connection."""
    path = tmp_path / "warehouse.db"
    path.write_bytes(original.read_bytes())
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return path


def _run(module: ModuleType, conf: dict[str, Any] | None) -> tuple[str, int]:
    """Both tasks with `conf`, as a worker would call them."""
    dag = module.retrain_flights()
    version = dag.get_task("refit").python_callable(dag_run=SimpleNamespace(conf=conf))
    return version, dag.get_task("score").python_callable(version)


def _predictions(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT date, flight_id, p_late, model_version FROM predictions ORDER BY 2"
        ).fetchall()


def test_shape(module: ModuleType) -> None:
    dag = module.retrain_flights()
    assert dag.dag_id == "retrain_flights"
    assert dag.schedule is None
    assert dag.max_active_runs == 1
    assert dag.get_task("refit").downstream_task_ids == {"score"}
    assert dag.get_task("score").downstream_task_ids == set()


def test_parsing_is_light() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        "print([n for n in ('numpy', 'pandas', 'scipy', 'statsmodels', 'flights_product') if n in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(DAGS), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(DAGS / "retrain_flights.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_helpers_of_dag_files_are_not_parsed_as_dag_files() -> None:
    ignored = (DAGS / ".airflowignore").read_text().splitlines()
    assert {"flights_product/", "projects/"} <= set(ignored)


def test_a_request_of_lupus_changes_later_predictions_and_again_nothing(
    module: ModuleType, connected: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _predictions(connected)
    conf = {"project": "flights", "interval": "2013-03-10", "reasons": ["log loss 0.9"], "request": "abc"}
    version, rows = _run(module, conf)
    after = _predictions(connected)
    assert version == "2013-03-10"
    assert rows == sum(str(row[0]) > "2013-03-10" for row in before) > 0
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert [row for row in after if str(row[0]) <= version] == [row for row in before if str(row[0]) <= version]
    assert {row[3] for row in after if str(row[0]) > version} == {version}
    assert "asked for because: log loss 0.9" in capsys.readouterr().out
    assert _run(module, conf) == (version, rows)
    assert _predictions(connected) == after


@pytest.mark.parametrize("conf", [None, {}, {"interval": "yesterday"}, {"interval": 5}])
def test_a_trigger_without_a_day_is_refused_with_an_example(
    module: ModuleType, connected: Path, conf: dict[str, Any] | None
) -> None:
    before = _predictions(connected)
    with pytest.raises(AirflowFailException, match=r'such as {"interval": "2013-12-11"}'):
        _run(module, conf)
    assert _predictions(connected) == before


def test_a_connection_without_a_file_is_refused(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite"}))
    with pytest.raises(AirflowFailException, match="names no file"):
        _run(module, {"interval": "2013-03-10"})


def test_a_warehouse_that_is_not_there_is_not_created(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "none.db"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with pytest.raises(FileNotFoundError, match="python -m flights_product"):
        _run(module, {"interval": "2013-03-10"})
    assert not path.exists()
