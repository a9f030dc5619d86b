"""Metrics of MLflow runs, through MLflow's own client (the extra ``lupus[mlflow]``)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lupus.model import Interval, LupusError, MetricPoint
from lupus.stages.push import push_metrics
from lupus.stages.workspace import Workspace

_LARGEST: Final = 1e300  # MLflow's databases keep an infinity as the largest double


@dataclass(frozen=True, slots=True)
class MlflowRun:
    """The last value of every metric of a run; `not_finite` names those that have none."""

    id: str
    name: str
    metrics: Mapping[str, float]
    not_finite: tuple[str, ...] = ()


def read_mlflow_run(run_id: str, *, tracking_uri: str | None = None) -> MlflowRun:
    """The run `run_id` of the tracking server or database at `tracking_uri`; None is ``MLFLOW_TRACKING_URI``.

    Raises `LupusError` when the client is not installed or there is no such run.
    """
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or None
    file = re.fullmatch(r"sqlite(?:\+\w+)?:///(.+)", uri or "")
    if file and not Path(file[1]).is_file():  # the client would make one, with all its tables
        raise LupusError(f"there is no MLflow database {file[1]!r}; check the tracking URI")
    if "mlflow" not in sys.modules:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        raise LupusError(f"MLflow's client is not installed ({error}); pip install 'lupus[mlflow]'") from None
    problem = ""
    try:
        run = MlflowClient(tracking_uri=uri).get_run(run_id)
    except MlflowException as error:
        problem = str(error).strip().splitlines()[0]
    except Exception as error:  # whatever the server's or database's driver raises
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
    if problem:
        # Outside of the handlers, so that nothing the client said (its URI may hold a password) is chained to it.
        where = f" at {_without_password(uri)}" if uri else ""
        hint = "" if uri else "; set MLFLOW_TRACKING_URI, or name the tracking URI"
        raise LupusError(f"the MLflow run {run_id!r}{where} cannot be read: {_without_password(problem)}{hint}")
    finite = {name: float(value) for name, value in run.data.metrics.items() if abs(value) <= _LARGEST}
    others = tuple(sorted(run.data.metrics.keys() - finite.keys()))
    return MlflowRun(run.info.run_id, run.info.run_name or "", finite, others)


def push_mlflow(
    workspace: Workspace,
    project: str,
    run: MlflowRun,
    interval: Interval,
    *,
    group: str = "training",
    unit: str = "",
    tags: Mapping[str, str] | None = None,
) -> tuple[MetricPoint, ...]:
    """Store the metrics of `run` at `interval`, tagged with the run's id and name, as `push_metrics` does.

    Raises `LupusError` when the run has no metric with a finite value.
    """
    if not run.metrics:
        why = f"only {', '.join(run.not_finite)}, which is not finite" if run.not_finite else "none at all"
        raise LupusError(f"the MLflow run {run.id!r} has no metric to store: {why}")
    own = {"mlflow_run": run.id} | ({"mlflow_run_name": run.name} if run.name else {}) | dict(tags or {})
    return push_metrics(workspace, project, run.metrics, interval, group=group, unit=unit, tags=own)


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", text)
