"""Runs that do not come: which projects are silent, and telling their owners once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from lupus.model import Interval, Notice, NoticeState, Project, Reason, Stage
from lupus.stages.act import read_routing
from lupus.stages.workspace import Workspace

MISSED: Final = 2
"""Intervals without a run after which a project without a deadline is silent."""

_ENDED: Final = ("ok", "partial")


@dataclass(frozen=True, slots=True)
class Silence:
    """A project that should have run for `interval` by `due`, and ran last for `last` (None: never)."""

    project: str
    interval: Interval
    due: datetime
    last: Interval | None

    @property
    def sentence(self) -> str:
        """What is missing since when, in plain words."""
        ran = f"the last one was of {self.last.key}" if self.last else "there was none yet"
        return f"no complete run of {self.interval.key}, which was due at {self.due:%Y-%m-%d %H:%M} UTC; {ran}"


def silence_of(workspace: Workspace, project: Project, now: datetime) -> Silence | None:
    """How `project` is silent at `now`, or None when it ran as it should.

    With a deadline the older of the last two intervals counts whose run is due and did not end; what is older still is
    history. Without one the project is silent when the runs of the last two intervals are missing.
    """
    deadline = project.schedule.deadline
    newest = _newest_due(project, now - (deadline or timedelta(0)))
    if newest is None:
        return None
    cadence = project.cadence
    recent = tuple(cadence.between(cadence.shift(newest, 1 - MISSED), newest))
    # What was never asked to run is not missing: a project that is new begins with its newest interval.
    first = min((run.interval for run in workspace.store.runs(project.name)), default=newest)
    recent = tuple(one for one in recent if one.start >= project.start and (one >= first or one == newest))
    ended = {
        run.interval.start
        for run in workspace.store.runs(project.name, intervals=recent)
        if run.stage == Stage.ACT and run.status in _ENDED
    }
    missing = [one for one in recent if one.start not in ended]
    silent = missing if deadline is not None else missing if len(missing) == len(recent) == MISSED else []
    if not silent:
        return None
    return Silence(project.name, silent[0], silent[0].end + (deadline or timedelta(0)), _last(workspace, project))


def tell_missing(workspace: Workspace, project: Project, interval: Interval) -> Notice | None:
    """The notice that the run of `interval` did not end in time, stored to be delivered; None when it has ended.

    There is one for an interval and a destination, however often this is called. The run itself takes it back when it
    comes before the notice is sent.
    """
    from lupus.act import addressees

    store = workspace.store
    runs = store.runs(project.name, intervals=(interval,))
    if any(run.stage == Stage.ACT and run.status in _ENDED for run in runs):
        return None
    last = _last(workspace, project)
    due = interval.end + (project.schedule.deadline or timedelta(0))
    silence = Silence(project.name, interval, due, last)
    begun = ", ".join(f"{run.stage} {run.status}" for run in runs)
    where = f" It has begun: {begun}." if begun else " It has not begun: is the scheduler up, and the Dag not paused?"
    routing, _ = read_routing(workspace)
    destination = addressees(project, routing, workspace.connections)[0].destination
    text = f"missing run\x1f{project.name}\x1f{interval.key}\x1f{destination}"
    notice = Notice(
        id=blake2b(text.encode(), digest_size=16).hexdigest(),
        project=project.name,
        incident="",
        interval=interval,
        destination=destination,
        reason=Reason.MISSING_RUN,
        state=NoticeState.PENDING,
        message={"text": f"{project.name} ({project.owner}): {silence.sentence}.{where}"},
    )
    store.add_notices([notice])
    return notice


def _newest_due(project: Project, moment: datetime) -> Interval | None:
    """The newest interval that was over at `moment`; None before the first one, and after the project's end."""
    newest = project.cadence.last_complete(moment)
    if newest.start < project.start or (project.end is not None and newest.start >= project.end):
        return None
    return newest


def _last(workspace: Workspace, project: Project) -> Interval | None:
    runs = workspace.store.runs(project.name)
    done = [run.interval for run in runs if run.stage == Stage.ACT and run.status in _ENDED]
    return max(done, default=None)
