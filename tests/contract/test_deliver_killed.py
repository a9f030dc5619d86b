"""SIGKILL between any two steps of a delivery, and several at once: nothing is lost and nothing is doubled."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

import killed_deliveries
from act_cases import verdict
from delivery_cases import Desk, desk
from forks import forks
from lupus.model import Severity
from lupus.stages import thread
from lupus.stages.turn import LEASE
from slack_server import SlackServer, slack_server

Kill = Callable[..., int]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    """Delivers in forks that are killed at a step; gives the signal that ended them, 0 where there is no such step."""
    with forks(killed_deliveries.__file__) as send:

        def order(made: Desk, folder: Path, url: str, step: int, *, racers: int = 1) -> int:
            assert made.server is not None
            now = made.clock.now.isoformat() if racers == 1 else ""
            more = {"server": made.server.url, "now": now, "step": step, "racers": racers}
            return send({"folder": str(folder), "url": url, **more})

        yield order


def _first(made: Desk) -> None:
    made.run(0, verdict(0), *(verdict(0, f"c{number}") for number in range(5)), deliver=False)


def _later(made: Desk) -> None:
    """The message is there; a day that is only progress, and one that is worse, are to be told."""
    _first(made)
    made.deliver()
    made.run(1, verdict(1), deliver=False)
    made.run(2, verdict(2, severity=Severity.HIGH), deliver=False)


def _picture(server: SlackServer) -> list[list[str]]:
    return [[message["text"] for message in messages] for messages in server.threads.values()]


@pytest.mark.parametrize(("prepare", "fewest"), [(_first, 14), (_later, 24)])
def test_a_kill_at_every_step_loses_and_doubles_nothing(
    kill: Kill, tmp_path: Path, prepare: Callable[[Desk], None], fewest: int
) -> None:
    undisturbed = None
    step = 0
    with mock.patch.object(thread, "series_chart", return_value=b"\x89PNG"):
        while True:
            folder = tmp_path / str(step)
            folder.mkdir()
            url = f"sqlite:///{folder / 'store.db'}"
            with slack_server() as server, desk(url, folder, server=server) as made:
                prepare(made)
                ended = 0
                if step:
                    made.workspace.store.close()
                    ended = kill(made, folder, url, step)
                    assert ended in (0, signal.SIGKILL)
                    made.clock.now += LEASE  # whoever comes next waits until the dead one's turn is over
                report = made.deliver()
                assert report.again_at is None
                assert made.pending() == []
                assert server.problems == []
                picture = (_picture(server), made.states())
                undisturbed = undisturbed or picture
                assert picture == undisturbed, f"killed at step {step}"
            shutil.rmtree(folder)
            if step and not ended:
                break
            step += 1
    assert step >= fewest, "the steps were really there"


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def test_several_at_once_tell_everything_once(
    kill: Kill, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    pictures = []
    with mock.patch.object(thread, "series_chart", return_value=b"\x89PNG"):
        for racers in (1, 3):
            folder = tmp_path / str(racers)
            folder.mkdir()
            url = f"sqlite:///{folder / 'store.db'}"
            if kind == "postgresql" and racers > 1:
                url = request.getfixturevalue("postgres_url")
            with slack_server() as server, desk(url, folder, server=server) as made:
                _later(made)
                made.run(6, verdict(6, "x"), deliver=False)
                server.clock, server.limited = time.time, True
                if racers == 1:
                    made.deliver(10_000)
                else:
                    made.workspace.store.close()
                    assert kill(made, folder, url, 0, racers=racers) == 0
                assert made.pending() == []
                assert server.problems == []
                pictures.append((_picture(server), made.states()))
    assert pictures[0] == pictures[1]
