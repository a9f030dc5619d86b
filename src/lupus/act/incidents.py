"""Findings of runs to incidents, with the same result however often and in whatever order runs are repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from lupus.act.changes import state_of
from lupus.act.grouping import Closed, Cluster
from lupus.act.grouping import cluster as clusters_of
from lupus.act.ranking import severity_of, title_of, worst_severity
from lupus.act.subjects import Subject, cause_of, late_tables, subject_of
from lupus.model import (
    Cadence,
    Finding,
    Incident,
    IncidentState,
    Interval,
    Project,
    Resolution,
    Series,
    SeriesKey,
    Severity,
    Status,
    Verdict,
    incident_id,
)


@dataclass(frozen=True, slots=True)
class IncidentChanges:
    """What a run did to a project's incidents.

    `incidents` are all of them afterwards, oldest first; `save` those that are new or different;
    `delete` the ids of those that are no more: their findings vanished, or went into another, which `moved` names.
    `latest` is the newest interval that the project ran for.
    """

    incidents: tuple[Incident, ...]
    latest: Interval
    save: tuple[Incident, ...] = ()
    delete: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)


def update_incidents(
    project: Project,
    interval: Interval,
    findings: Sequence[Verdict],
    series: Mapping[SeriesKey, Series],
    known: Sequence[Incident],
    *,
    judged: Sequence[Interval] = (),
    newest: Interval | None = None,
) -> IncidentChanges:
    """The project's incidents after the run of `interval` found `findings`.

    `findings` may hold any verdicts; those that count (`counts`) are taken, whatever interval they
    are about, in place of what an earlier run of the same interval found. One that another run found
    before (the same series, interval and rule) stays that run's finding, with the newer verdict: only
    what is new is news. `judged` names the intervals about which `findings` are complete: other known
    findings about them are no longer true, and go.

    `series` says what the series are. `known` holds the project's incidents; those that are resolved and
    were over before `first_concerned` may be left out.
    `newest` is the newest interval that the project ever ran for, when it is not this one.

    What belongs together is said in `lupus.act.grouping`. So the incidents follow from what the runs found, not from
    the order of the runs: a rerun may open, join, split, or remove incidents. What people did to an incident goes with
    its intervals and subjects. An incident that a person resolved takes no findings of later intervals.
    """
    cadence, alerts = project.cadence, project.alerts
    latest = _newest(cadence, interval, newest, known)
    fresh = {_identity(verdict): verdict for verdict in findings if counts(verdict, alerts.min_severity)}
    complete = {one.start for one in judged}
    since = first_concerned(project, interval, judged, [verdict.interval for verdict in fresh.values()])
    near = [one for one in known if one.active or one.last.start >= since.start]
    runs = _by_run(interval, fresh, complete, near)
    found = {one.id: _found(one, series) for one in near}
    closed = [closed_by_person(one, series) for one in near if one.closed]
    rebuilt: list[Incident] = []
    moved: dict[str, str] = {}
    for cluster in clusters_of(cadence, alerts, runs, series, closed, late=late_tables(project)):
        name = incident_id(project.name, cluster.first)
        own = {(subject, run.start) for subject, when in cluster.runs_of.items() for run in when}
        before = [one for one in near if one.id == name or not own.isdisjoint(found[one.id])]
        rebuilt.append(_build(project, cluster, series, parent=_parent(name, before), latest=latest))
        moved.update((one.id, name) for one in before)
    known_by_id = {incident.id: incident for incident in known}
    gone = {incident.id for incident in near} - {incident.id for incident in rebuilt}
    rest = {incident.id for incident in near} | {incident.id for incident in rebuilt}
    after = [*rebuilt, *(incident for incident in known if incident.id not in rest)]
    return IncidentChanges(
        incidents=tuple(sorted(after, key=lambda incident: incident.first)),
        save=tuple(incident for incident in rebuilt if known_by_id.get(incident.id) != incident),
        delete=tuple(sorted(gone)),
        moved={old: new for old, new in moved.items() if old in gone},
        latest=latest,
    )


def closed_by_person(incident: Incident, series: Mapping[SeriesKey, Series]) -> Closed:
    """What says that `incident`, which a person resolved, takes no more."""
    return Closed(incident.last, _found(incident, series))


def first_concerned(
    project: Project, interval: Interval, judged: Sequence[Interval] = (), about: Iterable[Interval] = ()
) -> Interval:
    """The interval from which on incidents must have lasted to be changed by the run of `interval`.

    That run may take findings from any run since the oldest interval that it judges; nothing is found before the
    interval that it is about.
    """
    oldest = min([interval, *judged, *about], key=lambda one: one.start)
    return project.cadence.shift(oldest, -(max(1, project.alerts.resolve_after) + project.alerts.reopen_within))


def counts(verdict: Verdict, min_severity: Severity) -> bool:
    """Whether the verdict goes into an incident: absent data always, else a finding of at least `min_severity`."""
    if verdict.status is Status.NO_DATA:
        return True
    return verdict.status.is_finding and severity_of(verdict).rank >= min_severity.rank


def as_of(
    project: Project, incident: Incident, interval: Interval, series: Mapping[SeriesKey, Series]
) -> Incident | None:
    """`incident` without what later runs than that of `interval` found; None if nothing is left."""
    if incident.last.start <= interval.start:
        return incident
    findings = tuple(finding for finding in incident.findings if finding.found.start <= interval.start)
    if not findings:
        return None
    last = findings[-1].found
    return replace(
        incident,
        findings=findings,
        last=last,
        severity=escalated(project, worst_severity(findings), incident.first, last),
        title=title_of(findings, series),
        cause=cause_of(findings, series),
    )


def escalated(project: Project, severity: Severity, first: Interval, last: Interval) -> Severity:
    """`severity`, one step higher for every `Alerts.escalate_after` intervals from `first` to `last`."""
    steps = project.alerts.escalate_after
    worst, reached = len(Severity) - 1, first
    rank = severity.rank
    while steps is not None and rank < worst:
        reached = project.cadence.shift(reached, steps)
        if reached.start > last.start:
            break
        rank += 1
    return tuple(Severity)[rank]


def came_back(project: Project, last: Interval, found: Sequence[Finding]) -> bool | None:
    """Whether what a run found, `found`, is back after it had been resolved; `last` is the run that found some before.

    None when it had been resolved, and there is only more about the time before: labels come late.
    """
    run = found[0].found
    if run.start <= project.cadence.shift(last, max(1, project.alerts.resolve_after)).start:
        return False
    return True if any(one.verdict.interval.start > last.start for one in found) else None


def is_muted(incident: Incident, interval: Interval, cadence: Cadence) -> bool:
    """Whether people asked for silence at `interval`.

    It lasts up to and including `muted_until`, and until a run finds a score of `muted_score`, whichever comes first.
    A `muted_until` that names no interval mutes nothing: silence by mistake is the worse error.
    """
    if not incident.muted_until and incident.muted_score is None:
        return False
    if incident.muted_until:
        try:
            if interval.start > cadence.parse(incident.muted_until).start:
                return False
        except ValueError:
            return False
    return incident.muted_score is None or not any(
        finding.found.start <= interval.start and (finding.verdict.score or 0.0) >= incident.muted_score
        for finding in incident.findings
    )


def _newest(cadence: Cadence, interval: Interval, newest: Interval | None, known: Sequence[Incident]) -> Interval:
    latest = max(interval, newest or interval)
    if known:
        # The clean runs that were counted show that the project ran for later intervals.
        last = max(known, key=lambda incident: incident.last)
        latest = max(latest, cadence.shift(last.last, last.clean))
    return latest


def _identity(verdict: Verdict) -> tuple[datetime, SeriesKey, str]:
    """What makes two verdicts the same one, judged twice."""
    return verdict.interval.start, verdict.series, verdict.rule


def _by_run(
    interval: Interval,
    fresh: Mapping[tuple[datetime, SeriesKey, str], Verdict],
    complete: AbstractSet[datetime],
    near: Iterable[Incident],
) -> dict[Interval, tuple[Finding, ...]]:
    """The findings of each run that found any: what is known and still true, and this run's new ones."""
    runs: dict[Interval, list[Finding]] = {}
    new = dict(fresh)
    concerned = complete | {start for start, *_ in fresh}
    for incident in near:
        for finding in incident.findings:
            about = finding.verdict.interval.start
            again = new.pop(_identity(finding.verdict), None) if about in concerned else None
            if again is not None:
                kept = finding if again == finding.verdict else Finding(finding.found, again)
                runs.setdefault(finding.found, []).append(kept)
            elif about not in complete and finding.found.start != interval.start:
                runs.setdefault(finding.found, []).append(finding)
    for verdict in new.values():
        runs.setdefault(interval, []).append(Finding(interval, verdict))
    return {run: tuple(sorted(found, key=_order)) for run, found in runs.items()}


def _order(finding: Finding) -> tuple[datetime, str, str, str, str, str]:
    verdict = finding.verdict
    key = verdict.series
    return verdict.interval.start, key.table, key.column, key.metric, key.segment, verdict.rule


def _found(incident: Incident, series: Mapping[SeriesKey, Series]) -> frozenset[tuple[Subject, datetime]]:
    """Which run of the incident found something of what: by that it is known again, however it is put together."""
    about: dict[SeriesKey, Subject] = {}
    pairs = set()
    for finding in incident.findings:
        key = finding.verdict.series
        if key not in about:
            about[key] = subject_of(key, series)
        pairs.add((about[key], finding.found.start))
    return frozenset(pairs)


def _parent(name: str, before: Sequence[Incident]) -> Incident | None:
    """The known incident whose human state is carried on: one that a person touched, else the same one."""
    return min(before, key=lambda one: (not _touched(one), one.id != name, one.first), default=None)


_HUMAN: Final = (
    "outcome", "acknowledged_by", "assignee", "muted_until", "muted_score", "kept_open", "comment", "by", "upstream",
)  # fmt: skip


def _touched(incident: Incident) -> bool:
    return bool(incident.by)


def _build(
    project: Project,
    cluster: Cluster,
    series: Mapping[SeriesKey, Series],
    *,
    parent: Incident | None,
    latest: Interval,
) -> Incident:
    reach = max(1, project.alerts.resolve_after)
    findings = tuple(cluster.findings)
    built = Incident(
        id=incident_id(project.name, cluster.first),
        project=project.name,
        state=IncidentState.OPEN,
        severity=escalated(project, worst_severity(findings), cluster.first, cluster.last),
        first=cluster.first,
        last=cluster.last,
        findings=findings,
        title=title_of(findings, series),
        cause=cause_of(findings, series),
        clean=_clean(project.cadence, cluster.last, latest, reach),
    )
    if parent is not None:
        built = replace(built, **{name: getattr(parent, name) for name in _HUMAN})
    # Another setting does not bring back what was over.
    over = parent is not None and parent.last == built.last and not parent.active
    if parent is not None and (parent.closed or over):
        built = replace(built, resolution=parent.resolution, clean=parent.clean)
    elif built.clean >= reach and not built.kept_open:
        built = replace(built, resolution=Resolution.CLEAN)
    return replace(built, state=state_of(built, muted=is_muted(built, latest, project.cadence)))


def _clean(cadence: Cadence, last: Interval, latest: Interval, reach: int) -> int:
    """The intervals from `last` to `latest`, at most `reach`."""
    steps = 0
    current = last
    while steps < reach:
        current = cadence.next(current)
        if current.start > latest.start:
            break
        steps += 1
    return steps
