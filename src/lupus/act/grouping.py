"""Which findings belong together: those that share time and cause. Pure, and blind to the order in which runs came.

The findings of one subject (a column, a whole table, or the evaluation of the model) that follow each other closely
enough are a spell. What begins in one run, and belongs to nothing that is going on, is one incident. A spell belongs to
an incident that is going on when

- **together**: the incident began, or came back, at most `Alerts.join_within` intervals before;
- **feed**: the incident says in this very run that the spell's table is missing, failed or invalid, or, of what is
  computed from it, any table;
- **segment**: both were, when they began, about one segment only, the same one;
- **model**: it is about the predictions or the evaluation, and the incident is about what they are computed from,
  at the interval that the spell is about.

The last one holds also while the incident is just over, for labels come late. Where several fit, the youngest incident
is meant. A spell stays where it began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lupus.model import (
    WHOLE,
    Alerts,
    Cadence,
    Finding,
    Group,
    Interval,
    Series,
    SeriesKey,
    Severity,
    Status,
    Verdict,
    segment_parts,
)

Subject = tuple[str, str]
"""(table, column), or `EVALUATION`."""

EVALUATION: Final[Subject] = ("", "evaluation")
_DOWNSTREAM: Final = frozenset({Group.PREDICTION, Group.EVALUATION})
_INPUTS: Final = frozenset({Group.INPUT, Group.TARGET, Group.VALIDATION})


@dataclass(slots=True)
class Cluster:
    """Findings that belong together, while they are put together; all in order of the runs that found them."""

    first: Interval
    last: Interval
    began: Interval  # the newest time: the first run, or that in which it came back
    findings: list[Finding] = field(default_factory=list)
    runs_of: dict[Subject, list[Interval]] = field(default_factory=dict)
    segment: str = WHOLE
    inputs: set[datetime] = field(default_factory=set)
    failing: dict[datetime, set[str]] = field(default_factory=dict)
    closed_after: datetime | None = None

    def takes(self, run: Interval) -> bool:
        """Whether nobody has closed it before `run`."""
        return self.closed_after is None or run.start <= self.closed_after

    def add(
        self, run: Interval, subject: Subject, findings: Sequence[Finding], series: Mapping[SeriesKey, Series]
    ) -> None:
        """Take what `run` found about `subject`."""
        self.last = run
        self.findings.extend(findings)
        self.runs_of.setdefault(subject, []).append(run)
        for finding in findings:
            verdict = finding.verdict
            if subject != EVALUATION and group_of(verdict.series, series) in _INPUTS:
                self.inputs.add(verdict.interval.start)
            if fails_feed(verdict, series):
                self.failing.setdefault(run.start, set()).add(verdict.series.table)

    def close(self, run: Interval, subject: Subject, closed: Sequence[Closed]) -> None:
        """Take no more after the last run of what a person has `closed`, if what `run` found of `subject` is of it."""
        for one in closed:
            if subject in one.subjects and one.first.start <= run.start <= one.last.start:
                self.closed_after = max(self.closed_after or one.last.start, one.last.start)


@dataclass(frozen=True, slots=True)
class Closed:
    """What a person has closed: it takes no findings of runs after `last`."""

    first: Interval
    last: Interval
    subjects: frozenset[Subject]


@dataclass(slots=True)
class _Reach:
    """How far a run reaches ahead, in time; asked for again and again, and the calendar is slow."""

    cadence: Cadence
    steps: int
    known: dict[datetime, datetime] = field(default_factory=dict)

    def covers(self, run: Interval, later: Interval) -> bool:
        """Whether `later` is at most so many steps after `run`."""
        if later.start <= run.end:
            return later.start <= run.start or self.steps > 0
        end = self.known.get(run.start)
        if end is None:
            end = self.known[run.start] = self.cadence.shift(run, self.steps).start
        return later.start <= end


def subject_of(key: SeriesKey, series: Mapping[SeriesKey, Series]) -> Subject:
    """What the series `key` is about: all that says how good the model is, is about one thing."""
    return EVALUATION if group_of(key, series) == Group.EVALUATION else (key.table, key.column)


def group_of(key: SeriesKey, series: Mapping[SeriesKey, Series]) -> str:
    known = series.get(key)
    return known.group if known is not None else ""


def cluster(
    cadence: Cadence,
    alerts: Alerts,
    runs: Mapping[Interval, Sequence[Finding]],
    series: Mapping[SeriesKey, Series],
    closed: Sequence[Closed],
) -> list[Cluster]:
    """The findings of `runs` put together, in order of their first runs. No two clusters begin in the same run.

    Linear in the number of findings.
    """
    resolve_after = max(1, alerts.resolve_after)
    going = _Reach(cadence, resolve_after)
    lasting = _Reach(cadence, resolve_after + alerts.reopen_within)
    joining = _Reach(cadence, alerts.join_within)
    clusters: list[Cluster] = []
    spells: dict[Subject, Cluster] = {}
    for run in sorted(runs):
        found = _by_subject(runs[run], series)
        born = []
        for subject in found:
            own = spells.get(subject)
            if own is not None and own.takes(run) and lasting.covers(own.runs_of[subject][-1], run):
                if not going.covers(own.last, run):
                    own.began = run
                own.add(run, subject, found[subject], series)
                own.close(run, subject, closed)
            else:
                born.append(subject)
        alive = [one for one in reversed(clusters) if one.takes(run) and lasting.covers(one.last, run)]
        births = _Births(run, series, alive, going, joining)
        # What is computed from others comes last: it may belong to what begins in this very run.
        for subject in sorted(born, key=lambda one: (_is_downstream(found[one], series), one)):
            home = births.home(subject, found[subject])
            spells[subject] = home
            home.add(run, subject, found[subject], series)
            home.close(run, subject, closed)
        if births.fresh is not None:
            births.fresh.segment = _one_segment(births.fresh.findings)
            clusters.append(births.fresh)
    return clusters


@dataclass(slots=True)
class _Births:
    """What begins in `run`. `alive` are the clusters that are not long over, youngest first; `fresh` is the new one."""

    run: Interval
    series: Mapping[SeriesKey, Series]
    alive: Sequence[Cluster]
    going: _Reach
    joining: _Reach
    fresh: Cluster | None = None

    def home(self, subject: Subject, findings: Sequence[Finding]) -> Cluster:
        """The cluster that `findings` of `subject` belong to."""
        downstream = _is_downstream(findings, self.series)
        now = [one for one in self.alive if self.going.covers(one.last, self.run)]
        found = self._of_feed(subject, now, downstream=downstream)
        if found is None and downstream:
            found = self._of_model(findings)
        found = found or self._of_segment(findings, now) or self._of_start(now)
        if found is None:
            found = self.fresh = self.fresh or Cluster(self.run, self.run, self.run)
        return found

    def _of_feed(self, subject: Subject, now: Sequence[Cluster], *, downstream: bool) -> Cluster | None:
        for one in now:
            tables = one.failing.get(self.run.start, ())
            if subject[0] in tables or (tables and downstream):
                return one
        return None

    def _of_segment(self, findings: Sequence[Finding], now: Sequence[Cluster]) -> Cluster | None:
        parts = set(segment_parts(_one_segment(findings)))
        return next((one for one in now if one.segment and set(segment_parts(one.segment)) <= parts), None)

    def _of_start(self, now: Sequence[Cluster]) -> Cluster | None:
        return next((one for one in now if self.joining.covers(one.began, self.run)), None)

    def _of_model(self, findings: Sequence[Finding]) -> Cluster | None:
        about = {finding.verdict.interval.start for finding in findings}
        youngest_first = [*([self.fresh] if self.fresh else []), *self.alive]
        return next((one for one in youngest_first if one.inputs & about), None)


def fails_feed(verdict: Verdict, series: Mapping[SeriesKey, Series]) -> bool:
    """Whether it says that a whole table is missing, partial, failed or critically invalid."""
    key = verdict.series
    if key.column or key.segment:
        return False
    if verdict.status in (Status.NO_DATA, Status.ERROR):
        return True
    if group_of(key, series) == Group.VALIDATION:
        return verdict.severity is Severity.CRITICAL
    too_few = verdict.value is not None and verdict.lower is not None and verdict.value < verdict.lower
    return key.metric == "rows" and too_few


def cause_of(findings: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> str:
    """What `findings`, which are not empty, share, in a few words: a table, a column, a segment, the model."""
    failing = sorted({one.verdict.series.table for one in findings if fails_feed(one.verdict, series)})
    if failing:
        return f"{'tables' if len(failing) > 1 else 'table'} {', '.join(failing)}"
    subjects = sorted({subject_of(key, series) for key in {one.verdict.series for one in findings}})
    segment = _one_segment(findings)
    if subjects == [EVALUATION]:
        what = "quality of the model"
    elif len(subjects) == 1:
        what = ".".join(filter(None, subjects[0]))
    else:
        of = {table for table, _ in subjects if table}
        columns = sum(subject != EVALUATION for subject in subjects)
        what = f"{columns} column{'s' if columns > 1 else ''} of {', '.join(sorted(of))}"
        if EVALUATION in subjects:
            what += " and the quality of the model"
    return f"{what} in {segment}" if segment else what


def _by_subject(findings: Iterable[Finding], series: Mapping[SeriesKey, Series]) -> dict[Subject, list[Finding]]:
    found: dict[Subject, list[Finding]] = {}
    for finding in findings:
        found.setdefault(subject_of(finding.verdict.series, series), []).append(finding)
    return found


def _is_downstream(findings: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> bool:
    return all(group_of(finding.verdict.series, series) in _DOWNSTREAM for finding in findings)


def _one_segment(findings: Iterable[Finding]) -> str:
    """The segment that all of `findings` are about, "" when they are about several or about the whole."""
    segments = {finding.verdict.series.segment for finding in findings}
    return segments.pop() if len(segments) == 1 else WHOLE
