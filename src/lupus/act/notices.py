"""What is told to whom after a run, with the reason for every message and for every silence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from lupus.act.incidents import as_of, is_muted
from lupus.act.ranking import worst_severity
from lupus.act.story import Links, tell
from lupus.act.upstream import held_reason
from lupus.model import (
    Finding,
    Incident,
    Interval,
    Notice,
    NoticeState,
    Project,
    Reason,
    Series,
    SeriesKey,
    notice_id,
)

_NOTHING: Final[Mapping[str, str]] = {}


def decide_notices(
    project: Project,
    interval: Interval,
    before: Sequence[Incident],
    after: Sequence[Incident],
    *,
    destination: str,
    links: Links,
    series: Mapping[SeriesKey, Series],
    held: Collection[str] = (),
    untold: Collection[str] = (),
    because: Mapping[str, str] = _NOTHING,
) -> tuple[Notice, ...]:
    """The notices of the run of `interval`: at most one per incident, sent or not, each with its reason.

    `before` and `after` are the project's incidents around `update_incidents`. The decision looks only at what was
    found up to `interval`, so a rerun, even of an old interval, decides the same.

    An incident that the run added findings to is told of when it is new (`FIRST`), when its severity rose (`WORSE`),
    or when another column or metric group joined (`GREW`); all else is a `REPEAT`, which is not sent. While a person
    has it in hand (`ACKNOWLEDGED`), only a rise in severity is sent; while it is `MUTED`, nothing.
    An incident that this run resolved is told of once (`RESOLVED`); one that a person resolved is not.
    `held` are the ids of incidents that an upstream project's incident holds (`UPSTREAM`), `untold` of those that
    were held in every run until now: they are told as new ones when nothing holds them any more. `because` says of
    incidents where they probably come from.
    """
    known = {incident.id: incident for incident in before}
    notices = []
    for incident in after:
        seen = as_of(incident, interval, series)
        if seen is None:
            continue
        reason = _reason(project, interval, incident, seen, before=known.get(incident.id), series=series)
        news = seen.last == interval
        reason = held_reason(reason, held=incident.id in held, untold=incident.id in untold, news=news)
        if reason is None:
            continue
        route = project.alerts.slack
        story = tell(
            project,
            seen,
            interval,
            reason,
            series=series,
            links=links,
            because=because.get(incident.id, ""),
            mention=route.mention if route else "",
        )
        notices.append(
            Notice(
                id=notice_id(incident.id, interval, destination),
                project=project.name,
                incident=incident.id,
                interval=interval,
                destination=destination,
                reason=reason,
                state=NoticeState.PENDING if reason.sends else NoticeState.NOT_SENT,
                message=story.as_message(),
            )
        )
    return tuple(notices)


def _reason(
    project: Project,
    interval: Interval,
    incident: Incident,
    seen: Incident,
    *,
    before: Incident | None,
    series: Mapping[SeriesKey, Series],
) -> Reason | None:
    """Why there is a notice of `incident`, of which this run knows `seen`; None when there is nothing to say."""
    earlier = [finding for finding in seen.findings if finding.found.start < interval.start]
    now = [finding for finding in seen.findings if finding.found.start == interval.start]
    if not now:
        reason = Reason.RESOLVED if _resolves(project, interval, before, incident, seen) else None
    elif not earlier:
        reason = Reason.FIRST
    elif worst_severity(now).rank > worst_severity(earlier).rank:
        reason = Reason.WORSE
    elif _areas(now, series) - _areas(earlier, series):
        reason = Reason.GREW
    else:
        reason = Reason.REPEAT
    if reason is None:
        return None
    if is_muted(incident, interval, project.cadence):
        return Reason.MUTED
    if reason in (Reason.GREW, Reason.REPEAT) and incident.acknowledged_by:
        return Reason.ACKNOWLEDGED
    return reason


def _resolves(
    project: Project, interval: Interval, before: Incident | None, incident: Incident, seen: Incident
) -> bool:
    """Whether this run is the one that makes the incident clean for long enough."""
    reach = max(1, project.alerts.resolve_after)
    if incident.active or seen is not incident or incident.closed:
        return False
    due = project.cadence.shift(seen.last, reach)
    # Where the run at which it was due never came, the next one tells it.
    late = interval.start > due.start and before is not None and before.active
    return interval.start == due.start or late


def _areas(findings: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> set[tuple[str, str, str]]:
    """What is affected, coarsely: another segment or quantile of the same column is no news."""
    keys = {finding.verdict.series for finding in findings}
    return {(key.table, key.column, series[key].group if key in series else "") for key in keys}
