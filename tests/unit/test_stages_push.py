"""Metrics that were made elsewhere, and where an installation keeps its things."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

import lupus
from installation import Installation
from lupus.model import ConnectionNotUsableError, LupusError
from lupus.stages import EnvironmentConnections, Settings, Workspace, push_metrics

PROJECT = """\
project: loans
owner: ml
cadence: daily
start: 2026-01-01
tables: {data: {source: {files: "/nowhere/{interval}.csv"}}}
"""


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation.empty(tmp_path / "lupus")
    made.add_project("loans", PROJECT)
    return made


@pytest.fixture
def workspace(installation: Installation) -> Iterator[Workspace]:
    with installation.workspace() as opened:
        yield opened


def test_pushed_metrics_are_points_with_their_group_unit_and_tags(
    installation: Installation, workspace: Workspace
) -> None:
    day = installation.project().cadence.parse("2026-01-05")
    pushed = push_metrics(
        workspace, "loans", {"auc": 0.9, "rows/s": 120.5}, day, group="software", unit="ms", tags={"model": "v2"}
    )
    stored = workspace.store.points("loans", interval=day)
    assert {(one.series.key.metric, one.value) for one in stored} == {("auc", 0.9), ("rows/s", 120.5)}
    assert {point.series.key for point in pushed} == {one.series.key for one in stored}
    assert {(one.series.group, one.series.unit, one.series.tags["model"]) for one in stored} == {
        ("software", "ms", "v2")
    }
    assert {one.n for one in stored} == {0}


def test_pushing_again_replaces_a_value_and_keeps_the_others(installation: Installation, workspace: Workspace) -> None:
    cadence = installation.project().cadence
    day = cadence.parse("2026-01-05")
    push_metrics(workspace, "loans", {"auc": 0.9, "loss": 0.3}, day)
    push_metrics(workspace, "loans", {"auc": 0.8}, cadence.next(day))
    push_metrics(workspace, "loans", {"auc": 0.7}, day)
    before = workspace.store.dump()
    push_metrics(workspace, "loans", {"auc": 0.7}, day)
    assert workspace.store.dump() == before
    values = {(one.interval.key, one.series.key.metric): one.value for one in workspace.store.points("loans")}
    assert values == {
        ("2026-01-05", "auc"): 0.7,
        ("2026-01-05", "loss"): 0.3,
        ("2026-01-06", "auc"): 0.8,
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused_and_nothing_is_stored(
    installation: Installation, workspace: Workspace, value: float
) -> None:
    day = installation.project().cadence.parse("2026-01-05")
    with pytest.raises(LupusError, match="is not a finite number"):
        push_metrics(workspace, "loans", {"good": 1.0, "bad": value}, day)
    with pytest.raises(LupusError, match="needs a name"):
        push_metrics(workspace, "loans", {" ": 1.0}, day)
    assert workspace.store.points("loans") == []


def test_notebooks_push_run_and_load(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in installation.environ.items():
        monkeypatch.setenv(name, value)
    project = lupus.load_project(installation.project_file())
    lupus.log_metrics(project, {"val_auc": 0.91}, day="2026-01-05", tags={"run": "7"})
    assert [one.value for one in installation.points("2026-01-05")] == [0.91]
    report = lupus.run(project, "2026-01-05")
    assert [snapshot.status for snapshot in report.snapshots] == ["no_data"]
    assert [notice.reason for notice in report.notices] == ["backfill"]
    report = lupus.run(project, "2026-01-05", notify=True)
    assert [notice.reason for notice in report.notices] == ["first"]
    assert not (tmp_path / ".lupus").exists()


def test_settings_have_defaults_and_follow_the_environment() -> None:
    plain = Settings.from_environment({})
    assert plain.home == Path(".lupus").absolute()
    assert plain.projects == Path("dags/projects").absolute()
    assert plain.store_url == f"sqlite:///{plain.home / 'store.db'}"
    own = Settings.from_environment({"LUPUS_HOME": "/a", "LUPUS_STORE_URL": "x://y", "LUPUS_UI_URL": "http://h/"})
    assert (own.snapshots, own.outbox) == (Path("/a/snapshots"), Path("/a/outbox.jsonl"))
    assert (own.store_url, own.ui_url) == ("x://y", "http://h")
    # An empty variable is as good as none: compose files set them so.
    assert Settings.from_environment({"LUPUS_HOME": "", "LUPUS_PROJECTS": ""}) == plain


def test_connections_come_from_the_environment_and_hide_what_they_hold() -> None:
    connections = EnvironmentConnections(
        {
            "LUPUS_CONN_WARE_HOUSE": "postgresql://u:s3cret@h/d",
            "LUPUS_CONN_SLACK": "token:xoxb-s3cret",
            "LUPUS_CONN_ODD": "s3cret without a scheme",
        }
    )
    assert connections.get("ware-house").url == "postgresql://u:s3cret@h/d"
    assert connections.get("slack").secret == "xoxb-s3cret"
    assert "s3cret" not in repr(connections.get("ware-house")) + repr(connections.get("slack"))
    with pytest.raises(ConnectionNotUsableError, match="LUPUS_CONN_NOTHING") as missing:
        connections.get("nothing")
    with pytest.raises(ConnectionNotUsableError, match="must be a SQLAlchemy URL") as odd:
        connections.get("odd")
    assert "s3cret" not in str(missing.value) + str(odd.value)
