"""Incidents with their findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as replaced
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Finding, Incident, IncidentState, Interval, Outcome, Severity, StoreError
from lupus.store import exclusions, tables
from lupus.store.bulk import delete, fetch, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.verdicts import answer, to_verdict

_HUMAN = ("state", "outcome", "muted_until", "comment", "by")


def save(
    connection: Connection,
    names: Names,
    incidents: Sequence[Incident],
    delete_ids: Sequence[str],
    known: Sequence[Incident] = (),
) -> None:
    """Write `incidents`, and remove those called `delete_ids`.

    `known` is what the caller had read before it computed `incidents`: what a person has changed since
    (state, outcome, mute, comment, name) is kept.
    """
    delete(connection, tables.incidents, ("id",), [(one,) for one in dict.fromkeys(delete_ids)])
    for one in dict.fromkeys(delete_ids):
        exclusions.forget_incident(connection, one)
    before = {one.id: one for one in known}
    for incident in {one.id: one for one in incidents}.values():
        _save(connection, names, _keep_human(connection, incident, before.get(incident.id)))


def read(
    connection: Connection,
    names: Names,
    project: str | None,
    *,
    active_only: bool = False,
    since: Interval | None = None,
    ids: Sequence[str] | None = None,
) -> list[Incident]:
    """Incidents, newest first."""
    columns = tables.incidents.c
    conditions: list[sa.ColumnElement[bool]] = []
    if project is not None:
        conditions.append(columns.project_id == project_id(project))
    if active_only:
        conditions.append(columns.state != IncidentState.RESOLVED.value)
    if since is not None:
        conditions.append(columns.last >= epoch(since))
    if ids is not None:
        conditions.append(columns.id.in_(ids))
    query = (
        sa.select(tables.incidents, tables.projects.c.name)
        .join(tables.projects, tables.projects.c.id == columns.project_id)
        .where(*conditions)
        .order_by(columns.first.desc(), columns.id)
    )
    rows = connection.execute(query).all()
    findings = _findings(connection, [row.id for row in rows])
    starts: dict[int, set[int]] = {}
    for row in rows:
        starts.setdefault(row.project_id, set()).update((row.first, row.last))
        for found in findings.get(row.id, ()):
            starts[row.project_id].update((found.found, found.start))
    when = {number: names.intervals(connection, number, each) for number, each in starts.items()}
    known = {number: names.known(connection, number) for number in starts}
    incidents = []
    for row in rows:
        times, series = when[row.project_id], known[row.project_id].by_id
        own = tuple(
            Finding(times[f.found], to_verdict(series[f.series_id].key, times[f.start], f.rule, *f[6:]))
            for f in findings.get(row.id, ())
        )
        incidents.append(
            Incident(
                row.id, row.name, IncidentState(row.state), Severity(row.severity), times[row.first], times[row.last],
                own, row.title, row.clean, None if row.outcome is None else Outcome(row.outcome),
                row.muted_until, row.comment, row.by,
            )
        )  # fmt: skip
    return incidents


def edit(connection: Connection, names: Names, incident: str, changes: Mapping[str, str]) -> None:
    """Set what a person may set (`_HUMAN`)."""
    if changes:
        values = {name: str(changes[name]) for name in _HUMAN if name in changes}
        connection.execute(sa.update(tables.incidents).where(tables.incidents.c.id == incident).values(values))
        for one in read(connection, names, None, ids=[incident]):
            exclusions.follow_incident(connection, one)


def _findings(connection: Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    columns = tables.findings.c
    found: dict[str, list[Any]] = {}
    for first in range(0, len(ids), 500):
        query = (
            sa.select(tables.findings)
            .where(columns.incident_id.in_(ids[first : first + 500]))
            .order_by(columns.incident_id, columns.position)
        )
        for row in connection.execute(query):
            found.setdefault(row.incident_id, []).append(row)
    return found


def _keep_human(connection: Connection, incident: Incident, known: Incident | None) -> Incident:
    if known is None:
        return incident
    columns = tables.incidents.c
    query = sa.select(*(columns[name] for name in _HUMAN)).where(columns.id == incident.id)
    row = connection.execute(query).first()
    before = (known.state.value, known.outcome and known.outcome.value, known.muted_until, known.comment, known.by)
    if row is None or tuple(row) == before:
        return incident
    return replaced(
        incident, state=IncidentState(row.state), outcome=None if row.outcome is None else Outcome(row.outcome),
        muted_until=row.muted_until, comment=row.comment, by=row.by,
    )  # fmt: skip


def _save(connection: Connection, names: Names, incident: Incident) -> None:
    project = names.save_project(connection, incident.project)
    known = names.known(connection, project)
    intervals = {incident.first, incident.last}
    rows: list[tuple[Any, ...]] = []
    for position, finding in enumerate(incident.findings):
        verdict = finding.verdict
        series = names.series_id(verdict.series)
        if series not in known.by_id:
            raise StoreError(
                f"incident {incident.id} of {incident.project} has a finding on {verdict.series}, "
                "which has no point in the store; save its points first"
            )
        intervals |= {finding.found, verdict.interval}
        rows.append(
            (
                incident.id,
                position,
                epoch(finding.found),
                series,
                epoch(verdict.interval),
                verdict.rule,
                *answer(verdict),
            )
        )
    names.save_intervals(connection, project, intervals)
    upsert(
        connection,
        tables.incidents,
        [
            (
                incident.id, project, incident.state.value, incident.severity.value, epoch(incident.first),
                epoch(incident.last), incident.title, incident.clean,
                None if incident.outcome is None else incident.outcome.value,
                incident.muted_until, incident.comment, incident.by,
            )
        ],
    )  # fmt: skip
    columns = tables.findings.c
    old = fetch(connection, sa.select(tables.findings).where(columns.incident_id == incident.id))
    # Escaped text compares unequal and is written again, which is right if not economical.
    stored = set(old)
    delete(connection, tables.findings, ("incident_id", "position"), [row[:2] for row in old if row[1] >= len(rows)])
    upsert(connection, tables.findings, [row for row in rows if row not in stored])
    exclusions.follow_incident(connection, incident)
