"""A real Airflow runs real projects: keys, clear and rerun, broken files, waiting, half-broken sources, retraining."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

import pytest
from tests.airflow_server import ROOT, AirflowServer

from lupus.store import open_store

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

NAMES = ("late", "never")
GOOD, POOR = "2024-03-05", "2024-03-06"
SHOP = """
    project: shop
    owner: ml-shop
    description: Which visitors will buy?
    cadence: daily
    timezone: America/New_York
    start: 2024-03-01
    end: 2024-03-31
    tables:
      data: {source: {connection: warehouse, table: visits}, time: day, key: visit}
      prediction: {source: {files: "SCORES/{interval}.csv"}, key: visit, score: p_buys}
    task: binary_classification
    rules:
      too_few: {kind: threshold, where: {table: data, metric: rows}, min: 5, severity: high}
    retrain: {dag: retrain_shop, when: {table: data, metric: rows, severity: high}, cooldown: 14d}
    alerts: {backfills: true}
    schedule: {retries: 0}
"""
HALF = """
    project: half
    owner: ml-shop
    cadence: daily
    start: 2024-03-01
    end: 2024-03-31
    tables:
      data: {source: {connection: warehouse, table: visits}, time: day}
      other: {source: {connection: warehouse, table: not_there}, time: day}
    schedule: {retries: 0}
"""
WAITS = """
    project: NAME
    owner: ml-shop
    cadence: daily
    timezone: ZONE
    start: 2024-03-01
    tables:
      data: {source: {files: "NAME/{interval}.csv"}, ready: {min_rows: 2, by: "BY"}}
    schedule: {retries: 0}
"""
OTHER_DAGS = """
    import json
    from pathlib import Path

    from airflow.sdk import Asset, PartitionedAssetTimetable, dag, task

    NOTES = Path(NOTES_PATH)

    @dag(dag_id="retrain_shop", schedule=None)
    def retrain_shop():
        @task
        def refit(**context):
            run = context["dag_run"]
            with (NOTES / "retrained.jsonl").open("a") as notes:
                notes.write(json.dumps({"run_id": run.run_id, "conf": run.conf}) + "\\n")

        refit()

    @dag(dag_id="follows_shop", schedule=PartitionedAssetTimetable(assets=Asset("lupus://shop")))
    def follows_shop():
        @task(inlets=[Asset("lupus://shop")])
        def look(**context):
            events = context["triggering_asset_events"][Asset("lupus://shop")]
            told = {"key": context["dag_run"].partition_key, "extra": [event.extra for event in events]}
            with (NOTES / "followed.jsonl").open("a") as notes:
                notes.write(json.dumps(told) + "\\n")

        look()

    retrain_shop()
    follows_shop()
"""


class World:
    """The server, the folders and what the test Dags noted down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: AirflowServer
        for name in ("dags", "projects", "notes", "scores", *NAMES):
            (folder / name).mkdir()
        self._write_dags()
        self._write_data()

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'lupus' / 'store.db'}"

    @property
    def settings(self) -> dict[str, str]:
        connection = {"conn_type": "sqlite", "host": str(self.folder / "warehouse.db")}
        return {
            "AIRFLOW_CONN_WAREHOUSE": json.dumps(connection),
            "LUPUS_HOME": str(self.folder / "lupus"),
            "LUPUS_PROJECTS": str(self.folder / "projects"),
            "LUPUS_EXPECTATIONS": str(self.folder / "expectations"),
        }

    def notes(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / "notes" / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def write_projects(self) -> None:
        """Only once Airflow is well: a task that begins before the API server answers is lost."""
        self.zone, self.deadline = near_deadline()
        projects = self.folder / "projects"
        (projects / "shop.yaml").write_text(dedent(SHOP).replace("SCORES", str(self.folder / "scores")))
        (projects / "half.yaml").write_text(dedent(HALF))
        (projects / "broken.yaml").write_text("project: broken\nowner: someone\ncadence: dialy\n")
        for name in NAMES:
            text = dedent(WAITS).replace("NAME/{", f"{self.folder / name}/{{").replace("NAME", name)
            text = text.replace("ZONE", self.zone.key).replace("BY", f"{self.deadline.astimezone(self.zone):%H:%M}")
            (projects / f"{name}.yaml").write_text(text)

    def _write_dags(self) -> None:
        (self.folder / "dags" / "lupus_projects.py").write_text((ROOT / "dags" / "lupus_projects.py").read_text())
        notes = repr(str(self.folder / "notes"))
        (self.folder / "dags" / "others.py").write_text(dedent(OTHER_DAGS).replace("NOTES_PATH", notes))

    def _write_data(self) -> None:
        with sqlite3.connect(self.folder / "warehouse.db") as warehouse:
            warehouse.execute("create table visits (visit integer, day text, pages integer)")
            for day, rows in ((GOOD, 12), (POOR, 3)):
                visits = [(number, day, number % 5) for number in range(rows)]
                warehouse.executemany("insert into visits values (?, ?, ?)", visits)
                with (self.folder / "scores" / f"{day}.csv").open("w", newline="") as stream:
                    csv.writer(stream).writerows(
                        [("visit", "p_buys"), *((number, number / 20) for number in range(rows))]
                    )
        warehouse.close()

    @property
    def yesterday(self) -> str:
        """The key of the newest complete day in the zone of the waiting projects."""
        return f"{datetime.now(self.zone) - timedelta(days=1):%Y-%m-%d}"


def near_deadline() -> tuple[ZoneInfo, datetime]:
    """A whole minute 60 to 120 seconds from now, and a zone in which the day is far from over then."""
    deadline = (datetime.now(UTC) + timedelta(seconds=120)).replace(second=0, microsecond=0)
    return ZoneInfo("Etc/GMT-10" if deadline.hour < 6 else "Etc/GMT+5"), deadline


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("standalone")
    made = World(folder)
    with AirflowServer.standalone(folder / "airflow", folder / "dags", **made.settings) as server:
        made.server = server
        made.write_projects()
        for name in (*NAMES, "shop", "half", "broken"):
            server.wait_dag(f"lupus__{name}")
        yield made


@pytest.fixture(scope="module")
def waiting(world: World) -> dict[str, str]:
    """The runs of yesterday that the scheduler itself begins, of the projects whose data is not there yet."""
    runs = {name: world.server.until(lambda dag=f"lupus__{name}": world.server.runs(dag), name) for name in NAMES}
    assert {run["partition_key"] for (run,) in runs.values()} == {world.yesterday}
    return {name: run["dag_run_id"] for name, (run,) in runs.items()}


def test_missing_slices_are_waited_for_without_a_worker(world: World, waiting: dict[str, str]) -> None:
    for name, run_id in waiting.items():
        world.server.until(
            lambda name=name, run_id=run_id: world.server.states(f"lupus__{name}", run_id).get("extract") == "deferred",
            f"{name} to wait",
        )
    (world.folder / "late" / f"{world.yesterday}.csv").write_text("a,b\n1,2\n3,4\n5,6\n")


def test_a_run_of_a_day_ends_green_and_reports(world: World, waiting: dict[str, str]) -> None:
    server = world.server
    run_id = server.trigger("lupus__shop", GOOD)
    assert server.wait_run("lupus__shop", run_id) == "success", server.output()
    states = server.states("lupus__shop", run_id)
    assert states == {
        **dict.fromkeys(("extract", "validate", "measure", "judge", "act", "deliver", "done"), "success"),
        "retrain": "skipped",
    }
    assert server.run("lupus__shop", run_id)["partition_key"] == GOOD
    assert "12" in server.log("lupus__shop", run_id, "extract")
    assert "Verdicts:" in server.log("lupus__shop", run_id, "judge")
    stored = everything(world, "shop")
    assert stored["points"]
    assert list(stored["incidents"]) == []


def test_clear_and_rerun_leaves_the_same_rows(world: World, waiting: dict[str, str]) -> None:
    server = world.server
    run_id = server.runs("lupus__shop")[0]["dag_run_id"]
    before = everything(world, "shop")
    server.clear("lupus__shop", run_id)
    server.until(
        lambda: server.run("lupus__shop", run_id)["state"] not in ("success", "failed"), "the run to be cleared"
    )
    assert server.wait_run("lupus__shop", run_id) == "success"
    assert server.run("lupus__shop", run_id)["partition_key"] == GOOD
    assert everything(world, "shop") == before


def test_a_bad_day_opens_an_incident_and_retrains_exactly_once(world: World, waiting: dict[str, str]) -> None:
    server = world.server
    run_id = server.trigger("lupus__shop", POOR)
    assert server.wait_run("lupus__shop", run_id) == "success", server.output()
    assert server.states("lupus__shop", run_id)["retrain"] == "success"
    with open_store(world.store) as store:
        (incident,) = store.incidents("shop")
        (request,) = store.retrain_requests("shop")
    assert str(request.state) == "succeeded"
    (retrained,) = world.notes("retrained")
    assert retrained["run_id"] == f"lupus__shop__{POOR}__{request.id}"
    assert retrained["conf"]["interval"] == POOR
    assert retrained["conf"]["reasons"]
    # Once more, from the start: the same incident, the same request, no second retraining.
    server.clear("lupus__shop", run_id)
    server.until(
        lambda: server.run("lupus__shop", run_id)["state"] not in ("success", "failed"), "the run to be cleared"
    )
    assert server.wait_run("lupus__shop", run_id) == "success"
    with open_store(world.store) as store:
        assert [one.id for one in store.incidents("shop")] == [incident.id]
        assert [(one.id, str(one.state)) for one in store.retrain_requests("shop")] == [(request.id, "succeeded")]
    assert len(world.notes("retrained")) == 1
    outbox = (world.folder / "lupus" / "outbox.jsonl").read_text().splitlines()
    assert [json.loads(line)["project"] for line in outbox].count("shop") == 1


def test_lupus_run_leaves_what_the_scheduler_wrote(world: World, waiting: dict[str, str]) -> None:
    scheduled = everything(world, "shop")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "LUPUS"))},
        **world.settings,
        "LUPUS_CONN_WAREHOUSE": f"sqlite:///{world.folder / 'warehouse.db'}",
    }
    for day in (GOOD, POOR):
        command = [sys.executable, "-m", "lupus.cli.main", "run", "shop", "--day", day]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    assert everything(world, "shop") == scheduled
    assert len(world.notes("retrained")) == 1


def test_other_dags_can_be_scheduled_on_the_asset(world: World, waiting: dict[str, str]) -> None:
    followed = world.server.until(
        lambda: [one for one in world.notes("followed") if one["key"] == POOR], "the Dag that follows lupus://shop"
    )
    (extra, *_) = followed[0]["extra"]
    assert (extra["interval"], extra["worst"]) == (POOR, "anomaly")
    assert extra["incidents"]


def test_conf_names_the_day_where_there_is_no_partition_key(world: World, waiting: dict[str, str]) -> None:
    server = world.server
    run_id = server.trigger("lupus__half", conf={"interval": "yesterday"})
    assert server.wait_run("lupus__half", run_id) == "failed"
    assert "'yesterday' names no daily interval" in server.log("lupus__half", run_id, "extract")
    with pytest.raises(HTTPError, match="400"):
        server.trigger("lupus__half", "yesterday")


def test_a_source_that_fails_does_not_stop_the_others_but_the_run_ends_red(
    world: World, waiting: dict[str, str]
) -> None:
    server = world.server
    run_id = server.trigger("lupus__half", conf={"interval": GOOD})
    assert server.wait_run("lupus__half", run_id) == "failed"
    states = server.states("lupus__half", run_id)
    assert states["extract"] == "failed"
    assert {states[name] for name in ("validate", "measure", "judge", "act")} == {"success"}
    assert states["done"] == "upstream_failed"
    assert "not_there" in server.log("lupus__half", run_id, "extract")
    with open_store(world.store) as store:
        points = [point for point in store.points("half") if point.series.key.metric == "rows"]
    by_table = {point.series.key.table: point for point in points}
    assert by_table["data"].value == 12
    assert by_table["other"].failure is not None


def test_a_broken_file_is_a_red_dag_that_says_why(world: World, waiting: dict[str, str]) -> None:
    server = world.server
    dag = server.wait_dag("lupus__broken")
    assert dag["is_paused"] is False
    assert {tag["name"] for tag in dag["tags"]} == {"lupus", "broken"}
    # Its own schedule has it red without anybody asking.
    run = server.until(lambda: server.runs("lupus__broken"), "a run of the broken Dag")[0]
    assert server.wait_run("lupus__broken", run["dag_run_id"]) == "failed"
    log = server.log("lupus__broken", run["dag_run_id"], "broken_config")
    assert "broken.yaml:3:10" in log
    assert "daily" in log
    assert server.call("GET", "/importErrors")["import_errors"] == []
    # The Dag mends itself with its file.
    good = (world.folder / "projects" / "half.yaml").read_text().replace("project: half", "project: broken")
    (world.folder / "projects" / "broken.yaml").write_text(good)
    server.until(
        lambda: "broken" not in {tag["name"] for tag in server.call("GET", "/dags/lupus__broken")["tags"]},
        "the mended Dag",
    )


def test_what_came_in_time_is_measured_and_what_did_not_is_told(world: World, waiting: dict[str, str]) -> None:
    server = world.server
    assert server.wait_run("lupus__late", waiting["late"], 150) == "success", server.output()
    assert server.wait_run("lupus__never", waiting["never"], 60) == "success", server.output()
    with open_store(world.store) as store:
        rows = [point for point in store.points("late") if point.series.key.metric == "rows"]
        assert [(point.interval.key, point.value) for point in rows] == [(world.yesterday, 3)]
        (incident,) = store.incidents("never")
    assert {str(finding.verdict.status) for finding in incident.findings} == {"no_data"}


def everything(world: World, project: str) -> dict[str, Any]:
    """All that the store holds of `project` (the other projects' runs go on meanwhile)."""
    with open_store(world.store) as store:
        return {
            name: getattr(store, name)(project)
            for name in (
                "points",
                "series",
                "verdicts",
                "validations",
                "incidents",
                "notices",
                "retrain_requests",
                "references",
            )
        }
