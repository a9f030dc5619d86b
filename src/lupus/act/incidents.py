"""Findings of runs to incidents, with the same result however often and in whatever order runs are repeated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from lupus.act.changes import state_of
from lupus.act.ranking import severity_of, title_of, worst_severity
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
    `delete` the ids of those that are no more (their findings vanished, or went into another).
    """

    incidents: tuple[Incident, ...]
    save: tuple[Incident, ...] = ()
    delete: tuple[str, ...] = ()


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

    `series` says what the series are. `known` holds the project's incidents; those that are resolved,
    farther than `resolve_after` from `interval` and without findings about `judged` may be left out.
    `newest` is the newest interval that the project ever ran for, when it is not this one.

    Runs with findings belong to one incident when fewer than `resolve_after` intervals without findings
    lie between them. So the incidents follow from what the runs found, not from the order of the runs:
    a rerun may open, join, split, or remove incidents. What people did to an incident goes with its
    intervals. An incident that a person resolved takes no findings of later intervals.
    """
    reach = max(1, project.alerts.resolve_after)
    cadence = project.cadence
    latest = _newest(cadence, interval, newest, known)
    fresh = {_identity(verdict): verdict for verdict in findings if counts(verdict, project.alerts.min_severity)}
    complete = {one.start for one in judged}
    near = _near(project, interval, known, complete | {start for start, *_ in fresh})
    runs = _by_run(interval, fresh, complete, near)
    rebuilt = [
        _build(project, cluster, runs, series, parent=_parent(project, cluster, near), latest=latest)
        for cluster in _clusters(cadence, sorted(runs), near, reach)
    ]
    before = {incident.id: incident for incident in known}
    gone = {incident.id for incident in near} - {incident.id for incident in rebuilt}
    rest = {incident.id for incident in near} | {incident.id for incident in rebuilt}
    after = [*rebuilt, *(incident for incident in known if incident.id not in rest)]
    return IncidentChanges(
        incidents=tuple(sorted(after, key=lambda incident: incident.first)),
        save=tuple(incident for incident in rebuilt if before.get(incident.id) != incident),
        delete=tuple(sorted(gone)),
    )


def counts(verdict: Verdict, min_severity: Severity) -> bool:
    """Whether the verdict goes into an incident: absent data always, else a finding of at least `min_severity`."""
    if verdict.status is Status.NO_DATA:
        return True
    return verdict.status.is_finding and severity_of(verdict).rank >= min_severity.rank


def as_of(incident: Incident, interval: Interval, series: Mapping[SeriesKey, Series]) -> Incident | None:
    """`incident` without what later runs than that of `interval` found; None if nothing is left."""
    if incident.last.start <= interval.start:
        return incident
    findings = tuple(finding for finding in incident.findings if finding.found.start <= interval.start)
    if not findings:
        return None
    return replace(
        incident,
        findings=findings,
        last=findings[-1].found,
        severity=worst_severity(findings),
        title=title_of(findings, series),
    )


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
    """What makes two verdicts the same one, judged twice. Findings of a run are kept in this order."""
    return verdict.interval.start, verdict.series, verdict.rule


def _near(
    project: Project, interval: Interval, known: Sequence[Incident], about: AbstractSet[datetime]
) -> list[Incident]:
    """The incidents that this run may change: active ones, neighbours, and those with findings about `about`."""
    reach = max(1, project.alerts.resolve_after)
    back, ahead = project.cadence.shift(interval, -reach), project.cadence.shift(interval, reach)
    oldest = min(about, default=interval.start)
    return [
        incident
        for incident in known
        if incident.active
        or (incident.last.start >= back.start and incident.first.start <= ahead.start)
        # Nothing is found before the interval that it is about.
        or (incident.last.start >= oldest and any(one.verdict.interval.start in about for one in incident.findings))
    ]


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
    if new:
        mine = [*runs.get(interval, ()), *(Finding(interval, verdict) for verdict in new.values())]
        runs[interval] = sorted(mine, key=lambda finding: _identity(finding.verdict))
    return {run: tuple(found) for run, found in runs.items()}


def _clusters(
    cadence: Cadence, runs: Sequence[Interval], near: Sequence[Incident], reach: int
) -> list[tuple[Interval, ...]]:
    """`runs` (in order) cut where enough clean intervals lie between, and around what people have closed."""
    if not runs:
        return []
    closed = [incident for incident in near if incident.closed]

    def holder(run: Interval) -> str:
        return next((incident.id for incident in closed if _spans(incident, run)), "")

    clusters = [[runs[0]]]
    for earlier, later in pairwise(runs):
        joined = earlier.end == later.start or cadence.shift(earlier, reach).start >= later.start
        if joined and (not closed or holder(earlier) == holder(later)):
            clusters[-1].append(later)
        else:
            clusters.append([later])
    return [tuple(cluster) for cluster in clusters]


def _spans(incident: Incident, run: Interval) -> bool:
    return incident.first.start <= run.start <= incident.last.start


def _parent(project: Project, cluster: Sequence[Interval], near: Sequence[Incident]) -> Incident | None:
    """The known incident whose human state the cluster carries on: one that a person touched, else the same one."""
    candidates = [incident for incident in near if any(_spans(incident, run) for run in cluster)]
    name = incident_id(project.name, cluster[0])
    return min(
        candidates,
        key=lambda incident: (not _touched(incident), incident.id != name, incident.first),
        default=None,
    )


_HUMAN: Final = (
    "outcome", "acknowledged_by", "assignee", "muted_until", "muted_score", "kept_open", "comment", "by", "upstream",
)  # fmt: skip


def _touched(incident: Incident) -> bool:
    return bool(incident.by)


def _build(
    project: Project,
    cluster: Sequence[Interval],
    runs: Mapping[Interval, tuple[Finding, ...]],
    series: Mapping[SeriesKey, Series],
    *,
    parent: Incident | None,
    latest: Interval,
) -> Incident:
    reach = max(1, project.alerts.resolve_after)
    findings = tuple(finding for run in cluster for finding in runs[run])
    built = Incident(
        id=incident_id(project.name, cluster[0]),
        project=project.name,
        state=IncidentState.OPEN,
        severity=worst_severity(findings),
        first=cluster[0],
        last=cluster[-1],
        findings=findings,
        title=title_of(findings, series),
        clean=_clean(project.cadence, cluster[-1], latest, reach),
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
