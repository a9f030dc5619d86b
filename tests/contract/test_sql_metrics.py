"""Metrics from queries, on every database: one suite, real engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from installation import Installation
from lupus.model import FailureKind, MetricPoint

ROWS = [
    ("2026-01-04", "2026-01-04 12:00:00", "NL", "paid", 5.0),
    ("2026-01-05", "2026-01-05 04:59:59", "NL", "paid", 1000.0),  # the 4th in New York
    ("2026-01-05", "2026-01-05 05:00:00", "NL", "paid", 10.25),
    ("2026-01-05", "2026-01-05 23:00:00", "NL", "refunded", 2.0),
    ("2026-01-05", "2026-01-06 04:00:00", "JP", "paid", 30.0),
    ("2026-01-05", "2026-01-05 12:00:00", None, "paid", 7.5),
]
DAY = "2026-01-05"
INSTANTS = "placed >= :start AND placed < :end"
DATES = "day >= :start_date AND day < :end_date"


def sqlite(folder: Path, _: pytest.FixtureRequest) -> str:
    url = f"sqlite:///{folder / 'orders.db'}"
    fill(url)
    return url


def postgresql(_: Path, request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("postgres_url")
    fill(url)
    return url


def duckdb_file(folder: Path, _: pytest.FixtureRequest) -> str:
    path = folder / "orders.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE orders (day DATE, placed TIMESTAMP, country TEXT, status TEXT, amount DOUBLE)")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", ROWS)
    return f"duckdb:///{path}"


def fill(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as session:
        kind = "TIMESTAMPTZ" if engine.dialect.name == "postgresql" else "TEXT"
        session.execute(sa.text("SET TIME ZONE 'UTC'") if kind == "TIMESTAMPTZ" else sa.text("SELECT 1"))
        session.execute(
            sa.text(f"CREATE TABLE orders (day DATE, placed {kind}, country TEXT, status TEXT, amount FLOAT)")
        )
        names = ("day", "placed", "country", "status", "amount")
        session.execute(
            sa.text("INSERT INTO orders VALUES (:day, :placed, :country, :status, :amount)"),
            [dict(zip(names, row, strict=True)) for row in ROWS],
        )
    engine.dispose()


@pytest.fixture(params=[sqlite, postgresql, duckdb_file], ids=lambda make: make.__name__)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Installation]:
    """Makes a product with these `metrics.sql`, whose orders lie in each of the databases."""
    make: Callable[[Path, pytest.FixtureRequest], str] = request.param
    url = make(tmp_path, request)
    (tmp_path / "t.csv").write_text("day,x\n2026-01-05,1\n")

    def made(**metrics: dict[str, object]) -> Installation:
        installation = Installation.empty(tmp_path / "lupus", LUPUS_CONN_WAREHOUSE=url)
        document = {
            "project": "shop",
            "timezone": "America/New_York",
            "start": "2026-01-01",
            "tables": {"data": {"source": {"files": str(tmp_path / "t.csv")}, "time": "day"}},
            "metrics": {"sql": {name: {"connection": "warehouse", **one} for name, one in metrics.items()}},
        }
        installation.add_project("shop", json.dumps(document))
        return installation

    return made


def measured(installation: Installation) -> dict[str, MetricPoint]:
    installation.run(DAY, name="shop")
    found = installation.points(DAY, name="shop", table="sql")
    return {str(point.series.key).removeprefix("sql "): point for point in found}


def test_one_number_per_interval_with_every_parameter(shop: Callable[..., Installation]) -> None:
    made = shop(
        revenue={"query": f"SELECT sum(amount) FROM orders WHERE {INSTANTS}", "unit": "EUR"},
        orders={"query": f"SELECT count(*) AS n, avg(amount) AS mean FROM orders WHERE {DATES}", "value": "mean",
                "n": "n", "group": "software"},
        key={"query": "SELECT CASE WHEN :interval = '2026-01-05' THEN 1 ELSE 0 END"},
    )  # fmt: skip
    found = measured(made)
    assert found["revenue"].value == pytest.approx(49.75)
    assert (found["revenue"].series.group, found["revenue"].series.unit, found["revenue"].n) == ("business", "EUR", 0)
    assert found["orders"].value == pytest.approx((1000 + 10.25 + 2 + 30 + 7.5) / 5)
    assert (found["orders"].series.group, found["orders"].n) == ("software", 5)
    assert found["key"].value == 1
    judged = {one.series.metric for one in made.verdicts(DAY, name="shop") if one.series.table == "sql"}
    assert judged == {"revenue", "orders", "key"}


def test_a_row_per_segment_and_name(shop: Callable[..., Installation]) -> None:
    query = f"SELECT status, country, count(*) AS c FROM orders WHERE {DATES} GROUP BY status, country"
    found = measured(
        shop(
            orders={"query": query, "segment": ["country"], "names": "status", "unit": "rows"},
            crossed={"query": query, "segment": ["country", "status"]},
        )
    )
    assert {name: point.value for name, point in found.items()} == {
        "orders:paid [country=NL]": 2,
        "orders:refunded [country=NL]": 1,
        "orders:paid [country=JP]": 1,
        "orders:paid [country=(null)]": 1,
        "crossed [country=NL,status=paid]": 2,
        "crossed [country=NL,status=refunded]": 1,
        "crossed [country=JP,status=paid]": 1,
        "crossed [country=(null),status=paid]": 1,
    }


def test_one_failure_is_one_failed_metric(shop: Callable[..., Installation]) -> None:
    made = shop(
        good={"query": f"SELECT sum(amount) FROM orders WHERE {INSTANTS}"},
        broken={"query": "SELECT sum(nothing) FROM orders WHERE :start < :end"},
        elsewhere={"query": "SELECT :start", "connection": "nowhere"},
        unknown={"query": "SELECT :start, :today"},
        empty={"query": f"SELECT amount FROM orders WHERE {DATES} AND amount < 0"},
        null={"query": f"SELECT sum(amount) FROM orders WHERE {DATES} AND amount < 0"},
        text={"query": "SELECT :interval"},
        many={"query": f"SELECT amount FROM orders WHERE {DATES}"},
        two={"query": f"SELECT 1 AS a, 2 AS b FROM orders WHERE {DATES}"},
        twice={"query": f"SELECT country, amount FROM orders WHERE {DATES}", "segment": "country"},
        lost={"query": f"SELECT amount FROM orders WHERE {DATES}", "segment": "region"},
    )
    [report] = made.run(DAY, name="shop")
    points = made.points(DAY, name="shop", table="sql")
    failures = {point.series.key.metric: point.failure for point in points}
    assert failures.pop("good") is None
    kinds = {name: failure.kind for name, failure in failures.items() if failure}
    assert kinds == {
        "broken": FailureKind.NOT_READ,
        "elsewhere": FailureKind.NOT_READ,
        "unknown": FailureKind.NOT_READ,
        "empty": FailureKind.NO_DATA,
        "null": FailureKind.NO_DATA,
        "text": FailureKind.WRONG_TYPE,
        "many": FailureKind.UNDEFINED,
        "two": FailureKind.MISSING_COLUMN,
        "twice": FailureKind.UNDEFINED,
        "lost": FailureKind.MISSING_COLUMN,
    }
    assert len(report.failed) == 3
    said = " ".join(report.failed)
    assert "shop/metrics.sql.broken 2026-01-05" in said
    assert "'nowhere'" in said
    assert ":today" in said
    reasons = {name: failure.reason for name, failure in failures.items() if failure}
    assert "name the columns that tell them apart" in reasons["many"]
    assert "name it as value" in reasons["two"]
    assert reasons["lost"] == "the query gives no column 'region'; it gives amount"
    # The table is measured all the same.
    assert any(point.series.key.metric == "rows" for point in made.points(DAY, name="shop", table="data"))


def test_values_are_bound_and_never_written_into_the_query(shop: Callable[..., Installation]) -> None:
    """Whatever a value or a column is called: it names a series, and is nothing to a database."""
    hostile = "x'); DROP TABLE orders; --"
    literal = hostile.replace("'", "''")
    made = shop(
        odd={
            "query": f"SELECT '{literal}' AS \"{hostile}\", count(*) AS c FROM orders WHERE {DATES}",
            "segment": [hostile],
        },
        after={"query": f"SELECT count(*) FROM orders WHERE {DATES}"},
    )
    found = measured(made)
    assert found["after"].value == 5
    assert [point.value for name, point in found.items() if name.startswith("odd")] == [5]


def test_a_rerun_replaces_what_the_queries_gave(shop: Callable[..., Installation]) -> None:
    query = f"SELECT country, count(*) AS c FROM orders WHERE {DATES} AND country IS NOT NULL GROUP BY country"
    made = shop(orders={"query": query, "segment": "country"})
    measured(made)
    before = made.dump()
    measured(made)
    assert made.dump() == before
    document = json.loads(made.project_file("shop").read_text())
    document["metrics"]["sql"]["orders"]["query"] = query.replace("IS NOT NULL", "= 'NL'")
    made.project_file("shop").write_text(json.dumps(document))
    assert list(measured(made)) == ["orders [country=NL]"]


def test_a_query_of_rows_is_refused(shop: Callable[..., Installation]) -> None:
    digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS "
    many = f"SELECT a.d FROM {', '.join(digits + name for name in 'abcdef')}, orders WHERE {DATES}"
    made = shop(rows={"query": many})
    [report] = made.run(DAY, name="shop")
    assert "more than 10,000 rows" in report.failed[0]


def test_the_doctor_looks_at_its_connection(shop: Callable[..., Installation]) -> None:
    made = shop(revenue={"query": f"SELECT sum(amount) FROM orders WHERE {INSTANTS}"})
    assert "connection warehouse reachable" in made.lupus("doctor").text.replace("fine ", "")
