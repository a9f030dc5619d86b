"""Validations, expectation by expectation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import ExpectationOutcome, ExpectationSeverity, Interval, Validation
from lupus.store import exclusions, tables
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.tables import hash_id

_KEY = ("project_id", "start", "table_id")


def save(connection: Connection, names: Names, validation: Validation) -> None:
    """Make `validation` the one of its table and interval."""
    number = names.save_project(connection, validation.project)
    names.save_intervals(connection, number, [validation.interval])
    key = (number, epoch(validation.interval), hash_id(validation.table))
    delete(connection, tables.outcomes, _KEY, [key])
    upsert(connection, tables.validations, [(*key, validation.table, validation.suite)])
    rows = [
        (*key, position, one.id, one.expectation, one.column, one.severity.value, one.success,
         one.unexpected_ratio, one.reason, one.details)
        for position, one in enumerate(validation.outcomes)
    ]  # fmt: skip
    upsert(connection, tables.outcomes, rows)
    exclusions.follow_validation(connection, number, validation.table, validation.interval, validation)


def remove(connection: Connection, project: str, table: str, interval: Interval) -> None:
    key = (project_id(project), epoch(interval), hash_id(table))
    delete(connection, tables.validations, _KEY, [key])  # and with it, by its foreign key, the outcomes
    exclusions.follow_validation(connection, key[0], table, interval, None)


def read(connection: Connection, names: Names, project: str, intervals: Sequence[Interval] | None) -> list[Validation]:
    """The validations, by interval and table, with outcomes in the suite's order."""
    number, checks, columns = project_id(project), tables.validations.c, tables.outcomes.c
    conditions, inner = [checks.project_id == number], [columns.project_id == number]
    if intervals is not None:
        starts = [epoch(interval) for interval in intervals]
        conditions.append(checks.start.in_(starts))
        inner.append(columns.start.in_(starts))
    outcomes: dict[tuple[int, int], list[ExpectationOutcome]] = {}
    query = sa.select(tables.outcomes).where(*inner).order_by(columns.start, columns.table_id, columns.position)
    for row in connection.execute(query):
        outcomes.setdefault((row[1], row[2]), []).append(_outcome(row[4:]))
    rows = connection.execute(sa.select(checks.start, checks.table_id, checks.table, checks.suite).where(*conditions))
    found = sorted(rows, key=lambda row: (row[0], row[2]))
    when = names.intervals(connection, number, {row[0] for row in found})
    return [
        Validation(project, table, when[start], suite, tuple(outcomes.get((start, key), ())))
        for start, key, table, suite in found
    ]


def _outcome(row: Sequence[Any]) -> ExpectationOutcome:
    name, expectation, column, severity, success, ratio, reason, details = row
    return ExpectationOutcome(name, expectation, column, ExpectationSeverity(severity), success, ratio, reason, details)
