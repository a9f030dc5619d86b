"""The judge stage: the rules' verdicts on this interval, and on older ones whose labels came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from lupus.model import Exclusion, ExclusionReason, Group, History, Interval, Project, Stage, Verdict
from lupus.stages.estimates import SCOPES
from lupus.stages.labels import evaluated, evaluating_runs, is_closed
from lupus.stages.recording import recorded
from lupus.stages.why import with_clauses
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.judge import AcceptedLevel, Kept


_MOST_KEPT: Final = 1_000_000
"""Points, series by intervals, of which rules keep what they compute; it takes a hundred times as many bytes."""


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """The verdicts, and the intervals that they are about."""

    project: str
    interval: Interval
    judged: tuple[Interval, ...]
    verdicts: tuple[Verdict, ...]


def judge(workspace: Workspace, project: Project, interval: Interval, *, kept: Kept | None = None) -> JudgeReport:
    """Judge every series of `interval`, and the evaluation series of intervals that labels came for.

    What the rules compute is `kept` for the next interval, unless that would take too much memory.
    """
    with recorded(workspace, project, interval, Stage.JUDGE):
        judged = evaluated(project, interval) or (interval,)
        history = _history(workspace, project, judged)
        accepted: list[AcceptedLevel] = []
        known = kept if history.values.size <= _MOST_KEPT else None
        verdicts = _verdicts(project, history, judged, accepted, known)
        verdicts = with_clauses(project, history, verdicts)
        own = [verdict for verdict in verdicts if verdict.interval.start == interval.start]
        older = [verdict for verdict in verdicts if verdict.interval.start != interval.start]
        levels = [_before_start(project), *_before_levels(history, accepted, judged)]
        store = workspace.store
        with store.together(project.name):
            store.replace_verdicts(project.name, [interval], own, exclusions=levels)
            store.replace_verdicts(project.name, judged[:-1], older, scopes=["evaluation", *SCOPES])
    return JudgeReport(project.name, interval, judged, tuple(verdicts))


def _history(workspace: Workspace, project: Project, judged: Sequence[Interval]) -> History:
    """The values of the judged intervals and of those before them that can change a verdict."""
    import numpy as np

    from lupus.judge import lookback

    first = judged[0]
    for _ in range(lookback(project.rules, project.cadence)):  # ends at the project's start, however far rules look
        earlier = project.cadence.previous(first)
        if earlier.start < project.start:
            break
        first = earlier
    intervals = tuple(project.cadence.between(first, judged[-1]))
    history = workspace.store.history(project.name, intervals)
    newest = evaluating_runs(workspace.store, project, judged[-1])[-1]
    closed = np.ones(len(intervals), dtype=bool)
    for position in reversed(range(len(intervals))):  # what lies before a closed one is closed
        closed[position] = is_closed(project, intervals[position], newest)
        if closed[position]:
            break
    return replace(history, closed=closed)


def _before_start(project: Project) -> Exclusion:
    note = f"the project starts on {project.cadence.containing(project.start)}"
    return Exclusion(project.name, ExclusionReason.BEFORE_START, None, project.start, note=note)


def _before_levels(
    history: History, levels: Sequence[AcceptedLevel], judged: Sequence[Interval]
) -> Iterator[Exclusion]:
    """All before the accepted `levels`, for what comes after this run: what it says itself is judged as it was.

    The evaluation of an interval is judged again until its labels are not waited for; the last time counts.
    """
    late = {series.key for series in history.series if series.group == Group.EVALUATION}
    for level in levels:
        key = level.series
        if level.at == (judged[0] if key in late else judged[-1]):
            parts = (key.table, key.column, key.metric, key.segment)
            reason, note = ExclusionReason.LEVEL_ACCEPTED, f"{level.note}; it began on {level.since}"
            yield Exclusion(key.project, reason, None, level.since.start, *parts, judged[-1].end, level.rule, note)


def _verdicts(
    project: Project, history: History, judged: Sequence[Interval], accepted: list[AcceptedLevel], kept: Kept | None
) -> list[Verdict]:
    """The verdicts on the last interval and on the evaluation of those `judged`; adds to the levels `accepted`."""
    import numpy as np

    from lupus.judge import judge as judge_history

    last = len(history.intervals) - 1
    late = np.array([series.group == Group.EVALUATION for series in history.series], dtype=bool)
    mature_at = project.metrics.mature_at
    ask = partial(judge_history, history, project.rules, project.cadence, together=True, accepted=accepted)
    verdicts = ask(at=[last], mature_at=mature_at, of=~late, kept=kept and kept.of("this"))
    if late.any():
        at = list(range(last - len(judged) + 1, last + 1))
        verdicts += ask(at=at, mature_at=mature_at, of=late, kept=kept and kept.of("late"))
    return verdicts
