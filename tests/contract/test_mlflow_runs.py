"""Metrics of MLflow runs: MLflow's own client on a real tracking database."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

import lupus
from installation import Installation
from lupus.model import LupusError
from lupus.stages import read_mlflow_run

if find_spec("mlflow") is None:
    if os.environ.get("CI") == "true":
        pytest.fail("mlflow-skinny must be there in CI: uv pip install 'lupus[mlflow]'", pytrace=False)
    pytest.skip("mlflow is not installed (pip install 'lupus[mlflow]')", allow_module_level=True)

# MLflow's, about SQLAlchemy 2.1: not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")

DAY = "2026-01-05"
PROJECT = """\
project: loans
owner: ml
cadence: daily
start: 2026-01-01
tables: {data: {source: {files: "/nowhere/{interval}.csv"}}}
"""


@dataclass(frozen=True)
class Tracking:
    uri: str
    run: str
    empty: str


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """A tracking database with a run of two epochs and one without a finite metric."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow.tracking import MlflowClient

        folder = tmp_path_factory.mktemp("mlflow")
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        client = MlflowClient(tracking_uri=uri)
        experiment = client.create_experiment("loans", artifact_location=folder.as_uri())
        run = client.create_run(experiment, run_name="nightly <v7>").info.run_id
        for step, (auc, loss) in enumerate([(0.81, 0.5), (0.93, 0.31)]):
            client.log_metric(run, "val_auc", auc, step=step)
            client.log_metric(run, "val/log loss", loss, step=step)
        client.log_metric(run, "train_loss", 0.2, step=0)
        client.log_metric(run, "train_loss", math.nan, step=1)
        client.log_metric(run, "grad_norm", math.inf, step=1)
        empty = client.create_run(experiment).info.run_id
        client.log_metric(empty, "loss", math.nan)
        yield Tracking(uri, run, empty)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation.empty(tmp_path / "lupus")
    made.add_project("loans", PROJECT)
    return made


def test_the_last_value_of_each_metric_is_stored_with_its_run(installation: Installation, tracking: Tracking) -> None:
    command = ("log", "loans", "--mlflow", tracking.run, "--tracking-uri", tracking.uri, "--day", DAY)
    answer = installation.lupus(*command)
    assert answer.code == 0, answer.text
    assert "2 metrics of loans stored" in answer.text
    assert "grad_norm left out" in answer.text
    assert "train_loss left out" in answer.text
    points = installation.points(DAY)
    assert {point.series.key.metric: point.value for point in points} == {"val_auc": 0.93, "val/log loss": 0.31}
    assert {point.series.group for point in points} == {"training"}
    assert {tuple(sorted(point.series.tags.items())) for point in points} == {
        (("mlflow_run", tracking.run), ("mlflow_run_name", "nightly <v7>"))
    }
    before = installation.dump()
    installation.lupus(*command)
    assert installation.dump() == before


def test_from_python_with_the_uri_from_the_environment(
    installation: Installation, tracking: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**installation.environ, "MLFLOW_TRACKING_URI": tracking.uri}.items():
        monkeypatch.setenv(name, value)
    project = lupus.load_project(installation.project_file())
    left_out = lupus.log_mlflow(project, tracking.run, day=DAY, group="validation runs", tags={"by": "ci"})
    assert left_out == ("grad_norm", "train_loss")
    assert {(one.series.group, one.series.tags["by"]) for one in installation.points(DAY)} == {
        ("validation runs", "ci")
    }


def test_pushed_runs_are_judged_like_all_others(installation: Installation, tracking: Tracking) -> None:
    installation.lupus("log", "loans", "--mlflow", tracking.run, "--tracking-uri", tracking.uri, "--day", DAY)
    installation.run(DAY)
    assert "val_auc" in {one.series.metric for one in installation.verdicts(DAY)}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--mlflow", "nothing"], 3, "the MLflow run 'nothing' at sqlite:"),
        (["--mlflow", "EMPTY"], 3, "has no metric to store: only loss, which is not finite"),
        (["a=1", "--mlflow", "RUN"], 2, "give either metrics or --mlflow"),
        ([], 2, "give either metrics or --mlflow"),
    ],
)
def test_what_cannot_be_stored_says_why(
    installation: Installation, tracking: Tracking, arguments: list[str], code: int, said: str
) -> None:
    named = [{"EMPTY": tracking.empty, "RUN": tracking.run}.get(one, one) for one in arguments]
    answer = installation.lupus("log", "loans", *named, "--tracking-uri", tracking.uri, "--day", DAY)
    assert answer.code == code, answer.text
    assert said in answer.text
    assert installation.points(DAY) == []


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    file = tmp_path / "missing.db"
    with pytest.raises(LupusError, match="there is no MLflow database"):
        read_mlflow_run("x", tracking_uri=f"sqlite:///{file}")
    assert not file.exists()


def test_an_unreachable_server_is_an_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(LupusError, match="cannot be read") as caught:
        read_mlflow_run("x", tracking_uri="http://me:s3cret@127.0.0.1:9")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
