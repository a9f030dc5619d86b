"""The timelines of incidents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import EventKind, IncidentEvent, Interval, event_id
from lupus.store import tables
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, epoch
from lupus.store.runs import microseconds, moment

RUN_EVENTS: Final = (
    EventKind.OPENED, EventKind.GREW, EventKind.WORSE, EventKind.CALMED, EventKind.RESOLVED, EventKind.REOPENED,
)  # fmt: skip
"""What follows from the findings, and is replaced as a whole when they change."""

_KEPT_AT: Final = ("project_id", "incident", "kind", "text", "start", "by", "details")


def add(connection: Connection, names: Names, events: Sequence[IncidentEvent]) -> None:
    """Write `events`; one that is there already keeps the time at which it was first written."""
    now = datetime.now(UTC)
    rows = []
    for event in {one.id: one for one in events}.values():
        number = names.save_project(connection, event.project)
        if event.interval is not None:
            names.save_intervals(connection, number, [event.interval])
        rows.append(
            (
                event.id, number, event.incident, event.kind.value, event.text,
                None if event.interval is None else epoch(event.interval), event.by, event.details,
                microseconds(event.at or now),
            )
        )  # fmt: skip
    upsert(connection, tables.incident_events, rows, update=_KEPT_AT)


def replace(
    connection: Connection,
    names: Names,
    incidents: Collection[str],
    events: Sequence[IncidentEvent],
    *,
    kinds: Collection[EventKind],
    moved: Mapping[str, str],
) -> None:
    """Make `events` all that `incidents` have of `kinds`. The other events of an incident that went into another
    (`moved`) go with it. That one of `incidents` went into another is taken back when it is not among the `moved`.
    """
    columns = tables.incident_events.c
    stored = _few(connection, sa.select(columns.id, columns.incident), incidents, [kind.value for kind in kinds])
    wanted = {event.id for event in events}
    apart = [(merged,) for one in incidents if (merged := event_id(one, EventKind.MERGED, "")) not in wanted]
    delete(connection, tables.incident_events, ("id",), apart)
    delete(connection, tables.incident_events, ("id",), [(row.id,) for row in stored if row.id not in wanted])
    add(connection, names, events)
    for old, new in moved.items():
        connection.execute(sa.update(tables.incident_events).where(columns.incident == old).values(incident=new))


def read(connection: Connection, names: Names, incident: str) -> list[IncidentEvent]:
    """The timeline of `incident`, oldest first."""
    columns = tables.incident_events.c
    query = (
        sa.select(tables.incident_events, tables.projects.c.name)
        .join(tables.projects, tables.projects.c.id == columns.project_id)
        .where(columns.incident == incident)
    )
    rows = sorted(connection.execute(query).all(), key=_order)
    if not rows:
        return []
    starts = [row.start for row in rows if row.start is not None]
    when: dict[int, Interval] = names.intervals(connection, rows[0].project_id, starts)
    return [
        IncidentEvent(
            row.id, row.name, row.incident, EventKind(row.kind), row.text, when.get(row.start), row.by,
            moment(row.at_us), row.details,
        )
        for row in rows
    ]  # fmt: skip


def went_into(connection: Connection, incident: str) -> str:
    """The incident that a deleted `incident` went into by now, "" when its findings are no more."""
    columns = tables.incident_events.c
    query = sa.select(columns.incident).where(columns.id == event_id(incident, EventKind.MERGED, ""))
    return str(connection.execute(query).scalar() or "")


def _order(row: Any) -> tuple[Any, ...]:
    # Of what came at one moment the version tells which was first; a change that came too late follows the other.
    refused = row.kind == EventKind.REFUSED.value
    return row.at_us, row.start or 0, row.details.get("version", 0), refused, row.id


def _few(connection: Connection, query: sa.Select[Any], incidents: Collection[str], kinds: Sequence[str]) -> list[Any]:
    columns, wanted = tables.incident_events.c, sorted(incidents)
    rows: list[Any] = []
    for first in range(0, len(wanted), 500):
        chosen = columns.incident.in_(wanted[first : first + 500])
        rows += connection.execute(query.where(chosen, columns.kind.in_(kinds))).all()
    return rows
