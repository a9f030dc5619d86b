"""Contenders as whole processes, by turns: what each costs, and what it answered.

This process stays small (no data, no heavy imports): a child's peak memory never counts below its parent's size.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import Any

from peers import python_of

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE_SECONDS = {True: 3.0, False: 30.0}
"""What takes longer than this is not repeated; by whether the run is a quick one."""

LIMIT_SECONDS = 3600.0

THREAD_VARIABLES = (
    "BENCH_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS", "LOKY_MAX_CPU_COUNT",
)  # fmt: skip
NO_REPORTS_HOME = {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
    "YDATA_PROFILING_NO_ANALYTICS": "True",
}
EXACT = {"rows": 0.0, "null_ratio": 1e-9, "mean": 1e-6, "skew": 1e-2, "metrics": math.inf, "columns": math.inf}
SKETCHED = {"p50": 0.03, "distinct": 0.05, "js": math.inf}


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. `only` has the beginnings of contenders' names (empty: all), `peers` has their environments."""

    rows: tuple[int, ...]
    repeats: int
    threads: int
    peers: Path
    quick: bool = False
    only: tuple[str, ...] = ()

    def wants(self, name: str) -> bool:
        return not self.only or name.startswith(self.only)


@dataclass(frozen=True, slots=True)
class Contender:
    """A program of `programs/` with its arguments, in the environment of `peer`, or in this one."""

    name: str
    program: str
    arguments: tuple[str, ...]
    peer: str = ""


@dataclass(slots=True)
class Result:
    """What the runs of one contender took. `failure` is the reason why there are none, or not all."""

    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    failure: str = ""

    @property
    def seconds(self) -> float:
        return median(self.wall) if self.wall else math.nan

    @property
    def cpu_seconds(self) -> float:
        return median(self.busy) if self.busy else math.nan

    @property
    def megabytes(self) -> float:
        return median(self.peaks) if self.peaks else math.nan


def environment(threads: int, *, own: bool) -> dict[str, str]:
    """The variables of a contender: `threads` for every library, and no bytecode switch that slows imports."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if not own:
        kept.pop("PYTHONPATH", None)
    return kept | NO_REPORTS_HOME | dict.fromkeys(THREAD_VARIABLES, str(threads))


def run(contender: Contender, result: Result, options: Options) -> None:
    """Run it once and add what it cost to `result`."""
    python, why = python_of(contender.peer, options.peers)
    if python is None:
        result.failure = why
        return
    command = [str(python), str(PROGRAMS / contender.program), *contender.arguments]
    variables = environment(options.threads, own=not contender.peer)
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=variables)
        try:
            usage = wait(process, LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            result.failure = f"not finished within {LIMIT_SECONDS:.0f} s"
            return
        except BaseException:  # the benchmark itself is being ended
            process.kill()
            raise
        wall = time.perf_counter() - started
        out.seek(0)
        err.seek(0)
        lines, complaints = out.read().splitlines(), err.read().strip().splitlines()
    if process.returncode != 0:
        last = complaints[-1] if complaints else "no message"
        killed = " (killed: out of memory?)" if process.returncode == -9 else ""
        result.failure = f"exit status {process.returncode}{killed}: {last}"
        return
    result.wall.append(wall)
    result.busy.append(usage.ru_utime + usage.ru_stime)
    result.peaks.append(usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2))
    result.answer = json.loads(lines[-1]) if lines else {}


def wait(process: subprocess.Popen[bytes], limit_seconds: float) -> Any:
    """Wait for one child and give back what it used, its own children included; ends it at the limit."""
    late = threading.Timer(limit_seconds, process.kill)
    late.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if not late.is_alive():
            raise subprocess.TimeoutExpired(process.args, limit_seconds)
    finally:
        late.cancel()
    return usage


def race(contenders: Sequence[Contender], options: Options) -> dict[str, Result]:
    """The wanted contenders by turns; what failed once does not start again."""
    results = {contender.name: Result() for contender in contenders if options.wants(contender.name)}
    for turn in range(options.repeats):
        for contender in contenders:
            result = results.get(contender.name)
            if result is None or result.failure or (turn and result.seconds > PATIENCE_SECONDS[options.quick]):
                continue
            say(f"{contender.name} ({turn + 1} of {options.repeats})")
            run(contender, result, options)
    return results


def say(what: str) -> None:
    """Progress, which is no part of the report."""
    print(f"    {what}", file=sys.stderr, flush=True)


def disagreements(results: Mapping[str, Result], judge: str) -> dict[str, str]:
    """Who answered something else than `judge`, and what: a contender that is fast but wrong is no contender."""
    right = results[judge].answer
    found = {}
    for name, result in results.items():
        for key, value in result.answer.items():
            allowed = EXACT.get(key, SKETCHED.get(key, 1e-6))
            if key in right and not math.isclose(value, right[key], rel_tol=allowed, abs_tol=1e-12):
                found[name] = f"{key} is {value:.6g}, {judge} says {right[key]:.6g}"
    return found
