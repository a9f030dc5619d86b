"""Which intervals a run evaluates: its own, and those whose labels may still arrive in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lupus.model import Interval, Project, Role, Stage, Table

if TYPE_CHECKING:
    from lupus.store import Store

_ENDED = ("ok", "partial")


def evaluation_tables(project: Project) -> tuple[Table, Table] | None:
    """The prediction and the ground-truth table; None when the project has nothing to evaluate."""
    prediction, truth = project.of_role(Role.PREDICTION), project.of_role(Role.GROUND_TRUTH)
    if project.task is None or prediction is None or truth is None:
        return None
    return prediction, truth


def evaluated(project: Project, interval: Interval) -> tuple[Interval, ...]:
    """The intervals whose predictions may get labels in `interval`, oldest first, `interval` last.

    Labels are waited for until `arrives_within` after an interval's end. Empty when the project has
    nothing to evaluate.
    """
    tables = evaluation_tables(project)
    if tables is None:
        return ()
    truth = tables[1]
    found = [interval]
    while True:
        earlier = project.cadence.previous(found[-1])
        if earlier.end + truth.arrives_within <= interval.start or earlier.start < project.start:
            return tuple(reversed(found))
        found.append(earlier)


def is_closed(project: Project, interval: Interval, newest: Interval) -> bool:
    """Whether labels of `interval` are no longer waited for when `newest` is the newest interval seen."""
    truth = project.of_role(Role.GROUND_TRUTH)
    return truth is None or interval.end + truth.arrives_within <= newest.end


def runs_since(store: Store, project: Project, interval: Interval, stage: Stage, *, until: datetime) -> list[Interval]:
    """`interval`, and the later ones that start before `until` whose `stage` has ended well; oldest first.

    There are later ones when an old interval is run again. That their data is there says nothing: it may have
    been extracted ahead of its run.
    """
    later = []
    following = project.cadence.next(interval)
    while following.start < until:
        later.append(following)
        following = project.cadence.next(following)
    ended = {
        run.interval.start
        for run in (store.runs(project.name, intervals=later) if later else ())
        if run.stage == stage and run.status in _ENDED
    }
    return [interval, *(one for one in later if one.start in ended)]


def evaluating_runs(store: Store, project: Project, interval: Interval) -> list[Interval]:
    """`interval`, and the later ones that have been measured and may have brought labels of it; oldest first."""
    truth = project.of_role(Role.GROUND_TRUTH)
    if truth is None:
        return [interval]
    return runs_since(store, project, interval, Stage.MEASURE, until=interval.end + truth.arrives_within)


def last_evaluations(project: Project, interval: Interval, runs: Sequence[Interval]) -> dict[Interval, list[Interval]]:
    """The intervals that `interval` evaluates, by the last of `runs` (oldest first) that evaluates them too."""
    own = evaluated(project, interval)
    last = {one: run for run in runs for one in evaluated(project, run) if one in own}
    return {run: [one for one in own if last[one] == run] for run in runs if run in last.values()}
