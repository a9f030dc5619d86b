"""Fixtures that all tests share: real database servers, or a clear reason why there is none."""

from __future__ import annotations

import atexit
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
import sqlalchemy as sa
from hypothesis import settings

from slack_server import SlackServer, slack_server

# What a property takes says how busy the machine is, not whether the property holds.
settings.register_profile("lupus", deadline=None)
settings.load_profile("lupus")

# Airflow makes its folder as soon as it is imported: neither in HOME nor in the Airflow of whoever runs the tests.
_AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="lupus-tests-airflow-", ignore_cleanup_errors=True)
atexit.register(_AIRFLOW_HOME.cleanup)
os.environ["AIRFLOW_HOME"] = _AIRFLOW_HOME.name

POSTGRES = os.environ.get("LUPUS_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
MARIADB = os.environ.get("LUPUS_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")


def _database(admin_url: str, service: str, drop: str) -> Iterator[str]:
    """A fresh database on the server at `admin_url`, dropped afterwards."""
    name = f"lupus_test_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(admin_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
    except (sa.exc.OperationalError, ImportError) as error:
        engine.dispose()
        if os.environ.get("CI") == "true":
            pytest.fail(f"{service} must be there in CI: {error}")
        pytest.skip(f"no {service} at {admin_url} (set LUPUS_TEST_{service.upper()} to use another)")
    try:
        yield sa.make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection, suppress(sa.exc.OperationalError):
            connection.execute(sa.text(drop.format(name=name)))
        engine.dispose()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of a fresh PostgreSQL database."""
    yield from _database(POSTGRES, "postgres", "DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def module_postgres_url() -> Iterator[str]:
    """The URL of a fresh PostgreSQL database that the tests of a module share."""
    yield from _database(POSTGRES, "postgres", "DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def mariadb_url() -> Iterator[str]:
    """The URL of a fresh MariaDB database."""
    yield from _database(MARIADB, "mariadb", "DROP DATABASE {name}")


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    """A Slack on this machine, reached without a proxy; it has nothing to complain of at the end."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with slack_server() as running:
        yield running
        assert running.problems == []
