"""The findings of rules over a stored history, and the runs that would have found them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lupus.model import Finding, Group, History, Interval, Project, RuleSpec, Verdict
from lupus.stages.labels import evaluated, is_closed
from lupus.stages.workspace import Workspace


def as_of(project: Project, history: History, newest: Interval) -> History:
    """`history` with those intervals closed whose labels are no longer waited for after the run of `newest`."""
    closed = history.closed.copy()
    for position, one in enumerate(history.intervals):
        closed[position] = is_closed(project, one, newest)
    return replace(history, closed=closed)


def replay(history: History, project: Project, rules: Sequence[RuleSpec], at: range) -> list[Verdict]:
    """The findings of `rules` at the positions `at`, judged as runs judge: evaluation is a family of its own."""
    import numpy as np

    from lupus.judge import judge

    late = np.array([series.group == Group.EVALUATION for series in history.series], dtype=bool)
    mature_at, cadence = project.metrics.mature_at, project.cadence
    return [
        verdict
        for of in (~late, late)
        if of.any()
        for verdict in judge(
            history, rules, cadence, at=at, mature_at=mature_at, only_findings=True, of=of, together=True
        )
    ]


def labels_lag(workspace: Workspace, project: Project, newest: Interval) -> int:
    """How many runs after an interval's own its labels are enough to judge it, read off the newest intervals.

    Their labels are still coming, so that the maturity of the one k intervals before `newest` is what k runs bring. How
    the labels of older ones came is not kept.
    """
    import numpy as np

    window = evaluated(project, newest)
    history = workspace.store.history(project.name, window) if window else None
    late = [row for row, one in enumerate(history.series) if one.group == Group.EVALUATION] if history else []
    if history is None or not late:
        return 0
    for runs, maturity in enumerate(reversed(history.maturity[late].T.tolist())):
        known = [one for one in maturity if one == one]  # noqa: PLR0124 - NaN
        if known and float(np.median(known)) >= project.metrics.mature_at:
            return runs
    return len(window)


def found_by_runs(project: Project, history: History, verdicts: Sequence[Verdict], *, lag: int) -> list[Finding]:
    """Each of `verdicts` with the run that finds it: that of its own interval, and of evaluation `lag` runs later.

    Where too few labels ever came, it is the run in which they were no longer waited for, which no run is after.
    """
    rows = {series.key: row for row, series in enumerate(history.series)}
    places = {interval: place for place, interval in enumerate(history.intervals)}
    later: dict[tuple[Interval, bool], Interval] = {}
    found = []
    for verdict in verdicts:
        run = one = verdict.interval
        row = rows[verdict.series]
        if history.series[row].group == Group.EVALUATION:
            # NaN, of what has no labels at all, is not enough either.
            enough = bool(history.maturity[row, places[one]] >= project.metrics.mature_at)
            if (one, enough) not in later:
                later[one, enough] = _later_run(project, one, lag if enough else None)
            run = later[one, enough]
        found.append(Finding(run, verdict))
    return found


def _later_run(project: Project, interval: Interval, most: int | None) -> Interval:
    """The run `most` after that of `interval`; sooner, if its labels are no longer waited for."""
    run, steps = interval, 0
    while steps != most and not is_closed(project, interval, run):
        run, steps = project.cadence.next(run), steps + 1
    return run
