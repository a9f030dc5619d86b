"""Airflow's Connections as Lupus Connections: through Airflow's own Connection class."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from airflow.sdk import BaseHook
from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSecretsBackendAccessDenied, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from lupus.airflow import AirflowConnections, store_url
from lupus.airflow.connections import from_airflow
from lupus.model import ConnectionNotUsableError

AWKWARD = "p@ss:w/o#r?d% ü"


def server_said(kind: str) -> AirflowRuntimeError:
    return AirflowRuntimeError(ErrorResponse(error=ErrorType[kind], detail={}))


def made(conn_type: str, **fields: object) -> AirflowConnection:
    return AirflowConnection(conn_id="warehouse", conn_type=conn_type, **fields)


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        (made("postgres", host="db", login="ann", schema="shop"), "postgresql+psycopg://ann@db/shop"),
        (made("postgres", host="db", port=5433, login="ann", schema="shop"), "postgresql+psycopg://ann@db:5433/shop"),
        (made("mysql", host="db", login="ann", schema="shop"), "mysql+pymysql://ann@db/shop"),
        (made("MariaDB", host="db", login="ann", schema="shop"), "mysql+pymysql://ann@db/shop"),
        (made("sqlite", host="/data/a b.db"), "sqlite:////data/a b.db"),
        (made("sqlite", host="relative.db"), "sqlite:///relative.db"),
        (made("duckdb", host="/data/w.duckdb"), "duckdb:////data/w.duckdb"),
        (made("duckdb", schema="/data/w.duckdb"), "duckdb:////data/w.duckdb"),
        (made("generic", host="h", schema="s", extra=json.dumps({"sqlalchemy_driver": "trino"})), "trino://h/s"),
        (
            made("postgres", host="db", extra=json.dumps({"sslmode": "require", "cursor": "dict", "iam": True})),
            "postgresql+psycopg://db?sslmode=require",
        ),
    ],
)
def test_databases_become_urls(connection: AirflowConnection, url: str) -> None:
    assert from_airflow(connection).url == url


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_any_password_survives(kind: str) -> None:
    url = sa.make_url(from_airflow(made(kind, host="db", login="a@b", password=AWKWARD)).url)
    assert (url.username, url.password, url.host) == ("a@b", AWKWARD, "db")


def test_all_else_gives_its_password_as_the_secret() -> None:
    found = from_airflow(made("slack", password="xoxb-1", extra=json.dumps({"base_url": "http://127.0.0.1:1/"})))
    assert (found.url, found.secret, found.extra["base_url"]) == ("", "xoxb-1", "http://127.0.0.1:1/")


def test_secrets_are_not_shown() -> None:
    found = from_airflow(
        made("postgres", host="db", login="ann", password="hunter2", extra=json.dumps({"k": "s3cret"}))
    )
    assert "hunter2" not in repr(found)
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(("kind", "word"), [("sqlite", "file"), ("duckdb", "file"), ("postgres", "host")])
def test_a_connection_that_lacks_a_field_says_which(kind: str, word: str) -> None:
    with pytest.raises(ConnectionNotUsableError, match=word):
        from_airflow(made(kind))


def test_found_in_airflow_s_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE_7", json.dumps({"conn_type": "sqlite", "host": "/tmp/x.db"}))
    assert AirflowConnections().get("warehouse_7").url == "sqlite:////tmp/x.db"


def test_an_absent_connection_says_how_to_make_it() -> None:
    with pytest.raises(ConnectionNotUsableError, match="AIRFLOW_CONN_NOT_THERE") as caught:
        AirflowConnections().get("not_there")
    assert "Admin > Connections" in str(caught.value)


def test_the_store_is_the_connection_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_url("sqlite:///default.db") == "sqlite:///default.db"
    monkeypatch.setenv(
        "AIRFLOW_CONN_LUPUS_STORE", json.dumps({"conn_type": "postgres", "host": "db", "schema": "lupus"})
    )
    assert store_url("sqlite:///default.db") == "postgresql+psycopg://db/lupus"


@pytest.mark.parametrize("broken", [{"conn_type": "postgres"}, {"conn_type": "slack", "password": "x"}])
def test_a_store_connection_that_is_wrong_does_not_pass_in_silence(
    monkeypatch: pytest.MonkeyPatch, broken: dict[str, str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LUPUS_STORE", json.dumps(broken))
    with pytest.raises(ConnectionNotUsableError, match="lupus_store"):
        store_url("sqlite:///default.db")


@pytest.mark.parametrize(
    ("error", "raised", "said"),
    [
        (server_said("CONNECTION_NOT_FOUND"), ConnectionNotUsableError, "has no connection 'warehouse'"),
        (AirflowSecretsBackendAccessDenied("no"), ConnectionNotUsableError, "does not let this task use"),
        (server_said("API_SERVER_ERROR"), AirflowRuntimeError, "API_SERVER_ERROR"),
    ],
)
def test_a_server_that_is_unwell_is_not_taken_for_an_absent_connection(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception], said: str
) -> None:
    def refuses(_: str) -> None:
        raise error

    monkeypatch.setattr(BaseHook, "get_connection", refuses)
    with pytest.raises(raised, match=said):
        AirflowConnections().get("warehouse")
    if "NOT_FOUND" not in str(error):
        with pytest.raises(raised):
            store_url("sqlite:///default.db")
