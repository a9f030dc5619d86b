"""Runs that are late: told by Airflow's deadline of each run, and by a Dag that looks for runs that never began."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow.sdk import DAG, BaseOperator, Context
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from lupus.airflow.operators import workspace
from lupus.model import Interval, Project

WATCH_DAG: Final = "lupus_watch"
"""The Dag that looks for silent projects; there is one when any project has a deadline."""

_SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)


def deadline_alert(project: Project) -> DeadlineAlert | None:
    """What makes Airflow call `run_is_late` when a run is not done in time; None when the project has no deadline.

    A run is queued when its interval is over, so that is where the time begins.
    """
    if project.schedule.deadline is None:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=project.schedule.deadline,
        callback=AsyncCallback(run_is_late, kwargs={"project": project.name, "folder": str(_folder(project))}),
    )


async def run_is_late(project: str, folder: str, context: dict[str, Any]) -> str:
    """Tell the project's owner that the run of `context` is not done; runs in Airflow's triggerer."""
    return await asyncio.to_thread(_tell, project, folder, context)


class WatchOperator(BaseOperator):
    """Tells the owners of the projects in `folder` whose runs did not come: no scheduler began them, or the Dag is
    paused. Of every run that is missing there is one message, whoever tells it.
    """

    ui_color = "#e8eef7"

    def __init__(self, *, folder: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002 - Airflow passes it by name
        from lupus import stages
        from lupus.config import load_projects

        found: list[str] = []
        with workspace() as opened:
            now = datetime.now(UTC)
            for one in load_projects(Path(self.folder)):
                if one.project is None or one.project.schedule.deadline is None:
                    continue
                silence = stages.silence_of(opened, one.project, now)
                if silence is not None:
                    self.log.info("%s: %s", one.name, silence.sentence)
                    stages.tell_missing(opened, one.project, silence.interval)
                    stages.deliver(opened, one.project.name)
                    found.append(f"{one.name} {silence.interval.key}")
        return found


def watch_dag(folder: Path, projects: Sequence[Project]) -> DAG | None:
    """The Dag that looks for silent projects every quarter of an hour; None when nobody wants to know."""
    if not any(project.schedule.deadline for project in projects):
        return None
    dag = DAG(
        dag_id=WATCH_DAG,
        description="Tells the owners of projects whose runs did not come",
        schedule="*/15 * * * *",
        start_date=_SINCE,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags={"lupus"},
    )
    WatchOperator(task_id="watch", dag=dag, folder=str(folder), retries=2, retry_delay=timedelta(minutes=1))
    return dag


def _tell(name: str, folder: str, context: dict[str, Any]) -> str:
    from lupus import stages
    from lupus.config import load_projects

    (loaded,) = load_projects(Path(folder), only=name) or (None,)
    if loaded is None or loaded.project is None:
        return f"{name} has no usable project file any more"
    project = loaded.project
    with workspace() as opened:
        notice = stages.tell_missing(opened, project, _interval_of(project, context))
        if notice is None:
            return "the run has ended in between"
        stages.deliver(opened, project.name)
    return str(notice.message["text"])


def _interval_of(project: Project, context: dict[str, Any]) -> Interval:
    run = context["dag_run"]
    conf = run.get("conf") or {}
    key = run.get("partition_key") or conf.get("interval") or conf.get("day")
    if key:
        return project.cadence.parse(str(key))
    after = run.get("run_after") or run.get("queued_at")
    return project.cadence.last_complete(datetime.fromisoformat(str(after).replace("Z", "+00:00")))


def _folder(project: Project) -> Path:
    return project.path.parent if project.path is not None else Path(os.environ.get("LUPUS_PROJECTS", "dags/projects"))
