"""Verdicts by (project, interval, series, rule)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import Interval, SeriesKey, Severity, Status, StoreError, Verdict
from lupus.store import newest, standing, tables
from lupus.store.bulk import delete, fetch, upsert
from lupus.store.names import Names, epoch, in_few, project_id
from lupus.store.tables import hash_id
from lupus.store.text import unescape

Row = tuple[Any, ...]
_FINDINGS = frozenset(status for status in Status if status.is_finding)
_rule_id = lru_cache(maxsize=1000)(hash_id)
_IS_FINDING: sa.ColumnElement[bool] = cast("sa.ColumnElement[bool]", sa.text(tables.IS_FINDING))
_KEY = ("project_id", "start", "series_id", "rule_id")


def replace(
    connection: Connection,
    names: Names,
    project: str,
    intervals: Sequence[Interval],
    verdicts: Sequence[Verdict],
    *,
    scopes: Collection[str] | None,
) -> None:
    """Make `verdicts` all that the project has at `intervals` (in `scopes`). Right rows are not written again."""
    number = names.save_project(connection, project)
    known = names.known(connection, number)
    starts = {epoch(interval) for interval in intervals}
    new: dict[Row, Row] = {}
    last, start = None, 0
    for verdict in verdicts:
        series = names.series_id(verdict.series)
        if verdict.interval is not last:
            last = verdict.interval
            start = epoch(last)
        if start not in starts:
            raise StoreError(
                f"the verdict on {verdict.series} at {verdict.interval} is outside the intervals to replace"
            )
        if series not in known.by_id:
            raise StoreError(
                f"{verdict.series} of {project} has a verdict but no point in the store; save its points first"
            )
        rule = _rule_id(verdict.rule)
        finding = 1 if verdict.status in _FINDINGS else 0
        new[number, start, series, rule] = (number, start, series, rule, verdict.rule, finding, *answer(verdict))
    old = _stored(connection, number, sorted(starts), scopes)
    names.save_intervals(connection, number, intervals)
    delete(connection, tables.verdicts, _KEY, [key for key in old if key not in new])
    upsert(connection, tables.verdicts, [row for key, row in new.items() if old.get(key) != row])
    worst = standing.worst(new.values())
    standing.tally(connection, number, known, starts, verdicts=worst, scopes=scopes)
    newest.note(connection, number, known, starts, verdicts=worst, scopes=scopes)


def read(
    connection: Connection,
    names: Names,
    project: str,
    *,
    intervals: Sequence[Interval] | None,
    findings_only: bool,
    series: Collection[SeriesKey] | None,
) -> list[Verdict]:
    """The verdicts, by interval, series and rule."""
    number, columns = project_id(project), tables.verdicts.c
    conditions = [columns.project_id == number]
    if intervals is not None:
        conditions.append(columns.start.in_([epoch(interval) for interval in intervals]))
    wanted = None if series is None else {names.series_id(key) for key in series}
    if wanted is not None:
        few = in_few(columns.series_id, sorted(wanted))
        if few is not None:
            conditions.append(few)
            if intervals is None:  # the key begins with the interval: name all, and no other series' row is read
                own = tables.intervals.c
                conditions.append(columns.start.in_(sa.select(own.start).where(own.project_id == number)))
    if findings_only and connection.dialect.name != "sqlite":
        conditions.append(_IS_FINDING)
    query = sa.select(tables.verdicts)
    if findings_only and connection.dialect.name == "sqlite":
        # Keys first: the findings' index holds them, and SQLite would else walk through all verdicts. PostgreSQL uses
        # the index by itself, and would compare each with each while it knows nothing of a new table's size.
        key = tables.verdicts.primary_key.columns
        keys = sa.select(*key).where(*conditions, _IS_FINDING).subquery("keys")
        query = query.join(keys, sa.and_(*(column == keys.c[column.name] for column in key)))
    else:
        query = query.where(*conditions)
    known = names.known(connection, number)
    rows = [row for row in connection.execute(query) if wanted is None or row[2] in wanted]
    when = names.intervals(connection, number, {row[1] for row in rows})
    found = [to_verdict(known.by_id[row[2]].key, when[row[1]], row[4], *row[6:]) for row in rows]
    found.sort(key=lambda verdict: (verdict.interval.start, verdict.series, verdict.rule))
    return found


# There are tens of thousands at once, and an enumeration takes its time to find a member by its value.
_STATUS: Final = {one.value: one for one in Status}
_SEVERITY: Final = {one.value: one for one in Severity}


def answer(verdict: Verdict) -> Row:
    """The columns of `tables._verdict_columns`. NaN becomes None: no database gives NaN back."""
    return (
        verdict.status.value,
        _number(verdict.value),
        verdict.sentence,
        None if verdict.severity is None else verdict.severity.value,
        _number(verdict.expected),
        _number(verdict.lower),
        _number(verdict.upper),
        _number(verdict.score),
        verdict.why or None,
    )


def to_verdict(series: SeriesKey, interval: Interval, rule: str, *answered: Any) -> Verdict:
    """The inverse of `answer`."""
    status, value, sentence, severity, expected, lower, upper, score, why = answered
    return Verdict(
        series, interval, rule, _STATUS[status], value, sentence,
        None if severity is None else _SEVERITY[severity], expected, lower, upper, score, why or "",
    )  # fmt: skip


def _number(value: float | None) -> float | None:
    return value if value == value else None  # noqa: PLR0124


def _stored(
    connection: Connection, project: int, starts: Sequence[int], scopes: Collection[str] | None
) -> dict[Row, Row]:
    columns, series = tables.verdicts.c, tables.series.c
    query = sa.select(tables.verdicts).where(columns.project_id == project, columns.start.in_(starts))
    if scopes is not None:
        of_scopes = sa.select(series.id).where(series.project_id == project, series.scope.in_(sorted(scopes)))
        query = query.where(columns.series_id.in_(of_scopes))
    rows = {}
    for raw in fetch(connection, query):
        rule, sentence, why = raw[4], raw[8], raw[-1]
        row = raw
        if "\\" in rule or "\\" in sentence or "\\" in (why or ""):
            row = (*raw[:4], unescape(rule), *raw[5:8], unescape(sentence), *raw[9:-1], why and unescape(why))
        rows[row[:4]] = row
    return rows
