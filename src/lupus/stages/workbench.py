"""The rule workbench: a proposal for one rule beside the rule in force, over the stored history. Nothing is written."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lupus.model import History, Interval, LupusError, Project, RuleSpec, SeriesKey, Severity, Verdict
from lupus.stages.backtest import Agreement, agreement
from lupus.stages.replay import as_of, found_by_runs, labels_lag, replay
from lupus.stages.workspace import Workspace

_AT_ONCE: Final = 40
"""Intervals that are replayed between two reports of progress."""
_DAYS_IN_MONTH: Final = 30.44


@dataclass(frozen=True, slots=True)
class Replay:
    """What one version of a rule says. `verdicts` are all of one series, or of all series the findings only."""

    rule: RuleSpec
    verdicts: tuple[Verdict, ...]
    findings: tuple[Verdict, ...]
    incidents: int
    per_month: float
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Trial:
    """Today's rule beside a proposal; `values` are those of the one series, by place in `intervals`."""

    project: Project
    intervals: tuple[Interval, ...]
    values: tuple[float | None, ...]
    today: Replay
    proposal: Replay
    gained: tuple[Verdict, ...]
    lost: tuple[Verdict, ...]
    diff: str


def try_rule(
    workspace: Workspace,
    project: Project,
    name: str,
    parameters: Mapping[str, Any],
    *,
    severity: Severity | None = None,
    series: SeriesKey | None = None,
    first: Interval | None = None,
    last: Interval | None = None,
    progress: Callable[[int, int], None] | None = None,
    text: str = "",
) -> Trial:
    """The rule `name` of `project` with `parameters` changed, beside as it is, on one `series` or all of them.

    From `first` to `last`, by default all that is stored; intervals before `first` are history. `progress` is told
    how many of how many intervals were replayed. `text` is the project's file as its author wrote it. Raises
    `LupusError` for an unknown rule or parameter, a value that does not fit, and when nothing is stored.
    """
    from lupus.act import clusters, counts

    rule = next((one for one in project.rules if one.name == name), None)
    if rule is None:
        known = ", ".join(one.name for one in project.rules)
        raise LupusError(f"{project.name} has no rule {name!r}; it has {known}")
    proposal = replace(
        rule, parameters={**rule.parameters, **parameters}, severity=rule.severity if severity is None else severity
    )
    history, places = _history(workspace, project, first, last)
    row = None
    if series is not None:
        row = next((place for place, one in enumerate(history.series) if one.key == series), None)
        if row is None:
            raise LupusError(f"{series} has no value between {history.intervals[0]} and {history.intervals[-1]}")
    incidents = workspace.store.incidents(project.name)
    judged = [one for one in incidents if one.outcome is not None]
    keys = {one.key: one for one in history.series}
    lag = labels_lag(workspace, project, history.intervals[-1])
    total = 2 * len(places)
    sides = []
    for number, version in enumerate((rule, proposal)):
        found: list[Verdict] = []
        for part in _parts(places, whole=row is not None):
            found += _replay(history, project, version, part, row=row)
            if progress is not None:
                progress(number * len(places) + part[-1] + 1 - places[0], total)
        findings = tuple(one for one in found if one.severity is not None and one.status.is_finding)
        told = [one for one in findings if counts(one, project.alerts.min_severity)]
        made = clusters(project, found_by_runs(project, history, told, lag=lag), keys, incidents)
        months = _months(history.intervals[places[0] : places[-1] + 1])
        sides.append(Replay(version, tuple(found), findings, len(made), len(made) / months, agreement(told, judged)))
    before = {(one.series, one.interval) for one in sides[0].findings}
    after = {(one.series, one.interval) for one in sides[1].findings}
    values: tuple[float | None, ...] = ()
    if row is not None:
        values = tuple(None if value != value else float(value) for value in history.values[row, places[0] :])  # noqa: PLR0124
    return Trial(
        project,
        history.intervals[places[0] :],
        values,
        sides[0],
        sides[1],
        tuple(one for one in sides[1].findings if (one.series, one.interval) not in before),
        tuple(one for one in sides[0].findings if (one.series, one.interval) not in after),
        _diff(project, rule, proposal, text),
    )


def _history(
    workspace: Workspace, project: Project, first: Interval | None, last: Interval | None
) -> tuple[History, range]:
    """The stored history up to `last`, and the places to judge."""
    ran = [run.interval for run in workspace.store.runs(project.name)]
    if not ran:
        raise LupusError(f"nothing is stored for {project.name}; its next run fills the store")
    intervals = tuple(project.cadence.between(min(ran), max(ran) if last is None else min(last, max(ran))))
    start = 0 if first is None else sum(interval < first for interval in intervals)
    if start >= len(intervals):
        raise LupusError(f"nothing is stored for {project.name} from {first}; it has {min(ran)} to {max(ran)}")
    history = as_of(project, workspace.store.history(project.name, intervals), intervals[-1])
    return history, range(start, len(intervals))


def _parts(places: range, *, whole: bool) -> list[range]:
    step = len(places) if whole else _AT_ONCE
    return [places[begin : begin + step] for begin in range(0, len(places), step)]


def _replay(history: History, project: Project, rule: RuleSpec, at: range, *, row: int | None) -> list[Verdict]:
    """What `rule` says at the places `at`: of one row everything, of all rows the findings."""
    # A composite is asked with the rules that it names.
    named = _named(rule)
    rules = [rule, *(one for one in project.rules if one.name != rule.name and one.name in named)]
    try:
        said = replay(history, project, rules, at) if row is None else _of_row(history, project, rules, at, row)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise LupusError(f"{rule.name} cannot be tried: {error}") from error
    return [one for one in said if one.rule == rule.name]


def _of_row(history: History, project: Project, rules: Sequence[RuleSpec], at: range, row: int) -> list[Verdict]:
    import numpy as np

    from lupus.judge import judge

    of = np.zeros(len(history.series), dtype=np.bool_)
    of[row] = True
    return judge(history, rules, project.cadence, at=at, mature_at=project.metrics.mature_at, of=of)


def _named(rule: RuleSpec) -> set[str]:
    """The names of other rules that the parameters of a composite hold."""
    names = rule.parameters.get("rules", ())
    single = rule.parameters.get("rule")
    return {*(names if isinstance(names, list | tuple) else ()), *([single] if isinstance(single, str) else ())}


def _months(intervals: Sequence[Interval]) -> float:
    days = (intervals[-1].end - intervals[0].start).total_seconds() / 86_400
    return max(days / _DAYS_IN_MONTH, 1e-9)


def _diff(project: Project, before: RuleSpec, proposal: RuleSpec, text: str) -> str:
    """The change of the project's file as a unified diff: of the author's own `text` where that can be changed."""
    from lupus.config import dump, with_rule

    name = project.path.name if project.path is not None else f"{project.name}.yaml"
    changed = replace(project, rules=tuple(proposal if one.name == proposal.name else one for one in project.rules))
    if changed == project:
        return ""
    try:
        edited = with_rule(text, before, proposal)
        if edited is None:
            text, edited = dump(project), dump(changed)
            name += ", written out with all defaults"
    except (TypeError, ValueError) as error:
        raise LupusError(f"{proposal.name} cannot be written: {error}") from error
    return "\n".join(
        difflib.unified_diff(text.splitlines(), edited.splitlines(), name, f"{name} (proposal)", lineterm="", n=4)
    )
