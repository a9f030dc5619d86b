"""The stages as Airflow tasks. Each operator is a shell: it keeps its arguments, and `execute` makes one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator, Context, conf
from airflow.sdk.exceptions import AirflowFailException

from lupus.airflow.connections import AirflowConnections, store_url
from lupus.airflow.intervals import run_interval
from lupus.model import Problem, Project, Status

if TYPE_CHECKING:
    from lupus.stages import Workspace

_CHECK_AGAIN = timedelta(minutes=5)
"""How often a slice that is not there yet is looked for."""

_BY_WEIGHT = (Status.OK, Status.IMMATURE, Status.WARN, Status.NO_DATA, Status.ERROR, Status.ANOMALY)


@contextmanager
def workspace() -> Iterator[Workspace]:
    """The stages' workspace of a running task: settings from the environment, connections from Airflow.

    Messages link to the Web UI where this Airflow says that it is reached, unless the settings say another place.
    """
    import os

    from lupus import stages

    settings = stages.Settings.from_environment(os.environ)
    settings = replace(settings, ui_url=settings.ui_url or conf.get("api", "base_url", fallback="").rstrip("/"))
    connections = AirflowConnections()
    with stages.open_workspace(settings, connections=connections, store_url=store_url(settings.store_url)) as opened:
        yield opened


class ProjectOperator(BaseOperator):
    """A task of a project. `project` is kept as it is: it is made anew whenever the Dag file is parsed."""

    ui_color = "#e8eef7"
    # A Project is immutable (and its mappings refuse to be copied): Airflow's deep copies of a Dag share it.
    shallow_copy_attrs = ("project", "_BaseOperator__init_kwargs")

    def __init__(self, *, project: Project, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project = project

    def report(self, report: Any) -> None:
        """Write what a stage did into the task's log, as people read it."""
        from lupus import stages

        for line in stages.report_lines(report):
            self.log.info("%s", line)


class ExtractOperator(ProjectOperator):
    """Extract every table. What is not there yet is waited for in the triggerer, without a worker.

    The last try records the tables that cannot be read and then fails, so that the run ends red while
    the other tables, and the news of the broken ones, go on through the next stages.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        return self.extract(context, tables=None, failed=())

    def resume(
        self, context: Context, event: Any = None, tables: Collection[str] = (), failed: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Look again for `tables` after a wait (`event` only says that it is over)."""
        del event
        return self.extract(context, tables=tables, failed=failed)

    def extract(self, context: Context, *, tables: Collection[str] | None, failed: Sequence[str]) -> dict[str, Any]:
        from lupus import stages

        interval = run_interval(context, self.project)
        now = datetime.now(UTC)
        with workspace() as opened:
            report = stages.extract(
                opened, self.project, interval, now=now, last_try=is_last_try(context), tables=tables
            )
        self.report(report)
        failed = (*failed, *report.failed)
        if report.waiting:
            self._wait(report.waiting, now, failed)
        fail_with(failed)
        return {"interval": interval.key, "rows": {snapshot.table: snapshot.rows for snapshot in report.snapshots}}

    def _wait(self, waiting: Sequence[Any], now: datetime, failed: Sequence[str]) -> None:
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        # Not later than the first deadline: that look is the one that declares the slice missing.
        moment = min(now + _CHECK_AGAIN, *(one.until for one in waiting))
        self.defer(
            trigger=DateTimeTrigger(moment=max(moment, now + timedelta(seconds=1))),
            method_name="resume",
            kwargs={"tables": [one.table for one in waiting], "failed": list(failed)},
        )


class ValidateOperator(ProjectOperator):
    """Run the Great Expectations suites on the snapshots."""

    def execute(self, context: Context) -> dict[str, Any]:
        from lupus import stages

        interval = run_interval(context, self.project)
        with workspace() as opened:
            report = stages.validate(opened, self.project, interval)
        self.report(report)
        fail_with(report.failed)
        return {
            "interval": interval.key,
            "success_ratio": {one.table: one.success_ratio for one in report.validations},
            "critical": sum(len(one.critical_failures) for one in report.validations),
        }


class MeasureOperator(ProjectOperator):
    """Compute the metrics of the snapshots."""

    def execute(self, context: Context) -> dict[str, Any]:
        from lupus import stages

        interval = run_interval(context, self.project)
        with workspace() as opened:
            report = stages.measure(opened, self.project, interval)
        self.report(report)
        fail_with(report.failed)
        without_value = sum(point.failure is not None for point in report.points)
        return {"interval": interval.key, "points": len(report.points), "without_value": without_value}


class JudgeOperator(ProjectOperator):
    """Judge the metrics by the project's rules."""

    def execute(self, context: Context) -> dict[str, Any]:
        from lupus import stages

        interval = run_interval(context, self.project)
        with workspace() as opened:
            report = stages.judge(opened, self.project, interval)
        self.report(report)
        statuses = [verdict.status for verdict in report.verdicts]
        counts = {str(status): count for status, count in Counter(statuses).items()}
        return {"interval": interval.key, "verdicts": counts, "worst": str(worst(statuses))}


class ActOperator(ProjectOperator):
    """Open and close incidents, decide about notices and retraining; then announce the interval as an asset event."""

    def execute(self, context: Context) -> dict[str, Any]:
        from lupus import stages

        interval = run_interval(context, self.project)
        with workspace() as opened:
            url, backfill = run_url(context), is_backfill(context)
            report = stages.act(opened, self.project, interval, run_url=url, backfill=backfill, send=False)
        self.report(report)
        incidents = [incident.id for incident in report.incidents]
        judged = context["ti"].xcom_pull(task_ids="judge") or {}
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                # The partition key goes along with the event by itself.
                context["outlet_events"][outlet].extra = {
                    "project": self.project.name,
                    "interval": interval.key,
                    "worst": judged.get("worst", str(Status.ERROR)),
                    "incidents": list(incidents),
                }
        return {
            "interval": interval.key,
            "incidents": incidents,
            "notices": dict(Counter(str(notice.state) for notice in report.notices)),
            "retrain": report.retrain.id if report.retrain is not None else None,
        }


class BrokenConfigOperator(BaseOperator):
    """The one task of a project whose file is wrong: it fails, with every problem and its fix."""

    ui_color = "#f7d4d4"

    def __init__(self, *, problems: Sequence[Problem], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.problems = tuple(problems)

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow passes it by name
        raise AirflowFailException(broken_text(self.problems))


def broken_text(problems: Sequence[Problem]) -> str:
    """All problems, one per line, and what to do next."""
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
    lines = "\n".join(f"  {problem}" for problem in problems)
    return f"the project file cannot be used, {count}:\n{lines}\nFix it and run `lupus check`; the Dag mends itself."


def is_last_try(context: Mapping[str, Any]) -> bool:
    """Whether Airflow will not run this task again by itself."""
    ti = context["ti"]
    return bool(ti.try_number > ti.max_tries)


def fail_with(failed: Sequence[str]) -> None:
    """Fail for good when parts of a stage failed: what they are is recorded, and the next stages go on."""
    if failed:
        raise AirflowFailException("\n".join(failed))


def worst(statuses: Collection[Status]) -> Status:
    """The status that matters most; OK when there is none.

    >>> str(worst([Status.OK, Status.ANOMALY, Status.WARN]))
    'anomaly'
    """
    return max(statuses, key=_BY_WEIGHT.index, default=Status.OK)


def is_backfill(context: Mapping[str, Any]) -> bool:
    """Whether somebody asked Airflow to fill in runs: that is no news to anybody else."""
    return str(getattr(context.get("dag_run"), "run_type", "")) == "backfill"


def run_url(context: Mapping[str, Any]) -> str:
    """The address of this run in Airflow's UI."""
    from urllib.parse import quote

    base = conf.get("api", "base_url", fallback="")
    if not base:
        return ""
    return f"{base.rstrip('/')}/dags/{quote(context['dag'].dag_id)}/runs/{quote(context['run_id'])}"
