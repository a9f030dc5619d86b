"""One table's extraction: waiting, no data, failures, and what is on disk afterwards."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time as clock
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from lupus.extract import (
    Waiting,
    check_connection,
    extract_table,
    failed_snapshot,
    load_snapshot,
    sample_source,
    shared_sessions,
)
from lupus.extract.snapshots import ROW_GROUP_ROWS, folder_of
from lupus.model import (
    Cadence,
    CadenceKind,
    Connection,
    ConnectionNotUsableError,
    ExtractError,
    FileFormat,
    FileSource,
    Project,
    PythonSource,
    Ready,
    Role,
    Snapshot,
    SnapshotStatus,
    Source,
    SqlSource,
    Table,
)

DAILY = Cadence(CadenceKind.DAILY, timezone="America/New_York")
DAY = DAILY.parse("2026-01-05")
LATER = datetime(2027, 1, 1, tzinfo=UTC)
PASSWORD = "s3cr3t p@ss/wörd"


class Given(dict[str, Connection]):
    """Connections from a dict."""

    def get(self, name: str) -> Connection:  # type: ignore[override]
        if name not in self:
            raise ConnectionNotUsableError(f"connection {name!r} is not defined; set LUPUS_CONN_{name.upper()}")
        return self[name]


def extract(
    root: Path,
    source: Source,
    *,
    now: datetime = LATER,
    url: str = "",
    connection: Connection | None = None,
    **table: Any,
) -> Snapshot | Waiting:
    described = Table(**{"name": "data", "role": Role.DATA, "source": source} | table)
    project = Project("wolves", "me", DAILY, datetime(2026, 1, 1, tzinfo=UTC), (described,))
    given = Given({"w": Connection("w", url)} if url else {})
    return extract_table(project, described, DAY, root=root, connections=given, now=now)


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the source `give` returns."""
    import types

    module = types.ModuleType("wolf_source")
    module.give = lambda interval, **arguments: module.result() if callable(module.result) else module.result  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wolf_source", module)

    def returning(result: Any) -> PythonSource:
        module.result = result  # type: ignore[attr-defined]
        return PythonSource("wolf_source:give")

    return returning


def table_of(rows: int) -> pa.Table:
    return pa.table({"x": pa.array(range(rows), pa.int64())})


def test_waiting_until_the_deadline(tmp_path: Path, python: Any) -> None:
    source = python(table_of(3))
    ready = Ready(min_rows=5, by=time(9, 0))
    # The day ends at midnight in New York; nine o'clock there is 14:00 UTC on the sixth.
    deadline = datetime(2026, 1, 6, 14, tzinfo=UTC)
    early = extract(tmp_path, source, now=datetime(2026, 1, 6, 8, tzinfo=UTC), ready=ready)
    reason = "data has 3 rows for 2026-01-05; at least 5 are expected"
    assert early == Waiting("data", datetime(2026, 1, 6, 8, 5, tzinfo=UTC), deadline, reason)
    just = extract(tmp_path, source, now=datetime(2026, 1, 6, 13, 58, tzinfo=UTC), ready=ready)
    assert isinstance(just, Waiting)
    assert just.until == deadline
    assert load_snapshot(tmp_path, "wolves", "data", DAY) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "waiting leaves nothing behind"
    late = extract(tmp_path, source, now=deadline, ready=ready)
    assert isinstance(late, Snapshot)
    assert (late.status, late.rows, late.reason, late.usable) == (SnapshotStatus.NO_DATA, 3, reason, False)
    assert late.path is not None, "the few rows are kept for inspection"
    assert pq.read_table(late.path).num_rows == 3


def test_without_a_deadline_nothing_waits(tmp_path: Path, python: Any) -> None:
    for nothing in (None, table_of(0), pd.DataFrame({"x": []}), iter(())):
        snapshot = extract(tmp_path, python(nothing), now=DAY.end)
        assert isinstance(snapshot, Snapshot)
        assert (snapshot.status, snapshot.path, snapshot.rows) == (SnapshotStatus.NO_DATA, None, 0)
        assert snapshot.reason == "data has no rows for 2026-01-05"
        assert load_snapshot(tmp_path, "wolves", "data", DAY) == snapshot


def test_when_a_slice_came_is_kept_over_reruns(tmp_path: Path, python: Any) -> None:
    seen, later = datetime(2026, 1, 6, 8, 30, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)
    few = extract(tmp_path, python(table_of(1)), now=datetime(2026, 1, 6, 7, tzinfo=UTC), ready=Ready(min_rows=5))
    assert isinstance(few, Snapshot)
    assert few.arrived is None
    for now in (seen, later):
        snapshot = extract(tmp_path, python(table_of(9)), now=now)
        assert isinstance(snapshot, Snapshot)
        assert snapshot.arrived == seen
        assert load_snapshot(tmp_path, "wolves", "data", DAY) == snapshot


def test_an_empty_slice_may_be_fine(tmp_path: Path, python: Any) -> None:
    snapshot = extract(tmp_path, python(table_of(0)), ready=Ready(min_rows=0))
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.status, snapshot.rows, snapshot.usable) == (SnapshotStatus.OK, 0, True)


def test_loaded_as_it_was_written(tmp_path: Path, python: Any) -> None:
    snapshot = extract(tmp_path, python(table_of(10)))
    assert isinstance(snapshot, Snapshot)
    assert load_snapshot(tmp_path, "wolves", "data", DAY) == snapshot
    assert load_snapshot(tmp_path, "wolves", "data", DAILY.next(DAY)) is None
    assert load_snapshot(tmp_path, "wolves", "other", DAY) is None
    manifest = json.loads(next(tmp_path.rglob("data.json")).read_text())
    assert manifest["source"] == "python wolf_source:give"
    assert manifest["schema"] == [["x", "int64"]]
    assert snapshot.path
    snapshot.path.write_bytes(b"torn")
    assert load_snapshot(tmp_path, "wolves", "data", DAY) is None, "a damaged snapshot is none"
    next(tmp_path.rglob("data.json")).write_text("{")
    assert load_snapshot(tmp_path, "wolves", "data", DAY) is None


def test_a_failure_is_recorded(tmp_path: Path, python: Any) -> None:
    source = python(table_of(10))
    assert isinstance(extract(tmp_path, source), Snapshot)
    table = Table("data", Role.DATA, source)
    project = Project("wolves", "me", DAILY, datetime(2026, 1, 1, tzinfo=UTC), (table,))
    failed = failed_snapshot(project, table, DAY, root=tmp_path, reason="the den is empty")
    assert (failed.status, failed.path, failed.reason) == (SnapshotStatus.FAILED, None, "the den is empty")
    assert load_snapshot(tmp_path, "wolves", "data", DAY) == failed
    assert not list(tmp_path.rglob("*.parquet")), "no snapshot names the old rows any longer"


def test_an_error_leaves_the_old_snapshot(tmp_path: Path, python: Any) -> None:
    before = extract(tmp_path, python(table_of(10)))

    def half() -> Iterator[pa.Table]:
        yield table_of(5)
        raise OSError("the wire is cut")

    with pytest.raises(ExtractError, match="wolf_source:give failed with OSError: the wire is cut"):
        extract(tmp_path, python(half))
    assert load_snapshot(tmp_path, "wolves", "data", DAY) == before
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", ".", "..", "", "a\x00b", "a.b", "ü🐺" * 60, "*?[x]", "a" * 300]
)
def test_no_name_leads_out_of_the_root(name: str, tmp_path: Path, python: Any) -> None:
    root = tmp_path / "root"
    snapshot = extract(root, python(table_of(1)), name=name)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.path
    assert snapshot.path.resolve().is_relative_to(root.resolve())
    assert load_snapshot(root, "wolves", name, DAY) == snapshot
    assert folder_of(root, name, DAY).resolve().parent.parent == root.resolve()


def test_tables_with_similar_names_keep_apart(tmp_path: Path, python: Any) -> None:
    for name in ("a", "a.b", "a.0123456789abcdef"):
        extract(tmp_path, python(table_of(len(name))), name=name)
    again = [extract(tmp_path, python(table_of(1)), name="a")]
    assert again
    for name in ("a.b", "a.0123456789abcdef"):
        kept = load_snapshot(tmp_path, "wolves", name, DAY)
        assert kept is not None
        assert kept.rows == len(name)


def test_batches_may_differ_in_schema(tmp_path: Path, python: Any) -> None:
    rows = ROW_GROUP_ROWS + 10
    batches = [
        pa.table({"x": pa.array(range(rows), pa.int64()), "y": pa.nulls(rows), "z": pa.array([True] * rows)}),
        pa.table({"x": [0.5], "y": ["late"], "z": [2]}),
        pa.table({"x": ["mixed"], "w": [1]}),
    ]
    snapshot = extract(tmp_path, python(lambda: iter(batches)))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.schema == (("x", "string"), ("y", "string"), ("z", "int64"), ("w", "int64"))
    assert snapshot.path
    read = pq.read_table(snapshot.path)
    assert read.num_rows == rows + 2
    assert read.slice(rows - 1).to_pylist() == [
        {"x": str(rows - 1), "y": None, "z": 1, "w": None},
        {"x": "0.5", "y": "late", "z": 2, "w": None},
        {"x": "mixed", "y": None, "z": None, "w": 1},
    ]


def test_what_a_callable_may_return(tmp_path: Path, python: Any) -> None:
    table = pa.table({"x": [1, 2]})
    frame = pd.DataFrame({"x": [1, 2]}, index=[7, 8])
    for result in (table, table.to_batches()[0], table.to_reader, lambda: iter([table]), [frame], frame):
        snapshot = extract(tmp_path, python(result))
        assert isinstance(snapshot, Snapshot)
        assert snapshot.path
        assert pq.read_table(snapshot.path).to_pylist() == [{"x": 1}, {"x": 2}]
    mixed = pd.DataFrame({"x": [1, "two", None], "y": [{"a": 1}, None, [2]]})
    snapshot = extract(tmp_path, python(mixed))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.path
    rows = pq.read_table(snapshot.path).to_pylist()
    assert rows == [{"x": "1", "y": '{"a": 1}'}, {"x": "two", "y": None}, {"x": None, "y": "[2]"}]


@pytest.mark.parametrize(
    ("callable_", "message"),
    [
        ("no_such_module_x:f", "cannot import 'no_such_module_x'"),
        ("json:nothing", "the module 'json' has no 'nothing'"),
        ("json:__name__", "is a str, not a callable"),
        ("json", "write it as 'module:function'"),
        ("builtins:repr", "returned a str; return a pyarrow Table"),
    ],
)
def test_a_callable_that_is_none(callable_: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ExtractError) as caught:
        extract(tmp_path, PythonSource(callable_))
    assert message in str(caught.value)


def test_two_columns_of_one_name(tmp_path: Path, python: Any) -> None:
    with pytest.raises(ExtractError, match="two columns called 'x'"):
        extract(tmp_path, python(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"])))


def test_times_of_other_types(tmp_path: Path, python: Any) -> None:
    with pytest.raises(ExtractError, match="has type int64; it must be a date, a timestamp or ISO 8601 text"):
        extract(tmp_path, python(table_of(1)), time="x")
    with pytest.raises(ExtractError, match="none of 2 values of the time column 'x' reads as a date or time"):
        extract(tmp_path, python(pa.table({"x": ["5 Jan", "later"]})), time="x")
    some = pa.table({"x": ["5 Jan", "2026-01-05", "2026-01-06T04:59:59Z", "2026-01-06", None, "2026-01-05 23:59"]})
    snapshot = extract(tmp_path, python(some), time="x", timezone="America/New_York")
    assert isinstance(snapshot, Snapshot)
    assert snapshot.rows == 3


@pytest.mark.parametrize(
    ("format_", "content"), [("parquet", b"PAR1 torn"), ("jsonl", b'{"x": 1}\n{"x": \n'), ("parquet", b"")]
)
def test_a_corrupt_file_is_named(format_: str, content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    match format_:
        case "parquet":
            pq.write_table(table_of(2), folder / "a.parquet")
        case _:
            (folder / "a.jsonl").write_text('{"x": 1}\n')
    (folder / f"b.{format_}").write_bytes(content)
    with pytest.raises(ExtractError, match=rf"the {format_} file '.*/in/b\.{format_}' cannot be read"):
        extract(tmp_path / "out", FileSource(f"{folder}/*.{format_}", FileFormat(format_)))


def test_a_csv_file_of_mixed_types(tmp_path: Path) -> None:
    lines = ["x,y", *(f"{i},{i}" for i in range(30_000)), "abc,1"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    (tmp_path / "b.csv").write_text("x,y\n1,2.5\n")
    (tmp_path / "c.csv").write_text("")
    snapshot = extract(tmp_path / "out", FileSource(f"{tmp_path}/*.csv", FileFormat.CSV))
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.rows, snapshot.schema) == (30_002, (("x", "string"), ("y", "double")))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path in ("nothing.parquet", "*.parquet", "{interval}/x.parquet", "no such folder/*.csv"):
        snapshot = extract(tmp_path / "out", FileSource(f"{tmp_path}/{path}", FileFormat.PARQUET))
        assert isinstance(snapshot, Snapshot)
        assert snapshot.status is SnapshotStatus.NO_DATA
    (tmp_path / "folder").mkdir()
    with pytest.raises(ExtractError, match=r"is a folder; write .*/folder/\*\.parquet"):
        extract(tmp_path / "out", FileSource(f"{tmp_path}/folder", FileFormat.PARQUET))
    with pytest.raises(ExtractError, match=r"cannot (reach|read)"):
        extract(tmp_path / "out", FileSource("nosuchprotocol://x/y.csv", FileFormat.CSV))


def test_partition_folders_give_a_column(tmp_path: Path) -> None:
    for day in ("2026-01-04", "2026-01-05"):
        folder = tmp_path / f"day={day}"
        folder.mkdir()
        pq.write_table(table_of(int(day[-1])), folder / "x.parquet")
    snapshot = extract(tmp_path / "out", FileSource(f"{tmp_path}/day=*/x.parquet", FileFormat.PARQUET), time="day")
    assert isinstance(snapshot, Snapshot)
    assert snapshot.rows == 5


def secret_url(driver: str, port: int, database: str = "test") -> str:
    url = sa.URL.create(driver, "wolf", PASSWORD, "127.0.0.1", port, database)
    return url.render_as_string(hide_password=False)


def shown(error: BaseException) -> str:
    """Everything that a log could show of an error: its chain, contexts and locals' frames' text."""
    parts = []
    seen: BaseException | None = error
    while seen is not None:
        parts.append(repr(seen))
        seen = seen.__cause__ or seen.__context__
    return "\n".join([*parts, *traceback.format_exception(error)])


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql"])
def test_an_unreachable_database(driver: str, tmp_path: Path) -> None:
    url = secret_url(driver, 1)
    with pytest.raises(ExtractError) as caught:
        extract(tmp_path, SqlSource("w", table="t"), url=url)
    message = str(caught.value)
    assert "127.0.0.1:1" in message
    assert "connection 'w'" in message
    assert "check that the server runs" in message
    assert not any(part in shown(caught.value) for part in ("s3cr3t", "p%40ss", "p@ss"))


@pytest.mark.parametrize("service", ["postgres_url", "mariadb_url"])
def test_a_wrong_password(service: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = sa.make_url(request.getfixturevalue(service)).set(username="no_such_wolf", password=PASSWORD)
    with pytest.raises(ExtractError, match="as no_such_wolf") as caught:
        extract(tmp_path, SqlSource("w", table="t"), url=url.render_as_string(hide_password=False))
    assert not any(part in shown(caught.value) for part in ("s3cr3t", "p%40ss", "p@ss"))


def test_other_connections_that_do_not_work(tmp_path: Path) -> None:
    source = SqlSource("w", table="t")
    cases = {
        "": "connection 'w' is not defined",
        f"postgres:{PASSWORD}": "is no database URL; write it like",
        f"nosuchdb://wolf:{'s3cr3t'}@host/x": "knows no database 'nosuchdb'",
        "mysql+nosuchdriver://h/x": "mysql+nosuchdriver",
        f"sqlite:///{tmp_path}/nowhere.sqlite": "there is no file",
        f"duckdb:///{tmp_path}/nowhere.duckdb": "there is no DuckDB file",
    }
    (tmp_path / "text.sqlite").write_text("no database at all, but long enough to look like one")
    (tmp_path / "text.duckdb").write_text("no database at all")
    cases |= {
        f"sqlite:///{tmp_path}/text.sqlite": "not a database",
        f"duckdb:///{tmp_path}/text.duckdb": "cannot open the DuckDB file",
    }
    for url, message in cases.items():
        with pytest.raises(ExtractError) as caught:
            extract(tmp_path / "out", source, url=url)
        assert message in str(caught.value), url
        assert "s3cr3t" not in shown(caught.value)
    assert not (tmp_path / "nowhere.sqlite").exists()


def test_numbers_in_a_sqlite_time_column(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.sqlite") as connection:
        connection.execute("CREATE TABLE t (at DATETIME, x REAL)")
        connection.execute("INSERT INTO t VALUES (1767614400, 1)")
    connection.close()
    with pytest.raises(ExtractError, match="holds values stored as integer; store ISO 8601 text"):
        extract(tmp_path, SqlSource("w", table="t"), url=f"sqlite:///{tmp_path}/x.sqlite", time="at")


def test_anything_may_stand_in_a_sqlite_column(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.sqlite") as connection:
        connection.execute("CREATE TABLE t (n INTEGER, r REAL, d DATE, f BOOLEAN, b BLOB, u)")
        rows = [(1, 1.5, "2026-01-05", 1, b"\xff", 1), ("x", "nan?", "soon", "maybe", "text", 2.5), (None,) * 6]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    snapshot = extract(tmp_path, SqlSource("w", table="t"), url=f"sqlite:///{tmp_path}/x.sqlite")
    assert isinstance(snapshot, Snapshot)
    assert [type_ for _, type_ in snapshot.schema] == ["string", "string", "string", "string", "binary", "double"]
    assert snapshot.path
    assert pq.read_table(snapshot.path).to_pylist()[:2] == [
        {"n": "1", "r": "1.5", "d": "2026-01-05", "f": "1", "b": b"\xff", "u": 1.0},
        {"n": "x", "r": "nan?", "d": "soon", "f": "maybe", "b": b"text", "u": 2.5},
    ]


def test_rows_come_in_bounded_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are, no reader holds more of them than one batch."""
    from lupus.extract import arrow, source

    rows = 100_000
    with sqlite3.connect(tmp_path / "x.sqlite") as connection:
        connection.execute("CREATE TABLE t (x INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?)", ((i,) for i in range(rows)))
    connection.close()
    with duckdb.connect(str(tmp_path / "x.duckdb")) as session:
        session.execute(f"CREATE TABLE t AS SELECT range x FROM range({rows})")
    sizes: list[int] = []
    canonical = arrow.canonical

    def watched(batch: pa.RecordBatch) -> pa.RecordBatch:
        sizes.append(batch.num_rows)
        return canonical(batch)

    monkeypatch.setattr("lupus.extract.clip.canonical", watched)
    for url in (f"sqlite:///{tmp_path}/x.sqlite", f"duckdb:///{tmp_path}/x.duckdb"):
        sizes.clear()
        seen: list[int] = []
        table = Table("data", Role.DATA, SqlSource("w", table="t"))
        project = Project("wolves", "me", DAILY, datetime(2026, 1, 1, tzinfo=UTC), (table,))
        given = Given({"w": Connection("w", url)})
        extract_table(project, table, DAY, root=tmp_path, connections=given, now=LATER, progress=seen.append)
        assert sum(sizes) == rows
        assert max(sizes) <= source.BATCH_ROWS
        assert seen == sorted(seen)
        assert seen[-1] == rows


def test_server_cursors_stream(postgres_url: str, mariadb_url: str, tmp_path: Path) -> None:
    """Reading only the first batch of two hundred thousand rows must not fetch the others."""
    from lupus.extract.source import BATCH_ROWS, Slice
    from lupus.extract.sql import read_sql
    from lupus.extract.window import window_of

    for url, query in (
        (postgres_url, "SELECT x, repeat('w', 100) AS t FROM generate_series(1, 200000) AS g(x)"),
        (mariadb_url, "SELECT seq AS x, repeat('w', 100) AS t FROM seq_1_to_200000"),
    ):
        source = SqlSource("w", query=query)
        wanted = Slice("p", Table("data", Role.DATA, source), DAILY, window_of(DAILY, DAY, "UTC"))
        batches = read_sql(source, wanted, Given({"w": Connection("w", url)}))
        assert next(batches).num_rows == BATCH_ROWS
        import tracemalloc

        tracemalloc.start()
        next(batches)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        batches.close()  # type: ignore[attr-defined]
        assert peak < 200 * 2 * BATCH_ROWS * 2, "two hundred bytes a row would be a sixth of the whole"


def test_shared_sessions_open_once_and_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lupus.extract import duckdb_database

    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path)) as session:
        session.execute("CREATE TABLE t AS SELECT range x FROM range(3)")
    opened: list[str] = []
    original = duckdb_database.opened

    def watched(*arguments: str) -> duckdb.DuckDBPyConnection:
        opened.append(arguments[0])
        return original(*arguments)

    monkeypatch.setattr(duckdb_database, "opened", watched)
    with shared_sessions():
        for _ in range(3):
            extract(tmp_path, SqlSource("w", table="t"), url=f"duckdb:///{path}")
        with pytest.raises(ExtractError):
            extract(tmp_path, SqlSource("w", table="nothing"), url=f"duckdb:///{path}")
        assert len(opened) == 1
    with duckdb.connect(str(path)) as session:  # a writer may come in again
        session.execute("INSERT INTO t VALUES (4)")
    snapshot = extract(tmp_path, SqlSource("w", table="main.t"), url=f"duckdb:///{path}")
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.rows, len(opened)) == (4, 2)


def test_check_connection(postgres_url: str, tmp_path: Path) -> None:
    check_connection(Connection("w", postgres_url))
    with duckdb.connect(str(tmp_path / "x.duckdb")):
        pass
    check_connection(Connection("w", f"duckdb:///{tmp_path}/x.duckdb"))
    for url in (secret_url("postgresql+psycopg", 1), f"duckdb:///{tmp_path}/y.duckdb", "what"):
        with pytest.raises(ExtractError) as caught:
            check_connection(Connection("w", url))
        assert "s3cr3t" not in shown(caught.value)


def test_sample(tmp_path: Path) -> None:
    pq.write_table(table_of(100), tmp_path / "x.parquet")
    sample = sample_source(FileSource(f"{tmp_path}/x.parquet", FileFormat.PARQUET), Given(), rows=7)
    assert sample.num_rows == 7
    with pytest.raises(ExtractError, match="nothing to read"):
        sample_source(FileSource(f"{tmp_path}/y.parquet", FileFormat.PARQUET), Given(), rows=7)


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import pyarrow as pa
from lupus.extract import extract_table
from lupus.model import *

def rows(interval, size, start):
    for i in range(start, 10**9):
        print(i, flush=True)
        yield pa.table({"x": pa.array([i] * size, pa.int64())})
        if i % 3 == 2:
            return

sys.modules["writer"] = sys.modules["__main__"]
daily = Cadence(CadenceKind.DAILY, timezone="America/New_York")
start = 0
while True:
    table = Table("data", Role.DATA, PythonSource("writer:rows", {"size": 1000, "start": start}))
    project = Project("wolves", "me", daily, datetime(2026, 1, 1, tzinfo=UTC), (table,))
    extract_table(project, table, daily.parse("2026-01-05"), root=Path(sys.argv[1]), connections=None,
                  now=datetime(2027, 1, 1, tzinfo=UTC))
    start += 3
"""


def consistent(root: Path) -> Snapshot:
    """The snapshot, which must be one that a writer finished: three consecutive values, from a multiple of three."""
    snapshot = load_snapshot(root, "wolves", "data", DAY)
    assert snapshot is not None
    assert snapshot.path is not None
    values = pq.read_table(snapshot.path)["x"].to_pylist()
    first = values[0]
    assert first % 3 == 0
    assert values == [first] * 1000 + [first + 1] * 1000 + [first + 2] * 1000
    return snapshot


def test_killed_anywhere(tmp_path: Path) -> None:
    """SIGKILL at any moment leaves a whole snapshot, the old one or the new one."""
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    root = tmp_path / "root"
    for round_ in range(6):
        writer = subprocess.Popen([sys.executable, script, root], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(10 + 7 * round_):  # at least one snapshot, then wherever it is
            assert writer.stdout.readline()
        clock.sleep(0.003 * round_)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        consistent(root)
    names = sorted(
        path.suffix for path in next(root.rglob("data.json")).parent.iterdir() if not path.name.startswith(".")
    )
    assert names.count(".json") == 1
    assert names.count(".parquet") <= 2, "at most the old and the new content"


def test_writers_at_the_same_time(tmp_path: Path) -> None:
    """Two processes write the same slice again and again; what is left is one writer's whole work."""
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    root = tmp_path / "root"
    writers = [subprocess.Popen([sys.executable, script, root], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for _ in range(60):
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline()
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    consistent(root)
