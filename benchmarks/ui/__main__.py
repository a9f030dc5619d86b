"""How fast the Web UI's API answers over a large store, through a real Airflow API server.

``python benchmarks/ui [--small]``: the large store (100 projects, 100,000 series, 20 million points, about 7 GB in
PostgreSQL) takes some minutes to make and is kept for the next time; ``--small`` is made in seconds. Requests come one
after the other over one connection, as a browser's do, compressed answers included, unpacking not. Prints the budget
beside what was reached; exits with 1 when the large store misses it.
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
    parser.add_argument("--requests", type=int, default=60, help="of each kind")
    chosen = parser.parse_args()
    size = SMALL if chosen.small else FULL
    with database(size) as url, serving(size, url) as (address, token):
        missed = race(address, token, size, requests=chosen.requests)
    return 0 if chosen.small else missed


if __name__ == "__main__":
    sys.exit(main())
