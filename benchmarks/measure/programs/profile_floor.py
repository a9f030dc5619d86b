"""The floor: DuckDB reads every numeric column once and adds it up. ``profile_floor.py FILE``."""

import json
import os
import sys

import duckdb


def main(path: str) -> None:
    with duckdb.connect(config={"threads": int(os.environ["BENCH_THREADS"])}) as connection:
        schema = connection.execute(
            "SELECT name, type FROM parquet_schema(?) WHERE type IS NOT NULL", [path]
        ).fetchall()
        sums = ", ".join(f'sum("{name}")' for name, kind in schema if kind != "BYTE_ARRAY")
        found = connection.execute(f"SELECT count(*), {sums} FROM read_parquet(?)", [path]).fetchone()
    assert found is not None
    print(json.dumps({"rows": found[0]}))


if __name__ == "__main__":
    main(sys.argv[1])
