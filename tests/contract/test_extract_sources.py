"""The same rows in every source give the same snapshot: one suite, many real engines."""

# ruff: noqa: DTZ001 - naive timestamps are what is tested
from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import lupus.extract.table
from lupus.extract import extract_table
from lupus.model import (
    Cadence,
    CadenceKind,
    Connection,
    ExtractError,
    FileFormat,
    FileSource,
    Project,
    PythonSource,
    Role,
    Snapshot,
    SnapshotStatus,
    Source,
    SqlSource,
    Table,
)

ZONE = "America/New_York"
DAILY = Cadence(CadenceKind.DAILY, timezone=ZONE)
HOURLY = Cadence(CadenceKind.HOURLY, timezone=ZONE)
# MariaDB allows no character beyond U+FFFF in a name; the values hold some.
ODD = 'q"uo`te; DROP TABLE x -- ☃ ü %s :p'

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("day", pa.date32()),
        ("wall", pa.timestamp("us")),
        ("amount", pa.float64()),
        ("flag", pa.bool_()),
        (ODD, pa.string()),
        ("void", pa.float64()),
    ]
)
# 900 rows over nine days, every eighth row with nulls, in no order.
ROWS: list[dict[str, Any]] = [
    {
        "id": (i * 37) % 900,
        "day": date(2013, 3, 6 + i // 100),
        "wall": datetime(2013, 3, 6 + i // 100, i % 24, i % 60, 1),
        "amount": None if i % 8 == 0 else i / 4,
        "flag": None if i % 8 == 1 else i % 2 == 0,
        ODD: None if i % 8 == 2 else f"wölf 🐺 '{i}'",
        "void": None,
    }
    for i in range(900)
]


@dataclass
class Place:
    """Where the rows are, and how a project says so."""

    name: str
    source: Source
    connections: dict[str, Connection]

    def get(self, name: str) -> Connection:
        return self.connections[name]


def at_files(folder: Path, format_: FileFormat) -> Place:
    table = pa.Table.from_pylist(ROWS, SCHEMA)
    # Two files, so that the order of files and the union of their types are part of the contract.
    for number, part in enumerate((table.slice(0, 450), table.slice(450))):
        path = folder / f"part-[{number}].{format_}"
        match format_:
            case FileFormat.PARQUET:
                pq.write_table(part, path)
            case FileFormat.CSV:
                pyarrow.csv.write_csv(part, path)
            case FileFormat.JSONL:
                path.write_text("".join(json.dumps(row, default=str) + "\n" for row in part.to_pylist()))
    return Place(f"{format_}", FileSource(f"{folder}/part-*.{format_}", format_), {})


def at_database(url: str) -> Place:
    engine = sa.create_engine(url)
    types = {"int64": sa.BigInteger, "date32[day]": sa.Date, "timestamp[us]": sa.DateTime, "double": sa.Double}
    types |= {"bool": sa.Boolean, "string": sa.String(200)}
    table = sa.Table("events", sa.MetaData(), *(sa.Column(f.name, types[str(f.type)]) for f in SCHEMA))
    table.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), ROWS)
    engine.dispose()
    return Place(
        engine.dialect.name, SqlSource("warehouse", table="events"), {"warehouse": Connection("warehouse", url)}
    )


def at_duckdb(path: Path) -> Place:
    with duckdb.connect(str(path)) as session:
        rows = pa.Table.from_pylist(ROWS, SCHEMA)  # noqa: F841 - DuckDB reads it by its name
        session.execute("CREATE TABLE events AS SELECT * FROM rows")
    source = SqlSource("warehouse", table="events")
    return Place("duckdb", source, {"warehouse": Connection("warehouse", f"duckdb:///{path}")})


def python_rows(interval: Any, batch: int = 100) -> Iterator[pa.RecordBatch]:
    yield from pa.Table.from_pylist(ROWS, SCHEMA).to_batches(max_chunksize=batch)


PLACES: dict[str, Callable[[pytest.FixtureRequest, Path], Place]] = {
    "parquet": lambda _, folder: at_files(folder, FileFormat.PARQUET),
    "csv": lambda _, folder: at_files(folder, FileFormat.CSV),
    "jsonl": lambda _, folder: at_files(folder, FileFormat.JSONL),
    "python": lambda _, __: Place("python", PythonSource(f"{__name__}:python_rows"), {}),
    "sqlite": lambda _, folder: at_database(f"sqlite:///{folder}/events.sqlite"),
    "duckdb": lambda _, folder: at_duckdb(folder / "events.duckdb"),
    "postgresql": lambda request, _: at_database(request.getfixturevalue("postgres_url")),
    "mariadb": lambda request, _: at_database(request.getfixturevalue("mariadb_url")),
}


@pytest.fixture(params=list(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this_module())
    folder = tmp_path / "source 1"
    folder.mkdir()
    return PLACES[request.param](request, folder)


def _this_module() -> Any:
    import types

    module = types.ModuleType(__name__)
    module.__dict__.update(globals())
    return module


def run(place: Place, root: Path, day: str, *, cadence: Cadence = DAILY, **changes: Any) -> Snapshot:
    table = Table(
        **{"name": "events", "role": Role.DATA, "source": place.source, "time": "day", "timezone": ZONE, **changes}
    )
    project = Project("wolves", "me", cadence, datetime(2013, 1, 1, tzinfo=UTC), (table,))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    snapshot = extract_table(project, table, cadence.parse(day), root=root, connections=place, now=now)
    assert isinstance(snapshot, Snapshot)
    return snapshot


def rows_of(snapshot: Snapshot) -> list[dict[str, Any]]:
    assert snapshot.path is not None
    return pq.read_table(snapshot.path).to_pylist()


def expected(accept: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    return [row for row in ROWS if accept(row)]


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["id"])


def test_a_day_by_business_date(place: Place, tmp_path: Path) -> None:
    snapshot = run(place, tmp_path / "out", "2013-03-10", key=("id",))
    rows = rows_of(snapshot)
    assert by_id(rows) == by_id(expected(lambda row: row["day"] == date(2013, 3, 10)))
    assert snapshot.rows == 100
    if place.name != "python":
        assert [row["id"] for row in rows] == sorted(row["id"] for row in rows), "a key gives the order"


def test_a_day_by_wall_time(place: Place, tmp_path: Path) -> None:
    snapshot = run(place, tmp_path / "out", "2013-03-10", time="wall", key=("id",))
    assert by_id(rows_of(snapshot)) == by_id(expected(lambda row: row["day"] == date(2013, 3, 10)))


def test_an_hour_by_wall_time(place: Place, tmp_path: Path) -> None:
    # 14:00 UTC on 8 March is 9:00 in New York (before the clocks change), on 11 March 10:00.
    for key, day, hour in (("2013-03-08T14Z", 8, 9), ("2013-03-11T14Z", 11, 10)):
        snapshot = run(place, tmp_path / "out", key, cadence=HOURLY, time="wall")
        accept = lambda row: (row["wall"].day, row["wall"].hour) == (day, hour)  # noqa: E731, B023
        assert by_id(rows_of(snapshot)) == by_id(expected(accept))


def test_same_types_everywhere(place: Place, tmp_path: Path) -> None:
    snapshot = run(place, tmp_path / "out", "2013-03-10")
    types = dict(snapshot.schema)
    wanted = {field.name: str(field.type) for field in SCHEMA}
    if place.name in ("csv", "jsonl"):
        # A text file says nothing of a column without values.
        assert types.pop("void") in ("string", "null", "int32")
        wanted.pop("void")
    assert types == wanted


def test_dates_do_not_fit_hours(place: Place, tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match="holds dates, but the interval is not made of whole days"):
        run(place, tmp_path / "out", "2013-03-08T14Z", cadence=HOURLY)


def test_an_empty_day_is_no_data(place: Place, tmp_path: Path) -> None:
    snapshot = run(place, tmp_path / "out", "2013-04-01")
    assert (snapshot.status, snapshot.rows, snapshot.path) == (SnapshotStatus.NO_DATA, 0, None)
    assert snapshot.reason == "events has no rows for 2013-04-01"


def test_columns_and_exclude(place: Place, tmp_path: Path) -> None:
    chosen = run(place, tmp_path / "a", "2013-03-10", columns=("amount", "nowhere"), key=("id",))
    assert {name for name, _ in chosen.schema} == {"amount", "id", "day"}
    spared = run(place, tmp_path / "b", "2013-03-10", exclude=("void", "day", ODD))
    assert {name for name, _ in spared.schema} == {"id", "wall", "amount", "flag"}
    assert spared.rows == 100


def test_an_unknown_time_column_names_the_nearest(place: Place, tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match="'dya'; did you mean 'day'"):
        run(place, tmp_path / "out", "2013-03-10", time="dya")


def test_same_content_same_hash(place: Place, tmp_path: Path) -> None:
    first = run(place, tmp_path / "a", "2013-03-10", key=("id",))
    second = run(place, tmp_path / "b", "2013-03-10", key=("id",))
    assert first.content_hash == second.content_hash != ""


def test_all_sources_give_the_same_content(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    hashes = {}
    for name in ("parquet", "csv", "sqlite", "duckdb", "postgresql", "mariadb"):
        folder = tmp_path / name
        folder.mkdir()
        place = PLACES[name](request, folder)
        hashes[name] = run(place, folder / "out", "2013-03-10", key=("id",), exclude=("void",)).content_hash
    assert len(set(hashes.values())) == 1, hashes


@pytest.mark.parametrize("name", ["sqlite", "duckdb", "postgresql", "mariadb"])
def test_a_query_with_bound_parameters(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = PLACES[name](request, tmp_path)
    query = {
        "day": "SELECT id, amount FROM events WHERE day >= :start_date AND day < :end_date ORDER BY id",
        "": "SELECT id, amount, ':x' AS \"l\" FROM events WHERE day >= :start_date AND day < :end_date".replace(
            ":x", r"\:x"
        ),
    }
    if name == "mariadb":
        query[""] = query[""].replace('"', "`")
    for text in query.values():
        place.source = SqlSource("warehouse", query=text)
        snapshot = run(place, tmp_path / "out", "2013-03-10", time="")
        wanted = expected(lambda row: row["day"] == date(2013, 3, 10))
        assert {(row["id"], row["amount"]) for row in rows_of(snapshot)} == {(r["id"], r["amount"]) for r in wanted}
    place.source = SqlSource("warehouse", query="SELECT id, wall FROM events WHERE :interval = '2013-03-10'")
    assert run(place, tmp_path / "out", "2013-03-10", time="wall").rows == 100
    place.source = SqlSource("warehouse", query="SELECT id FROM events WHERE wall >= :strat")
    with pytest.raises(ExtractError, match=":strat, but only :start, :end"):
        run(place, tmp_path / "out", "2013-03-10", time="")
    place.source = SqlSource("warehouse", query="SELECT nope FROM events")
    with pytest.raises(ExtractError, match="nope"):
        run(place, tmp_path / "out", "2013-03-10", time="")


@pytest.mark.parametrize("name", ["sqlite", "duckdb", "postgresql", "mariadb"])
def test_a_query_cannot_write(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = PLACES[name](request, tmp_path)
    place.source = SqlSource("warehouse", query="DELETE FROM events")
    with pytest.raises(ExtractError):
        run(place, tmp_path / "out", "2013-03-10", time="")
    place.source = SqlSource("warehouse", table="events")
    assert run(place, tmp_path / "out", "2013-03-10").rows == 100


@pytest.mark.parametrize("name", ["sqlite", "duckdb", "postgresql", "mariadb"])
def test_an_unknown_table_names_the_nearest(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = PLACES[name](request, tmp_path)
    for table in ("evnets", 'x"; DROP TABLE events; --'):
        place.source = SqlSource("warehouse", table=table)
        with pytest.raises(ExtractError, match="There are: events"):
            run(place, tmp_path / "out", "2013-03-10")
    assert (
        run(replace(place, source=SqlSource("warehouse", table="events")), tmp_path / "out", "2013-03-10").rows == 100
    )


def test_not_a_number_and_infinity(postgres_url: str, tmp_path: Path) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as c:
        c.execute(sa.text("CREATE TABLE odd (day date, x double precision, d numeric(30,10), at timestamptz)"))
        c.execute(
            sa.text(
                "INSERT INTO odd VALUES ('2013-03-10', 'NaN', 'NaN', '2013-03-10 04:59:59Z'), "
                "('2013-03-10', 'Infinity', 1.5, '2013-03-10 05:00Z'), "
                "('2013-03-10', '-Infinity', 2, '2013-03-11 03:59Z')"
            )
        )
    engine.dispose()
    place = Place("postgresql", SqlSource("w", table="odd"), {"w": Connection("w", postgres_url)})
    snapshot = run(place, tmp_path / "out", "2013-03-10")
    rows = rows_of(snapshot)
    assert [repr(row["x"]) for row in rows] == ["nan", "inf", "-inf"]
    assert math.isnan(rows[0]["d"])
    assert rows[1]["d"] == 1.5
    assert dict(snapshot.schema)["at"] == "timestamp[us, tz=UTC]"
    # The day has 23 hours; its instants are 05:00Z to 04:00Z.
    assert [repr(row["x"]) for row in rows_of(run(place, tmp_path / "out", "2013-03-10", time="at"))] == ["inf", "-inf"]


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00"])
def test_instants_as_text(form: str, tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE events (at TEXT, x INTEGER)")
    moments = [
        datetime(2013, 3, 10, 4, 59, 59),
        datetime(2013, 3, 10, 5),
        datetime(2013, 3, 11, 3, 59),
        datetime(2013, 3, 11, 4),
    ]
    connection.executemany("INSERT INTO events VALUES (?, ?)", [(m.strftime(form), i) for i, m in enumerate(moments)])
    connection.commit()
    connection.close()
    place = Place("sqlite", SqlSource("w", table="events"), {"w": Connection("w", f"sqlite:///{path}")})
    assert [row["x"] for row in rows_of(run(place, tmp_path / "out", "2013-03-10", time="at"))] == [1, 2]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "duckdb"])
def test_of_days_as_text_no_other_day_is_read(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgresql" else f"{engine}:///{tmp_path / 'days'}"
    texts = ["2013-03-09", "2013-03-10", "2013-03-10T23:00", "2013-03-11T03:59:00Z", "2013-03-11"]
    create, insert = "CREATE TABLE days (day VARCHAR(40), x INTEGER)", "INSERT INTO days VALUES"
    rows = ", ".join(f"('{text}', {x})" for x, text in enumerate(texts))
    if engine == "duckdb":
        with duckdb.connect(str(tmp_path / "days")) as connection:
            connection.execute(f"{create}; {insert} {rows}")
    else:
        database = sa.create_engine(url)
        with database.begin() as session:
            session.execute(sa.text(create))
            session.exec_driver_sql(f"{insert} {rows}")
        database.dispose()
    read: list[int] = []
    clip = lupus.extract.table.clip

    def counted(batches: Iterator[pa.RecordBatch], wanted: Any) -> Iterator[pa.RecordBatch]:
        return clip((read.extend(batch.column("x").to_pylist()) or batch for batch in batches), wanted)

    monkeypatch.setattr("lupus.extract.table.clip", counted)
    place = Place(engine, SqlSource("w", table="days"), {"w": Connection("w", url)})
    assert sorted(row["x"] for row in rows_of(run(place, tmp_path / "out", "2013-03-10", time="day"))) == [1, 2, 3]
    assert sorted(read) == [1, 2, 3]


def test_files_in_another_file_system(tmp_path: Path) -> None:
    filesystem = fsspec.filesystem("memory")
    for day in (9, 10):
        with filesystem.open(f"/lake/2013/03/{day:02}/part.csv", "w") as file:
            file.write(f"x,name\n{day},wolf\n")
    for path in ("memory://lake/{interval:%Y/%m/%d}/part.csv", "memory://lake/{interval:%Y/%m/%d}/*.csv"):
        place = Place("memory", FileSource(path, FileFormat.CSV), {})
        assert rows_of(run(place, tmp_path / "out", "2013-03-10", time="")) == [{"x": 10, "name": "wolf"}]
        assert run(place, tmp_path / "out", "2013-03-11", time="").status is SnapshotStatus.NO_DATA


def test_the_index_of_pandas_is_no_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"day": [date(2013, 3, 10), date(2013, 3, 10)], "x": [1, 2]}, index=[7, 7])
    frame.to_parquet(tmp_path / "rows.parquet")
    assert "__index_level_0__" in pq.read_schema(tmp_path / "rows.parquet").names
    place = Place("parquet", FileSource(str(tmp_path / "rows.parquet"), FileFormat.PARQUET), {})
    rows = rows_of(run(place, tmp_path / "out", "2013-03-10"))
    assert rows == [{"day": date(2013, 3, 10), "x": 1}, {"day": date(2013, 3, 10), "x": 2}]
