"""The API in a real Airflow with rights per Dag: FAB's auth manager, two users who may read different projects."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import fab
from ui_cases import LAST

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
    rights = {
        "ann": {"DAG:lupus__ads": ("can_read", "can_edit"), "DAG:lupus__spam": ("can_read",)},
        "bob": {"DAG:lupus__spam": ("can_read",)},
        "eva": {"DAG:lupus__ads": ("can_read",)},
    }
    with fab.started(tmp_path_factory.mktemp("rights"), rights) as server:
        found = {"nobody": User(f"{server.url}/lupus/api/v1", "")}
        for name in rights:
            status, answer = User(server.url, "").ask("POST", "/auth/token", {"username": name, "password": name})
            assert status in (200, 201), answer
            found[name] = User(f"{server.url}/lupus/api/v1", answer["access_token"])
        yield found


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


def test_who_made_a_shared_dashboard_is_told_by_name(users: dict[str, User]) -> None:
    board = {"title": "Every morning", "project": "ads", "slug": "mornings"}
    status, made = users["ann"].ask("POST", "/dashboards", board)
    assert (status, made["owner"]) == (201, "ann")
    rows = users["eva"].ask("GET", "/dashboards")[1]["rows"]
    assert [one["owner"] for one in rows if one["slug"] == "mornings"] == ["ann"]  # FAB's own id of her is a number
    assert users["eva"].ask("GET", "/dashboards/mornings")[1]["owner"] == "ann"
