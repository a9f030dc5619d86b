"""A real Airflow with the Web UI: a product of forty days, one whose names are evil, one without runs."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.error import HTTPError

from tests.airflow_server import ROOT, AirflowServer

import tiny
from installation import Installation
from lupus.model import SeriesKey

ATTACK = "<img src=x onerror=window.attacked=1>"
"""Runs where a name from data or YAML is taken for HTML."""
EVIL_VALUES = ('"><script>window.attacked=1</script>', "javascript:window.attacked=1//", "{{7*7}}${7*7}")
EVIL_DAYS = 12
LAST_DAY = tiny.day(tiny.DAYS - 1)
EVIL = f"""\
project: evil
owner: {json.dumps(ATTACK)}
description: {json.dumps(ATTACK)}
start: 2026-01-01
end: 2026-02-09
tables:
  data: {{source: {{connection: warehouse, table: evil}}, time: day}}
segments: [{json.dumps(ATTACK)}]
"""
LOANS = tiny.PROJECT.replace(
    "owner: ml-loans", "owner: ml-loans\ndescription: Which loans will default?\nend: 2026-02-09"
)
FRESH = """\
project: fresh
start: 2026-01-01
end: 2026-02-09
tables:
  data: {source: {connection: warehouse, table: loans}, time: day}
"""


@dataclass(frozen=True)
class Web:
    """The server, and the installation whose store it shows."""

    server: AirflowServer
    installation: Installation

    @property
    def address(self) -> str:
        return self.server.url

    @property
    def lupus(self) -> str:
        """The address of the overview."""
        return f"{self.server.url}/plugin/lupus"

    def keys(self, project: str) -> list[SeriesKey]:
        """The stored series of a project."""
        with self.installation.workspace() as opened:
            return list(opened.store.series(project))

    def series(self, metric: str, column: str = "", segment: str = "", project: str = "loans") -> str:
        """The id of a stored series, as links write it."""
        (key,) = (
            key for key in self.keys(project) if (key.metric, key.column, key.segment) == (metric, column, segment)
        )
        return key.slug


def run_id(day: str) -> str:
    return f"manual__{day}"


def _fill_evil(warehouse: Path) -> None:
    quoted = ATTACK.replace('"', '""')
    with sqlite3.connect(warehouse) as database:
        database.execute(f'CREATE TABLE evil (day DATE, "{quoted}" TEXT, amount FLOAT)')
        for number in range(EVIL_DAYS):
            day = (date(2026, 1, 1) + timedelta(days=number)).isoformat()
            for row in range(90):
                value = EVIL_VALUES[row % len(EVIL_VALUES)]
                amount = row * (50 if number == EVIL_DAYS - 1 else 1)
                database.execute("INSERT INTO evil VALUES (?, ?, ?)", (day, value, amount))
    database.close()


@contextmanager
def started(folder: Path, **settings: str) -> Iterator[Web]:
    """The Web UI of an installation in `folder`; the last day of the product is run by Airflow itself."""
    installation = Installation.tiny(folder / "tiny")
    # Without an end Airflow would run the days up to today, for which there is no data.
    installation.add_project("loans", LOANS)
    installation.add_project("evil", EVIL)
    installation.add_project("fresh", FRESH)
    _fill_evil(installation.warehouse)
    installation.run(*(tiny.day(number) for number in range(tiny.DAYS - 1)))
    installation.run(*(tiny.day(number) for number in range(EVIL_DAYS)), name="evil")
    dags = folder / "dags"
    dags.mkdir()
    shutil.copy(ROOT / "dags" / "lupus_projects.py", dags)
    environment = {
        **installation.environ,
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "sqlite", "host": str(installation.warehouse)}),
        # The scheduler loads the heavy libraries once, not every task anew.
        "PYTHONPATH": str(ROOT / "examples" / "flights_demo" / "settings"),
        **settings,
    }
    with AirflowServer.standalone(folder / "airflow", dags, **environment) as server:
        server.wait_dag("lupus__loans")
        server.until(lambda: _trigger(server, LAST_DAY), "the run of the last day to be made")
        assert server.wait_run("lupus__loans", run_id(LAST_DAY)) == "success", server.output()
        yield Web(server, installation)


def _trigger(server: AirflowServer, day: str) -> bool:
    """Ask for the run of a day; False where Airflow's SQLite was locked."""
    body = {"logical_date": None, "partition_key": day, "dag_run_id": run_id(day)}
    try:
        server.call("POST", "/dags/lupus__loans/dagRuns", body)
    except HTTPError as error:
        if error.code not in (409, 500, 503):
            raise
        return error.code == 409  # it is there already
    return True
