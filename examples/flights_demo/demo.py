"""The demo, step by step. Everything it makes is in ``.demo``; nothing of 2013 is tampered with."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from types import FrameType
from typing import Any, Final, Never

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flights_demo import facts, report
from flights_demo.layout import ROOT, Layout
from flights_demo.server import AirflowFailedError, AirflowServer, free_port, tail

HISTORY: Final = ("2013-03-01", "2013-11-30")
DECEMBER: Final = tuple((date(2013, 12, 1) + timedelta(days=offset)).isoformat() for offset in range(31))
MONITOR: Final = "lupus__flights"
RETRAINING: Final = "retrain_flights"
DEFAULT_PORT: Final = 8080

_RUNS_WITHIN_SECONDS: Final = 1200.0
_POLL_SECONDS: Final = 1.5
_LOG_WIDTH: Final = 150


class DemoFailedError(RuntimeError):
    """A step did not do what it should; the message says what, and where to look."""


def main() -> int:
    """Runs the demo; the exit status is 0 when every December run succeeded.

    ``DEMO_ONCE=1`` ends then instead of serving, ``DEMO_PORT`` chooses the UI's port, ``DEMO_FRESH=1`` does not
    reuse what a finished demo left behind.
    """
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupt)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_LOG_WIDTH)
    layout = Layout(ROOT / ".demo")
    try:
        with _alone(layout):
            return _run(console, layout)
    except KeyboardInterrupt:
        console.print("\nstopped")
        return 130
    except (DemoFailedError, AirflowFailedError) as error:
        console.print(f"\n{error}", style="red", markup=False)
        log = tail(layout.airflow_log)
        if log:
            console.print(f"\nThe end of {layout.airflow_log}:", style="bold")
            console.print(log, markup=False)
        return 1


def _run(console: Console, layout: Layout) -> int:
    once = os.environ.get("DEMO_ONCE") == "1"
    port = _port()
    finished = layout.done.exists() and not once and os.environ.get("DEMO_FRESH") != "1"
    if finished:
        console.print("The demo has run before: showing what it found (DEMO_FRESH=1 runs it again).")
    else:
        _wipe(layout)
        _build_warehouse(console, layout)
        _load_history(console, layout)
    with AirflowServer(layout, port) as server:
        with _step(console, "Airflow is up: scheduler, Dag processor, triggerer, API server"):
            server.wait_healthy()
            server.wait_for_dags(MONITOR, RETRAINING)
        if not finished:
            _run_december(console, server)
        _show(console, layout, server)
        if not once:
            _serve(console, server)
    if once:
        console.print("Airflow has been stopped; `make demo` without DEMO_ONCE serves all of this.", style="dim")
    return 0


def _build_warehouse(console: Console, layout: Layout) -> None:
    with _step(console, "Warehouse built; model trained on January and February; later flights scored"):
        _child(layout, "-m", "flights_product", str(layout.warehouse))


def _load_history(console: Console, layout: Layout) -> None:
    first, last = HISTORY
    with _step(console, f"lupus run flights --day {first} --to {last}"):
        log = layout.folder / "history.log"
        try:
            with log.open("wb") as out:
                # Standard error stays the terminal's: the progress bar is there.
                command = [sys.executable, "-m", "lupus.cli.main", "run", "flights", "--day", first, "--to", last]
                subprocess.run(  # noqa: S603 - our own arguments
                    command,
                    cwd=ROOT,
                    env=layout.environment(os.environ),
                    stdout=out,
                    stdin=subprocess.DEVNULL,
                    check=True,
                )
        except subprocess.CalledProcessError as error:
            raise DemoFailedError(f"loading the history ended with status {error.returncode}:\n{tail(log)}") from None


def _run_december(console: Console, server: AirflowServer) -> None:
    """Triggers the days in order; one run at a time, so that a new model is there before the next day's run."""
    with _step(console, "December by Airflow's scheduler"):
        server.unpause(RETRAINING)
        server.unpause(MONITOR)
        for day in DECEMBER:
            server.trigger(MONITOR, day)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task(MONITOR, total=len(DECEMBER))
            deadline = time.monotonic() + _RUNS_WITHIN_SECONDS
            told = 0
            while True:
                runs = _december_runs(server)
                ended = [run for run in runs if run["state"] in ("success", "failed")]
                running = next((run["partition_key"] for run in runs if run["state"] == "running"), "")
                progress.update(bar, completed=len(ended), description=f"{MONITOR} {running}")
                if not console.is_terminal:
                    for run in ended[told:]:
                        console.print(f"  {run['partition_key']} {run['state']}")
                    told = len(ended)
                if len(ended) == len(DECEMBER):
                    break
                if time.monotonic() > deadline:
                    raise DemoFailedError(f"after {_RUNS_WITHIN_SECONDS:.0f} seconds {len(ended)} runs had ended")
                time.sleep(_POLL_SECONDS)
    failed = [run for run in runs if run["state"] != "success"]
    if failed:
        raise DemoFailedError("\n".join(_failure(server, run) for run in failed[:3]))
    with _step(console, "Storms marked on the charts, over the API of the Web UI"):
        for storm in facts.storms(server.layout.warehouse, first=HISTORY[0]):
            text = f"storm: {storm.cancelled_ratio:.0%} cancelled"
            server.annotate("flights", storm.first, storm.last, text)
    server.layout.done.touch()


def _serve(console: Console, server: AirflowServer) -> None:
    """Returns at Ctrl-C, which is how this demo ends; raises when Airflow ends first."""
    console.print("Serving until Ctrl-C.", style="dim")
    if console.is_terminal:
        webbrowser.open(report.overview(server.url))
    try:
        while True:
            server.check_alive()
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("\nstopping")


def _december_runs(server: AirflowServer) -> list[dict[str, Any]]:
    return [run for run in server.runs(MONITOR) if run["partition_key"] in DECEMBER]


def _failure(server: AirflowServer, run: dict[str, Any]) -> str:
    lines = [f"The run of {run['partition_key']} is {run['state']}."]
    for task in server.tasks(MONITOR, run["dag_run_id"]):
        if task["state"] == "failed":
            lines.append(f"Task {task['task_id']}:")
            lines.append(server.log_tail(MONITOR, run["dag_run_id"], task["task_id"], task["try_number"]))
    return "\n".join(lines)


def _show(console: Console, layout: Layout, server: AirflowServer) -> None:
    document = _child(layout, "-m", "lupus.cli.main", "incidents", "flights", "--json")
    console.print(report.incident_table(document, layout.warehouse, since=DECEMBER[0]))
    console.print(report.storm_table(document, layout.warehouse, first=HISTORY[0]))
    console.print(report.retraining_table(server.runs(RETRAINING)))
    console.print(report.model_table(layout.warehouse))
    console.print(report.where_to_look(server.url, layout))


def _child(layout: Layout, *arguments: str) -> str:
    """What a Python child process prints; its complaint as a `DemoFailedError` when it fails."""
    done = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, *arguments],
        cwd=ROOT,
        env=layout.environment(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoFailedError(f"{' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


@contextmanager
def _step(console: Console, title: str) -> Iterator[None]:
    started = time.monotonic()
    console.print(f"[cyan]…[/] {title}")
    yield
    console.print(f"[green]✓[/] {title} [dim]({time.monotonic() - started:.0f} s)[/]")


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Holds the demo's folder: two demos at once would wipe each other's files."""
    layout.folder.mkdir(exist_ok=True)
    with (layout.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFailedError(f"another demo is running in {layout.folder}; stop it first (Ctrl-C there)") from None
        yield


def _wipe(layout: Layout) -> None:
    for entry in layout.folder.iterdir():
        if entry.name == "lock":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _port() -> int:
    """``DEMO_PORT``, else Airflow's usual port, else any free one."""
    wanted = os.environ.get("DEMO_PORT", "")
    if wanted and not (wanted.isdecimal() and 0 < int(wanted) < 65536):
        raise DemoFailedError(f"DEMO_PORT must be a port number from 1 to 65535, not {wanted!r}")
    try:
        return free_port(int(wanted or DEFAULT_PORT))
    except OSError as error:
        if wanted:
            raise DemoFailedError(f"DEMO_PORT {wanted} cannot be used: {error}") from None
        return free_port()


def _interrupt(_number: int, _frame: FrameType | None) -> Never:
    raise KeyboardInterrupt
