"""The API over a store that is down, old, new or empty: a clear answer, and it recovers by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from lupus.store import open_store
from ui_cases import Person, api, fill

ANN = Person("ann", {"ads"}, {"ads"})
PATHS = ("projects", "catalog", "latest", "incidents", "dashboards", "projects/ads", "series/" + "0" * 16)


def state_of(client: object) -> str:
    return client.get("me").json()["store"]["state"]  # type: ignore[attr-defined, no-any-return]


def test_a_store_that_does_not_exist_yet_is_empty_and_found_when_it_comes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with api(url, tmp_path, create=False) as (_, client):
        ann = client(ANN)
        assert state_of(ann) == "empty"
        for path in PATHS:
            answer = ann.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "store_empty"), path
        with open_store(url) as store:
            assert state_of(ann) == "empty"
            assert ann.get("projects").json() == {"projects": []}
            fill(store, "ads")
        assert state_of(ann) == "ok"
        assert len(ann.get("projects").json()["projects"]) == 1


@pytest.mark.parametrize(("revision", "state"), [("0000", "new"), ("9999", "new")])
def test_a_store_of_another_schema_is_refused(tmp_path: Path, revision: str, state: str) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE lupus_version SET version_num = :r"), {"r": revision})
    engine.dispose()
    with api(url, tmp_path, create=False) as (_, client):
        assert state_of(client(ANN)) == state
        answer = client(ANN).get("projects")
        assert (answer.status_code, answer.json()["code"]) == (503, f"store_{state}")
        assert "schema" in answer.json()["detail"]


def test_a_store_that_is_upgraded_under_a_running_server_is_noticed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as store:
        fill(store, "ads")
    with api(url, tmp_path, create=False) as (_, client):
        assert client(ANN).get("projects").status_code == 200
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE lupus_version SET version_num = '9999'"))
        engine.dispose()
        assert state_of(client(ANN)) == "new"
        assert client(ANN).get("projects").json()["code"] == "store_new"


def test_an_older_schema_says_how_to_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(url).close()
    monkeypatch.setattr("lupus.store.schema.REVISIONS", ("0001", "0002"))
    monkeypatch.setattr("lupus.store.schema.HEAD", "0002")
    with api(url, tmp_path, create=False) as (_, client):
        assert state_of(client(ANN)) == "old"
        assert "lupus db upgrade" in client(ANN).get("projects").json()["detail"]


def test_a_server_that_does_not_answer_is_down(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:9/none?connect_timeout=1"
    with api(url, tmp_path, create=False) as (_, client):
        assert state_of(client(ANN)) == "down"
        answer = client(ANN).get("projects")
        assert (answer.status_code, answer.json()["code"]) == (503, "store_down")


def test_a_database_that_is_dropped_while_it_is_used(tmp_path: Path, postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        fill(store, "ads")
    with api(postgres_url, tmp_path, create=False) as (_, client):
        assert client(ANN).get("projects").status_code == 200
        admin = sa.create_engine(sa.make_url(postgres_url).set(database="postgres"), isolation_level="AUTOCOMMIT")
        name = sa.make_url(postgres_url).database
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
            answer = client(ANN).get("projects")
            assert (answer.status_code, answer.json()["code"]) == (503, "store_down")
            connection.execute(sa.text(f"CREATE DATABASE {name}"))  # for the fixture, which drops it
        admin.dispose()
