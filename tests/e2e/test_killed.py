"""SIGKILL in the middle of every stage: the run that follows leaves what an undisturbed run leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import killed_runs
import tiny
from forks import forks
from installation import Installation

DAYS = (tiny.day(34), tiny.day(35))
Kill = Callable[..., int]

POINTS = [
    # extract
    ("start_run before", 1),
    ("half a snapshot during", 2),
    ("between parquet and manifest before", 1),
    ("finish_run before", 1),
    # validate
    ("replace_validation before", 2),
    ("replace_points before", 1),
    # measure
    ("save_references before", 1),
    ("replace_points before", 4),
    ("replace_points after", 5),
    ("statement before", 30),
    ("statement before", 60),
    ("finish_run before", 3),
    # judge
    ("replace_verdicts before", 1),
    ("replace_verdicts after", 2),
    # act
    ("commit_act before", 1),
    ("commit_act after", 1),
    ("in the sink before", 1),
    ("half a message during", 1),
    ("in the sink after", 1),
    ("mark_notice before", 1),
    ("mark_notice after", 1),
    ("finish_run before", 5),
]


@pytest.fixture(scope="module")
def undisturbed(history: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = history.copied(tmp_path_factory.mktemp("undisturbed") / "tiny")
    installation.run(*DAYS)
    return installation


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    """Runs one day in a fork that is killed at a point; returns the signal that ended it."""
    with forks(killed_runs.__file__) as send:

        def order(installation: Installation, point: str, nth: int, day: str = DAYS[0]) -> int:
            more = {"day": day, "point": point, "nth": nth}
            return send({"folder": str(installation.folder), "environ": dict(installation.environ), **more})

        yield order


@pytest.mark.parametrize(("point", "nth"), POINTS, ids=[f"{point} {nth}" for point, nth in POINTS])
def test_a_run_after_a_kill_leaves_what_an_undisturbed_run_leaves(
    copy_of_history: Callable[[str], Installation],
    undisturbed: Installation,
    kill: Kill,
    point: str,
    nth: int,
) -> None:
    killed = copy_of_history("killed")
    assert kill(killed, point, nth) == signal.SIGKILL
    killed.run(*DAYS)
    assert killed.dump() == undisturbed.dump()
    assert killed.outbox() == undisturbed.outbox()
    assert len({one[0] for one in killed.outbox()}) == len(killed.outbox())
    left, right = killed.files(), undisturbed.files()
    # A temporary file of a killed process stays for some hours: its writer might only be slow.
    assert {name for name in left if not name.endswith(".tmp")} == set(right)
    assert [name for name, content in right.items() if _timeless(left[name]) != _timeless(content)] == []


def _timeless(content: bytes) -> bytes:
    """A file's content without the moment when a slice was first seen, which no rerun can know."""
    return re.sub(rb'"arrived": "[^"]*"', b"", content)


def test_a_first_run_that_is_killed_fixes_no_other_references(kill: Kill, tmp_path: Path) -> None:
    # The first run fixes the histograms' edges and the categories that all later days are compared by.
    days = (tiny.day(1), tiny.day(2))
    plain = Installation.tiny(tmp_path / "plain", days=5)
    plain.run(*days)
    for number, (point, nth) in enumerate([("save_references after", 1), ("replace_points before", 4)]):
        killed = Installation.tiny(tmp_path / f"killed{number}", days=5)
        assert kill(killed, point, nth, days[0]) == signal.SIGKILL
        killed.run(*days)
        assert killed.dump() == plain.dump()
        assert killed.outbox() == plain.outbox()


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if condition():
            return
        assert process.poll() is None, "the range ended before it could be killed"
        time.sleep(0.05)
    raise AssertionError("nothing happened for a minute")


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["both processes", "the second process"])
def test_a_range_that_is_killed_and_run_again(history: Installation, tmp_path: Path, victim: str) -> None:
    ranged = Installation.tiny(tmp_path / "ranged")
    arguments = ("run", "loans", "--day", tiny.day(0), "--to", tiny.day(33))
    with ranged.workspace() as opened:
        opened.store.upgrade()
    process = subprocess.Popen(
        [sys.executable, "-m", "lupus.cli.main", *arguments],
        env=ranged.process_environ(),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process, ranged.workspace() as opened:
        _wait_for(lambda: len(opened.store.runs("loans")) > 12 * 5, process)
        if victim == "both processes":
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)
            assert process.returncode == -signal.SIGKILL
        else:
            # The children are multiprocessing's resource tracker and the one that works ahead: that is the newer one.
            os.kill(max(child.pid for child in psutil.Process(process.pid).children()), signal.SIGKILL)
            assert process.wait(timeout=120) == 0
    if victim == "both processes":
        assert ranged.dump() != history.dump()
        assert ranged.lupus(*arguments).code == 0
    assert ranged.dump() == history.dump()
    assert ranged.outbox() == history.outbox()


@pytest.mark.services
def test_a_kill_in_a_transaction_of_postgresql_leaves_nothing_of_it(
    history: Installation,
    kill: Kill,
    tmp_path: Path,
    postgres_url: str,
) -> None:
    killed = history.copied(tmp_path / "tiny").with_environ(
        LUPUS_STORE_URL=postgres_url, LUPUS_HOME=str(tmp_path / "home")
    )
    lite = killed.with_environ(LUPUS_STORE_URL="", LUPUS_HOME=str(tmp_path / "home_lite"))
    with killed.workspace() as opened:
        opened.store.upgrade()
    for nth in (20, 40, 55):
        assert kill(killed, "statement before", nth) == signal.SIGKILL
    killed.run(*DAYS)
    lite.run(*DAYS)
    assert killed.dump().keys() == lite.dump().keys()
    assert {name: len(rows) for name, rows in killed.dump().items()} == {
        name: len(rows) for name, rows in lite.dump().items()
    }
    assert killed.dump()["points"] == lite.dump()["points"]
    assert killed.dump()["verdicts"] == lite.dump()["verdicts"]
    assert killed.outbox() == lite.outbox()
