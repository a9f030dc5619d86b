"""Which findings belong together: those that share time and cause. Pure, and blind to the order in which runs came.

The findings of one subject (a column, a whole table, or the evaluation of the model) that follow each other closely
enough are a spell. What begins in one run, and belongs to nothing that is going on, is one incident. A spell belongs to
an incident that is going on when

- **together**: the incident began, or came back, at most `Alerts.join_within` intervals before;
- **feed**: the incident says in this very run that the spell's table is missing, failed or invalid, or, of what is
  computed from it, any table;
- **segment**: both were, when they began, about one segment only, the same one;
- **model**: it is about the predictions, and the incident is about what they are computed from, at the interval that
  the spell is about.

A spell stays where it began, with two exceptions, for they do not say what is wrong themselves:

- the **evaluation** of an interval, when that of the interval before was good, or told later than it, belongs to the
  incident about that interval;
- a **validation** that failed and names no column, when it was fine the run before, belongs to an incident that found
  something else in the same table in this very run; one of labels, to the incident about the intervals whose labels
  they are.

These hold also while the incident is just over, for labels come late. Where several fit, the youngest is meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from lupus.act.subjects import (
    EVALUATION,
    INPUTS,
    About,
    Subject,
    by_subject,
    fails_feed,
    group_of,
    is_downstream,
    one_segment,
)
from lupus.model import WHOLE, Alerts, Cadence, Finding, Interval, Series, SeriesKey, segment_parts

_NONE_LATE: Final[Mapping[str, timedelta]] = {}


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
    evaluated: set[datetime] = field(default_factory=set)
    newest: Interval | None = None  # that inputs are about, but for labels
    touched: dict[datetime, set[str]] = field(default_factory=dict)  # tables, by run; not those that only fail checks
    failing: dict[datetime, set[str]] = field(default_factory=dict)
    closed_after: datetime | None = None

    def takes(self, run: Interval) -> bool:
        """Whether nobody has closed it before `run`."""
        return self.closed_after is None or run.start <= self.closed_after

    def add(self, run: Interval, subject: Subject, findings: Sequence[Finding], about: About) -> None:
        """Take what `run` found about `subject`."""
        self.last = run
        self.findings.extend(findings)
        self.runs_of.setdefault(subject, []).append(run)
        if subject == EVALUATION:
            self.evaluated.update(finding.verdict.interval.start for finding in findings)
            return
        if not about.is_vague(subject, findings):
            self.touched.setdefault(run.start, set()).add(subject[0])
        for finding in findings:
            verdict = finding.verdict
            if group_of(verdict.series, about.series) in INPUTS:
                self.inputs.add(verdict.interval.start)
                if subject[0] not in about.late and (self.newest is None or self.newest < verdict.interval):
                    self.newest = verdict.interval
            if fails_feed(verdict, about.series):
                self.failing.setdefault(run.start, set()).add(verdict.series.table)

    def close(self, run: Interval, subject: Subject, closed: Sequence[Closed]) -> None:
        """Take no more after the last run of what a person has `closed`, if what `run` found of `subject` is of it."""
        for one in closed:
            if (subject, run.start) in one.found:
                self.closed_after = max(self.closed_after or one.last.start, one.last.start)


@dataclass(frozen=True, slots=True)
class Closed:
    """What a person has closed: it takes no findings of runs after `last`. `found` says which run found what."""

    last: Interval
    found: frozenset[tuple[Subject, datetime]]


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


def cluster(
    cadence: Cadence,
    alerts: Alerts,
    runs: Mapping[Interval, Sequence[Finding]],
    series: Mapping[SeriesKey, Series],
    closed: Sequence[Closed],
    *,
    late: Mapping[str, timedelta] = _NONE_LATE,
) -> list[Cluster]:
    """The findings of `runs` put together, in order of their first runs. No two clusters begin in the same run.

    `late` are the tables of labels, with how long after an interval they may come. Linear in the number of findings.
    """
    resolve_after = max(1, alerts.resolve_after)
    going = _Reach(cadence, resolve_after)
    lasting = _Reach(cadence, resolve_after + alerts.reopen_within)
    joining = _Reach(cadence, alerts.join_within)
    about = About(series, late)
    clusters: list[Cluster] = []
    for run in sorted(runs):
        found = by_subject(runs[run], series)
        alive = [one for one in reversed(clusters) if one.takes(run) and lasting.covers(one.last, run)]
        births = _Births(run, about, alive, going, joining, lasting, cadence)
        begins = []
        for subject in found:
            own = births.own(subject)
            if own is None or subject == EVALUATION or about.is_vague(subject, found[subject]):
                begins.append(subject)
            else:
                births.put(own, subject, found[subject], closed)
        # What says what is wrong comes before what may belong to it.
        for subject in sorted(begins, key=lambda one: (about.order(one, found[one]), one)):
            for part in _parts(subject, found[subject]):
                home = births.explained(subject, part) or births.own(subject) or births.begun(subject, part)
                births.put(home, subject, part, closed)
        if births.fresh is not None:
            births.fresh.segment = one_segment(births.fresh.findings)
            clusters.append(births.fresh)
    return clusters


def _parts(subject: Subject, findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    """What is put together at once: of the evaluation, what is about one interval."""
    if subject != EVALUATION:
        yield list(findings)
        return
    about: dict[datetime, list[Finding]] = {}
    for finding in findings:
        about.setdefault(finding.verdict.interval.start, []).append(finding)
    for start in sorted(about):
        yield about[start]


@dataclass(slots=True)
class _Births:
    """What `run` found. `alive` are the clusters that are not long over, youngest first; `fresh` is the new one."""

    run: Interval
    about: About
    alive: Sequence[Cluster]
    going: _Reach
    joining: _Reach
    lasting: _Reach
    cadence: Cadence
    fresh: Cluster | None = None

    def own(self, subject: Subject) -> Cluster | None:
        """The cluster in which a spell of `subject` is not long over."""
        for one in self.youngest_first():
            if subject in one.runs_of and self.lasting.covers(one.runs_of[subject][-1], self.run):
                return one
        return None

    def put(self, home: Cluster, subject: Subject, findings: Sequence[Finding], closed: Sequence[Closed]) -> None:
        """`home` takes `findings`. When it had been over, it comes back, unless they are about the time before."""
        news = any(one.verdict.interval.start > home.last.start for one in findings)
        if news and not self.going.covers(home.last, self.run):
            home.began = self.run
        home.add(self.run, subject, findings, self.about)
        home.close(self.run, subject, closed)

    def explained(self, subject: Subject, findings: Sequence[Finding]) -> Cluster | None:
        """The cluster that says why the model is bad, or what a failed validation means; None where none does."""
        if subject == EVALUATION:
            at = findings[0].verdict.interval
            before, cause = self._evaluated(self.cadence.previous(at)), self._of_model(findings)
            # An older cause is the cause of the day before as well, whatever that was told with.
            older = cause is not None and before is not None and cause.first < before.first
            return self._evaluated(at) or (cause if older else before) or cause
        if not self.about.is_vague(subject, findings):
            return None
        yesterday, known = self.cadence.previous(self.run), self.youngest_first()
        return (
            next((one for one in known if subject in one.runs_of and one.runs_of[subject][-1] >= yesterday), None)
            or next((one for one in known if subject[0] in one.touched.get(self.run.start, ())), None)
            or self._of_labels(self.about.late.get(subject[0]))
        )

    def begun(self, subject: Subject, findings: Sequence[Finding]) -> Cluster:
        """The cluster that `findings` of `subject`, which begin now, belong to."""
        downstream = is_downstream(findings, self.about.series)
        now = [one for one in self.alive if self.going.covers(one.last, self.run)]
        found = self._of_feed(subject, now, downstream=downstream)
        if found is None and downstream:
            found = self._of_model(findings)
        found = found or self._of_segment(findings, now) or self._of_start(now)
        if found is None:
            found = self.fresh = self.fresh or Cluster(self.run, self.run, self.run)
        return found

    def youngest_first(self) -> list[Cluster]:
        return [*([self.fresh] if self.fresh else []), *self.alive]

    def _of_feed(self, subject: Subject, now: Sequence[Cluster], *, downstream: bool) -> Cluster | None:
        for one in now:
            tables = one.failing.get(self.run.start, ())
            if subject[0] in tables or (tables and downstream):
                return one
        return None

    def _of_segment(self, findings: Sequence[Finding], now: Sequence[Cluster]) -> Cluster | None:
        parts = set(segment_parts(one_segment(findings)))
        return next((one for one in now if one.segment and set(segment_parts(one.segment)) <= parts), None)

    def _of_start(self, now: Sequence[Cluster]) -> Cluster | None:
        return next((one for one in now if self.joining.covers(one.began, self.run)), None)

    def _of_model(self, findings: Sequence[Finding]) -> Cluster | None:
        about = {finding.verdict.interval.start for finding in findings}
        known = [one for one in self.youngest_first() if one.inputs & about]
        # A table that could not be used explains more than anything else of that day.
        return next((one for one in known if one.failing.keys() & about), known[0] if known else None)

    def _evaluated(self, about: Interval) -> Cluster | None:
        return next((one for one in self.youngest_first() if about.start in one.evaluated), None)

    def _of_labels(self, within: timedelta | None) -> Cluster | None:
        if within is None:
            return None
        return next(
            (one for one in self.youngest_first() if one.newest and one.newest.end + within > self.run.start), None
        )
