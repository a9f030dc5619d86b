"""Slices that stay in PostgreSQL: cut like any other, only read, and clear about what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from lupus.extract import Waiting, extract_table, load_snapshot, slice_of
from lupus.extract.databases import opened_database
from lupus.extract.in_place import placed
from lupus.measure import measure_table
from lupus.model import (
    Cadence,
    CadenceKind,
    Connection,
    ConnectionNotUsableError,
    ExtractError,
    Interval,
    MetricsPolicy,
    Project,
    Ready,
    Role,
    Snapshot,
    SnapshotStatus,
    SqlDerivation,
    SqlSource,
    Table,
)
from lupus.stages.in_place import engine_in_place

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

DAILY = Cadence(CadenceKind.DAILY, timezone="America/New_York")
HOURLY = Cadence(CadenceKind.HOURLY, timezone="America/New_York")
DAY = DAILY.parse("2026-03-08")  # it has 23 hours in New York
LATER = datetime(2027, 1, 1, tzinfo=UTC)
EVIL = 'e"vil; DROP TABLE rows; -- 🦊'
ROWS = f"""
CREATE TABLE rows (id INTEGER, day DATE, wall TIMESTAMP, instant TIMESTAMPTZ, amount NUMERIC, word TEXT, "{EVIL.replace('"', '""')}" FLOAT);
INSERT INTO rows SELECT i, DATE '2026-03-07' + i / 24, TIMESTAMP '2026-03-07 00:30:00' + i * INTERVAL '1 hour',
    TIMESTAMPTZ '2026-03-07 00:30:00-05:00' + i * INTERVAL '1 hour', i / 7.0, 'word' || (i % 3)::TEXT, i
FROM generate_series(0, 71) AS s(i);
"""  # noqa: E501


class Given(dict[str, Connection]):
    """Connections from a dict."""

    def get(self, name: str) -> Connection:  # type: ignore[override]
        if name not in self:
            raise ConnectionNotUsableError(f"connection {name!r} is not defined")
        return self[name]


@pytest.fixture
def url(postgres_url: str) -> str:
    """A database with three days of rows, a row an hour."""
    engine = sa.create_engine(postgres_url)
    with engine.begin() as session:
        session.exec_driver_sql(ROWS.replace("%", "%%"))
    engine.dispose()
    return postgres_url


Extract = Callable[..., Snapshot | Waiting]


@pytest.fixture
def extract(url: str, tmp_path: Path) -> Extract:
    """Extracts the table `rows`, or another source."""

    def one(source: SqlSource, *, interval: Interval = DAY, cadence: Cadence = DAILY, **more: Any) -> Any:
        now = more.pop("now", LATER)
        table = Table("data", Role.DATA, source, **{"timezone": "America/New_York", "in_place": True, **more})
        start = datetime(2026, 1, 1, tzinfo=UTC)
        project = Project("p", "me", cadence, start, (table,))
        given = Given(db=Connection("db", url=url))
        return extract_table(project, table, interval, root=tmp_path / "snapshots", connections=given, now=now)

    return one


TABLE = SqlSource("db", table="rows")


def looked_at(derived: tuple[SqlDerivation, ...]) -> tuple[Project, Table]:
    """The table `rows` with derived columns, in its project."""
    table = Table("data", Role.DATA, TABLE, time="day", in_place=True, derived=derived)
    return Project("p", "me", DAILY, datetime(2026, 1, 1, tzinfo=UTC), (table,)), table


def test_an_error_while_the_slice_is_looked_at_is_one_of_extraction(url: str) -> None:
    project, table = looked_at((SqlDerivation("no number", "CAST(word AS INTEGER)"),))
    given = Given(db=Connection("db", url=url))
    with (
        pytest.raises(ExtractError, match="connection 'db' refused"),
        placed(slice_of(project, table, DAY), given) as one,
        one.apart(),
    ):
        one.rows["no number"].sum().to_pyarrow()
    with engine_in_place(project, [snapshot_of(project, table, given)], given) as (engine, (now,)):
        measures = measure_table(project, table, now, (), engine=engine, slice_=engine.source(now))
    failed = {point.series.key.column for point in measures.points if point.failure is not None}
    assert "no number" in failed
    assert "amount" not in failed


def snapshot_of(project: Project, table: Table, given: Given) -> Snapshot:
    with TemporaryDirectory() as folder:
        snapshot = extract_table(project, table, DAY, root=Path(folder), connections=given, now=LATER)
    assert isinstance(snapshot, Snapshot)
    return snapshot


def ids(url: str, source: SqlSource, **more: Any) -> list[int]:
    """The ids of the rows in the slice."""
    cadence, interval = more.pop("cadence", DAILY), more.pop("interval", DAY)
    table = Table("data", Role.DATA, source, **{"timezone": "America/New_York", "in_place": True, **more})
    project = Project("p", "me", cadence, datetime(2026, 1, 1, tzinfo=UTC), (table,))
    with placed(slice_of(project, table, interval), Given(db=Connection("db", url=url))) as found:
        return sorted(found.rows.select("id").to_pyarrow()["id"].to_pylist())


HOUR = HOURLY.parse("2026-03-08T06Z")  # one o'clock in New York, the last hour before the clocks go forward


@pytest.mark.parametrize(
    ("column", "cadence", "interval", "rows"),
    [
        ("day", DAILY, DAY, 24),
        ("wall", DAILY, DAY, 24),
        ("instant", DAILY, DAY, 23),
        ("wall", HOURLY, HOUR, 2),
        ("wall", HOURLY, HOURLY.next(HOUR), 1),
        ("instant", HOURLY, HOUR, 1),
        ("instant", HOURLY, HOURLY.next(HOUR), 1),
    ],
)
def test_an_interval_has_the_rows_that_its_snapshot_has(  # noqa: PLR0917 - a table
    url: str, column: str, cadence: Cadence, interval: Interval, rows: int, tmp_path: Path
) -> None:
    table = Table("data", Role.DATA, TABLE, time=column, timezone="America/New_York")
    project = Project("p", "me", cadence, datetime(2026, 1, 1, tzinfo=UTC), (table,))
    given = Given(db=Connection("db", url=url))
    copied = extract_table(project, table, interval, root=tmp_path / "copied", connections=given, now=LATER)
    assert isinstance(copied, Snapshot)
    assert copied.path
    expected = sorted(pq.read_table(copied.path)["id"].to_pylist())
    assert len(expected) == rows
    assert ids(url, TABLE, time=column, cadence=cadence, interval=interval) == expected


def test_a_query_gets_its_parameters_and_slices_itself(url: str) -> None:
    query = (
        r"SELECT id, word FROM rows WHERE instant >= :start AND instant < :end AND word <> ':no' AND ':interval' <> ''"
    )
    query = query.replace("':interval'", ":interval").replace("':no'", r"'\:no'")
    assert ids(url, SqlSource("db", query=query)) == list(range(24, 47))
    assert ids(
        url, SqlSource("db", query="SELECT * FROM rows WHERE day >= :start_date AND day < :end_date -- all")
    ) == (list(range(24, 48)))


def test_what_is_kept_of_a_slice(extract: Extract, url: str, tmp_path: Path) -> None:
    derived = (
        SqlDerivation("half", "amount / 2"),
        SqlDerivation("by zero", "amount / (id - 30)"),
        SqlDerivation("no number", "CAST(word AS INTEGER)"),
        SqlDerivation("Wörd", "upper(word) || '!'"),
        SqlDerivation("gone", "nothing + 1"),
        SqlDerivation("evil", "pg_read_file('x')"),
        SqlDerivation(EVIL + "2", f'"{EVIL.replace(chr(34), chr(34) * 2)}" * 2'),
    )
    snapshot = extract(TABLE, time="day", exclude=("wall",), derived=derived)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.status, snapshot.rows, snapshot.path, snapshot.in_place) == (SnapshotStatus.OK, 24, None, True)
    assert snapshot.usable
    schema = dict(snapshot.schema)
    assert set(schema) == {
        "id",
        "day",
        "instant",
        "amount",
        "word",
        EVIL,
        "half",
        "by zero",
        "no number",
        "Wörd",
        EVIL + "2",
    }
    assert schema["half"] == "double"
    assert schema["Wörd"] == "string"
    reasons = dict(snapshot.failures)
    assert set(reasons) == {"gone", "evil"}
    assert "unknown column 'nothing'" in reasons["gone"]
    assert "no function pg_read_file" in reasons["evil"]
    assert load_snapshot(tmp_path / "snapshots", "p", "data", DAY) == snapshot
    assert not list(tmp_path.rglob("*.parquet"))
    with placed(slice_of(*looked_at(derived), DAY), Given(db=Connection("db", url=url))) as found:
        assert found.rows["by zero"].isnull().sum().to_pyarrow().as_py() == 1
    again = extract(TABLE, time="day", exclude=("wall",), derived=derived)
    assert isinstance(again, Snapshot)
    assert again.content_hash == snapshot.content_hash
    other = extract(TABLE, time="day", derived=derived)
    assert isinstance(other, Snapshot)
    assert other.content_hash != snapshot.content_hash


def test_few_rows_are_waited_for_and_then_missed(extract: Extract) -> None:
    deadline = datetime(2026, 3, 9, 13, tzinfo=UTC)  # nine o'clock in New York, in summer time by then
    ready = Ready(min_rows=25, by=time(9))
    early = extract(TABLE, time="day", ready=ready, now=deadline - timedelta(hours=1))
    assert isinstance(early, Waiting)
    late = extract(TABLE, time="day", ready=ready, now=deadline)
    assert isinstance(late, Snapshot)
    assert (late.status, late.rows, late.usable) == (SnapshotStatus.NO_DATA, 24, False)
    assert late.reason == "data has 24 rows for 2026-03-08; at least 25 are expected"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"source": SqlSource("db", table="rowz"), "time": "day"}, "unknown table 'rowz'; did you mean 'rows'?"),
        ({"time": "dya"}, "unknown time column 'dya'; did you mean 'day'?"),
        ({"time": "word"}, "in place it must be a date or a timestamp"),
        ({"source": SqlSource("db", query="SELECT nonsense FROM rows")}, "nonsense"),
        ({"source": SqlSource("db", query="SELECT 1 WHERE :strat")}, "the query has the parameter :strat"),
        ({"source": SqlSource("db", query="SELECT 1 AS x"), "columns": ("none",)}, "no column is left"),
    ],
)
def test_what_cannot_be_is_an_error_with_words(extract: Extract, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ExtractError) as caught:
        extract(more.pop("source", TABLE), **more)
    assert words in str(caught.value)
    assert str(caught.value).startswith("p/data 2026-03-08: ")


def test_nothing_can_be_written(url: str) -> None:
    with opened_database(Connection("db", url=url), "test") as backend:
        for statement in ("CREATE TABLE mine (x INTEGER)", "DELETE FROM rows", "CREATE TEMP TABLE mine (x INTEGER)"):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), backend.con.transaction():
                backend.con.execute(statement)
    writing = SqlSource("db", query="DELETE FROM rows RETURNING id")
    with pytest.raises(ExtractError):
        ids(url, writing)
    assert len(ids(url, TABLE, time="day")) == 24


@pytest.fixture
def unreachable() -> Connection:
    return Connection("db", url="postgresql+psycopg://me:s3cr3t@127.0.0.1:1/none?connect_timeout=1")


def test_a_database_that_is_not_there_is_named_without_its_password(unreachable: Connection) -> None:
    table = Table("data", Role.DATA, TABLE, time="day", in_place=True)
    project = Project("p", "me", DAILY, datetime(2026, 1, 1, tzinfo=UTC), (table,))
    with (
        pytest.raises(ExtractError, match="connection 'db'") as caught,
        placed(slice_of(project, table, DAY), Given(db=unreachable)),
    ):
        pass
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_connection_that_is_not_defined_is_an_error_of_its_table() -> None:
    project, table = looked_at(())
    with pytest.raises(ExtractError, match="p/data 2026-03-08: connection 'db' is not defined"):  # noqa: SIM117
        with placed(slice_of(project, table, DAY), Given()):
            pass


@pytest.mark.parametrize("scheme", ["sqlite", "mysql+pymysql", "mariadb+pymysql", "duckdb"])
def test_databases_that_cannot_measure_are_refused(scheme: str) -> None:
    connection = Connection("db", url=f"{scheme}://me@127.0.0.1/none")
    with pytest.raises(ExtractError, match="cannot measure a table in place"), opened_database(connection, "p/data"):
        pass


ODD = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE odd AS SELECT DATE '2026-03-08' AS day, i AS id, ARRAY[i::float, 1.5] AS vectors, ARRAY[i, 2] AS lists,
    '{"a":1}'::jsonb AS document, gen_random_uuid() AS unique_id,
    (CASE WHEN i % 2 = 0 THEN 'sad' ELSE 'ok' END)::mood AS mood, INTERVAL '1 day' AS span, TIME '10:00' AS clock,
    'ab'::bytea AS bytes, '10.0.0.1'::inet AS address, i::numeric AS number, (i / 3.0)::numeric(12, 3) AS price,
    point(1, 2) AS place, MONEY '1.5' AS cash, 'NaN'::float AS nan, 'infinity'::float AS infinite, NULL::int AS nothing
FROM generate_series(1, 200) AS s(i);
"""


def test_columns_of_every_type_are_measured_or_say_why_not(postgres_url: str, tmp_path: Path) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as session:
        session.exec_driver_sql(ODD.replace("%", "%%"))
    engine.dispose()
    table = Table("data", Role.DATA, SqlSource("db", table="odd"), time="day", key=("id",), in_place=True)
    policy = MetricsPolicy(segment_metrics=("rows",))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    project = Project("p", "me", DAILY, start, (table,), segments=(("mood",),), metrics=policy)
    given = Given(db=Connection("db", url=postgres_url))
    snapshot = extract_table(project, table, DAY, root=tmp_path, connections=given, now=LATER)
    assert isinstance(snapshot, Snapshot)
    assert [name for name, _ in snapshot.failures] == ["place"]
    with engine_in_place(project, [snapshot], given) as (backend, (now,)):
        measures = measure_table(project, table, now, (), engine=backend, slice_=backend.source(now))
    assert len(backend.queries) == 2, "one for the grids of a first slice, one for all"
    points = [one for one in measures.points if not one.series.key.segment]
    values = {(one.series.key.column, one.series.key.metric): one.value for one in points}
    assert {(name, "null_ratio") for name, _ in snapshot.schema} <= values.keys()
    expected = {
        ("lists", "length_mean"): 2,
        ("document", "distinct"): 1,
        ("unique_id", "distinct"): 200,
        ("mood", "top_share"): 0.5,
        ("cash", "distinct"): 1,
        ("number", "mean"): 100.5,
        ("price", "mean"): 33.5,
        ("nan", "nan_ratio"): 1,
        ("infinite", "inf_ratio"): 1,
        ("nothing", "null_ratio"): 1,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert {
        one.series.key.column for one in points if one.failure and "where the table lies" in one.failure.reason
    } == {"vectors"}
    segments = {one.series.key.segment for one in measures.points} - {""}
    assert segments == {"mood=ok", "mood=sad"}
