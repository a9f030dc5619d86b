"""Makes the files of the recommendation example: per day the catalogue, the films that were seen, and the lists.

All of it is made up: 300 films of twelve genres, some of them far better known than others, and visitors who like two
or three genres. The recommender knows their tastes and mixes in what is popular. On the days of `FALLBACK` its profiles
cannot be read and nearly everybody is shown the bestsellers: as many lists of as many films as ever. On `STALE` it
works with an old catalogue and shows films that were taken out of it.

    python examples/recommendations/make_files.py [--to FOLDER] [--days 28]
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST: Final = date(2026, 1, 1)
DAYS: Final = 28
FALLBACK: Final = (date(2026, 1, 21), date(2026, 1, 22))
STALE: Final = date(2026, 1, 26)
_FILMS: Final = 300
_GENRES: Final = 12
_VISITORS: Final = 500
_SHOWN: Final = 10


def main() -> None:
    """Reads the arguments and writes the files."""
    parser = argparse.ArgumentParser(description="Make the files of the recommendation example.")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent / "files", help="the folder to write to")
    parser.add_argument("--days", type=int, default=DAYS, help="how many days")
    arguments = parser.parse_args()
    make(arguments.to, days=arguments.days)
    sys.stdout.write(f"{arguments.days} days in {arguments.to}\n")


def make(folder: Path, *, days: int = DAYS) -> None:
    """Writes `days` days below `folder`, the same on every call."""
    random = np.random.default_rng(7)
    genre = random.integers(0, _GENRES, _FILMS)
    fame = random.permutation(1 / np.arange(1, _FILMS + 1) ** 0.8)
    taste = random.dirichlet(np.full(_GENRES, 0.4), _VISITORS)
    names = np.array([f"film-{number:03d}" for number in range(_FILMS)])
    gone = random.choice(_FILMS, 15, replace=False)
    for number in range(days):
        day = FIRST + timedelta(days=number)
        here = random.choice(_VISITORS, random.integers(360, 420), replace=False)
        liking = 4 * taste[here][:, genre] + 1.2 * np.log(fame) / abs(np.log(fame)).max()
        liking = liking + random.gumbel(0, 0.25, liking.shape)
        if day in FALLBACK:
            lost = random.random(len(here)) < 0.9
            liking[lost] = np.log(fame) + random.gumbel(0, 0.05, (int(lost.sum()), _FILMS))
        if day != STALE:
            liking[:, gone] = -np.inf
        best = np.argsort(-liking, axis=1)[:, :_SHOWN]
        seen = random.choice(_FILMS, 1500, p=fame / fame.sum())
        listed = np.setdiff1d(np.arange(_FILMS), gone)
        lists = pa.array([list(names[row]) for row in best])
        _write(folder / "lists", day, {"visitor": here, "films": lists})
        _write(folder / "views", day, {"film": names[seen]})
        _write(folder / "catalogue", day, {"film": names[listed], "genre": [f"genre-{genre[one]}" for one in listed]})


def _write(folder: Path, day: date, columns: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{day}.parquet")


if __name__ == "__main__":
    main()
