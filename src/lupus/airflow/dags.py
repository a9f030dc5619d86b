"""build_dags: one Dag per project file. A file that cannot be used becomes a Dag that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, BaseOperator, TriggerRule, get_parsing_context

from lupus.airflow.deadlines import WATCH_DAG, deadline_alert, watch_dag
from lupus.airflow.delivery import DeliverOperator
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
from lupus.model import Approval, Cadence, CadenceKind, ConfigError, Problem, Project

if TYPE_CHECKING:
    from lupus.config import LoadedProject

DAG_PREFIX: Final = "lupus__"
"""What every Dag of Lupus begins with; the project's name follows."""

_MOST_WAITING: Final = 16
"""Most runs of a project that wait for an approval at the same time."""

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
    or a name that stands in two files, gives a Dag with one failing task and touches no other. Where a project has a
    deadline, there is one more, `WATCH_DAG`.
    """
    wanted = get_parsing_context().dag_id
    only = None if wanted in (None, WATCH_DAG) else str(wanted).removeprefix(DAG_PREFIX)
    loaded = _load(folder, only)
    dags = {} if wanted == WATCH_DAG else {DAG_PREFIX + one.name: _build(one) for one in loaded}
    watch = watch_dag(folder, [one.project for one in loaded if one.project is not None]) if only is None else None
    return dags if watch is None else {**dags, WATCH_DAG: watch}


def _load(folder: Path, only: str | None) -> Sequence[LoadedProject]:
    from lupus.config import load_projects

    try:
        return load_projects(folder, only=only)
    except ConfigError:  # the folder itself: Airflow shows it as an import error of the Dag file
        raise
    except Exception:  # reading one of the files failed in a way that nobody thought of: find out which
        return [_load_alone(path) for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".yml")]


def _load_alone(path: Path) -> LoadedProject:
    from lupus.config import LoadedProject, load_project

    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem)[:200]
    try:
        project = load_project(path)
    except ConfigError as error:
        return LoadedProject(stem, path, "", None, error.problems)
    except Exception as error:
        problem = Problem(str(path), 0, 0, f"cannot be read: {type(error).__name__}: {error}", "please report this")
        return LoadedProject(stem, path, "", None, (problem,))
    return LoadedProject(project.name, path, path.read_text(encoding="utf-8"), project)


def project_dag(project: Project, text: str) -> DAG:
    """The Dag of a project; `text` is its file, shown on the Dag's page.

    Every stage runs when the one before it is done, whether or not it succeeded: a table that cannot be read does not
    keep the others from being measured, and the news of it from being sent. ``done`` (which needs no worker) is
    red unless every stage succeeded, and so is the run. Retraining needs every stage to have succeeded; it does not
    wait for messages to be delivered.
    """
    cadence, schedule = project.cadence, project.schedule
    starting = cadence.containing(project.start)
    first = starting if starting.start == project.start else cadence.next(starting)
    waiting = _waiting_runs(project)
    dag = DAG(
        dag_id=DAG_PREFIX + project.name,
        description=project.description or f"Monitors {project.name} ({cadence.kind})",
        schedule=_timetable(cadence),
        # A run is due when its interval is over, so the first run is due at the end of the first interval.
        start_date=first.end,
        end_date=project.end,
        catchup=schedule.catchup,
        max_active_runs=schedule.max_active_runs + waiting,
        default_args={"owner": project.owner, "retries": schedule.retries, "retry_delay": schedule.retry_delay},
        tags={"lupus", project.owner, *project.tags},
        doc_md=project_page(project, text),
        deadline=deadline_alert(project),
    )
    asset = Asset(f"lupus://{project.name}")
    tasks: list[BaseOperator] = []
    for name, operator in _STAGES.items():
        task = operator(
            task_id=name,
            project=project,
            dag=dag,
            outlets=[asset] if name == "act" else [],
            max_active_tis_per_dag=schedule.max_active_runs if waiting else None,
            trigger_rule=TriggerRule.ALL_DONE if tasks else TriggerRule.ALL_SUCCESS,
        )
        if tasks:
            tasks[-1] >> task
        tasks.append(task)
    deliver = DeliverOperator(task_id="deliver", project=project, dag=dag, trigger_rule=TriggerRule.ALL_DONE)
    tasks[-1] >> deliver
    if project.retrain is not None:
        approval = _approval(project, dag)
        if approval is not None:
            approval.set_upstream(tasks)
            tasks.append(approval)
        # Who refuses skips the approval; what a person has asked for by hand is to be done all the same.
        rule = TriggerRule.ALL_SUCCESS if approval is None else TriggerRule.NONE_FAILED
        retrain = RetrainOperator(task_id="retrain", project=project, dag=dag, trigger_rule=rule)
        retrain.set_upstream(tasks)
        tasks.append(retrain)
    done = EmptyOperator(task_id="done", dag=dag, trigger_rule=TriggerRule.NONE_FAILED, retries=0)
    done.set_upstream([*tasks, deliver])
    return dag


def broken_dag(name: str, problems: Sequence[Problem], text: str = "") -> DAG:
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
        doc_md=broken_page(problems, text),
    )
    BrokenConfigOperator(task_id="broken_config", dag=dag, problems=problems, retries=0, retry_delay=timedelta(0))
    return dag


def _waiting_runs(project: Project) -> int:
    """How many runs may wait for an approval while the following ones go on; their stages still run one at a time."""
    policy, cadence = project.retrain, project.cadence
    if policy is None or policy.approval is Approval.NONE:
        return 0
    here = cadence.containing(project.start)
    until, count = here.end + policy.approve_within, 0
    while here.end < until and count < _MOST_WAITING:
        here, count = cadence.next(here), count + 1
    return count


def _approval(project: Project, dag: DAG) -> BaseOperator | None:
    """The task that waits for a person; its module is read only where somebody is asked."""
    if not _waiting_runs(project):
        return None
    from lupus.airflow.approval import approval_task

    return approval_task(project, task_id="approve", dag=dag)


@cache
def _timetable(cadence: Cadence) -> CadenceTimetable:
    """One for all projects of a cadence: Airflow describes a cron expression in words whenever one is made."""
    return CadenceTimetable(cadence)


def _build(loaded: LoadedProject) -> DAG:
    name, problems = DAG_PREFIX + loaded.name, loaded.problems
    if loaded.project is not None and not problems:
        try:
            return project_dag(loaded.project, loaded.text)
        except Exception as error:  # whatever it is: this Dag must not vanish, nor take down the others
            said = f"no Dag can be made of it: {type(error).__name__}: {error}"
            problems = (Problem(str(loaded.path), 0, 0, said, "please report this"),)
    return broken_dag(name, problems, loaded.text)
