"""What runs have to tell of an incident's life. All of it follows from the findings, so a rerun tells the same."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from itertools import groupby

from lupus.act.incidents import came_back, escalated
from lupus.act.notices import areas
from lupus.act.ranking import title_of, worst_severity
from lupus.model import (
    EventKind,
    Finding,
    Incident,
    IncidentEvent,
    Interval,
    Project,
    Resolution,
    Series,
    SeriesKey,
    event_id,
)

_MOST_NAMES = 5


def run_events(
    project: Project, incident: Incident, series: Mapping[SeriesKey, Series], latest: Interval
) -> tuple[IncidentEvent, ...]:
    """That it opened, grew, got worse, calmed, was resolved, came back; `latest` is the newest interval that ran."""
    return tuple(
        IncidentEvent(
            id=event_id(incident.id, kind, interval.key),
            project=incident.project,
            incident=incident.id,
            kind=kind,
            text=text,
            interval=interval,
        )
        for kind, interval, text in _told(project, incident, series, latest)
    )


def merge_events(moved: Mapping[str, str], project: Project, interval: Interval) -> tuple[IncidentEvent, ...]:
    """That incidents went into others (`moved`) by the run of `interval`: a line in the timeline of each target."""
    return tuple(
        IncidentEvent(
            id=event_id(old, EventKind.MERGED, ""),
            project=project.name,
            incident=new,
            kind=EventKind.MERGED,
            text=f"Took in the incident {old}",
            interval=interval,
            details={"from": old},
        )
        for old, new in moved.items()
    )


def _told(
    project: Project, incident: Incident, series: Mapping[SeriesKey, Series], latest: Interval
) -> Iterator[tuple[EventKind, Interval, str]]:
    reach = max(1, project.alerts.resolve_after)
    known: set[tuple[str, str, str]] = set()
    severity, worst = incident.severity, incident.severity
    last: Interval | None = None
    for run, members in groupby(incident.findings, key=lambda one: one.found):
        found: list[Finding] = list(members)
        new = areas(found, series) - known
        if last is None:
            worst = worst_severity(found)
            severity = escalated(project, worst, incident.first, run)
            yield EventKind.OPENED, run, f"{title_of(found, series)} ({severity})"
        else:
            over = yield from _calm(project, last, run, reach)
            worst = max(worst, worst_severity(found), key=lambda one: one.rank)
            now = escalated(project, worst, incident.first, run)
            back = came_back(project, last, found) if over else False
            if back:
                yield EventKind.REOPENED, run, f"It came back: {title_of(found, series)}"
            if now.rank > severity.rank:
                yield EventKind.WORSE, run, f"From {severity} to {now}: {title_of(found, series)}"
                severity = now
            if new or back is None:
                joined = f"Joined: {_names(new)}" if new else f"Known later: {title_of(found, series)}"
                yield EventKind.GREW, run, joined
        known |= new
        last = run
    if last is not None:
        yield from _calm(project, last, project.cadence.next(latest), reach, ends=_ends(incident))


def _calm(
    project: Project, last: Interval, until: Interval, reach: int, *, ends: bool = True
) -> Generator[tuple[EventKind, Interval, str], None, bool]:
    """What happened between `last` and `until`, which found it again. Returns whether it was resolved."""
    first_clean = project.cadence.next(last)
    if first_clean.start >= until.start:
        return False
    yield EventKind.CALMED, first_clean, "Nothing of it was found"
    due = project.cadence.shift(last, reach)
    if due.start >= until.start:
        return False
    if ends:
        yield EventKind.RESOLVED, due, f"Clean for {reach} interval{'s' if reach > 1 else ''}"
    return True


def _ends(incident: Incident) -> bool:
    return incident.resolution is Resolution.CLEAN


def _names(new: set[tuple[str, str, str]]) -> str:
    names = sorted({f"{table}.{column}" if column else table for table, column, _ in new})
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else shown
