"""run_interval: the one place that reads from a task's context which interval the run is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from lupus.model import Interval, Project


def run_interval(context: Mapping[str, Any], project: Project, *, now: datetime | None = None) -> Interval:
    """The interval that the run of `context` is about.

    The run's partition key says it, for scheduled, manual and backfill runs alike. ``dag.test()`` and
    ``airflow dags trigger`` cannot pass one: there ``conf`` says it (``{"interval": "2013-12-05"}``, or
    ``day``). With neither it is the last interval that was complete when the run was due.

    Raises `AirflowFailException` (no retry can help) when the key is not understood, when the interval is
    outside the project's `start` and `end`, or when it has not ended at `now` (default: the clock).
    """
    dag_run = context["dag_run"]
    key = asked_key(context)
    if key:
        try:
            interval = project.cadence.parse(key)
        except (ValueError, OverflowError) as error:
            raise AirflowFailException(
                f"the interval {key!r} cannot be used: {error}. Give it as the run's partition key, or as the "
                f'configuration {{"interval": "..."}} where there is no partition key'
            ) from error
    else:
        interval = project.cadence.last_complete(dag_run.run_after)
    _check_bounds(project, interval, now or datetime.now(UTC))
    return interval


def asked_key(context: Mapping[str, Any]) -> str:
    """What the run was asked for, as it was written; "" when it was asked for nothing."""
    dag_run = context["dag_run"]
    if dag_run.partition_key:
        return str(dag_run.partition_key)
    conf = dag_run.conf or {}
    for name in ("interval", "day"):
        if conf.get(name) not in (None, ""):
            return str(conf[name])
    return ""


def _check_bounds(project: Project, interval: Interval, now: datetime) -> None:
    start = project.cadence.containing(project.start)
    first = start if start.start == project.start else project.cadence.next(start)
    if interval.start < first.start:
        raise AirflowFailException(
            f"{interval.key} is before the start of project {project.name!r}: its first interval is {first.key}. "
            "Choose a later one, or set an earlier start in the project file"
        )
    if project.end is not None and interval.end > project.end:
        raise AirflowFailException(
            f"{interval.key} is after the end of project {project.name!r} ({project.end.isoformat()}). "
            "Choose an earlier one, or set a later end in the project file"
        )
    if interval.end > now:
        raise AirflowFailException(
            f"{interval.key} is not over yet: it ends at {interval.end.isoformat()}. "
            f"The newest complete interval is {project.cadence.last_complete(now).key}"
        )
