"""Small slices asked about together: the same answers as one by one, from one query."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lupus.measure import Engine, asked_together, measure_table
from lupus.model import Project, Reference, Role, Snapshot, SnapshotStatus, Table
from slices import DAILY, DAY, Make, maker, project, table

KEYED = table(Role.DATA, key=("id",), time="at")


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(threads=2) as one:
        yield one


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path)


def columns(seed: int, rows: int) -> pa.Table:
    """Every kind of column, with odd values, a clumsy name and a day that has left the first one's grid."""
    rng = np.random.default_rng(seed)
    day = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(days=seed)
    at = [day + dt.timedelta(hours=float(hour)) for hour in rng.random(rows) * 24]
    x = rng.normal(3 * seed, 2, rows)
    return pa.table(
        {
            "id": [*range(rows - 1), 0],
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "x": [None, math.nan, math.inf, *x[3:].tolist()],
            'slice "; DROP': rng.integers(0, 5, rows),
            "shop": rng.choice(["a", "b", "c d", None, f"new {seed}"], rows).tolist(),
            "flag": rng.choice([True, False, None], rows).tolist(),
            "text": [f"word {n} {seed}" * (n % 4) for n in range(rows)],
            "list": [[1] * (n % 3) for n in range(rows)],
        }
    )  # fmt: skip


def days(make: Make, sizes: list[int]) -> list[Snapshot]:
    """A snapshot per size, a day each."""
    found = []
    for number, rows in enumerate(sizes):
        one = make(columns(number, rows), name=f"{number}/slice.parquet")
        found.append(replace(one, interval=DAILY.shift(DAY, number)))
    return found


def first(of: Project, day: Snapshot, engine: Engine) -> tuple[Reference, ...]:
    return measure_table(of, of.tables[0], day, (), engine=engine).references


def wanted(tables: Table = KEYED, **more: Any) -> Project:
    return project(tables, segments=("shop", "flag"), min_segment_rows=1, min_category_rows=1, **more)


@pytest.mark.parametrize("more", [{}, {"segment_states": True}, {"segment_metrics": ("p50", "mean", "rows")}])
def test_together_is_one_by_one(make: Make, engine: Engine, more: dict[str, Any]) -> None:
    of = wanted(**more)
    before, *some = days(make, [200, 90, 300, 3, 150])
    known = first(of, before, engine)
    engine.queries.clear()
    asked = asked_together(of, KEYED, some, known, engine=engine)
    assert len(engine.queries) == 1
    assert list(asked) == some
    for day in some:
        alone = measure_table(of, KEYED, day, known, engine=engine)
        engine.queries.clear()
        assert measure_table(of, KEYED, day, known, engine=engine, answers=asked[day]) == alone
        # What a grid cannot tell is asked for again, of the one slice; the rest is not.
        assert all("QUANTILE" not in sql or "UNNEST" not in sql for sql in engine.queries)


def test_numbers_that_lost_their_digits_are_asked_for_again_of_their_own_slice(make: Make, engine: Engine) -> None:
    of, rows = (
        project(),
        [{"x": [1.0, 2.0, 3.0, 4.0]}, {"x": [5.0, 6.0, 7.0]}, {"x": [1e9 + 0.1, 1e9 + 0.2, 1e9 + 0.3]}],
    )
    before, *some = [
        replace(make(one, name=f"{number}/slice.parquet"), interval=DAILY.shift(DAY, number))
        for number, one in enumerate(rows)
    ]
    known = first(of, before, engine)
    asked = asked_together(of, of.tables[0], some, known, engine=engine)
    for day in some:
        alone = measure_table(of, of.tables[0], day, known, engine=engine)
        found = measure_table(of, of.tables[0], day, known, engine=engine, answers=asked[day])
        assert found == alone
    spread = {one.series.key.metric: one.value for one in found.points if one.series.key.column == "x"}["std"]
    assert spread == pytest.approx(0.1, rel=1e-6)


def test_slices_that_are_not_alike_are_left_to_be_asked_about_alone(make: Make, engine: Engine) -> None:
    of = wanted()
    before, one, other, empty = days(make, [200, 90, 120, 3])
    known = first(of, before, engine)
    empty = replace(make(columns(7, 3).slice(0, 0), name="7/slice.parquet"), interval=empty.interval)
    retyped = make(columns(8, 50).drop_columns(["flag"]), name="8/slice.parquet")
    gone = replace(one, status=SnapshotStatus.NO_DATA, path=None, rows=0)
    odd = [empty, replace(retyped, interval=DAILY.shift(DAY, 8)), gone]
    assert list(asked_together(of, KEYED, [one, *odd, other], known, engine=engine)) == [one, other]
    assert asked_together(of, KEYED, [one, *odd], known, engine=engine) == {}
    assert asked_together(of, KEYED, [before, one, other], (), engine=engine) == {}  # nothing is fixed yet
    engine.upright_rows = 150
    assert asked_together(of, KEYED, [one, other], known, engine=engine) == {}  # together they are not small


def test_a_file_that_cannot_be_read_takes_no_other_with_it(make: Make, engine: Engine) -> None:
    of = wanted()
    before, one, other = days(make, [200, 90, 120])
    known = first(of, before, engine)
    assert one.path is not None
    one.path.write_bytes(b"no Parquet")
    assert asked_together(of, KEYED, [one, other], known, engine=engine) == {}
    assert measure_table(of, KEYED, other, known, engine=engine).points


def test_intervals_of_other_lengths_keep_their_own_grid(make: Make, engine: Engine) -> None:
    berlin = table(Role.DATA, time="at", timezone="Europe/Berlin")
    of = project(berlin)
    sizes = [200, 90, 120, 150]
    before, *some = days(make, sizes)
    start = dt.datetime(2026, 3, 27, 23, tzinfo=dt.UTC)
    hours = [24, 23, 24]  # clocks are put forward on the second day
    intervals = []
    for count in hours:
        intervals.append(replace(some[0].interval, start=start, end=start + dt.timedelta(hours=count), key=f"{start}"))
        start = intervals[-1].end
    some = [replace(day, interval=interval) for day, interval in zip(some, intervals, strict=True)]
    known = first(of, before, engine)
    asked = asked_together(of, berlin, some, known, engine=engine)
    assert list(asked) == [some[0], some[2]]
    for day in some:
        alone = measure_table(of, berlin, day, known, engine=engine)
        assert measure_table(of, berlin, day, known, engine=engine, answers=asked.get(day)) == alone
