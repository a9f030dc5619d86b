"""docker-compose.yml without Docker: the very commands of its services, started natively, run a project on Celery."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from airflow_server import BIN, ROOT, AirflowServer, free_port
from lupus.store import open_store

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")
REDIS = os.environ.get("LUPUS_TEST_REDIS", "redis://127.0.0.1:6379/14")
PROJECT = """
    project: shop
    owner: ml-shop
    cadence: daily
    start: 2024-03-01
    end: 2024-03-31
    tables:
      data: {source: {connection: warehouse, table: visits}, time: day}
"""


def test_services_have_what_a_team_needs() -> None:
    assert set(SERVICES) == {"postgres", "redis", "prepare", *AIRFLOW}
    for name, service in SERVICES.items():
        assert name == "prepare" or "healthcheck" in service, f"{name} has no health check"
        assert service["image"].startswith("lupus:") or re.search(r":\d", service["image"]), f"{name} is not pinned"
    for name in AIRFLOW:
        assert SERVICES[name]["depends_on"]["prepare"] == {"condition": "service_completed_successfully"}
    assert SERVICES["prepare"]["build"]["dockerfile"] == "docker/Dockerfile"


def test_secrets_come_from_files_only(tmp_path: Path) -> None:
    declared = COMPOSE["secrets"]
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert used == set(declared)
    subprocess.run([ROOT / "docker" / "make-secrets", tmp_path], check=True, capture_output=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {Path(entry["file"]).name for entry in declared.values()} == set(made)
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} can be read by others"
    text = (ROOT / "docker-compose.yml").read_text()
    assert not [name for name in made if re.search(rf"(?i)^\s*\w*(password|secret|key)\w*:\s*[^\s/{{$].*{name}", text)]
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            secretive = re.search(r"PASSWORD|SECRET_KEY|JWT_SECRET|FERNET|BROKER_URL|RESULT_BACKEND|ALCHEMY_CONN", name)
            assert not secretive or name.endswith(("_CMD", "_FILE")), f"{name} holds a secret itself: {value}"


def test_make_secrets_leaves_what_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres_password").write_text("mine")
    for _ in range(2):
        subprocess.run([ROOT / "docker" / "make-secrets", tmp_path], check=True, capture_output=True)
    assert (tmp_path / "postgres_password").read_text() == "mine"
    assert ":mine@postgres:5432/" in (tmp_path / "metadata_url").read_text()


@pytest.mark.parametrize("script", ["entrypoint", "prepare", "make-secrets", "postgres-init"])
def test_scripts_are_sound(script: str) -> None:
    path = ROOT / "docker" / script
    assert os.access(path, os.X_OK)
    subprocess.run(["sh", "-n", path], check=True)


def test_the_image_copies_files_that_exist_and_are_sent() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in (ROOT / "docker" / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY "):
            for source in shlex.split(line)[1:-1]:
                assert (ROOT / source).exists(), f"the Dockerfile copies {source}, which is not there"
                assert source in sent, f".dockerignore keeps {source} from the build"


def native(value: str, places: dict[str, str]) -> str:
    """What compose would make of `value`, with the container's places replaced by this machine's."""
    value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value).replace("$$", "$")
    for there, here in places.items():
        value = value.replace(there, here)
    return value


def redis_is_there() -> bool:
    host, port = re.match(r"redis://(?:[^@/]*@)?([^:/]+):?(\d*)", REDIS).groups()  # type: ignore[union-attr]
    try:
        with socket.create_connection((host, int(port or 6379)), timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture
def team(tmp_path: Path, postgres_url: str) -> Iterator[AirflowServer]:
    """All Airflow services of the compose file, running natively."""
    if not redis_is_there():
        if os.environ.get("CI") == "true":
            pytest.fail("Redis must be there in CI")
        pytest.skip(f"no Redis at {REDIS} (set LUPUS_TEST_REDIS to use another)")
    home, port = tmp_path / "airflow", free_port()
    secrets, dags = tmp_path / "secrets", tmp_path / "dags"
    for folder in (home, dags / "projects", tmp_path / "plugins", tmp_path / "expectations", tmp_path / "home"):
        folder.mkdir(parents=True)
    subprocess.run([ROOT / "docker" / "make-secrets", secrets], check=True, capture_output=True)
    metadata = sa.make_url(postgres_url).set(drivername="postgresql+psycopg2")
    own = {
        "metadata_url": metadata.render_as_string(hide_password=False),
        "celery_results_url": "db+" + metadata.render_as_string(hide_password=False),
        "lupus_store_url": postgres_url,
        "broker_url": REDIS,
        "airflow_logins.json": json.dumps({"admin": "admin"}),
        "connections.json": json.dumps({"warehouse": {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.db")}}),
    }
    for name, text in own.items():
        (secrets / name).write_text(text)
    (dags / "lupus_projects.py").write_text((ROOT / "dags" / "lupus_projects.py").read_text())
    (dags / "projects" / "shop.yaml").write_text(dedent(PROJECT))
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'warehouse.db'}")
    with engine.begin() as warehouse:
        warehouse.execute(sa.text("create table visits (visit integer, day text)"))
        warehouse.execute(sa.text("insert into visits values (1, '2024-03-05'), (2, '2024-03-05'), (3, '2024-03-06')"))
    engine.dispose()
    places = {
        "/run/secrets": str(secrets),
        "/opt/lupus/": f"{tmp_path}/",
        "/opt/airflow": str(home),
        "http://api-server:8080": f"http://127.0.0.1:{port}",
        "http://127.0.0.1:8080": f"http://127.0.0.1:{port}",
    }
    environment = {
        **{name: native(str(value), places) for name, value in SERVICES["worker"]["environment"].items()},
        "PATH": f"{ROOT / 'docker'}:{BIN}:{os.environ['PATH']}",
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "LUPUS_SECRETS": str(secrets),
        # What containers have for themselves and one machine must share out.
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__OPERATORS__DEFAULT_QUEUE": f"lupus-{port}",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
        "C_FORCE_ROOT": "true",
    }
    entry = ["entrypoint"]
    prepare = subprocess.run(
        [*entry, *SERVICES["prepare"]["command"]],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert prepare.returncode == 0, prepare.stdout[-3000:] + prepare.stderr[-3000:]
    commands = {name: [*entry, *SERVICES[name]["command"]] for name in AIRFLOW}
    with AirflowServer(home, environment, commands) as server:
        yield server


@pytest.mark.airflow
@pytest.mark.slow
@pytest.mark.services
def test_a_project_runs_through_celery(team: AirflowServer, postgres_url: str) -> None:
    team.wait_dag("lupus__shop")
    run_id = team.trigger("lupus__shop", "2024-03-05")
    assert team.wait_run("lupus__shop", run_id, 120) == "success", team.output()
    assert set(team.states("lupus__shop", run_id).values()) == {"success"}
    assert "celery" in (team.home / "worker.out").read_text()
    with open_store(postgres_url) as store:
        rows = [point for point in store.points("shop") if point.series.key.metric == "rows"]
    assert [(point.interval.key, point.value) for point in rows] == [("2024-03-05", 2)]
    # The health checks of the compose file say so too.
    check = SERVICES["scheduler"]["healthcheck"]["test"]
    environment = {**team.environment, "HOSTNAME": socket.gethostname()}
    said = subprocess.run(
        ["sh", "-c", native(check[1], {})], env=environment, cwd=team.home, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr[-2000:]
