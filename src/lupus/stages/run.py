"""All stages of one run in this process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lupus.model import Interval, LupusError, Project, RunReport, Stage
from lupus.stages.act import act
from lupus.stages.ahead import Prepared, prepared_ahead
from lupus.stages.extract import extract
from lupus.stages.garbage import rare_collections
from lupus.stages.judge import judge
from lupus.stages.measure import measure
from lupus.stages.recording import recorded
from lupus.stages.validate import keep_validations, validate
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.judge import Kept


def run(
    workspace: Workspace,
    project: Project,
    interval: Interval,
    *,
    send: bool = True,
    notify: bool = False,
    prepared: Prepared | None = None,
    kept: Kept | None = None,
) -> RunReport:
    """Extract, validate, measure, judge and act for one interval; raises `LupusError` when a stage cannot.

    A slice that is not there yet is not waited for: on the command line the user decides when. With `notify` people are
    told also of old intervals, as if the run were made at the interval's end. What is `prepared` need not be
    extracted and validated again, and what the rules have `kept` of the interval before not be computed again.
    """
    refuse_unmonitored(project, interval)
    if prepared is None:
        extracted = extract(workspace, project, interval, now=max(datetime.now(UTC), interval.end))
        validated = validate(workspace, project, interval)
    else:
        extracted = prepared.extracted
        with workspace.store.together(project.name), recorded(workspace, project, interval, Stage.EXTRACT) as record:
            record.problems(extracted.failed)
        with recorded(workspace, project, interval, Stage.VALIDATE) as record:
            validated = keep_validations(workspace, project, prepared.checked)
            record.problems(validated.failed)
    if prepared is None:
        measured = measure(workspace, project, interval)
    else:
        measured = measure(workspace, project, interval, ahead=prepared.measured, evaluation=prepared.evaluation)
    judged = judge(workspace, project, interval, kept=kept)
    acted = act(workspace, project, interval, send=send, notify=notify)
    waiting = tuple(f"{one.table}: {one.reason}" for one in extracted.waiting)
    return RunReport(
        project=project.name,
        interval=interval,
        snapshots=extracted.snapshots,
        validations=validated.validations,
        points=measured.points,
        verdicts=judged.verdicts,
        incidents=acted.incidents,
        notices=acted.notices,
        retrain=acted.retrain,
        failed=(*extracted.failed, *waiting, *validated.failed, *measured.failed),
    )


def refuse_unmonitored(project: Project, interval: Interval) -> None:
    """Raise `LupusError` when `interval` is before the project's start or after its end."""
    if interval.start < project.start or (project.end is not None and interval.start >= project.end):
        raise LupusError(
            f"{project.name} is not monitored on {interval}: it starts on "
            f"{project.cadence.containing(project.start)}"
            + (f" and ends before {project.cadence.containing(project.end)}" if project.end else "")
        )


def run_range(
    workspace: Workspace, project: Project, first: Interval, last: Interval, *, send: bool = True, notify: bool = False
) -> Iterator[RunReport]:
    """One run per interval from `first` to `last`, in order. Databases stay open in between."""
    from lupus.extract import shared_sessions

    kept: Kept | None = None
    with shared_sessions(), rare_collections():
        for interval, prepared in prepared_ahead(workspace, project, first, last):
            kept = kept or _nothing_kept()
            yield run(workspace, project, interval, send=send, notify=notify, prepared=prepared, kept=kept)


def _nothing_kept() -> Kept:
    from lupus.judge import Kept  # when the second process has begun to start: this takes a while, too

    return Kept()
