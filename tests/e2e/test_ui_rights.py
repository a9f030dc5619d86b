"""The API in a real Airflow with rights per Dag: FAB's auth manager, two users who may read different projects."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_server import BIN, AirflowServer, base_environment, free_port
from lupus.store import open_store
from ui_cases import LAST, fill

PROJECT = """\
project: {name}
start: 2026-09-01
timezone: America/New_York
tables:
  data: {{source: {{files: data.parquet}}, time: date}}
"""
DAGS = """\
from pathlib import Path
from lupus.airflow import build_dags
globals().update(build_dags(Path(__file__).parent / "projects"))
"""
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
pytestmark = [pytest.mark.airflow, pytest.mark.slow]


@dataclass
class User:
    """A client of the API as one user."""

    url: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text.startswith(b"{") else text
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, User]]:
    folder: Path = tmp_path_factory.mktemp("rights")
    dags, home = folder / "dags", folder / "airflow"
    (dags / "projects").mkdir(parents=True)
    home.mkdir()
    (dags / "lupus_projects.py").write_text(DAGS)
    store_url = f"sqlite:///{folder / 'store.db'}"
    with open_store(store_url) as store:
        for name in ("ads", "spam"):
            (dags / "projects" / f"{name}.yaml").write_text(PROJECT.format(name=name))
            fill(store, name)
    environment = base_environment(
        home, dags, free_port(), LUPUS_STORE_URL=store_url, LUPUS_HOME=str(folder / "lupus"),
        AIRFLOW__CORE__AUTH_MANAGER=FAB, AIRFLOW__FAB__CACHE_TTL="1", AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="True",
    )  # fmt: skip

    def airflow(*arguments: str) -> None:
        done = subprocess.run(
            [BIN / "airflow", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    airflow("db", "migrate")
    airflow("dags", "reserialize")
    for name, rights in {
        "ann": {"ads": ("can_read", "can_edit"), "spam": ("can_read",)},
        "bob": {"spam": ("can_read",)},
    }.items():
        airflow("roles", "create", name)
        for project, actions in rights.items():
            airflow("roles", "add-perms", name, "-r", f"DAG:lupus__{project}", "-a", *actions)
        airflow(
            "users", "create", "-r", name, "-u", name, "-p", name, "-e", f"{name}@x.example", "-f", name, "-l", name
        )
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
        found = {"nobody": User(f"{server.url}/lupus/api/v1", "")}
        for name in ("ann", "bob"):
            status, answer = User(server.url, "").ask("POST", "/auth/token", {"username": name, "password": name})
            assert status in (200, 201), answer
            found[name] = User(f"{server.url}/lupus/api/v1", answer["access_token"])
        yield found
    finally:
        server.stop()


def names(user: User) -> list[str]:
    status, answer = user.ask("GET", "/projects")
    assert status == 200, answer
    return sorted(row["name"] for row in answer["projects"])


def test_each_sees_the_projects_whose_dags_they_may_read(users: dict[str, User]) -> None:
    assert names(users["ann"]) == ["ads", "spam"]
    assert names(users["bob"]) == ["spam"]
    assert users["nobody"].ask("GET", "/projects")[0] == 401
    assert users["nobody"].ask("GET", "/openapi.json")[0] == 401


def test_reading_one_project_needs_its_dag(users: dict[str, User]) -> None:
    for path in ("/projects/ads", "/projects/ads/matrix", "/dashboards/starter-ads", "/incidents?project=ads"):
        assert users["ann"].ask("GET", path)[0] == 200, path
        status, hidden = users["bob"].ask("GET", path)
        missing = users["bob"].ask("GET", path.replace("ads", "nothing"))[1]
        assert (status, hidden["detail"]) == (404, missing["detail"]), path
    catalog = users["bob"].ask("GET", "/catalog")[1]
    assert catalog["projects"] == ["spam"]
    ids = users["ann"].ask("GET", "/catalog")[1]["id"]
    assert set(users["bob"].ask("POST", "/series:batch", {"ids": ids})[1]["s"]) == set(catalog["id"])


def test_writing_needs_the_right_to_edit_the_dag(users: dict[str, User]) -> None:
    def push(user: str, project: str) -> int:
        body = {"project": project, "day": LAST.key, "metrics": {"val_auc": 0.9}}
        return users[user].ask("POST", "/metrics", body)[0]

    assert (push("ann", "ads"), push("ann", "spam"), push("bob", "spam"), push("bob", "ads")) == (201, 403, 403, 404)
    [incident] = users["ann"].ask("GET", "/incidents?project=ads")[1]["rows"]
    change = {"version": incident["version"], "action": "acknowledge"}
    path = f"/incidents/{urllib.parse.quote(incident['id'])}"
    assert users["bob"].ask("PATCH", path, change)[0] == 404
    status, page = users["ann"].ask("PATCH", path, change)
    assert (status, page["summary"]["state"]) == (200, "acknowledged")
    log = users["ann"].ask("GET", "/audit?project=ads")[1]["rows"]
    assert [one["action"] for one in log] == ["acknowledge incident", "push metrics"]
    assert users["bob"].ask("GET", "/audit?project=spam")[0] == 403
