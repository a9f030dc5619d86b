"""A process that works in forks of itself, each of which may be killed; everything heavy is imported once, before them.

`serve` is that process' loop, `forks` starts it and gives it orders: one line of JSON each, answered by one line, the
signal that ended the forks, or 0.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

Send = Callable[[Mapping[str, Any]], int]


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a process outlives SIGKILL")


def serve(work: Callable[[dict[str, Any]], None]) -> None:
    """Do `work` for every order on standard input, in as many forks at once as its ``racers`` says (one)."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        racers = [_fork(work, order) for _ in range(order.get("racers", 1))]
        ended = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in racers]
        sys.stdout.write(f"{next((one for one in ended if one), 0)}\n")
        sys.stdout.flush()


def _fork(work: Callable[[dict[str, Any]], None], order: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work(order)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


@contextmanager
def forks(script: str) -> Iterator[Send]:
    """The process of the file `script`, which calls `serve`; what is given sends it an order."""
    process = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    orders, answers = process.stdin, process.stdout
    assert answers.readline() == "ready\n"

    def send(order: Mapping[str, Any]) -> int:
        orders.write(json.dumps(order) + "\n")
        orders.flush()
        return -int(answers.readline())

    with process:
        yield send
        orders.close()
