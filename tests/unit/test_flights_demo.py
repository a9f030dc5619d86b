"""The demo's driver, as far as it goes without an Airflow: its folder, environment, ports, facts and tables."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from flights_demo import demo, facts, report, server
from flights_demo.layout import ROOT, Layout
from rich.console import Console


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty demo folder."""
    (tmp_path / "demo").mkdir()
    return Layout(tmp_path / "demo")


@pytest.fixture
def storm(layout: Layout) -> Layout:
    """A warehouse with one calm day and one storm, two models."""
    with closing(sqlite3.connect(layout.warehouse)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE flights (date DATE, flight_id TEXT, dep_time DATETIME);
            CREATE TABLE arrivals (flight_id TEXT, is_late BOOLEAN);
            CREATE TABLE predictions (date DATE, flight_id TEXT, p_late FLOAT, model_version TEXT);
            """
        )
        for day, version, left in (("2013-12-09", "a", 10), ("2013-12-10", "b", 5)):
            for number in range(10):
                flight = f"{day}-{number}"
                connection.execute(
                    "INSERT INTO flights VALUES (?, ?, ?)", (day, flight, day if number < left else None)
                )
                connection.execute("INSERT INTO predictions VALUES (?, ?, 0.5, ?)", (day, flight, version))
                if number < left:
                    connection.execute("INSERT INTO arrivals VALUES (?, ?)", (flight, number == 0))
    return layout


def _incident(*, about: str, last: str = "2013-12-11") -> dict[str, object]:
    where = {"interval": about, "table": "data", "column": "dep_time", "segment": "origin=[JFK]"}
    findings = [
        where | {"severity": "medium", "score": 9.0, "sentence": "milder [red]"},
        where | {"severity": "critical", "score": 1.5, "sentence": "worst [bold]"},
    ]
    return {
        "id": "abc",
        "first": "2013-12-10",
        "last": last,
        "state": "open",
        "severity": "critical",
        "title": "dep_time [link]",
        "findings": findings,
    }


def _text(renderable: object) -> str:
    console = Console(width=160, no_color=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_facts_are_those_of_the_warehouse(storm: Layout) -> None:
    found = facts.days(storm.warehouse, first="2013-12-09")
    assert found["2013-12-09"] == facts.Day("2013-12-09", 10, 0.0, 0.1)
    assert found["2013-12-10"] == facts.Day("2013-12-10", 10, 0.5, 0.2)
    assert [day.storm for day in found.values()] == [False, True]
    assert list(facts.days(storm.warehouse, first="2013-12-10")) == ["2013-12-10"]
    old, new = facts.models(storm.warehouse)
    assert (old.version, old.flights, old.late_ratio, new.version, new.late_ratio) == ("a", 10, 0.1, "b", 0.2)
    assert old.log_loss == pytest.approx(0.6931471805599453)


def test_storms_are_days_in_a_row(storm: Layout) -> None:
    with closing(sqlite3.connect(storm.warehouse)) as connection, connection:
        for day, cancelled in (("2013-12-11", 9), ("2013-12-13", 1)):
            rows = [(day, f"{day}-{number}", None if number < cancelled else day) for number in range(10)]
            connection.executemany("INSERT INTO flights VALUES (?, ?, ?)", rows)
    assert facts.storms(storm.warehouse, first="2013-12-01") == [
        facts.Storm("2013-12-10", "2013-12-11", 0.9),
        facts.Storm("2013-12-13", "2013-12-13", 0.1),
    ]


def test_storms_stand_beside_the_worst_finding_about_their_own_day(storm: Layout) -> None:
    text = _text(report.storm_table(json.dumps([_incident(about="2013-12-10")]), storm.warehouse, first="2013-12-09"))
    assert "1 of 1 are named" in text
    assert "data.dep_time [origin=[JFK]]: worst [bold]" in text
    assert "50%" in text
    assert re.search(r"abc +│ +1 +│", text), "the day lies in one incident"
    missed = _text(report.storm_table(json.dumps([_incident(about="2013-12-11")]), storm.warehouse, first="2013-12-09"))
    assert "0 of 1 are named" in missed
    assert "not found" in missed


def test_incidents_before_december_are_counted_not_shown(storm: Layout) -> None:
    document = json.dumps([_incident(about="2013-12-10"), _incident(about="2013-11-01", last="2013-11-02")])
    text = _text(report.incident_table(document, storm.warehouse, since="2013-12-01"))
    assert "and 1 incidents from March to November" in text
    assert text.count("dep_time [link]") == 1


def test_model_and_retraining_tables(storm: Layout) -> None:
    models = _text(report.model_table(storm.warehouse))
    assert "0.693" in models
    runs = [
        {"conf": {"interval": "2013-12-11", "reasons": ["one [x]", "two"]}, "state": "success"},
        {"conf": None, "state": "x"},
    ]
    text = _text(report.retraining_table(runs))
    assert "one [x]" in text
    assert "by hand" in text
    where = _text(report.where_to_look("http://127.0.0.1:1", Layout(ROOT / ".demo")))
    assert ".demo/lupus/outbox.jsonl" in where
    assert "http://127.0.0.1:1/plugin/lupus" in where


def test_environment_is_the_demos_own(layout: Layout) -> None:
    inherited = {
        "HOME": "/home/x",
        "PATH": "/bin",
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere",
        "AIRFLOW_CONN_SLACK": "secret",
        "LUPUS_STORE_URL": "postgresql://elsewhere",
        "LUPUS_CONN_SLACK": "token:secret",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ours = layout.airflow_environment(inherited, ports=(1, 2, 3))
    assert ours["HOME"] == "/home/x"
    assert ours["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/bin"]
    assert ours["AIRFLOW_HOME"] == str(layout.airflow)
    assert ours["AIRFLOW__API__BASE_URL"].endswith(":" + ours["AIRFLOW__API__PORT"])
    assert len(ours["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    gone = set(inherited) - {"HOME", "PATH", "AIRFLOW_HOME"}
    assert not gone & set(ours)
    # Both of Lupus's ways to a connection lead to the same file.
    assert ours["LUPUS_CONN_WAREHOUSE"] == f"sqlite:///{json.loads(ours['AIRFLOW_CONN_WAREHOUSE'])['host']}"
    assert "AIRFLOW_HOME" not in layout.environment(inherited)


def test_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("DEMO_PORT", str(port))
        with pytest.raises(demo.DemoFailedError, match=f"DEMO_PORT {port} cannot be used"):
            demo._port()
        monkeypatch.delenv("DEMO_PORT")
        monkeypatch.setattr(demo, "DEFAULT_PORT", port)
        assert demo._port() != port
    for wrong in ("0", "70000", "web"):
        monkeypatch.setenv("DEMO_PORT", wrong)
        with pytest.raises(demo.DemoFailedError, match="from 1 to 65535"):
            demo._port()


def test_two_demos_at_once_are_refused_and_the_lock_goes_with_its_holder(layout: Layout) -> None:
    with demo._alone(layout), pytest.raises(demo.DemoFailedError, match="another demo"), demo._alone(layout):
        pass
    with demo._alone(layout):
        (layout.folder / "airflow").mkdir()
        (layout.folder / "airflow" / "x").touch()
        layout.done.touch()
        demo._wipe(layout)
        assert [entry.name for entry in layout.folder.iterdir()] == ["lock"]


def test_a_child_that_fails_is_quoted(layout: Layout) -> None:
    with pytest.raises(demo.DemoFailedError, match=r"status 3:\nno warehouse"):
        demo._child(layout, "-c", "import sys; sys.stderr.write('no warehouse'); sys.exit(3)")
    assert demo._child(layout, "-c", "print(5)") == "5\n"


def test_ending_reaches_grandchildren_in_groups_of_their_own(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; print(flush=True); time.sleep(600)"
    )
    parent = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, '-c', {stubborn!r}]\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    grandchild = psutil.Process(int(process.stdout.readline()))
    process.stdout.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_STOPS_WITHIN_SECONDS", 2.0)
        server._end(process)
    assert process.poll() is not None
    for _ in range(50):
        if not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the grandchild is still there")


def test_tail(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert server.tail(log) == ""
    log.write_bytes(b"\n".join(b"%d \xff" % number for number in range(100)))
    assert server.tail(log, lines=2).split("\n")[0].startswith("98 ")
