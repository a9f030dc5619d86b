"""build_dags: one Dag per project file. A file that cannot be used becomes a Dag that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, TriggerRule, get_parsing_context

from lupus.airflow.operators import (
    ActOperator,
    BrokenConfigOperator,
    ExtractOperator,
    JudgeOperator,
    MeasureOperator,
    ProjectOperator,
    ValidateOperator,
)
from lupus.airflow.pages import broken_page, project_page
from lupus.airflow.retraining import RetrainOperator
from lupus.airflow.timetables import CadenceTimetable
from lupus.model import Cadence, CadenceKind, Problem, Project

if TYPE_CHECKING:
    from lupus.config import LoadedProject

DAG_PREFIX: Final = "lupus__"
"""What every Dag of Lupus begins with; the project's name follows."""

_BROKEN_SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)
_STAGES: Final[dict[str, type[ProjectOperator]]] = {
    "extract": ExtractOperator,
    "validate": ValidateOperator,
    "measure": MeasureOperator,
    "judge": JudgeOperator,
    "act": ActOperator,
}


def build_dags(folder: Path) -> dict[str, DAG]:
    """The Dags of all project files in `folder`, by Dag id; for ``globals().update(...)`` in a Dag file.

    When Airflow parses the file to run one task, only that task's Dag is built. A file with problems,
    or a name that stands in two files, gives a Dag with one failing task and touches no other.
    """
    from lupus.config import load_projects

    wanted = get_parsing_context().dag_id
    loaded: Sequence[LoadedProject] = ()
    if wanted is not None:
        loaded = load_projects(folder, only=wanted.removeprefix(DAG_PREFIX))
        if any(dag_id(one.name) == wanted for one in loaded):
            loaded = [one for one in loaded if dag_id(one.name) == wanted]
        else:
            loaded = ()
    if not loaded:  # a normal parse, or a Dag id that is no project's name as it is written
        loaded = load_projects(folder)
    groups: dict[str, list[LoadedProject]] = {}
    for one in loaded:
        groups.setdefault(dag_id(one.name), []).append(one)
    return {name: _build(name, group) for name, group in groups.items()}


def dag_id(project: str) -> str:
    """The Dag id of a project. Airflow knows letters, digits, dash, dot and underscore; all else becomes ``_``.

    >>> dag_id("flights"), dag_id("my flights (copy)")
    ('lupus__flights', 'lupus__my_flights__copy_')
    """
    return DAG_PREFIX + re.sub(r"[^A-Za-z0-9_.-]", "_", project)[:200]


def project_dag(project: Project, text: str) -> DAG:
    """The Dag of a project; `text` is its file, shown on the Dag's page.

    Every stage runs when the one before it is done, whether or not it succeeded: a table that cannot be read does not
    keep the others from being measured, and the news of it from being sent. ``done`` (which needs no worker) is
    red unless every stage succeeded, and so is the run. Retraining needs every stage to have succeeded.
    """
    cadence, schedule = project.cadence, project.schedule
    starting = cadence.containing(project.start)
    first = starting if starting.start == project.start else cadence.next(starting)
    dag = DAG(
        dag_id=dag_id(project.name),
        description=project.description or f"Monitors {project.name} ({cadence.kind})",
        schedule=_timetable(cadence),
        # A run is due when its interval is over, so the first run is due at the end of the first interval.
        start_date=first.end,
        end_date=project.end,
        catchup=schedule.catchup,
        max_active_runs=schedule.max_active_runs,
        default_args={"owner": project.owner, "retries": schedule.retries, "retry_delay": schedule.retry_delay},
        tags={"lupus", project.owner, *project.tags},
        doc_md=project_page(project, text),
    )
    asset = Asset(name=dag.dag_id, uri=f"lupus://{project.name}", group="lupus")
    tasks: list[ProjectOperator] = []
    for name, operator in _STAGES.items():
        task = operator(
            task_id=name,
            project=project,
            dag=dag,
            outlets=[asset] if name == "act" else [],
            trigger_rule=TriggerRule.ALL_DONE if tasks else TriggerRule.ALL_SUCCESS,
        )
        if tasks:
            tasks[-1] >> task
        tasks.append(task)
    if project.retrain is not None:
        retrain = RetrainOperator(task_id="retrain", project=project, dag=dag)
        retrain.set_upstream(tasks)
        tasks.append(retrain)
    done = EmptyOperator(task_id="done", dag=dag, trigger_rule=TriggerRule.NONE_FAILED, retries=0)
    done.set_upstream(tasks)
    return dag


def broken_dag(name: str, problems: Sequence[Problem], texts: Sequence[str] = ()) -> DAG:
    """The Dag of a file that cannot be used: unpaused, red every day, with the problems on its page and in its log."""
    dag = DAG(
        dag_id=name,
        description=f"Broken: {problems[0]}"[:300],
        schedule=_timetable(Cadence(CadenceKind.DAILY)),
        start_date=_BROKEN_SINCE,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags={"lupus", "broken"},
        doc_md=broken_page(problems, texts),
    )
    BrokenConfigOperator(task_id="broken_config", dag=dag, problems=problems, retries=0, retry_delay=timedelta(0))
    return dag


@cache
def _timetable(cadence: Cadence) -> CadenceTimetable:
    """One for all projects of a cadence: Airflow describes a cron expression in words whenever one is made."""
    return CadenceTimetable(cadence)


def _build(name: str, group: Sequence[LoadedProject]) -> DAG:
    problems = [problem for one in group for problem in one.problems]
    if len(group) > 1 and not problems:
        problems = [
            Problem(str(one.path), 0, 0, f"the project name {one.name!r} stands in more than one file", "rename one")
            for one in group
        ]
    project = group[0].project
    if not problems and project is not None:
        try:
            return project_dag(project, group[0].text)
        except Exception as error:  # whatever it is: this Dag must not vanish, nor take down the others
            problems = [Problem(str(group[0].path), 0, 0, f"no Dag can be made of it: {type(error).__name__}: {error}")]
    if not problems:
        problems = [Problem(str(one.path), 0, 0, "the file holds no project") for one in group]
    return broken_dag(name, problems, [one.text for one in group])
