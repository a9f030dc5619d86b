"""An API server of Airflow with FAB's auth manager: two projects in a store, and users with rights per Dag."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from airflow_server import AirflowServer, base_environment, free_port
from lupus.store import open_store
from ui_cases import fill

PROJECT: Final = """\
project: {name}
start: 2026-09-01
timezone: America/New_York
tables:
  data: {{source: {{files: data.parquet}}, time: date}}
rules:
  rows_low: {{kind: threshold, where: {{metric: rows}}, min: 50}}  # as agreed with the team
"""
DAGS: Final = """\
from pathlib import Path
from lupus.airflow import build_dags
globals().update(build_dags(Path(__file__).parent / "projects"))
"""
COMMANDS: Final = """\
import json, sys
from airflow.cli.cli_parser import get_parser
for arguments in json.loads(sys.argv[1]):
    parsed = get_parser().parse_args(arguments)
    parsed.func(parsed)
"""
"""Commands of Airflow's in one process: to start one takes longer than all that they do."""
FAB: Final = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
Rights = Mapping[str, Sequence[str]]


@contextmanager
def started(folder: Path, users: Mapping[str, Rights], store_url: str = "") -> Iterator[AirflowServer]:
    """The server, with the projects ads and spam. Each of `users` has a role, a password and a name like theirs.

    Rights are actions by resource: ``{"DAG:lupus__ads": ["can_read"]}``.
    """
    dags, home = folder / "dags", folder / "airflow"
    (dags / "projects").mkdir(parents=True)
    home.mkdir()
    (dags / "lupus_projects.py").write_text(DAGS)
    store_url = store_url or f"sqlite:///{folder / 'store.db'}"
    with open_store(store_url) as store:
        for name in ("ads", "spam"):
            (dags / "projects" / f"{name}.yaml").write_text(PROJECT.format(name=name))
            fill(store, name)
    environment = base_environment(
        home, dags, free_port(), LUPUS_STORE_URL=store_url, LUPUS_HOME=str(folder / "lupus"),
        AIRFLOW__CORE__AUTH_MANAGER=FAB, AIRFLOW__FAB__CACHE_TTL="1", AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="True",
    )  # fmt: skip

    commands = [["db", "migrate"], ["dags", "reserialize"]]
    for name, rights in users.items():
        commands.append(["roles", "create", name])
        commands += [["roles", "add-perms", name, "-r", what, "-a", *actions] for what, actions in rights.items()]
        person = ["-u", name, "-p", name, "-e", f"{name}@x.example", "-f", name, "-l", name]
        commands.append(["users", "create", "-r", name, *person])
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, json.dumps(commands)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    server = AirflowServer(home, environment, {"api-server": ["airflow", "api-server"]})
    server.start("api-server", server.commands["api-server"])
    try:

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"{server.url}/api/v2/version", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        server.until(answers, "the API server", 120)
        yield server
    finally:
        server.stop()
