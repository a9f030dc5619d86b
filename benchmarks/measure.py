"""Prints what measuring a table of a million rows costs beside one hand-written DuckDB query of the same statistics.

Run with ``python benchmarks/measure.py [rows]``: 20 columns (12 float with nulls, 3 integer, 5 categorical of
5 to 5,000 values), both ways by turns on the same Parquet file, two threads, medians of three. Also prints the
time for a small slice, as a day of a small product has, where planning and not scanning costs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lupus.measure import Engine, measure_table
from lupus.model import (
    Cadence,
    CadenceKind,
    FileFormat,
    FileSource,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
)

DAILY = Cadence(CadenceKind.DAILY)
DAY = DAILY.parse("2026-01-01")


def write(path: Path, rows: int) -> Snapshot:
    rng = np.random.default_rng(0)
    columns: dict[str, pa.Array] = {}
    for number in range(12):
        columns[f"float{number}"] = pa.array(rng.normal(number, 1 + number, rows), mask=rng.random(rows) < 0.05)
    for number, high in enumerate((10, 1000, 10**6)):
        columns[f"int{number}"] = pa.array(rng.integers(0, high, rows))
    for number, distinct in enumerate((5, 20, 100, 1000, 5000)):
        names = np.array([f"value {n}" for n in range(distinct)])
        columns[f"text{number}"] = pa.array(names[rng.zipf(1.5, rows) % distinct])
    table = pa.table(columns)
    pq.write_table(table, path)
    schema = tuple((field.name, str(field.type)) for field in table.schema)
    return Snapshot("bench", "data", DAY, SnapshotStatus.OK, path, rows, schema, "")


def by_hand(snapshot: Snapshot, edges: dict[str, list[float]]) -> str:
    """What a good engineer would write: one wide query, one scan, every statistic that `measure` gives."""
    parts = ["count(*)"]
    for name, kind in snapshot.schema:
        parts.append(f"count({name})")
        if kind == "string":
            parts.append(f"histogram({name})")  # all categories: their number, and the rows of each
            continue
        parts += [f"{f}({name})" for f in ("avg", "var_pop", "min", "max")]
        parts += [f"count(DISTINCT {name})", f"count(*) FILTER ({name} = 0)"]
        if kind == "double":
            parts += [f"count(*) FILTER (isnan({name}))", f"count(*) FILTER (isinf({name}))"]
        parts.append(f"quantile_cont({name}, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])")
        parts.append(f"histogram({name}, {edges[name]}::DOUBLE[])")
    return f"SELECT {', '.join(parts)} FROM read_parquet('{snapshot.path}')"


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - busy


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    table = Table("data", Role.DATA, FileSource("x", FileFormat.PARQUET))
    project = Project("bench", "", DAILY, datetime(2026, 1, 1, tzinfo=UTC), (table,))
    with tempfile.TemporaryDirectory() as folder, Engine(threads=2) as engine:
        for count in (1000, rows):
            snapshot = write(Path(folder) / f"{count}.parquet", count)
            references = measure_table(project, table, snapshot, (), engine=engine).references
            edges = {one.column: one.payload["edges"] for one in references if "edges" in one.payload}
            query = by_hand(snapshot, edges)
            connection = duckdb.connect(config={"threads": 2})
            ours, theirs = [], []
            for _ in range(3):
                ours.append(seconds(lambda: measure_table(project, table, snapshot, references, engine=engine)))  # noqa: B023
                theirs.append(seconds(lambda: connection.execute(query).fetchall()))  # noqa: B023
            for number, clock in enumerate(("wall", "processor")):
                mine, other = (median(times[number] for times in both) for both in (ours, theirs))
                print(
                    f"{count:>9,} rows x {len(snapshot.schema)} columns, {clock:9}: lupus {mine:.3f} s, "
                    f"hand-written DuckDB {other:.3f} s, ratio {mine / other:.2f}"
                )


if __name__ == "__main__":
    main()
