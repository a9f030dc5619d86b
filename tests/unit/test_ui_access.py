"""Who gets in: every route asks, forged writes are refused, headers protect every answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from lupus.store import open_store
from lupus.ui import bundle
from lupus.ui.access import visitor
from lupus.ui.app import create_app
from lupus.ui.plugin import LateApp
from ui_cases import Person, api, fill

ANN = Person("ann", {"ads"}, {"ads"})
BEARER = {"Authorization": "Bearer x"}


def asks(dependant: Dependant) -> bool:
    return dependant.call is visitor or any(asks(one) for one in dependant.dependencies)


def test_every_route_asks_the_auth_manager() -> None:
    app = create_app()
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is no plain route: guard it"
        assert asks(route.dependant), route.path
    assert app.docs_url is None
    assert app.redoc_url is None
    assert app.openapi_url is None  # the document is at a route of its own, which asks
    assert any(route.path == "/api/v1/openapi.json" for route in app.routes if isinstance(route, APIRoute))


def test_the_only_open_answer_is_the_script() -> None:
    """It is the same for everybody and holds no data; a tab from before an upgrade gets the new one, not to be kept."""
    client = TestClient(LateApp())
    answer = client.get(f"/static/{bundle.bundle_digest()}/lupus.js")
    assert answer.content == bundle.bundle_code()
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    plain = client.get(answer.url.path, headers={"accept-encoding": "identity"})
    assert (plain.content, "content-encoding" in plain.headers) == (answer.content, False)
    old = client.get("/static/x/lupus.js")
    assert (old.content, old.headers["cache-control"]) == (answer.content, "no-store")
    for path in ("/static/../service.py", "/docs", "/redoc", "/openapi.json", "/"):
        assert client.get(path).status_code in (404, 422), path


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_nobody_gets_in_without_a_token(method: str) -> None:
    client = TestClient(create_app())
    for route in create_app().routes:
        assert isinstance(route, APIRoute)
        if method not in route.methods or not route.path.startswith("/api"):
            continue
        path = route.path.replace("{id}", "0" * 16).replace("{slug}", "x").replace("{project}", "ads")
        answer = client.request(method, path.replace("{day}", "latest"), json={}, headers={"x-lupus-request": "1"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimpleNamespace]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as store:
        fill(store, "ads")
    with api(url, tmp_path, create=False) as (app, client):
        client(ANN)
        yield SimpleNamespace(app=app, client=TestClient(app, headers={"x-test-person": "ann"}))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"x-lupus-request": "1"}, 201),
        ({"x-lupus-request": "1", "origin": "http://testserver"}, 201),
        ({"x-lupus-request": "1", "origin": "https://evil.example"}, 403),
        ({"x-lupus-request": "1", "origin": "null"}, 403),
        ({"x-lupus-request": "1", "origin": "http://testserver.evil.example"}, 403),
        ({"x-lupus-request": "1", "sec-fetch-site": "cross-site"}, 403),
        ({"x-lupus-request": "1", "sec-fetch-site": "same-origin"}, 201),
        # Behind a proxy the page's origin is the proxy's.
        ({"x-lupus-request": "1", "origin": "https://air.example", "x-forwarded-host": "air.example"}, 201),
        (BEARER, 201),
        ({**BEARER, "origin": "https://evil.example"}, 201),
    ],
)
def test_a_write_by_cookie_comes_from_airflows_own_pages(
    world: SimpleNamespace, headers: dict[str, str], status: int
) -> None:
    answer = world.client.post("/api/v1/dashboards", json={"title": "mine"}, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["code"] == "csrf"
        assert world.client.get("/api/v1/dashboards").json()["rows"][0]["generated"]  # nothing was made


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_a_foreign_page_is_no_json(world: SimpleNamespace, kind: str) -> None:
    answer = world.client.post(
        "/api/v1/dashboards", content=b'{"title": "mine"}', headers={"content-type": kind, "x-lupus-request": "1"}
    )
    assert answer.status_code == 422


def test_every_answer_has_its_headers(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lupus.ui.routes.service.bundle_digest", lambda: 1 / 0)
    monkeypatch.setattr("lupus.ui.routes.service.BUNDLE", Path(__file__))
    answers: dict[str, Any] = {path: world.client.get(f"/api/v1/{path}") for path in ("projects", "nothing", "me")}
    assert [one.status_code for one in answers.values()] == [200, 404, 500]
    for answer in answers.values():
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "private, no-cache"
        assert "Cookie" in answer.headers["vary"]
        assert len(answer.headers["x-request-id"]) == 12
    failed = answers["me"].json()
    assert failed["request_id"] == answers["me"].headers["x-request-id"]
    assert "ZeroDivision" not in answers["me"].text


def test_the_document_is_complete() -> None:
    from lupus.ui.app import document

    found = document(create_app())
    assert found["components"]["schemas"]["Progress"]
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            name = f"{method} {path}"
            assert one["summary"], name
            assert one["description"], name
            assert {"401", "403", "404", "422", "500", "503"} <= set(one["responses"]), name
            for parameter in one.get("parameters", ()):
                assert parameter.get("description") or parameter["name"] == "limit" or "schema" in parameter, name
    for name, form in found["components"]["schemas"].items():
        assert form.get("description") or "enum" in form, name
