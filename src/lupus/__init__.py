"""Lupus watches machine-learning products: one YAML file per project, one Airflow Dag, one good message.

For notebooks and scripts:

- `load_project(path)` gives a `Project`, or a `ConfigError` with every mistake in the file;
- `run(project, day)` runs all stages for one interval and gives a `RunReport`;
- `log_metrics(project, {"val_auc": 0.91}, day=...)` stores metrics that were made elsewhere;
- `log_mlflow(project, run_id, day=...)` stores those of an MLflow run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lupus.model import Project, RunReport
    from lupus.stages import Workspace

__all__ = ["__version__", "load_project", "log_metrics", "log_mlflow", "run"]
__version__ = "0.1.0"


def load_project(path: str | Path) -> Project:
    """The project that the YAML file at `path` describes, every default filled in.

    Raises `lupus.model.ConfigError`, whose `problems` hold every mistake with file, line and column.
    """
    from lupus.config import load_project as load

    return load(Path(path), environ=os.environ)


def run(project: Project, day: str) -> RunReport:
    """Extract, validate, measure, judge and act for the interval of `project` that holds `day`.

    `day` is an interval's key, a date or an ISO 8601 time. Store, folders and connections come from the
    environment, as on the command line. Raises `lupus.model.LupusError` when a stage cannot do its work.
    """
    from lupus.stages import run as run_stages

    with _workspace() as workspace:
        return run_stages(workspace, project, project.cadence.parse(day))


def log_metrics(
    project: Project,
    metrics: Mapping[str, float],
    *,
    day: str,
    group: str = "training",
    unit: str = "",
    tags: Mapping[str, str] | None = None,
) -> None:
    """Store `metrics` that were made elsewhere, in `unit`, for the interval of `project` that holds `day`.

    Pushing the same name again replaces its value. Raises `lupus.model.LupusError` for a value that is not finite.
    """
    from lupus.stages import push_metrics

    with _workspace() as workspace:
        push_metrics(workspace, project.name, metrics, project.cadence.parse(day), group=group, unit=unit, tags=tags)


def log_mlflow(
    project: Project,
    run_id: str,
    *,
    day: str,
    tracking_uri: str | None = None,
    group: str = "training",
    tags: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Store the last metrics of an MLflow run for the interval of `project` that holds `day`; needs ``lupus[mlflow]``.

    `tracking_uri` is ``MLFLOW_TRACKING_URI`` when left out. The series are tagged with the run's id and name.
    Returns the names of metrics that were left out because their last value is not finite. Raises
    `lupus.model.LupusError` when the run cannot be read or has no metric.
    """
    from lupus.stages import push_mlflow, read_mlflow_run

    run = read_mlflow_run(run_id, tracking_uri=tracking_uri)
    with _workspace() as workspace:
        push_mlflow(workspace, project.name, run, project.cadence.parse(day), group=group, tags=tags)
    return run.not_finite


@contextmanager
def _workspace() -> Iterator[Workspace]:
    from lupus.stages import EnvironmentConnections, Settings, open_workspace

    settings = Settings.from_environment(os.environ)
    with open_workspace(settings, connections=EnvironmentConnections(os.environ)) as workspace:
        yield workspace
