"""A store as a large installation has it after a year: made by the database itself, so that it takes minutes.

Every tenth project is measured for 1,000 days, the others for as many as are left of the points wanted. Values are a
weekly rhythm with noise; one verdict in 200 is an anomaly. The same numbers come out every time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import Any

import sqlalchemy as sa

from lupus.model import Interval, Series, SeriesKey
from lupus.store import listings, newest, open_store, tables
from lupus.store.bulk import upsert
from lupus.store.names import project_id
from lupus.store.tables import hash_id

LAST = datetime(2026, 11, 28, tzinfo=UTC)
LONG_DAYS = 1000
_METRICS = ("mean", "std", "null_ratio", "p01", "p25", "p50", "p75", "p99", "distinct", "js")
_SEGMENTS = ("", "country=JP", "country=TW", "country=TH", "country=ID")
_ANOMALIES = 200


@dataclass(frozen=True, slots=True)
class Size:
    """How much to make."""

    name: str
    projects: int
    series: int  # in each project
    points: int

    @property
    def long(self) -> int:
        """Projects that are measured for `LONG_DAYS`."""
        return max(1, self.projects // 20)

    @property
    def short_days(self) -> int:
        rest = self.points - self.long * LONG_DAYS * self.series
        return max(60, rest // max(1, (self.projects - self.long) * self.series))

    def days(self, number: int) -> int:
        return LONG_DAYS if number < self.long else self.short_days


FULL = Size("full", 100, 1000, 20_000_000)
SMALL = Size("small", 5, 100, 150_000)


def project_name(number: int) -> str:
    return f"bench-{number:03}"


def generate(url: str, size: Size) -> float:
    """Fill the empty store at `url`; seconds that it took."""
    started = time.perf_counter()
    with open_store(url) as store:
        for number in range(size.projects):
            _names(store, size, number)
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _hurry)
    by_series = [index for table in (tables.points, tables.verdicts) for index in table.indexes if _is_by_series(index)]
    try:
        with engine.begin() as connection:
            for index in by_series:  # made at the end: sorting is much faster than putting each row in its place
                index.drop(connection)
        for number in range(size.projects):
            with engine.begin() as connection:
                _rows(connection, project_id(project_name(number)))
            if number % 10 == 9:
                print(f"  {number + 1} of {size.projects} projects, {time.perf_counter() - started:.0f} s", flush=True)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                _run(connection, "SET LOCAL maintenance_work_mem = '1GB'")
            for index in by_series:
                index.create(connection)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _run(connection, "ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM ANALYZE")
    finally:
        engine.dispose()
    return time.perf_counter() - started


def _hurry(connection: Any, _record: Any) -> None:
    """No care for a lost power supply: what is half made is made again."""
    for pragma in ("synchronous = OFF", "cache_size = -262144", "temp_store = FILE"):
        connection.execute(f"PRAGMA {pragma}")


def _is_by_series(index: sa.Index) -> bool:
    return str(index.name).endswith("_by_series")


def _keys(project: str, count: int) -> Iterator[Series]:
    """`count` series: columns of two tables by metric and segment, and the model's quality."""
    for column, metric, segment in islice(product(range(10_000), _METRICS, _SEGMENTS), count):
        if column == 0:
            yield Series(SeriesKey(project, "prediction", "score", f"quality_{metric}", segment), "evaluation", "")
        else:
            table, group = ("data", "input") if column % 3 else ("prediction", "prediction")
            yield Series(SeriesKey(project, table, f"column_{column:03}", metric, segment), group, "")


def _names(store: object, size: Size, number: int) -> None:
    """The project, its intervals and its series."""
    name = project_name(number)
    first = LAST - timedelta(days=size.days(number) - 1)
    days = [first + timedelta(days=day) for day in range(size.days(number))]
    intervals = [Interval(day, day + timedelta(days=1), day.date().isoformat()) for day in days]
    roles = [
        {"name": "data", "role": "data", "source": "sql"},
        {"name": "prediction", "role": "prediction", "source": "sql"},
    ]
    about = {"timezone": "UTC", "tables": roles, "description": "made for the benchmark", "rules": [], "tags": []}
    store.save_project(name, owner="bench", cadence="daily", about=about)  # type: ignore[attr-defined]
    own = project_id(name)
    with store._database.writing(own) as connection:  # type: ignore[attr-defined]
        rows = [(own, int(i.start.timestamp()), int(i.end.timestamp()), i.key, 1) for i in intervals]
        upsert(connection, tables.intervals, rows)
        series = []
        for one in _keys(name, size.series):
            key = one.key
            scope = "evaluation" if one.group == "evaluation" else f"table:{key.table}"
            series.append((key.id, own, key.table, key.column, key.metric, key.segment, one.group, "", {}, scope))
        upsert(connection, tables.series, series)
        listings.rebuild(connection, own)
        last = rows[-1][1]
        stages = [
            (
                own,
                last,
                stage,
                "ok",
                "",
                int((LAST.timestamp() + 90_000 + at) * 1e6),
                int((LAST.timestamp() + 90_005 + at) * 1e6),
            )
            for at, stage in enumerate(("extract", "validate", "measure", "judge", "act"))
        ]
        upsert(connection, tables.runs, stages)


def _rows(connection: sa.Connection, project: int) -> None:
    """Points, verdicts, tallies and newest verdicts of one project."""
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        _run(connection, "SET session_replication_role = replica")  # the keys are right by construction
    noise = "((s.id / 1024 + i.start / 86400 * 7919) % 1000)"
    wave = "(100.0 + 10.0 * ((i.start / 86400) % 7))"
    odd = f"((s.id / 4096 + i.start / 86400 * 104729) % {_ANOMALIES} = 0)"
    value = f"({wave} + {noise} / 100.0 + CASE WHEN {odd} THEN 60.0 ELSE 0.0 END)"
    source = "FROM intervals i JOIN series s ON s.project_id = i.project_id "
    source += f"WHERE i.project_id = {project} ORDER BY i.start, s.id"
    said = f"CASE WHEN {odd} THEN 'is above' ELSE 'is within' END || ' 95–125, expected from the last 28 days'"
    _run(
        connection,
        "INSERT INTO points (project_id, start, series_id, value, n) "
        f"SELECT i.project_id, i.start, s.id, {value}, 1000 {source}",
    )
    rule = hash_id("recent_average")
    _run(
        connection,
        "INSERT INTO verdicts (project_id, start, series_id, rule_id, rule, finding, status, value, sentence, "
        "severity, expected, lower, upper, score) "
        f"SELECT i.project_id, i.start, s.id, {rule}, 'recent_average', CASE WHEN {odd} THEN 1 ELSE 0 END, "
        f"CASE WHEN {odd} THEN 'anomaly' ELSE 'ok' END, {value}, "
        f"{said}, "
        f"CASE WHEN {odd} THEN 'high' END, {wave} + 5.0, {wave} - 5.0, {wave} + 15.0, "
        f"CASE WHEN {odd} THEN 3.0 + {noise} / 100.0 ELSE {noise} / 1001.0 END {source}",
    )
    last = connection.execute(sa.text(
        "SELECT series_id, start, status, severity, score, value, expected FROM verdicts "
        f"WHERE project_id = {project} AND start = (SELECT max(start) FROM intervals WHERE project_id = {project})"
    ))  # fmt: skip
    newest.add(connection, project, newest.packed([tuple(row) for row in last]))
    counts = ", ".join(
        f"sum(CASE WHEN v.status = '{status}' THEN 1 ELSE 0 END)"
        for status in ("immature", "ok", "warn", "no_data", "error", "anomaly")
    )
    _run(
        connection,
        'INSERT INTO tallies (project_id, start, cell, scope, "group", "table", "column", immature, ok, warn, no_data, '
        f'error, anomaly, score) SELECT v.project_id, v.start, min(s.id), s.scope, s."group", s."table", s."column", '
        f"{counts}, max(v.score) FROM verdicts v JOIN series s ON s.id = v.series_id WHERE v.project_id = {project} "
        'GROUP BY v.project_id, v.start, s.scope, s."group", s."table", s."column"',
    )
    _run(connection, f"UPDATE projects SET touched = {project % 1000003 + 1}, stamp = 1 WHERE id = {project}")


def _run(connection: sa.Connection, statement: str) -> None:
    connection.execute(sa.text(statement))
