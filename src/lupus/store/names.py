"""Names: projects, intervals and series as the store knows them, with what one process remembers of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from lupus.model import Interval, Series, SeriesKey, StoreError
from lupus.store import listings, tables
from lupus.store.bulk import upsert
from lupus.store.tables import hash_id
from lupus.store.text import encode

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FEW: Final = 500
"""Up to so many values go into one IN list; more are filtered here."""

# Every transaction asks these, a run more than a hundred times. They are put together once: that takes SQLAlchemy as
# long as running them.
_OF_PROJECT: Final = tables.projects.c.id == sa.bindparam("b_project")
_NAME: Final = sa.select(tables.projects.c.name).where(_OF_PROJECT)
_STAMP: Final = sa.select(tables.projects.c.stamp).where(_OF_PROJECT)
_TOUCH: Final = sa.update(tables.projects).where(_OF_PROJECT).values(touched=sa.bindparam("b_stamp"))
_TOUCH_INTERVAL: Final = (
    sa.update(tables.intervals)
    .where(
        tables.intervals.c.project_id == sa.bindparam("b_project"), tables.intervals.c.start == sa.bindparam("b_start")
    )
    .values(stamp=sa.bindparam("b_stamp"))
)


def new_stamp() -> int:
    """A number that no writer has used before."""
    return secrets.randbits(62) + 1


def touch(connection: Connection, projects: Iterable[int]) -> None:
    """Say that something that is stored of `projects` has changed."""
    for project in projects:
        connection.execute(_TOUCH, {"b_project": project, "b_stamp": new_stamp()})


def epoch(interval: Interval) -> int:
    """The interval's start in whole seconds since 1970.

    >>> epoch(Interval(_EPOCH, _EPOCH + timedelta(days=1), "1970-01-01"))
    0
    """
    return int((interval.start - _EPOCH).total_seconds())


def end_epoch(interval: Interval) -> int:
    return int((interval.end - _EPOCH).total_seconds())


@lru_cache(maxsize=50_000)
def make_interval(start: int, end: int, key: str) -> Interval:
    return Interval(_EPOCH + timedelta(seconds=start), _EPOCH + timedelta(seconds=end), key)


@lru_cache(maxsize=10_000)
def project_id(name: str) -> int:
    return hash_id(name)


@dataclass(slots=True)
class KnownSeries:
    """All series of one project, as of `stamp`. `ids` is sorted; `order` sorts it by key instead."""

    stamp: int
    by_id: dict[int, Series]
    scopes: dict[int, str]
    _ids: NDArray[np.int64] | None = None
    _order: NDArray[np.int64] | None = None

    @property
    def ids(self) -> NDArray[np.int64]:
        if self._ids is None:
            self._ids = np.array(sorted(self.by_id), dtype=np.int64)
        return self._ids

    @property
    def order(self) -> NDArray[np.int64]:
        if self._order is None:
            keys = [self.by_id[number].key for number in self.ids.tolist()]
            texts = [(k.table, k.column, k.metric, k.segment) for k in keys]
            self._order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
        return self._order


class Names:
    """Finds and writes names. What it remembers is checked against the store's stamps in every transaction."""

    def __init__(self) -> None:
        self._known: dict[int, KnownSeries] = {}
        self._ids: dict[SeriesKey, int] = {}
        # Projects and intervals are never removed, so that what has been seen once need not be looked for again.
        self._projects: dict[int, str] = {}
        self._intervals: dict[tuple[int, int], Interval] = {}

    def clear(self) -> None:
        """Forget everything: the transaction that wrote it did not come to its end."""
        self._known = {}
        self._projects = {}
        self._intervals = {}

    def series_id(self, key: SeriesKey) -> int:
        number = self._ids.get(key)
        if number is None:
            if len(self._ids) > 500_000:
                self._ids.clear()
            number = self._ids[key] = key.id
        return number

    def save_project(self, connection: Connection, name: str) -> int:
        """The id of the project `name`, which is made when it is new."""
        number = project_id(name)
        found = self._projects.get(number) or connection.execute(_NAME, {"b_project": number}).scalar()
        if found is None:
            upsert(connection, tables.projects, [(number, name, "", "", {}, 0, 0)], update=())
        elif found != name:
            raise StoreError(f"the project names {name!r} and {found!r} have the same id {number}; rename one of them")
        self._projects[number] = name
        return number

    def save_intervals(self, connection: Connection, project: int, intervals: Iterable[Interval]) -> None:
        new = {(project, epoch(i)): i for i in intervals}
        new = {key: one for key, one in new.items() if self._intervals.get(key) != one}
        rows = [(*key, end_epoch(one), one.key, 0) for key, one in new.items()]
        upsert(connection, tables.intervals, rows, update=("end", "key"))
        self._intervals |= new

    def touch(self, connection: Connection, project: int, starts: Iterable[int]) -> None:
        """Say that the points or States of the intervals at `starts` have changed."""
        for start in starts:
            connection.execute(_TOUCH_INTERVAL, {"b_project": project, "b_start": start, "b_stamp": new_stamp()})

    def intervals(self, connection: Connection, project: int, starts: Iterable[int]) -> dict[int, Interval]:
        """The intervals at `starts`, by start."""
        wanted = set(starts)
        if not wanted:
            return {}
        table = tables.intervals
        query = sa.select(table.c.start, table.c.end, table.c.key).where(
            table.c.project_id == project, table.c.start.between(min(wanted), max(wanted))
        )
        return {row[0]: make_interval(*row) for row in connection.execute(query) if row[0] in wanted}

    def known(self, connection: Connection, project: int) -> KnownSeries:
        """All series of the project, read again only when another process has changed them."""
        table = tables.series
        stamp = connection.execute(_STAMP, {"b_project": project}).scalar()
        known = self._known.get(project)
        if known is not None and known.stamp == stamp:
            return known
        known = KnownSeries(stamp or 0, {}, {})
        name = connection.execute(_NAME, {"b_project": project}).scalar()
        query = sa.select(
            table.c.id, table.c.table, table.c.column, table.c.metric, table.c.segment,
            table.c.group, table.c.unit, table.c.tags, table.c.scope,
        ).where(table.c.project_id == project)  # fmt: skip
        for number, on, column, metric, segment, group, unit, tags, scope in connection.execute(query):
            known.by_id[number] = Series(SeriesKey(name or "", on, column, metric, segment), group, unit, tags)
            known.scopes[number] = scope
        if stamp is not None:
            self._known[project] = known
        return known

    def save_series(self, connection: Connection, project: int, series: Sequence[Series], scope: str) -> list[int]:
        """The ids of `series`, after those that are new or have changed were written."""
        known = self.known(connection, project)
        ids: list[int] = []
        changed: dict[int, Series] = {}
        for one in series:
            number = self.series_id(one.key)
            ids.append(number)
            old = changed.get(number) or known.by_id.get(number)
            if old is not None and old is not one and old.key != one.key:
                raise _collision(number, old.key, one.key)
            if old is None or not _same(old, one) or known.scopes.get(number, scope) != scope:
                changed[number] = one
        if changed:
            self._write_series(connection, project, known, changed, scope)
        return ids

    def _write_series(
        self, connection: Connection, project: int, known: KnownSeries, changed: Mapping[int, Series], scope: str
    ) -> None:
        self._refuse_collisions(connection, project, [number for number in changed if number not in known.by_id])
        rows = []
        for number, one in sorted(changed.items()):
            key = one.key
            rows.append(
                (number, project, key.table, key.column, key.metric, key.segment, one.group, one.unit, one.tags, scope)
            )
        upsert(connection, tables.series, rows)
        now = {**known.by_id, **changed}
        listings.write(connection, project, map(_listed, now.items()))
        stamp = new_stamp()
        connection.execute(sa.update(tables.projects).where(tables.projects.c.id == project).values(stamp=stamp))
        # A new object, because a reader in another thread may be walking through the old one.
        self._known[project] = KnownSeries(stamp, now, {**known.scopes, **dict.fromkeys(changed, scope)})

    def _refuse_collisions(self, connection: Connection, project: int, numbers: Sequence[int]) -> None:
        """A series id that another project's series has already is a collision as well."""
        table = tables.series
        for first in range(0, len(numbers), _FEW):
            query = sa.select(table.c.id, table.c.metric).where(
                table.c.id.in_(numbers[first : first + _FEW]), table.c.project_id != project
            )
            for number, metric in connection.execute(query):
                raise StoreError(
                    f"the series id {number} is taken by another project's metric {metric!r}; rename the new series"
                )


def _listed(item: tuple[int, Series]) -> tuple[Any, ...]:
    number, one = item
    key = one.key
    return number, one.group, key.table, key.column, key.metric, key.segment, one.unit, encode(one.tags)


def _same(old: Series, new: Series) -> bool:
    return (
        old.group == new.group and old.unit == new.unit and (old.tags is new.tags or dict(old.tags) == dict(new.tags))
    )


def _collision(number: int, old: SeriesKey, new: SeriesKey) -> StoreError:
    return StoreError(f"the series {new} and {old} of {new.project} have the same id {number}; rename one of them")


def in_few(column: sa.ColumnElement[Any], values: Sequence[Any]) -> sa.ColumnElement[bool] | None:
    """``column IN values`` when these are few, else None: then the caller filters what it reads."""
    return column.in_(values) if len(values) <= _FEW else None
