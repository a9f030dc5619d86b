"""Projects whose messages and retrainings go through a real Airflow, and what the tests share of it."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.airflow_server import ROOT, AirflowServer
from tests.installation import Installation

import loop
from lupus.model import RetrainRequest, RetrainState
from slack_server import APP_TOKEN, TOKEN, SlackServer

POOR = "2026-01-06"
PATIENCE = 400.0
"""Seconds; a loaded machine takes ten times as long as a free one."""
LOSSES = {number: 0.55 + 0.02 * (number % 3) for number in range(8)} | {8: 0.92, 9: 0.95}
AFTER = {
    "loop": (0.95, 0.95, 0.95, 0.95, 0.95),
    "worse": (0.95, 0.95, 0.95, 0.95, 0.95),
    "same": (0.56, 0.55, 0.58, 0.95, 0.93),
}
"""The losses of the five days after that, before the model is trained again."""

REFITS = {"loop": "0.1 + 0.8 * (id % 2)", "worse": "0.9 - 0.8 * (id % 2)", "same": "p"}
"""What the scores are after that, in SQL."""

SHOP = """
    project: NAME
    start: 2026-01-01
    end: 2026-01-31
    tables:
      data: {source: {connection: warehouse, table: visits}, time: day}
    rules:
      too_few: {kind: threshold, where: {table: data, metric: rows}, min: 5, severity: high}
    schedule: {retries: 0}
"""
RETRAIN = "retrain: {dag: retrain_shop, when: {table: data, metric: rows, severity: high}, MORE}\n"
SHOPS = {
    "refuses": "approval: airflow",
    "slow": "approval: airflow, approve_within: 2s",
    "told": "approval: slack, approve_within: 60s",
    "unheard": "approval: slack, approve_within: 3s",
    "blocked": "cooldown: 7d",
    "downstream": "cooldown: 7d",
    "pressed": "approval: slack, approve_within: 1d",
    "declined": "approval: slack, approve_within: 1d",
}
"""Shops that want to retrain after the poor day, with what their policies say."""

IN_SLACK = {"pressed": "#ml-flights", "declined": "#ml-flights", "quiet": "#ml-flights", "busy": "#elsewhere"}
WEATHER = """
    project: weather
    start: 2026-01-01
    end: 2026-01-31
    tables:
      data: {source: {files: "never/{interval}.csv"}}
"""
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
    REFITS = THE_REFITS

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
            conf = context["dag_run"].conf
            last, project = date.fromisoformat(conf["data"]["last"]), conf["project"]
            scores = "scores" if project == "loop" else f"scores_{project}"
            with sqlite3.connect(FOLDER / "loop" / "warehouse.db") as warehouse:
                refitted = f"UPDATE {scores} SET model = 'v2', p = {REFITS[project]} WHERE day > ?"
                warehouse.execute(refitted, (str(last),))

        refit()

    retrain_shop()
    retrain_loop()
"""


class World:
    """The server, and the installation that it and the tests share."""

    def __init__(self, folder: Path, slack: SlackServer) -> None:
        self.folder, self.slack = folder, slack
        self.server: AirflowServer
        more = "  approval: airflow\nschedule: {retries: 0}\nend: 2026-01-31\n"
        extra = {"base_url": slack.url}
        self.made: Installation = loop.install(folder / "loop", more=more).with_environ(
            LUPUS_CONN_SLACK=json.dumps({"secret": TOKEN, "extra": extra}),
            LUPUS_CONN_SLACK_APP=json.dumps({"secret": APP_TOKEN, "extra": extra}),
        )
        cheap = loop.PROJECT.replace("cooldown: 10d", "cooldown: 1d\n      budget: 1")
        for name, project in (("worse", cheap), ("same", loop.PROJECT)):
            loop.add(self.made, name, more=more.replace("  approval: airflow\n", ""), project=project)
        for name, losses in AFTER.items():
            scores = "scores" if name == "loop" else f"scores_{name}"
            whole = LOSSES | dict(enumerate(losses, start=10))
            loop.fill(self.made, whole, scores=scores, shadow=name != "loop")
        with sqlite3.connect(self.made.warehouse) as database:
            database.execute("CREATE TABLE visits (visit INTEGER, day DATE)")
            database.executemany("INSERT INTO visits VALUES (?, ?)", [(number, POOR) for number in range(3)])
        database.close()
        suite = [{"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 5}, "severity": "critical"}]
        (folder / "loop" / "expectations" / "shop.json").write_text(json.dumps({"name": "shop", "expectations": suite}))
        (folder / "dags").mkdir()
        (folder / "dags" / "lupus_projects.py").write_text((ROOT / "dags" / "lupus_projects.py").read_text())
        dags = dedent(DAGS).replace("FOLDER_PATH", repr(str(folder))).replace("THE_REFITS", repr(REFITS))
        (folder / "dags" / "others.py").write_text(dags)

    @property
    def settings(self) -> dict[str, str]:
        extra = {"base_url": self.slack.url}
        connections = {
            "WAREHOUSE": {"conn_type": "sqlite", "host": str(self.made.warehouse)},
            "SLACK": {"conn_type": "slack", "password": TOKEN, "extra": extra},
            "SLACK_APP": {"conn_type": "slack", "password": APP_TOKEN, "extra": extra},
        }
        own = {name: value for name, value in self.made.environ.items() if not name.startswith("LUPUS_CONN")}
        return {**{f"AIRFLOW_CONN_{name}": json.dumps(one) for name, one in connections.items()}, **own}

    def write_projects(self) -> None:
        for name in (*SHOPS, "busy"):
            text = dedent(SHOP).replace("NAME", name)
            if name == "blocked":
                text = text.replace("time: day", "time: day, expectations: shop.json")
            if name == "downstream":
                text += "upstream: [weather]\n"
            if name in SHOPS:
                text += RETRAIN.replace("MORE", SHOPS[name])
            self.made.add_project(name, f"{text}alerts: {{{_slack(name)}backfills: true}}\n")
        self.made.add_project("weather", dedent(WEATHER))
        self.made.add_project("tardy", dedent(TARDY))

    def fall_silent(self) -> datetime:
        """A shop whose quiet hours, which have begun, end in two or three minutes; returns when."""
        now = datetime.now(UTC)
        end = now.replace(second=0, microsecond=0) + timedelta(minutes=3)
        hours = f'{{from: "{now - timedelta(hours=1):%H:%M}", to: "{end:%H:%M}", timezone: UTC}}'
        text = dedent(SHOP).replace("NAME", "quiet")
        self.made.add_project("quiet", f"{text}alerts: {{{_slack('quiet')}news_for: 3000d, quiet_hours: {hours}}}\n")
        return end

    def request(self, project: str) -> RetrainRequest | None:
        """The newest request of the project."""
        with self.made.workspace() as opened:
            return max(opened.store.retrain_requests(project), key=lambda one: one.interval, default=None)

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


def _slack(name: str) -> str:
    return f'slack: {{channel: "{IN_SLACK[name]}"}}, ' if name in IN_SLACK else ""
