"""A whole Airflow as one child process, and the few REST calls that the demo makes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import httpx
import psutil

from flights_demo.layout import ROOT, Layout

LOGIN: Final = "admin"
_HEALTHY_WITHIN_SECONDS: Final = 180.0
_STOPS_WITHIN_SECONDS: Final = 6.0


class AirflowFailedError(RuntimeError):
    """Airflow did not start, died, or refused; the message says where to look."""


@dataclass(slots=True)
class AirflowServer:
    """``airflow standalone`` in an embedded home. Use it as a context manager: leaving it ends every process."""

    layout: Layout
    port: int
    _process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = None
    _client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    @property
    def url(self) -> str:
        """The UI's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> AirflowServer:
        self.layout.airflow.mkdir(parents=True, exist_ok=True)
        self.layout.passwords.write_text(json.dumps({LOGIN: LOGIN}))
        self.layout.passwords.chmod(0o600)
        environment = self.layout.airflow_environment(os.environ, ports=(self.port, free_port(), free_port()))
        self._log = self.layout.airflow_log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours: we stop it in order
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        if self._process is not None:
            _end(self._process)
        if self._log is not None:
            self._log.close()

    def wait_healthy(self) -> None:
        """Returns when scheduler, Dag processor and triggerer are up and the login works."""
        deadline = time.monotonic() + _HEALTHY_WITHIN_SECONDS
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        while time.monotonic() < deadline:
            self.check_alive()
            with suppress(httpx.TransportError, ValueError):
                health = self._client.get("/api/v2/monitor/health").json()
                if all((health.get(part) or {}).get("status") == "healthy" for part in parts):
                    self._log_in()
                    return
            time.sleep(0.5)
        raise AirflowFailedError(f"Airflow was not up after {_HEALTHY_WITHIN_SECONDS:.0f} seconds")

    def check_alive(self) -> None:
        """Raises `AirflowFailedError` when Airflow has ended."""
        if self._process is None or self._process.poll() is not None:
            raise AirflowFailedError("Airflow has ended by itself")

    def wait_for_dags(self, *names: str) -> None:
        """Returns when the Dag processor has found the Dags called `names`."""
        deadline = time.monotonic() + _HEALTHY_WITHIN_SECONDS
        missing = list(names)
        while missing and time.monotonic() < deadline:
            self.check_alive()
            missing = [name for name in missing if self._client.get(f"/api/v2/dags/{name}").status_code != 200]
            time.sleep(0.5)
        if missing:
            errors = self._call("GET", "/api/v2/importErrors")["import_errors"]
            detail = "".join(f"\n{one['filename']}:\n{one['stack_trace']}" for one in errors)
            raise AirflowFailedError(f"Airflow does not see the Dags {', '.join(missing)}{detail}")

    def unpause(self, dag: str) -> None:
        """Lets the scheduler run `dag`."""
        self._call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, partition_key: str) -> None:
        """Asks for the run of one interval."""
        body = {"dag_run_id": f"demo__{partition_key}", "logical_date": None, "partition_key": partition_key}
        self._call("POST", f"/api/v2/dags/{dag}/dagRuns", body)

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """The runs of `dag`, oldest first."""
        found = self._call("GET", f"/api/v2/dags/{dag}/dagRuns?limit=100&order_by=run_after")["dag_runs"]
        return list(found)

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        return list(self._call("GET", f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances")["task_instances"])

    def log_tail(self, dag: str, run_id: str, task: str, tries: int, *, lines: int = 40) -> str:
        """The last lines of a task's log."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run_id}/taskInstances/{task}/logs/{max(tries, 1)}?full_content=true"
        content = self._call("GET", path).get("content") or []
        events = [str(line.get("event", "")) if isinstance(line, Mapping) else str(line) for line in content]
        return "\n".join(events[-lines:])

    def annotate(self, project: str, first: str, last: str, text: str) -> None:
        """Writes a remark on the charts of a project, as a calendar of the airline could."""
        body = {"project": project, "first": first, "last": last, "text": text}
        self._call("POST", "/lupus/api/v1/annotations", body)

    def _log_in(self) -> None:
        answer = self._client.post("/auth/token", json={"username": LOGIN, "password": LOGIN})
        if answer.status_code != 201:
            raise AirflowFailedError(f"Airflow refused the login with status {answer.status_code}: {answer.text[:500]}")
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One REST call; a busy database (503) is asked again."""
        for patience in (0.5, 1.0, 2.0, 4.0, None):
            self.check_alive()
            answer = self._client.request(method, path, json=body)
            if answer.status_code == 409 and method == "POST":  # an earlier try got through after all
                return {}
            if answer.is_success:
                return dict(answer.json())
            if answer.status_code < 500 or patience is None:
                break
            time.sleep(patience)
        raise AirflowFailedError(f"{method} {path} gave status {answer.status_code}: {answer.text[:500]}")


def free_port(wanted: int = 0) -> int:
    """`wanted` when it is free (0: any) on the loopback interface; raises `OSError` when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", wanted))
        return int(probe.getsockname()[1])


def tail(path: Path, *, lines: int = 60) -> str:
    """The last lines of a log file."""
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends `process` with all that it started; tasks and parsers have process groups of their own."""
    try:
        root = psutil.Process(process.pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    process.send_signal(signal.SIGINT)  # standalone then stops its parts; asked twice, some of them hang
    _, alive = psutil.wait_procs(family, timeout=_STOPS_WITHIN_SECONDS)
    # The triggerer takes its time. Nothing is lost: whatever Airflow knows is in its database.
    for member in alive:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    # What was started while we were looking is still in the group.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=_STOPS_WITHIN_SECONDS)
