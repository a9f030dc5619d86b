"""SIGKILL between any two steps of a delivery: the next one loses nothing and doubles nothing."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

import killed_deliveries
from act_cases import verdict
from delivery_cases import Desk, desk
from lupus.model import Severity
from lupus.stages import thread
from lupus.stages.turn import LEASE
from slack_server import SlackServer, slack_server

Kill = Callable[[Desk, Path, str, int], int]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    """Delivers in a process that is killed at a step; gives the signal that ended it, 0 where there is no such step."""
    process = subprocess.Popen(
        [sys.executable, killed_deliveries.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    orders, answers = process.stdin, process.stdout
    assert answers.readline() == "ready\n"

    def order(made: Desk, folder: Path, url: str, step: int) -> int:
        assert made.server is not None
        line = {
            "folder": str(folder),
            "url": url,
            "server": made.server.url,
            "now": made.clock.now.isoformat(),
            "step": step,
        }
        orders.write(json.dumps(line) + "\n")
        orders.flush()
        return -int(answers.readline())

    with process:
        yield order
        orders.close()


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
