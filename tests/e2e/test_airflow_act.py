"""What act decides, in a real Airflow: messages held back and delivered, retraining asked for, answered and judged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from tests.airflow_server import AirflowServer
from tests.airflow_world import PATIENCE, POOR, SHOPS, World

import loop
from lupus.act import read_outbox
from lupus.model import ComparisonKind, ComparisonVerdict, Notice, NoticeState, Reason, RetrainState
from slack_server import slack_server

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.services]

LOOPS = ("loop", "worse", "same")
BUSY_SECONDS = 75.0
"""Longer than a delivery waits in a worker."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, module_postgres_url: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("act")
    with slack_server() as slack:
        slack.busy["C0OTHER001"] = BUSY_SECONDS
        made = World(folder, slack)
        made.write_projects()
        for name in LOOPS:
            made.made.run(*(loop.day(number) for number in range(9)), name=name)
        made.made.run(POOR, name="weather")
        # So many runs at once are too much for Airflow on SQLite, whose scheduler ends when its database is locked.
        metadata = module_postgres_url.replace("+psycopg:", "+psycopg2:")
        settings = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata, **made.settings}
        with AirflowServer.standalone(folder / "airflow", folder / "dags", **settings) as server:
            made.server = server
            for name in (*LOOPS, *SHOPS, "busy", "tardy"):
                server.wait_dag(f"lupus__{name}", PATIENCE)
            yield made
        assert slack.problems == []


@pytest.fixture(scope="module")
def runs(world: World) -> dict[str, str]:
    """A run of the poor day for every shop, and of the second bad day for every loop, all at once."""
    asked = dict.fromkeys((*SHOPS, "busy"), POOR) | dict.fromkeys(LOOPS, loop.day(9))
    return {name: world.server.trigger(f"lupus__{name}", key) for name, key in asked.items()}


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


def test_nothing_is_trained_on_while_an_incident_upstream_is_open(world: World, runs: dict[str, str]) -> None:
    assert ends(world, "downstream", runs["downstream"]) == {"retrain": "skipped"}
    request = world.request("downstream")
    assert request is not None
    assert request.state is RetrainState.BLOCKED
    assert request.note.startswith(f"not retrained: weather has an incident since {POOR}: ")
    assert world.retrained("downstream") == []


@pytest.mark.parametrize(
    ("name", "verdict", "state", "note"),
    [
        ("worse", ComparisonVerdict.WORSE, RetrainState.BLOCKED, "the budget of 1 a month is used up in 2026-01"),
        ("same", ComparisonVerdict.NO_CHANGE, None, ""),
    ],
)
def test_what_did_not_help_and_is_not_done_again(  # noqa: PLR0917
    world: World, runs: dict[str, str], name: str, verdict: ComparisonVerdict, state: RetrainState | None, note: str
) -> None:
    """It is as bad as before: one may retrain once a month, the other once in ten days."""
    made = world.made
    assert ends(world, name, runs[name]) == {"retrain": "success"}
    first = world.request(name)
    assert first is not None
    assert (first.state, first.interval.key) == (RetrainState.SUCCEEDED, loop.day(9))
    made.run(*(loop.day(number) for number in range(10, 14)), name=name)
    last = world.server.trigger(f"lupus__{name}", loop.day(14))
    assert ends(world, name, last) == {"retrain": "skipped"}
    with made.workspace() as opened:
        (found,) = opened.store.comparisons(name, kind=ComparisonKind.RETRAINING)
        requests = [one for one in opened.store.retrain_requests(name) if one.interval.key == loop.day(14)]
    losses = [one for one in made.verdicts(loop.day(14), name=name) if one.rule == "misleads"]
    assert (found.verdict, found.subject) == (verdict, first.id)
    assert [one.status for one in losses] == ["anomaly"], "otherwise nothing is asked for anyway"
    assert [(one.state, note in one.note) for one in requests] == ([] if state is None else [(state, True)])
    assert len(world.retrained(name)) == 1


# Messages


@contextmanager
def listening(world: World) -> Iterator[None]:
    """``lupus slack-listen`` in a process of its own."""
    command = [sys.executable, "-m", "lupus.cli.main", "slack-listen"]
    environ = world.made.process_environ()
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening; stop with Ctrl-C\n"
        try:
            yield
        finally:
            process.terminate()


def notices(world: World, project: str) -> list[Notice]:
    with world.made.workspace() as opened:
        return opened.store.notices(project)


def button(world: World, incident: str, action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message of an incident, and its button, as soon as they are there."""

    def found() -> Any:
        for message in world.slack.messages:
            if message.get("metadata", {}).get("event_payload") == {"incident": incident}:
                elements = [one for block in message["blocks"] for one in block.get("elements", ())]
                for one in elements:
                    if one.get("action_id") == f"lupus_{action}":
                        return message, one
        return None

    message, pressed = world.server.until(found, f"the button {action}", PATIENCE)
    return message, pressed


def test_buttons_in_slack_approve_and_refuse(world: World, runs: dict[str, str]) -> None:
    answers = {"pressed": ("approve", RetrainState.SUCCEEDED), "declined": ("refuse", RetrainState.REFUSED)}
    with listening(world):
        for name, (action, _) in answers.items():
            message, pressed = button(world, world.waiting(name).incident, action)
            world.slack.push(world.slack.payload("U0VERA001", message, pressed))
        assert ends(world, "pressed", runs["pressed"]) == {"approve": "success", "retrain": "success"}
        assert ends(world, "declined", runs["declined"]) == {"approve": "skipped", "retrain": "skipped"}
    for name, (_, state) in answers.items():
        request = world.request(name)
        assert request is not None
        assert (request.state, request.by) == (state, "Vera Rubin (Slack U0VERA001)")
    assert [len(world.retrained(name)) for name in answers] == [1, 0]


def test_a_service_that_wants_patience_is_waited_for_without_a_worker(world: World, runs: dict[str, str]) -> None:
    assert world.server.wait_run("lupus__busy", runs["busy"], PATIENCE) == "success", world.server.output()
    assert "Waiting until" in world.server.log("lupus__busy", runs["busy"], "deliver")
    assert [(one.reason, one.state) for one in notices(world, "busy")] == [(Reason.FIRST, NoticeState.SENT)]
    assert world.slack.refused == 1, "nobody knocked before it was time"
    (message,) = world.slack.channels["C0OTHER001"]
    assert message["text"].startswith("🔴 busy")


def test_quiet_hours_end_with_a_digest(world: World, runs: dict[str, str]) -> None:
    del runs  # under way
    end = world.fall_silent()
    world.made.run(POOR, name="quiet")
    assert {one.reason: one.state for one in notices(world, "quiet")} == {
        Reason.QUIET_HOURS: NoticeState.NOT_SENT,
        Reason.DIGEST: NoticeState.PENDING,
    }
    world.server.wait_dag("lupus__quiet", PATIENCE)
    run_id = world.server.trigger("lupus__quiet", "2026-01-07")
    assert world.server.wait_run("lupus__quiet", run_id, PATIENCE) == "success", world.server.output()
    told = [one["text"] for one in world.slack.channels["C0FLIGHTS1"] if "quiet:" in one["text"]]
    # On the next day there is nothing at all, which is critical, and wakes people at any time.
    assert sorted(told) == ["quiet: 1 incident in the quiet hours", "🚨 quiet: got worse: No data for table data"]
    (digest,) = [one for one in notices(world, "quiet") if one.reason is Reason.DIGEST]
    assert digest.state is NoticeState.SENT
    assert datetime.now(UTC) >= end


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


def test_from_bad_to_better(world: World, runs: dict[str, str]) -> None:
    made = world.made
    run_id = runs["loop"]
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
