"""What rules would have said over the stored history of a project: `lupus backtest PROJECT`.

The replay is the judge's own code over all intervals at once, each judged from those before it, with the labels and the
judgements of people that the store has now; what it finds becomes incidents by the code that makes them of runs.
Nothing is written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from lupus.model import (
    Finding,
    History,
    Incident,
    Interval,
    LupusError,
    Outcome,
    Project,
    RuleSpec,
    Series,
    SeriesKey,
    Verdict,
)
from lupus.stages.replay import as_of, found_by_runs, labels_lag, replay
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import Alarm

_DAYS_IN_MONTH: Final = 30.44
_CONFIRMED: Final = (Outcome.FIXED, Outcome.NEW_NORMAL)
_SENSITIVITIES: Final = (2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the findings agree with the incidents that people judged.

    `confirmed` were faults or new levels, of which `caught` were found; `refused` were expected or false alarms, of
    which `cried` were found all the same.
    """

    confirmed: int = 0
    caught: int = 0
    refused: int = 0
    cried: int = 0

    @property
    def precision(self) -> float | None:
        """The share of the judged incidents found that were confirmed; None when none was found."""
        found = self.caught + self.cried
        return self.caught / found if found else None

    @property
    def recall(self) -> float | None:
        """The share of the confirmed incidents that were found; None when none was confirmed."""
        return self.caught / self.confirmed if self.confirmed else None


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """How one rule did: its findings, and how those agree with the incidents that people judged."""

    rule: str
    findings: int
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Backtest:
    """The answer of a backtest. `findings` are those that go into incidents, `alarms` the incidents that they make."""

    project: str
    intervals: tuple[Interval, ...]
    series: int
    findings: tuple[Verdict, ...]
    alarms: tuple[Alarm, ...]
    agreement: Agreement
    records: tuple[RuleRecord, ...] = ()
    new: tuple[Verdict, ...] = ()
    gone: tuple[Verdict, ...] = ()

    @property
    def per_month(self) -> float:
        """Incidents a month, of 30.44 days."""
        return _per_month(len(self.alarms), self.intervals)

    def calendar(self) -> Mapping[str, Mapping[str, int]]:
        """For each month (``2026-01``) the number of findings by interval key."""
        months: dict[str, Counter[str]] = {interval.key[:7]: Counter() for interval in self.intervals}
        for verdict in self.findings:
            months[verdict.interval.key[:7]][verdict.interval.key] += 1
        return months


def backtest(
    workspace: Workspace,
    project: Project,
    *,
    rules: Sequence[RuleSpec] | None = None,
    first: Interval | None = None,
    last: Interval | None = None,
) -> Backtest:
    """Replay `rules`, or those of `project`, from `first` to `last` (all that is stored).

    With `rules` the answer also says what is new and what is gone against the project's own. Raises `LupusError` when
    nothing is stored, or a rule is unknown.
    """
    from lupus.act import alarms

    past = _past(workspace, project, first, last)
    judged = [one for one in past.known if one.outcome is not None]
    own = past.findings(project.rules)
    findings = own if rules is None else past.findings(rules)
    answer = Backtest(
        project.name,
        past.intervals,
        len(past.series),
        tuple(findings),
        tuple(alarms(project, past.found(findings), past.series, past.known)),
        agreement(findings, judged),
        _records(findings, judged),
    )
    if rules is None:
        return answer
    before, after = {_identity(one) for one in own}, {_identity(one) for one in findings}
    return replace(
        answer,
        new=tuple(one for one in findings if _identity(one) not in before),
        gone=tuple(one for one in own if _identity(one) not in after),
    )


def suggest(workspace: Workspace, project: Project, *, per_month: float) -> list[tuple[RuleSpec, float]]:
    """The project's rules with the `sensitivity` numbers that give at most `per_month` incidents a month each.

    Each with what it gives: as many as are wanted or as near below as can be had, and of the numbers that give as many
    the largest, for narrower bands than needed only make charts restless. Only rules that have a sensitivity; one that
    gives more whatever its number comes with the largest. Wider bands give fewer incidents, so the numbers are halved
    until one is left.
    """
    past = _past(workspace, project, None, None)
    found: list[tuple[RuleSpec, float]] = []
    for rule in project.rules:
        if "sensitivity" in rule.parameters:
            rate = cache(partial(_rate, past, rule))
            best = _fitting(rate, per_month)
            found.append((_tried(rule, best), rate(best)))
    return found


def _fitting(rate: Callable[[float], float], most: float) -> float:
    first = bisect_left(_SENSITIVITIES, True, key=lambda one: rate(one) <= most)
    if first == len(_SENSITIVITIES):
        return _SENSITIVITIES[-1]
    reached = rate(_SENSITIVITIES[first])
    return _SENSITIVITIES[bisect_left(_SENSITIVITIES, True, lo=first, key=lambda one: rate(one) < reached) - 1]


def _rate(past: _Past, rule: RuleSpec, sensitivity: float) -> float:
    from lupus.act import clusters

    found = past.found(past.findings([_tried(rule, sensitivity)]))
    return _per_month(len(clusters(past.project, found, past.series, past.known)), past.intervals)


def _tried(rule: RuleSpec, sensitivity: float) -> RuleSpec:
    return replace(rule, parameters={**rule.parameters, "sensitivity": sensitivity})


def agreement(findings: Sequence[Verdict], judged: Sequence[Incident]) -> Agreement:
    """How `findings` agree with what people said of the incidents `judged`: same series, within the incident."""
    when: dict[SeriesKey, list[Interval]] = {}
    for verdict in findings:
        when.setdefault(verdict.series, []).append(verdict.interval)
    counts = Counter[tuple[bool, bool]]()
    for incident in judged:
        series = {finding.verdict.series for finding in incident.findings}
        hit = any(incident.first <= one <= incident.last for key in series for one in when.get(key, ()))
        counts[incident.outcome in _CONFIRMED, hit] += 1
    return Agreement(
        confirmed=counts[True, True] + counts[True, False],
        caught=counts[True, True],
        refused=counts[False, True] + counts[False, False],
        cried=counts[False, True],
    )


def _records(findings: Sequence[Verdict], judged: Sequence[Incident]) -> tuple[RuleRecord, ...]:
    by_rule: dict[str, list[Verdict]] = {}
    for verdict in findings:
        by_rule.setdefault(verdict.rule, []).append(verdict)
    return tuple(RuleRecord(rule, len(own), agreement(own, judged)) for rule, own in sorted(by_rule.items()))


@dataclass(frozen=True, slots=True, eq=False)
class _Past:
    """What is stored of `project`: its `history` to be judged `at` these positions, and the incidents that it has.

    Labels take `lag` runs until they are enough.
    """

    project: Project
    history: History
    at: range
    known: Sequence[Incident]
    series: Mapping[SeriesKey, Series]
    lag: int

    @property
    def intervals(self) -> tuple[Interval, ...]:
        return self.history.intervals[self.at[0] :]

    def findings(self, rules: Sequence[RuleSpec]) -> list[Verdict]:
        """What goes into incidents of what `rules` find, each absence once, oldest first."""
        from lupus.act import counts

        # Every rule tells of the same absence.
        found = reversed(replay(self.history, self.project, rules, self.at))
        unique = {(one.series, one.interval, one.status, one.sentence): one for one in found}
        least = self.project.alerts.min_severity
        return sorted(
            (one for one in unique.values() if counts(one, least)), key=lambda one: (one.interval, one.series)
        )

    def found(self, findings: Sequence[Verdict]) -> list[Finding]:
        return found_by_runs(self.project, self.history, findings, lag=self.lag)


def _past(workspace: Workspace, project: Project, first: Interval | None, last: Interval | None) -> _Past:
    """What is stored up to `last`, to be judged from `first` on."""
    runs = [run.interval for run in workspace.store.runs(project.name) if run.interval.end > project.start]
    if not runs:
        raise LupusError(f"nothing is stored for {project.name}; lupus run {project.name} --day … fills the store")
    end = min(last, max(runs)) if last is not None else max(runs)
    intervals = tuple(project.cadence.between(min(runs), end))
    start = 0 if first is None else sum(interval < first for interval in intervals)
    if start >= len(intervals):
        raise LupusError(
            f"nothing is stored for {project.name} from {first} to {end}; it has {min(runs)} to {max(runs)}"
        )
    history = as_of(project, workspace.store.history(project.name, intervals), end)
    series = {one.key: one for one in history.series}
    lag = labels_lag(workspace, project, max(runs))
    return _Past(project, history, range(start, len(intervals)), workspace.store.incidents(project.name), series, lag)


def _identity(verdict: Verdict) -> tuple[Interval, SeriesKey]:
    return verdict.interval, verdict.series


def _per_month(count: int, intervals: Sequence[Interval]) -> float:
    days = (intervals[-1].end - intervals[0].start).total_seconds() / 86_400
    return count / max(days / _DAYS_IN_MONTH, 1e-9)
