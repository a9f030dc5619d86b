"""Drift of one day against another from their stored States, every metric. ``drift_lupus.py STORE [REFERENCE TABLE]``.

With two Parquet files they are measured and their States stored first.
"""

import json
import os
import sys
from pathlib import Path

from lupus_tables import DATA, FIRST, PROFILED, SECOND, snapshot

from lupus.measure import Engine, measure_table
from lupus.measure.drift import Sample, compare
from lupus.measure.states import Categories, Histogram, Moments
from lupus.model import Failure, Interval, StoredState
from lupus.store import open_store


def measure(store: str, *files: str) -> None:
    references = ()
    with Engine(threads=int(os.environ["BENCH_THREADS"])) as engine, open_store(f"sqlite:///{store}") as opened:
        for interval, file in zip((FIRST, SECOND), files, strict=True):
            found = measure_table(PROFILED, DATA, snapshot("data", Path(file), interval), references, engine=engine)
            references = references or found.references
            opened.save_states(found.states)


def samples(states: list[StoredState], interval: Interval) -> dict[str, Sample]:
    kinds: dict[str, dict[str, dict]] = {}
    for state in states:
        if state.interval == interval:
            kinds.setdefault(state.column, {})[state.kind] = state.payload
    found = {}
    for column, own in kinds.items():
        if "histogram" in own:
            found[column] = Sample.of_numbers(Moments.from_json(own["moments"]), Histogram.from_json(own["histogram"]))
        elif "categories" in own:
            rows = own["moments"]["rows"] if "moments" in own else None
            found[column] = Sample.of_categories(Categories.from_json(own["categories"]), rows=rows)
    return found


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
