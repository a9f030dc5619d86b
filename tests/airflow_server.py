"""A real Airflow for tests: started in its own folder on a free port, driven through its API, stopped whole."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
FINISHED = ("success", "failed")


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def base_environment(home: Path, dags: Path, port: int, **settings: str) -> dict[str, str]:
    """The environment in which every component of one Airflow runs; `settings` are added as they are."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "TMPDIR") if name in os.environ}
    plain = {
        "HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(48),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        # Its default keeps a worker for up to five seconds after each task.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__TRACES__OTEL_ON": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    return {**kept, **plain, **settings}


@dataclass(slots=True)
class AirflowServer:
    """Processes of one Airflow and a client of its API. Use it with ``with``: leaving ends every process it started.

    `commands` maps a component's name to its arguments (``{"standalone": ["airflow", "standalone"]}``).
    """

    home: Path
    environment: Mapping[str, str]
    commands: Mapping[str, Sequence[str]]
    user: str = "admin"
    password: str = "admin"
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _token: str = ""

    @classmethod
    def standalone(cls, home: Path, dags: Path, **settings: str) -> Self:
        """Airflow's all-in-one: SQLite metadata, LocalExecutor, one admin."""
        home.mkdir(parents=True, exist_ok=True)
        (home / "simple_auth_manager_passwords.json.generated").write_text(json.dumps({"admin": "admin"}))
        environment = base_environment(home, dags, free_port(), **settings)
        return cls(home, environment, {"standalone": ["airflow", "standalone"]})

    @property
    def url(self) -> str:
        return self.environment["AIRFLOW__API__BASE_URL"]

    def __enter__(self) -> Self:
        try:
            for name, command in self.commands.items():
                self.start(name, command)
            self.wait_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a component in a process group of its own; its output goes to ``<name>.out``."""
        with (self.home / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                list(command),
                cwd=self.home,
                env=dict(self.environment),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End every process group that was started here; a stubborn one is killed."""
        for sign, seconds in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
            for process in self._processes.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sign)
            until = time.monotonic() + seconds
            for process in self._processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, until - time.monotonic()))
        self._processes.clear()

    def output(self, lines: int = 40) -> str:
        """The end of every component's output, for error messages."""
        parts = []
        for path in sorted(self.home.glob("*.out")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append(f"--- {path.name}\n" + "\n".join(tail))
        return "\n".join(parts)

    def wait_healthy(self, seconds: float = 300) -> None:
        """Wait until the API, the scheduler, the Dag processor and the triggerer all say that they are well."""

        def healthy() -> bool:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise AssertionError(f"{name} ended with {process.returncode}\n{self.output()}")
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=5) as answer:
                    parts = json.load(answer)
                return all(
                    parts[part]["status"] == "healthy"
                    for part in ("metadatabase", "scheduler", "dag_processor", "triggerer")
                )
            return False

        self.until(healthy, "Airflow to be healthy", seconds)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 90) -> Any:
        """The first true value of `condition`, asked for again and again."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.3)
        raise AssertionError(f"waited {seconds:g} s in vain for {what}\n{self.output()}")

    def call(self, method: str, path: str, body: Any = None, *, accept: str = "application/json") -> Any:
        """The JSON answer of the API to `method` `path` (below ``/api/v2``); `HTTPError` when it refuses."""
        if not self._token:
            answer = self._send("POST", "/auth/token", {"username": self.user, "password": self.password})
            self._token = answer["access_token"]
        return self._send(method, f"/api/v2{path}", body, accept=accept)

    def _send(self, method: str, path: str, body: Any, *, accept: str = "application/json") -> Any:
        headers = {"Content-Type": "application/json", "Accept": accept}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            error.add_note(error.read().decode(errors="replace")[:2000])
            raise
        return json.loads(text) if text else None

    def wait_dag(self, dag_id: str, seconds: float = 90) -> dict[str, Any]:
        """The Dag, as soon as it is parsed."""

        def found() -> Any:
            try:
                return self.call("GET", f"/dags/{dag_id}")
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
                return None

        return dict(self.until(found, f"the Dag {dag_id}", seconds))

    def trigger(self, dag_id: str, partition_key: str | None = None, *, conf: dict[str, Any] | None = None) -> str:
        """Trigger a run; returns its id."""
        body: dict[str, Any] = {"logical_date": None, "conf": conf or {}}
        if partition_key is not None:
            body["partition_key"] = partition_key
        return str(self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}"))

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/dags/{dag_id}/dagRuns?limit=100")["dag_runs"])

    def wait_run(self, dag_id: str, run_id: str, seconds: float = 120) -> str:
        """The state in which the run ends."""
        return str(
            self.until(
                lambda: (state := self.run(dag_id, run_id)["state"]) in FINISHED and state,
                f"{dag_id} {run_id}",
                seconds,
            )
        )

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """The state of each task of a run."""
        path = f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}/taskInstances"
        return {one["task_id"]: one["state"] for one in self.call("GET", path)["task_instances"]}

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """The text of a task's log, one event per line."""
        path = f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}/taskInstances/{task_id}/logs/{try_number}"
        content = self.call("GET", f"{path}?full_content=true")["content"]
        lines = []
        for one in content:
            if isinstance(one, str):
                lines.append(one)
                continue
            details = [str(detail.get("exc_value", "")) for detail in one.get("error_detail") or []]
            lines.append(" ".join([str(one.get("event", "")), *details]))
        return "\n".join(lines)

    def clear(self, dag_id: str, run_id: str, tasks: Sequence[str] | None = None) -> None:
        """Clear a whole run, or only `tasks` of it, so that it runs again."""
        body: dict[str, Any] = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True}
        if tasks is not None:
            body["task_ids"] = list(tasks)
        self.call("POST", f"/dags/{dag_id}/clearTaskInstances", body)


@contextlib.contextmanager
def standalone(home: Path, dags: Path, **settings: str) -> Iterator[AirflowServer]:
    """A running `AirflowServer.standalone`."""
    with AirflowServer.standalone(home, dags, **settings) as server:
        yield server
