"""Retraining in a real Airflow: approval given, refused and timed out, blocked, and one loop from bad to better."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa
from tests.airflow_server import ROOT, AirflowServer
from tests.installation import Installation

import loop
from lupus.act import read_outbox
from lupus.model import ComparisonKind, ComparisonVerdict, RetrainRequest, RetrainState

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.services]

POOR = "2026-01-06"
PATIENCE = 400.0
"""Seconds; a loaded machine takes ten times as long as a free one."""
LOSSES = {number: 0.55 + 0.02 * (number % 3) for number in range(8)} | {8: 0.92, 9: 0.95}
SHOP = """
    project: NAME
    start: 2026-01-01
    end: 2026-01-31
    tables:
      data: {source: {connection: warehouse, table: visits}, time: day EXPECTATIONS}
    rules:
      too_few: {kind: threshold, where: {table: data, metric: rows}, min: 5, severity: high}
    alerts: {backfills: true}
    retrain: {dag: retrain_shop, when: {table: data, metric: rows, severity: high}, MORE}
    schedule: {retries: 0}
"""
SHOPS = {
    "refuses": "approval: airflow",
    "slow": "approval: airflow, approve_within: 2s",
    "told": "approval: slack, approve_within: 60s",
    "unheard": "approval: slack, approve_within: 3s",
    "blocked": "cooldown: 7d",
}
TARDY = """
    project: tardy
    owner: ml-tardy
    start: 2026-01-01
    tables:
      data: {source: {files: "never/{interval}.csv"}, ready: {by: "23:59"}}
    schedule: {retries: 0, deadline: 5s}
"""
DAGS = """
    import json
    import math
    import sqlite3
    from datetime import date, timedelta
    from pathlib import Path

    from airflow.sdk import dag, task

    FOLDER = Path(FOLDER_PATH)

    def note(context):
        run = context["dag_run"]
        with (FOLDER / "retrained.jsonl").open("a") as notes:
            notes.write(json.dumps({"run_id": run.run_id, "conf": run.conf}) + "\\n")

    @dag(dag_id="retrain_shop", schedule=None)
    def retrain_shop():
        @task
        def refit(**context):
            note(context)

        refit()

    @dag(dag_id="retrain_loop", schedule=None)
    def retrain_loop():
        @task
        def refit(**context):
            note(context)
            last = date.fromisoformat(context["dag_run"].conf["data"]["last"])
            with sqlite3.connect(FOLDER / "loop" / "warehouse.db") as warehouse:
                better = "UPDATE scores SET model = 'v2', p = 0.1 + 0.8 * (id % 2) WHERE day > ?"
                warehouse.execute(better, (str(last),))

        refit()

    retrain_shop()
    retrain_loop()
"""


class World:
    """The server, and the installation that it and the tests share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: AirflowServer
        more = "  approval: airflow\nschedule: {retries: 0}\nend: 2026-01-31\n"
        self.made: Installation = loop.install(folder / "loop", more=more)
        loop.fill(self.made, LOSSES | dict.fromkeys(range(10, 15), 0.95))
        with sqlite3.connect(self.made.warehouse) as database:
            database.execute("CREATE TABLE visits (visit INTEGER, day DATE)")
            database.executemany("INSERT INTO visits VALUES (?, ?)", [(number, POOR) for number in range(3)])
        database.close()
        suite = [{"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 5}, "severity": "critical"}]
        (folder / "loop" / "expectations" / "shop.json").write_text(json.dumps({"name": "shop", "expectations": suite}))
        (folder / "dags").mkdir()
        (folder / "dags" / "lupus_projects.py").write_text((ROOT / "dags" / "lupus_projects.py").read_text())
        (folder / "dags" / "others.py").write_text(dedent(DAGS).replace("FOLDER_PATH", repr(str(folder))))

    @property
    def settings(self) -> dict[str, str]:
        connection = {"conn_type": "sqlite", "host": str(self.made.warehouse)}
        own = {name: value for name, value in self.made.environ.items() if not name.startswith("LUPUS_CONN")}
        return {"AIRFLOW_CONN_WAREHOUSE": json.dumps(connection), **own}

    def write_projects(self) -> None:
        for name, more in SHOPS.items():
            expectations = ", expectations: shop.json" if name == "blocked" else ""
            text = dedent(SHOP).replace("NAME", name).replace("MORE", more).replace(" EXPECTATIONS", expectations)
            self.made.add_project(name, text)
        self.made.add_project("tardy", dedent(TARDY))

    def request(self, project: str) -> RetrainRequest | None:
        with self.made.workspace() as opened:
            return next(iter(opened.store.retrain_requests(project)), None)

    def waiting(self, project: str) -> RetrainRequest:
        """The request, as soon as it waits for somebody."""

        def found() -> Any:
            request = self.request(project)
            return request if request is not None and request.state is RetrainState.AWAITING_APPROVAL else None

        made = self.server.until(found, f"{project} to ask", PATIENCE)
        assert isinstance(made, RetrainRequest)
        return made

    def answer(self, project: str, run_id: str, option: str) -> None:
        """As a person answers the required action, who needs a moment to read it."""
        path = f"/dags/lupus__{project}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
        states = lambda: self.server.states(f"lupus__{project}", run_id)  # noqa: E731
        self.server.until(lambda: states().get("approve") == "awaiting_input", f"{project} to wait", PATIENCE)
        time.sleep(2)
        self.server.call("PATCH", path, {"chosen_options": [option], "params_input": {}})

    def retrained(self, project: str) -> list[dict[str, Any]]:
        path = self.folder / "retrained.jsonl"
        notes = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [one for one in notes if one["conf"]["project"] == project]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, module_postgres_url: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("retraining")
    made = World(folder)
    made.made.run(*(loop.day(number) for number in range(9)), name="loop")
    # So many runs at once are too much for Airflow on SQLite, whose scheduler ends when its database is locked.
    metadata = module_postgres_url.replace("+psycopg:", "+psycopg2:")
    settings = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata, **made.settings}
    with AirflowServer.standalone(folder / "airflow", folder / "dags", **settings) as server:
        made.server = server
        made.write_projects()
        for name in ("loop", "tardy", *SHOPS):
            server.wait_dag(f"lupus__{name}", PATIENCE)
        yield made


@pytest.fixture(scope="module")
def runs(world: World) -> dict[str, str]:
    """A run of the poor day for every shop, all at once."""
    return {name: world.server.trigger(f"lupus__{name}", POOR) for name in SHOPS}


def ends(world: World, project: str, run_id: str) -> dict[str, str]:
    """The states of the two tasks in which a green run ends."""
    assert world.server.wait_run(f"lupus__{project}", run_id, PATIENCE) == "success", world.server.output()
    states = world.server.states(f"lupus__{project}", run_id)
    return {name: states[name] for name in ("approve", "retrain") if name in states}


def test_approval_is_given_by_who_answers_elsewhere(world: World, runs: dict[str, str]) -> None:
    request = world.waiting("told")
    assert world.made.lupus("retrain", "approve", request.id, "--by", "vera").code == 0
    assert ends(world, "told", runs["told"]) == {"approve": "success", "retrain": "success"}
    done = world.request("told")
    assert done is not None
    assert (done.state, done.by) == (RetrainState.SUCCEEDED, "vera")
    assert len(world.retrained("told")) == 1


def test_approval_is_refused_in_airflow(world: World, runs: dict[str, str]) -> None:
    world.answer("refuses", runs["refuses"], "Refuse")
    assert ends(world, "refuses", runs["refuses"]) == {"approve": "skipped", "retrain": "skipped"}
    request = world.request("refuses")
    assert request is not None
    assert (request.state, request.by) == (RetrainState.REFUSED, "admin")
    assert world.retrained("refuses") == []


@pytest.mark.parametrize("name", ["slow", "unheard"])
def test_nobody_answers_in_time(world: World, runs: dict[str, str], name: str) -> None:
    assert ends(world, name, runs[name]) == {"approve": "skipped", "retrain": "skipped"}
    request = world.request(name)
    assert request is not None
    assert (request.state, request.note) == (RetrainState.TIMED_OUT, "nobody answered in time")
    assert world.retrained(name) == []


def test_bad_data_is_not_trained_on(world: World, runs: dict[str, str]) -> None:
    assert ends(world, "blocked", runs["blocked"]) == {"retrain": "skipped"}
    request = world.request("blocked")
    assert request is not None
    assert request.state is RetrainState.BLOCKED
    assert "the data failed critical validation" in request.note
    assert world.retrained("blocked") == []


def test_a_run_that_is_late_is_told_once(world: World, module_postgres_url: str) -> None:
    engine = sa.create_engine(module_postgres_url)

    def called() -> bool:
        with engine.connect() as metadata:
            states = metadata.execute(sa.text("SELECT state FROM callback")).scalars().all()
        assert "failed" not in states
        return "success" in states

    world.server.until(called, "Airflow to call what it is to call at the deadline", PATIENCE)
    engine.dispose()
    # The Dag that looks for missing runs may have told it first; nobody tells it again.
    (told,) = [one for one in read_outbox(world.made.settings.outbox) if one.reason == "missing_run"]
    assert told.project == "tardy"
    assert str(told.message["text"]).startswith(f"tardy (ml-tardy): no complete run of {told.interval}, which was due")


def test_from_bad_to_better(world: World) -> None:
    made = world.made
    run_id = world.server.trigger("lupus__loop", loop.day(9))
    request = world.waiting("loop")
    world.answer("loop", run_id, "Approve")
    assert ends(world, "loop", run_id) == {"approve": "success", "retrain": "success"}
    (retrained,) = world.retrained("loop")
    assert retrained["run_id"] == f"lupus__loop__{loop.day(9)}__{request.id}"
    assert retrained["conf"]["data"]["last"] == loop.day(9)
    made.run(*(loop.day(number) for number in range(10, 14)), name="loop")
    last = world.server.trigger("lupus__loop", loop.day(14))
    assert ends(world, "loop", last) == {"approve": "skipped", "retrain": "skipped"}
    with made.workspace() as opened:
        (found,) = opened.store.comparisons("loop", kind=ComparisonKind.RETRAINING)
        (change,) = opened.store.model_changes("loop")
        events = [one.text for one in opened.store.incident_events(request.incident)]
    assert (found.verdict, found.subject) == (ComparisonVerdict.IMPROVED, request.id)
    assert (change.version, change.interval.key) == ("v2", loop.day(10))
    assert [text for text in events if "retraining" in text] == [
        f"retraining by retrain_loop: {state} by admin" for state in ("approved", "triggered", "succeeded")
    ]
    told = [one for one in read_outbox(made.settings.outbox) if one.project == "loop" and one.reason == "retrain"]
    assert [one.incident for one in told] == [request.incident] * 2
    assert "waits for approval" in str(told[0].message["text"])
    assert found.sentence in str(told[1].message["text"])
    assert "improved" in made.lupus("retrain", "loop").text
