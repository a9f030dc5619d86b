"""Incidents with their findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import (
    ConflictError,
    Finding,
    Incident,
    IncidentState,
    Interval,
    Outcome,
    Resolution,
    Severity,
    StoreError,
)
from lupus.store import exclusions, tables
from lupus.store.bulk import delete, fetch, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.verdicts import answer, to_verdict


def save(connection: Connection, names: Names, incidents: Sequence[Incident], delete_ids: Sequence[str]) -> None:
    """Write `incidents` as they are, each with a version one higher than before, and remove those with `delete_ids`."""
    delete(connection, tables.incidents, ("id",), [(one,) for one in dict.fromkeys(delete_ids)])
    for one in dict.fromkeys(delete_ids):
        exclusions.forget_incident(connection, one)
    newest = {one.id: one for one in incidents}
    versions = versions_of(connection, newest)
    for incident in newest.values():
        _save(connection, names, incident, versions.get(incident.id, 0) + 1)


def versions_of(connection: Connection, ids: Iterable[str]) -> dict[str, int]:
    """The versions of the incidents with these ids, of those that are there; locked until the transaction ends."""
    wanted, columns = sorted(ids), tables.incidents.c
    found: dict[str, int] = {}
    for first in range(0, len(wanted), 500):
        query = sa.select(columns.id, columns.writes).where(columns.id.in_(wanted[first : first + 500]))
        found.update((row.id, row.writes) for row in connection.execute(query.with_for_update()))
    return found


def refuse_stale(connection: Connection, known: Sequence[Incident], ids: Iterable[str]) -> None:
    """Raise `ConflictError` when one of `known`, or of the incidents called `ids`, is not as it was when read.

    What is in `ids` and not `known` must not be there at all.
    """
    read_versions = {one.id: one.version for one in known}
    stored = versions_of(connection, {*read_versions, *ids})
    if stored != read_versions:
        changed = sorted(one for one in {*stored, *read_versions} if stored.get(one) != read_versions.get(one))
        raise ConflictError(f"incident {changed[0]} was changed by somebody else in between; read it again")


def read(
    connection: Connection,
    names: Names,
    project: str | None,
    *,
    active_only: bool = False,
    since: Interval | None = None,
    or_active: bool = False,
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
        lasted = columns.last >= epoch(since)
        active = columns.state != IncidentState.RESOLVED.value
        conditions.append(sa.or_(lasted, active) if or_active else lasted)
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
                own, row.title, row.cause, row.clean, row.resolution and Resolution(row.resolution),
                row.outcome and Outcome(row.outcome), row.acknowledged_by, row.assignee, row.muted_until,
                row.muted_score, row.kept_open, row.comment, row.by, tuple(row.upstream), row.writes,
            )
        )  # fmt: skip
    return incidents


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


def _save(connection: Connection, names: Names, incident: Incident, version: int) -> None:
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
                epoch(incident.last), incident.title, incident.cause, incident.clean, incident.resolution,
                incident.outcome, incident.acknowledged_by, incident.assignee, incident.muted_until,
                incident.muted_score, incident.kept_open, incident.comment, incident.by, list(incident.upstream),
                version,
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
