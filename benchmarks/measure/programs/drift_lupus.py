"""Drift of one day against another from their stored States, every metric. ``drift_lupus.py STORE [REFERENCE TABLE]``.

With two Parquet files they are measured and their States stored first.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lupus_tables import DATA, FIRST, PROFILED, SECOND, snapshot

from lupus.measure import Engine, measure_table
from lupus.measure.drift import Sample, compare, samples_of
from lupus.model import Failure, Interval, StoredState
from lupus.store import open_store


def measure(store: str, *files: str) -> None:
    references = ()
    with Engine(threads=int(os.environ["BENCH_THREADS"])) as engine, open_store(f"sqlite:///{store}") as opened:
        for interval, file in zip((FIRST, SECOND), files, strict=True):
            found = measure_table(PROFILED, DATA, snapshot("data", Path(file), interval), references, engine=engine)
            references = references or found.references
            opened.save_states(found.states)


def samples(states: Sequence[StoredState], interval: Interval) -> dict[str, Sample]:
    """Those of one day, by column."""
    found = samples_of([state for state in states if state.interval == interval])
    return {column: sample for (_, column, _), sample in found.items()}


def main(store: str, *files: str) -> None:
    if files:
        measure(store, *files)
    with open_store(f"sqlite:///{store}") as opened:
        states = opened.states("bench", "data", intervals=(FIRST, SECOND))
    before, now = samples(states, FIRST), samples(states, SECOND)
    drift = compare({column: (before[column], now[column]) for column in now})
    failed = [key for key, one in drift.items() if isinstance(one, Failure)]
    assert not failed, failed
    print(json.dumps({"columns": len(now), "metrics": len(drift), "js": drift["float3", "js"].value}))


if __name__ == "__main__":
    main(*sys.argv[1:])
