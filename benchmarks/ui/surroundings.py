"""The store, and a real Airflow whose users may read it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from ui.generate import Size, generate, project_name

from airflow_server import AirflowServer

ADMIN = os.environ.get("LUPUS_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
_DAGS = """\
from pathlib import Path
from lupus.airflow import build_dags
globals().update(build_dags(Path(__file__).parent / "projects"))
"""
_PROJECT = """\
project: {name}
start: 2024-01-01
tables:
  data: {{source: {{files: data.parquet}}, time: date}}
"""


@contextmanager
def database(size: Size, kind: str, file: Path) -> Iterator[str]:
    """The URL of a filled store; made when there is none. The large one is kept, the small one removed."""
    with _postgres(size) if kind == "postgresql" else _sqlite(size, file) as url:
        if not _finished(url, size):
            raise RuntimeError(f"{url} could not be filled")
        yield url


@contextmanager
def _postgres(size: Size) -> Iterator[str]:
    name = f"lupus_bench_ui_{size.name}"
    admin = sa.create_engine(ADMIN, isolation_level="AUTOCOMMIT")
    url = sa.make_url(ADMIN).set(database=name).render_as_string(hide_password=False)
    try:
        with admin.connect() as connection:
            there = connection.execute(sa.text("SELECT 1 FROM pg_database WHERE datname = :n"), {"n": name}).scalar()
            if not there or not _finished(url, size):
                connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
                _fill(url, size)
        yield url
        if size.name == "small":
            with admin.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


@contextmanager
def _sqlite(size: Size, file: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.db" if size.name == "small" else file.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{path}"
        if not path.exists() or not _finished(url, size):
            for one in path.parent.glob(f"{path.name}*"):
                one.unlink()
            _fill(url, size)
        yield url


def _fill(url: str, size: Size) -> None:
    print(f"making {size.projects} projects, {size.projects * size.series:,} series, {size.points:,} points")
    print(f"  made in {generate(url, size):.0f} s", flush=True)


def _finished(url: str, size: Size) -> bool:
    """Whether the database holds the whole store in the present schema."""
    from lupus.model import StoreError
    from lupus.store import open_store

    try:
        with open_store(url, create=False) as store:
            if not _is_present_schema(store._database.engine):
                return False
            stands = store.views.projects()
            return len(stands) == size.projects and bool(
                store.views.matrix(stands[-1], since=0, until=2**40, by="group")
            )
    except StoreError:
        return False


def _is_present_schema(engine: sa.Engine) -> bool:
    """Whether all tables and indexes of the code are there: until a release the first migration changes in place."""
    from lupus.store import tables

    found = sa.inspect(engine)
    return all(
        found.has_table(table.name)
        and [one["name"] for one in found.get_columns(table.name)] == [one.name for one in table.c]
        and {str(one.name) for one in table.indexes} <= {str(one["name"]) for one in found.get_indexes(table.name)}
        for table in tables.metadata.tables.values()
    )


@contextmanager
def serving(size: Size, url: str) -> Iterator[tuple[str, str]]:
    """The address of an Airflow that knows the store's projects, and a token of its admin."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dags = folder / "dags"
        (dags / "projects").mkdir(parents=True)
        (dags / "lupus_projects.py").write_text(_DAGS)
        for number in range(size.projects):
            path = dags / "projects" / f"{project_name(number)}.yaml"
            path.write_text(_PROJECT.format(name=project_name(number)))
        settings = {
            "LUPUS_STORE_URL": url,
            "LUPUS_HOME": str(folder / "lupus"),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        }
        with AirflowServer.standalone(folder / "airflow", dags, **settings) as server:
            server.wait_dag(f"lupus__{project_name(size.projects - 1)}")
            answer = server._send("POST", "/auth/token", {"username": server.user, "password": server.password})
            yield server.url, answer["access_token"]
