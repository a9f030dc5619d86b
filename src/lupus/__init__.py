"""Lupus watches machine-learning products: one YAML file per project, one Airflow Dag, one good message.

For notebooks and scripts:

- `load_project(path)` gives a `Project`, or a `ConfigError` with every mistake in the file;
- `run(project, day)` runs all stages for one interval and gives a `RunReport`;
- `log_metrics(project, {"val_auc": 0.91}, day=...)` stores metrics that were made elsewhere;
- `log_mlflow(project, run_id, day=...)` stores those of an MLflow run;
- `measure_frame(data, prediction, ground_truth)` gives every metric of frames as a frame, without a project;
- `judge_frame(history)` gives what the rules say of every value of a frame of series.

`lupus.measure` and `lupus.judge` are the rooms behind the last two.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from lupus.model import Project, RuleSpec, RunReport
    from lupus.stages import Workspace

__all__ = ["__version__", "judge_frame", "load_project", "log_metrics", "log_mlflow", "measure_frame", "run"]
__version__ = "0.1.0"


def load_project(path: str | Path) -> Project:
    """The project that the YAML file at `path` describes, every default filled in.

    Raises `lupus.model.ConfigError`, whose `problems` hold every mistake with file, line and column.
    """
    from lupus.config import load_project as load

    return load(Path(path), environ=os.environ)


def run(project: Project, day: str, *, notify: bool = False) -> RunReport:
    """Extract, validate, measure, judge and act for the interval of `project` that holds `day`.

    `day` is an interval's key, a date or an ISO 8601 time. Store, folders and connections come from the
    environment, as on the command line. What is found in an old interval is told to nobody, except with `notify`.
    Raises `lupus.model.LupusError` when a stage cannot do its work.
    """
    from lupus.stages import run as run_stages

    with _workspace() as workspace:
        return run_stages(workspace, project, project.cadence.parse(day), notify=notify)


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


def measure_frame(
    data: Any = None,
    prediction: Any = None,
    ground_truth: Any = None,
    *,
    task: str | None = None,
    key: str | Sequence[str] = (),
    score: str = "",
    label: str = "",
    weight: str = "",
    scores: Mapping[str, str] | None = None,
    query: str | Sequence[str] = (),
    rank: str = "",
    reference: Any = None,
    segments: Sequence[str | Sequence[str]] = (),
    fairness: Sequence[str | Sequence[str]] = (),
    segment_metrics: Sequence[str] | None = None,
    min_segment_rows: int = 30,
    threshold: float = 0.5,
) -> pd.DataFrame:
    """Every metric of up to three frames, one row each.

    The columns are table, column, metric, segment, value, low, high, n, maturity and failure. A frame is a pandas
    DataFrame, an Arrow table, an Ibis table (measured where it lies) or the path of a Parquet file. With
    `prediction` and `ground_truth`, joined by `key`, the predictions are evaluated: `score` (for a multiclass
    `task` also `scores`, by class; for rankings `query` and `rank`) is a column of the one, `label` of the other.
    `reference` is a frame like `data` (like `prediction` where there is no `data`), or a dict of frames by
    ``"data"``, ``"prediction"`` and ``"ground_truth"``: bins and categories are fixed from it, and drift is
    measured from it. Each of `segments` is a column, or two that are crossed; those of `fairness` are compared as
    protected groups as well. `segment_metrics` are shell patterns on the metrics of segments, by default those of a
    project file.

    A metric without a value has the reason in `failure`, and stops no other. `low` and `high` are a 95 % confidence
    interval, NaN where there is none. Raises `lupus.model.LupusError` for what is no frame, and for columns that no
    frame has.

    >>> import pandas as pd
    >>> day = pd.DataFrame({"price": [1.0, 2.0, None, 6.0]})
    >>> found = measure_frame(day).set_index(["column", "metric"])["value"]
    >>> float(found["price", "mean"]), float(found["price", "null_ratio"])
    (3.0, 0.25)
    """
    from lupus.model import LupusError, Role, Task
    from lupus.stages.frames import Roles
    from lupus.stages.frames import measure_frame as measure

    given = {Role.DATA: data, Role.PREDICTION: prediction, Role.GROUND_TRUTH: ground_truth}
    frames = {role: frame for role, frame in given.items() if frame is not None}
    if isinstance(reference, Mapping):
        if unknown := [name for name in reference if name not in set(map(str, given))]:
            raise LupusError(f"reference names {unknown[0]!r}; it may name {', '.join(map(str, given))}")
        before = {Role(name): frame for name, frame in reference.items()}
    else:
        before = {} if reference is None else {next(iter(frames), Role.DATA): reference}
    if task is not None and task not in set(map(str, Task)):
        raise LupusError(f"there is no task {task!r}; give one of {', '.join(map(str, Task))}")
    listed = [(one,) if isinstance(one, str) else tuple(one) for one in (key, query)]
    roles = Roles(listed[0], score, label, weight, tuple((scores or {}).items()), listed[1], rank)
    return measure(
        frames,
        roles,
        task=None if task is None else Task(task),
        reference=before,
        segments=segments,
        fairness=fairness,
        min_segment_rows=min_segment_rows,
        threshold=threshold,
        **({} if segment_metrics is None else {"segment_metrics": segment_metrics}),
    )


def judge_frame(history: Any, rules: Sequence[RuleSpec | str] | None = None) -> pd.DataFrame:
    """What rules say of every value of `history`, a frame with the columns series_id, date and value.

    The columns are series_id, date, flag, score, rule, status, expected, lower, upper and reason: one row for each
    value, of the rule that found the most in it, judged from the values before it only. NaN is a missing interval.
    A rule is ``"KIND:parameter=value,..."`` as on the command line, or a `lupus.model.RuleSpec`; the defaults are
    those of ``lupus backtest --series``. Raises `lupus.model.LupusError` for a frame or a rule that does not serve.

    >>> import pandas as pd
    >>> days = pd.date_range("2026-01-01", periods=40).astype(str)
    >>> values = [100.0, 104.0, 98.0, 102.0] * 9 + [9.0] * 4
    >>> history = pd.DataFrame({"series_id": "orders", "date": days, "value": values})
    >>> flags = judge_frame(history, rules=["threshold:min=50"])
    >>> int(flags["flag"].sum()), flags.loc[flags["flag"] == 1, "date"].iloc[0]
    (4, '2026-02-06')
    """
    from lupus.stages.frames import judge_frame as judge

    return judge(history, rules)


@contextmanager
def _workspace() -> Iterator[Workspace]:
    from lupus.stages import EnvironmentConnections, Settings, open_workspace

    settings = Settings.from_environment(os.environ)
    with open_workspace(settings, connections=EnvironmentConnections(os.environ)) as workspace:
        yield workspace
