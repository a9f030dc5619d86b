"""Writes the tables that the contenders read; the same bytes for the same arguments.

``make_data.py profile FILE ROWS [SEED]``, ``make_data.py wide FILE ROWS COLUMNS``,
``make_data.py evaluation FOLDER ROWS``. Made and written in pieces, so that any size fits into memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PIECE = 1_000_000
ROW_GROUP = 122_880  # as DuckDB writes, one thread per group; compressed as nearly everything writes by default
SEGMENTS = 20


def pieces(rows: int, size: int = PIECE) -> Iterator[tuple[int, int]]:
    """(first row, number of rows) of each piece."""
    bounds = [*range(0, rows, size), rows]
    return ((start, end - start) for start, end in pairwise(bounds))


def profile(path: Path, rows: int, seed: int = 0) -> None:
    """12 float columns with 5 % nulls, 3 integer columns, 5 categorical columns of 5 to 5,000 values."""
    writer = None
    for first, count in pieces(rows):
        rng = np.random.default_rng((seed, first))
        columns: dict[str, pa.Array] = {}
        for number in range(12):
            columns[f"float{number}"] = pa.array(rng.normal(number, 1 + number, count), mask=rng.random(count) < 0.05)
        for number, high in enumerate((10, 1000, 10**6)):
            columns[f"int{number}"] = pa.array(rng.integers(0, high, count))
        for number, distinct in enumerate((5, 20, 100, 1000, 5000)):
            names = np.array([f"value {n}" for n in range(distinct)])
            columns[f"text{number}"] = pa.array(names[rng.zipf(1.5, count) % distinct])
        piece = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, piece.schema, compression="snappy")
        writer.write_table(piece, row_group_size=ROW_GROUP)
    assert writer is not None
    writer.close()


def wide(path: Path, rows: int, columns: int) -> None:
    """Float columns of two decimals, float32 and float64 by turns; shifted copies of a few, so cheap to store."""
    writer = None
    for first, count in pieces(rows, 100_000):
        rng = np.random.default_rng((1, first))
        base = np.round(rng.normal(0, 1, (40, count)), 2)
        arrays = {}
        for number in range(columns):
            values = np.roll(base[number % 40], 997 * number) + number
            arrays[f"column{number}"] = pa.array(values.astype(np.float32 if number % 2 else np.float64))
        piece = pa.table(arrays)
        writer = writer or pq.ParquetWriter(path, piece.schema, compression="snappy")
        writer.write_table(piece, row_group_size=count)
    assert writer is not None
    writer.close()


def evaluation(folder: Path, rows: int) -> None:
    """``predictions.parquet`` (id, score, segment) and ``labels.parquet`` (id, label), in different orders."""
    rng = np.random.default_rng(2)
    score = rng.beta(0.6, 4.0, rows)
    label = (rng.random(rows) < np.clip(0.8 * score + 0.02, 0, 1)).astype(np.int8)
    names = np.array([f"segment {n:02d}" for n in range(SEGMENTS)])
    segment = names[rng.integers(0, SEGMENTS, rows)]
    order = rng.permutation(rows)
    ids = np.arange(rows)
    tables = {
        "predictions": {"id": ids, "score": score, "segment": segment},
        "labels": {"id": ids[order], "label": label[order]},
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet", compression="snappy", row_group_size=ROW_GROUP)


if __name__ == "__main__":
    what, where, *numbers = sys.argv[1:]
    {"profile": profile, "wide": wide, "evaluation": evaluation}[what](Path(where), *map(int, numbers))
