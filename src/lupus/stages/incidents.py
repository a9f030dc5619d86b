"""What people do to incidents from the command line, the API or a message's button: one way for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lupus.model import ConflictError, EventKind, Incident, IncidentChange, NoticeState
from lupus.stages.workspace import Workspace


def change_incident(
    workspace: Workspace,
    incident_id: str,
    change: IncidentChange,
    *,
    by: str,
    at: datetime,
    version: int | None = None,
) -> Incident:
    """The incident after the person `by` did `change` at the time `at` (UTC); its timeline says so.

    Two people at once come one after the other, and both are in the timeline. Raises `ConflictError` when the incident
    is not at `version` any more (the change is then in the timeline as refused), or when the change is not possible
    as it stands; `ValueError` when the change is not fully said; `StoreError` when there is no such incident.
    """
    from lupus.act import apply_change, refusal

    if not by.strip():
        raise ValueError("say who changes the incident")
    store = workspace.store
    try:
        return store.edit_incident(
            incident_id,
            lambda incident, events: apply_change(incident, change, events, by=by, at=at),
            version=version,
        )
    except ConflictError as error:
        store.add_incident_events([refusal(store.incident(incident_id), change, error, by=by, at=at)])
        raise


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of an incident's life: an event, or a message with the reason why it was sent or not.

    `interval` is the key of the run's, "" for what people did; `at` the wall clock's time (UTC), where it is known.
    """

    interval: str
    at: datetime | None
    kind: str
    text: str
    by: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "interval": self.interval,
            "at": self.at.isoformat() if self.at else None,
            "kind": self.kind,
            "text": self.text,
            "by": self.by,
        }


def timeline(workspace: Workspace, incident: Incident) -> tuple[TimelineEntry, ...]:
    """All that happened to `incident`, in order: what runs found, what people did, what was told to whom and why.

    Runs are in the order of their intervals, with their messages; what people did stands where the clock puts it.
    """
    entries: list[tuple[tuple[datetime, int], TimelineEntry]] = []
    events = workspace.store.incident_events(incident.id)
    runs = sorted((one.at, one.interval.start) for one in events if one.at and one.interval is not None)
    for event in events:
        if event.interval is not None:
            place = (event.interval.start, 0)
        else:
            # After the newest run that was made before it.
            before = [start for at, start in runs if event.at is not None and at <= event.at]
            place = (max(before, default=incident.first.start), 2)
        key = event.interval.key if event.interval else ""
        entries.append((place, TimelineEntry(key, event.at, event.kind.value, event.text, event.by)))
    for notice in workspace.store.notices(incident.project, incident=incident.id):
        said = "not sent" if notice.state is NoticeState.NOT_SENT else notice.state.value
        text = f"{notice.reason.value.replace('_', ' ')} to {notice.destination}: {said}"
        text += f" ({notice.error})" if notice.error else ""
        entry = TimelineEntry(notice.interval.key, None, EventKind.NOTICE.value, text)
        entries.append(((notice.interval.start, 1), entry))
    return tuple(entry for _, entry in sorted(entries, key=lambda pair: pair[0]))
