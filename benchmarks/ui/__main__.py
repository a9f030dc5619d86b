"""How fast the Web UI's API answers over a large store, through a real Airflow API server.

``python benchmarks/ui [--small] [--database postgresql|sqlite|both] [--file FILE]``: the large store (100 projects,
100,000 series, 20 million points; about 9 GB in PostgreSQL, 6 GB in SQLite) takes some minutes to make and is kept for
the next time, in SQLite as FILE; ``--small`` is made in seconds. Requests come one after the other over one connection,
as a browser's do, compressed answers included, unpacking not. Prints what was reached beside the budget, and the
processor time of server and database for one request, which says more than the clock where others use the machine;
exits with 1 when the large store misses its budget.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

from ui.generate import FULL, SMALL  # noqa: E402
from ui.race import race  # noqa: E402
from ui.surroundings import database, serving  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a store that is made in seconds; nothing is judged")
    parser.add_argument("--database", choices=("postgresql", "sqlite", "both"), default="postgresql")
    parser.add_argument(
        "--file", type=Path, default=ROOT / ".bench" / "ui.db", help="where SQLite's large store is kept"
    )
    parser.add_argument("--requests", type=int, default=60, help="of each kind")
    chosen = parser.parse_args()
    size = SMALL if chosen.small else FULL
    kinds = ("postgresql", "sqlite") if chosen.database == "both" else (chosen.database,)
    missed = 0
    for kind in kinds:
        with database(size, kind, chosen.file) as url, serving(size, url) as (address, token):
            print(f"\n{kind}: {size.projects} projects, {size.projects * size.series:,} series, {size.points:,} points")
            missed += race(address, token, size, url, requests=chosen.requests)
    return 0 if chosen.small else min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
