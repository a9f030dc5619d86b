"""Exclusions: what belongs to no baseline, in one place for all who leave something out and all who learn.

Those that follow from something else (an incident's outcome, a validation) are written in the transaction that writes
what they follow from, so the two never differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace as replaced
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import (
    WHOLE,
    Exclusion,
    ExclusionReason,
    History,
    Incident,
    Interval,
    SeriesKey,
    StoreError,
    Validation,
    exclusions_of,
)
from lupus.store import tables
from lupus.store.bulk import delete, upsert
from lupus.store.names import Names, end_epoch, epoch, project_id

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OF_INCIDENTS: Final = tuple(
    reason.value
    for reason in (
        ExclusionReason.FIXED,
        ExclusionReason.EXPECTED,
        ExclusionReason.MUTED,
        ExclusionReason.NEW_NORMAL,
    )
)
_OF_JUDGE: Final = (ExclusionReason.LEVEL_ACCEPTED, ExclusionReason.BEFORE_START)
_BY_HAND: Final = (ExclusionReason.LEFT_OUT, ExclusionReason.KEPT)


def follow_incident(connection: Connection, incident: Incident) -> None:
    """Write what the judgement or mute of `incident` leaves out, in place of what it did before."""
    forget_incident(connection, incident.id)
    _write(connection, exclusions_of(incident))


def forget_incident(connection: Connection, incident: str) -> None:
    columns = tables.exclusions.c
    connection.execute(
        sa.delete(tables.exclusions).where(columns.source == incident, columns.reason.in_(_OF_INCIDENTS))
    )


def follow_validation(
    connection: Connection, project: int, table: str, interval: Interval, validation: Validation | None
) -> None:
    """Leave `table` out at `interval` when its `validation` failed critically, else no longer."""
    columns = tables.exclusions.c
    connection.execute(
        sa.delete(tables.exclusions).where(
            columns.project_id == project,
            columns.reason == ExclusionReason.INVALID.value,
            columns.table == table,
            columns.begins == epoch(interval),
            columns.ends == end_epoch(interval),
        )
    )
    failed = validation.critical_failures if validation is not None else ()
    if validation is not None and failed:
        note = ", ".join(one.id for one in failed)
        whole = Exclusion(
            validation.project, ExclusionReason.INVALID, interval.start, interval.end, table, source=table, note=note
        )
        _write(connection, [whole])


def follow_judge(connection: Connection, project: str, interval: Interval, exclusions: Sequence[Exclusion]) -> None:
    """Make `exclusions` all that the judge's run of `interval` leaves out.

    That are levels that it accepts, which count since its end, and what lies before the project's start, if anything
    does.
    """
    wrong = [one for one in exclusions if one.reason not in _OF_JUDGE or one.since not in (None, interval.end)]
    if wrong:
        raise StoreError(f"the judge of {interval} leaves out levels that count since its end, got {wrong[0]}")
    number, columns, known = project_id(project), tables.exclusions.c, tables.intervals.c
    since = sa.or_(columns.counts_since.is_(None), columns.counts_since == end_epoch(interval))
    mine = sa.and_(columns.project_id == number, columns.reason.in_([one.value for one in _OF_JUDGE]), since)
    earlier = sa.select(known.start).where(known.project_id == number).order_by(known.start).limit(1)
    first = connection.execute(earlier).scalar()
    wanted = [one for one in exclusions if one.restart or (first is not None and first < _seconds(one.end))]
    rows = {row[0]: row for row in map(_row, wanted)}
    old = {row[0]: tuple(row) for row in connection.execute(sa.select(tables.exclusions).where(mine))}
    delete(connection, tables.exclusions, ("id",), [(one,) for one in old if one not in rows])
    upsert(connection, tables.exclusions, [row for key, row in rows.items() if old.get(key) != row])


def add(connection: Connection, names: Names, exclusion: Exclusion) -> None:
    """Write what a person leaves out or keeps."""
    if exclusion.reason not in _BY_HAND or not exclusion.source:
        raise StoreError(f"by hand a person's name and {' or '.join(_BY_HAND)} are needed, got {exclusion}")
    names.save_project(connection, exclusion.project)
    _write(connection, [exclusion])


def remove(connection: Connection, exclusion: str) -> None:
    """Take back what a person has left out or kept; `StoreError` for any other."""
    columns = tables.exclusions.c
    done = connection.execute(
        sa.delete(tables.exclusions).where(columns.id == exclusion, columns.reason.in_([one.value for one in _BY_HAND]))
    )
    if not done.rowcount:
        raise StoreError(f"{exclusion} was not made by hand; to overrule it, keep its points by hand")


def read(
    connection: Connection, project: str, *, first: Interval | None = None, last: Interval | None = None
) -> list[Exclusion]:
    """The project's exclusions about intervals from `first` to `last`, oldest first."""
    columns = tables.exclusions.c
    conditions = [columns.project_id == project_id(project)]
    if first is not None:
        conditions.append(columns.ends > epoch(first))
    if last is not None:
        conditions.append(sa.or_(columns.begins.is_(None), columns.begins <= epoch(last)))
    query = sa.select(tables.exclusions).where(*conditions).order_by(columns.ends, columns.begins, columns.id)
    return [_exclusion(project, row) for row in connection.execute(query)]


def read_one(connection: Connection, exclusion: str) -> Exclusion:
    """The exclusion with this id; `StoreError` when there is none."""
    mine = tables.exclusions.c.id == exclusion
    row = connection.execute(sa.select(tables.exclusions).where(mine)).first()
    if row is None:
        raise StoreError(f"there is no exclusion {exclusion!r}; `lupus exclusions PROJECT` lists them")
    names = sa.select(tables.projects.c.name).where(tables.projects.c.id == row.project_id)
    return _exclusion(connection.execute(names).scalar_one(), row)


def _exclusion(project: str, row: Any) -> Exclusion:
    return Exclusion(
        project, ExclusionReason(row.reason), _instant(row.begins), _EPOCH + timedelta(seconds=row.ends),
        row.table, row.column, row.metric, row.segment, _instant(row.counts_since), row.source, row.note,
    )  # fmt: skip


def exclude(history: History, exclusions: Sequence[Exclusion]) -> History:
    """`history` with `excluded` and `since` as `exclusions` say. What a person keeps is in, whatever else is said."""
    shape = (len(history.series), len(history.intervals))
    starts = np.array([epoch(interval) for interval in history.intervals], dtype=np.int64)
    rows_of = {one.key: row for row, one in enumerate(history.series)}
    kept = [one for one in exclusions if one.reason is ExclusionReason.KEPT]
    excluded = np.zeros(shape, dtype=np.bool_)
    since = np.zeros(shape, dtype=np.int64)
    for one in exclusions:
        rows = _rows(history, rows_of, one)
        columns = slice(
            0 if one.start is None else int(np.searchsorted(starts, _seconds(one.start))),
            int(np.searchsorted(starts, _seconds(one.end))),
        )
        if one.since is not None:
            from_column = int(np.searchsorted(starts, _seconds(one.since)))
            last = one.end - timedelta(seconds=1)
            own = [
                row
                for row in rows
                if not any(other.about(history.series[row].key) and other.covers(last) for other in kept)
            ]
            since[own, from_column:] = np.maximum(since[own, from_column:], columns.stop)
        elif one.reason is not ExclusionReason.KEPT:
            excluded[rows, columns] = True
    for one in kept:
        columns = slice(
            0 if one.start is None else int(np.searchsorted(starts, _seconds(one.start))),
            int(np.searchsorted(starts, _seconds(one.end))),
        )
        excluded[_rows(history, rows_of, one), columns] = False
    return replaced(history, excluded=excluded, since=since if since.any() else None)


def columns_excluded(
    connection: Connection, names: Names, project: str, intervals: Sequence[Interval]
) -> set[tuple[Interval, str, str]]:
    """(interval, table, column) of what is learnt nothing from; the column `WHOLE` stands for all of the table.

    A restart is a matter of the series, whose level is another one, and not of the columns.
    """
    if not intervals:
        return set()
    found = read(connection, project, first=min(intervals), last=max(intervals))
    kept = [one for one in found if one.reason is ExclusionReason.KEPT]
    excluded: set[tuple[Interval, str, str]] = set()
    for one in found:
        narrow = one.column is None and (one.metric is not None or one.segment is not None)
        if one.restart or narrow or one.reason is ExclusionReason.KEPT:
            continue
        over = [other for other in kept if _wider(other, one)]
        for interval in intervals:
            if one.covers(interval.start) and not any(other.covers(interval.start) for other in over):
                on = [one.table] if one.table is not None else _tables(connection, names, project)
                excluded |= {(interval, table, one.column or WHOLE) for table in on}
    return excluded


def _rows(history: History, rows_of: dict[SeriesKey, int], exclusion: Exclusion) -> list[int]:
    parts = (exclusion.table, exclusion.column, exclusion.metric, exclusion.segment)
    if None not in parts:
        key = SeriesKey(exclusion.project, *(part or "" for part in parts))
        return [rows_of[key]] if key in rows_of else []
    return [row for row, one in enumerate(history.series) if exclusion.about(one.key)]


def _wider(kept: Exclusion, exclusion: Exclusion) -> bool:
    """Whether all series of `exclusion` are among those of `kept`."""
    parts = ("table", "column", "metric", "segment")
    return all(getattr(kept, part) in (None, getattr(exclusion, part)) for part in parts)


def _tables(connection: Connection, names: Names, project: str) -> list[str]:
    return sorted({one.key.table for one in names.known(connection, project_id(project)).by_id.values()})


def _write(connection: Connection, exclusions: Iterable[Exclusion]) -> None:
    upsert(connection, tables.exclusions, list({one.id: _row(one) for one in exclusions}.values()))


def _row(one: Exclusion) -> tuple[Any, ...]:
    return (
        one.id, project_id(one.project), one.reason.value, None if one.start is None else _seconds(one.start),
        _seconds(one.end), one.table, one.column, one.metric, one.segment,
        None if one.since is None else _seconds(one.since), one.source, one.note,
    )  # fmt: skip


def _seconds(instant: datetime) -> int:
    return int((instant - _EPOCH).total_seconds())


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else _EPOCH + timedelta(seconds=seconds)
