"""The scan against the query: the cells of a large slice's numbers are the same, whoever counts them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lupus.measure import Engine
from lupus.measure.answers import read_answers
from lupus.measure.cells import Cells
from lupus.measure.columns import Column, Part, kind_of
from lupus.measure.grid import Grid, Scale
from lupus.measure.helper import Helper
from lupus.measure.plan import Derive, Item, Plan
from lupus.measure.query import VIEW, build
from lupus.measure.scan import scanning

LINEAR = Grid(low=-2.0, high=3.1, cells=40, merged=4)
ASINH = Grid(low=-3.0, high=4.0, cells=60, merged=3, scale=Scale.ASINH, center=0.7, width=0.3)
ODD = (0.0, -0.0, math.nan, math.inf, -math.inf, 1e100, -1e101, 5e-324, -2.0, 3.1)
TYPES = (pa.float64(), pa.float32(), pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.int64(), pa.uint64())


def scan(plan: Plan, slice_: Path | pa.Table, *, threads: int) -> tuple[Plan, dict[int, Cells]]:
    with scanning(plan, slice_, threads=threads) as one:
        return one.finish()


def item_of(rows: pa.Table, position: int, grid: Grid | None) -> Item:
    field = rows.schema.field(position)
    return Item(Column(field.name, position, kind_of(str(field.type)), Part.PLAIN), Derive.NUMBER, (), grid=grid)


def plan_of(rows: pa.Table, grid: Grid | None) -> Plan:
    items = tuple(item_of(rows, position, grid) for position in range(rows.num_columns))
    return Plan(width=rows.num_columns, items=items, upright=False)


def queried(plan: Plan, slice_: Path | pa.Table, engine: Engine) -> dict[int, Cells]:
    engine.show_slice(VIEW, slice_, plan.width, (0, 0))
    return read_answers(engine.table(plan, lambda: build(plan)), plan).cells


def same(one: Cells, other: Cells) -> None:
    for name in ("place", "n", "low", "high"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    mine, theirs = one.moments, other.moments
    for name in ("rows", "present", "nan", "infinite", "count", "zeros", "negatives", "low", "high"):
        assert getattr(mine, name) == getattr(theirs, name), name
    assert one.unstable == other.unstable
    assert one.beyond == pytest.approx(other.beyond, rel=1e-9, abs=1e-11 * mine.count)
    spread = math.sqrt(theirs.m2 / theirs.count) if theirs.count else 0.0
    # Numbers that cancel out leave a mean that is small beside what rounding their sum costs.
    rounding = 1e-15 * theirs.count * max(abs(theirs.low), abs(theirs.high)) if theirs.count else 0.0
    assert mine.mean == pytest.approx(theirs.mean, rel=1e-11, abs=1e-11 + rounding)
    assert mine.m2 == pytest.approx(theirs.m2, rel=1e-9)
    assert mine.m3 == pytest.approx(theirs.m3, rel=1e-9, abs=1e-9 * theirs.count * spread**3)


@pytest.fixture(scope="module")
def engine() -> Any:
    with Engine(threads=1) as one:
        yield one


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(
        st.one_of(st.none(), st.sampled_from(ODD), st.floats(-5, 5), st.floats(-1e9, 1e9)), min_size=1, max_size=40
    ),
    grid=st.sampled_from([None, LINEAR, Grid(low=-0.5, high=4.5, cells=5, merged=1)]),
)
@example(numbers=[-999899712.0, 0.0, 999904160.0], grid=LINEAR)
def test_floats(engine: Engine, numbers: list[float | None], grid: Grid | None) -> None:
    rows = pa.table({"x": pa.array(numbers, pa.float64()), "y": pa.array(numbers, pa.float64()).cast(pa.float32())})
    plan = plan_of(rows, grid)
    asked, found = scan(plan, rows, threads=2)
    assert not asked.asks
    expected = queried(plan, rows, engine)
    assert found.keys() == expected.keys() == {0, 1}
    for number, cells in found.items():
        same(cells, expected[number])


@pytest.mark.parametrize("grid", [None, LINEAR, ASINH], ids=["one cell", "linear", "asinh"])
@pytest.mark.parametrize("from_file", [True, False], ids=["Parquet", "Arrow"])
def test_every_type(engine: Engine, tmp_path: Path, grid: Grid | None, *, from_file: bool) -> None:
    rng = np.random.default_rng(1)
    size = 40_000  # several steps
    columns = {}
    for at, kind in enumerate(TYPES):
        low, high = (0, 9) if "u" in str(kind) else (-9, 9)
        numbers = rng.normal(0, 4, size) if pa.types.is_floating(kind) else rng.integers(low, high, size)
        columns[f"x{at}"] = pa.array(numbers, mask=rng.random(size) < (0.1 if at % 2 else 0)).cast(kind)
    columns["full"] = pa.array(rng.integers(0, 2**64 - 1, size, dtype=np.uint64))
    columns["none"] = pa.nulls(size, pa.int32())
    rows = pa.table(columns)
    slice_: Any = rows
    if from_file:
        slice_ = tmp_path / "slice.parquet"
        pq.write_table(rows, slice_, row_group_size=17_000)
    plan = plan_of(rows, grid)
    asked, found = scan(plan, slice_, threads=2)
    assert not asked.asks
    expected = queried(plan, slice_, engine)
    for number, cells in expected.items():
        same(found[number], cells)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, Path]:
    """A file that is worth helpers."""
    monkeypatch.setattr("lupus.measure.scan._WORTH_IT", 1)
    rng = np.random.default_rng(2)
    rows = pa.table({f"x{n}": rng.lognormal(0, 2, 50_000) for n in range(8)})
    pq.write_table(rows, tmp_path / "slice.parquet")
    return plan_of(rows, LINEAR), tmp_path / "slice.parquet"


def children() -> set[int]:
    return {int(pid) for thread in Path("/proc/self/task").glob("*/children") for pid in thread.read_text().split()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells who the children of a process are")
def test_helpers_change_no_digit_and_are_gone_afterwards(large: tuple[Plan, Path]) -> None:
    plan, path = large
    before = children()
    (_, one), (_, four) = scan(plan, path, threads=1), scan(plan, path, threads=4)
    assert [cells.moments for cells in one.values()] == [cells.moments for cells in four.values()]
    for number, cells in four.items():
        same(cells, one[number])
    assert children() == before


def test_a_helper_answers_as_this_process_does(large: tuple[Plan, Path]) -> None:
    plan, path = large
    helper = Helper(path)
    try:
        with scanning(plan, path, threads=1) as alone:
            _, expected = alone.finish()
        for number, wanted in alone._wanted.items():
            found = helper.cells(wanted)
            assert found is not None
            same(found, expected[number])
    finally:
        helper.close()


@pytest.mark.parametrize("broken", ["killed", "no Python", "no Lupus"])
def test_a_helper_that_ends_only_leaves_more_to_do(
    large: tuple[Plan, Path], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    plan, path = large
    _, expected = scan(plan, path, threads=1)
    if broken == "no Python":
        monkeypatch.setattr("sys.executable", "/nonexistent/python")
    elif broken == "no Lupus":
        monkeypatch.setattr("lupus.measure.helper._SERVE", "import lupus.nothing")
    else:
        monkeypatch.setattr(
            "lupus.measure.helper._SERVE", "import os, sys; sys.stdin.buffer.read(1); os.kill(os.getpid(), 9)"
        )
    asked, found = scan(plan, path, threads=3)
    assert not asked.asks
    assert found.keys() == expected.keys()
    for number, cells in found.items():
        same(cells, expected[number])


def test_what_is_left_is_known_before_anything_is_read(large: tuple[Plan, Path]) -> None:
    plan, path = large
    with scanning(plan, path, threads=1) as one:
        assert not one.rest.asks
        assert one.finish()[0] == one.rest


def test_what_is_no_plain_number_is_left_to_the_query() -> None:
    rows = pa.table(
        {
            "price": pa.array(["1.50"]).cast(pa.decimal128(9, 2)),
            "half": pa.array(np.array([1.5], np.float16)),
            "code": pa.array([3]).dictionary_encode(),
            "x": [1.0],
        }
    )
    asked, found = scan(plan_of(rows, LINEAR), rows, threads=1)
    assert [item.scanned for item in asked.items] == [False, False, False, True]
    assert found.keys() == {3}


def test_one_name_of_two_columns_is_left_to_the_query(tmp_path: Path) -> None:
    rows = pa.table([[1.0], [2.0], [3.0]], names=["x", "x", "X"])
    pq.write_table(rows, tmp_path / "slice.parquet")
    asked, found = scan(plan_of(rows, LINEAR), tmp_path / "slice.parquet", threads=1)
    assert [item.scanned for item in asked.items] == [False, False, True]
    assert found[2].moments.mean == 3.0


def test_dots_in_names_are_no_paths(tmp_path: Path) -> None:
    rows = pa.table({"a.b": [1.0], "a": [{"b": 2.0, "c": 3.0}], "a.b.c": [4.0], 'x"; --': [5.0]})
    pq.write_table(rows, tmp_path / "slice.parquet")
    _, found = scan(plan_of(rows, LINEAR), tmp_path / "slice.parquet", threads=1)
    assert {number: cells.moments.mean for number, cells in found.items()} == {0: 1.0, 2: 4.0, 3: 5.0}


def test_what_cannot_be_read_is_left_to_the_query(tmp_path: Path) -> None:
    rows, path = pa.table({"x": [1.0]}), tmp_path / "slice.parquet"
    plan = plan_of(rows, LINEAR)
    assert scan(plan, path, threads=1) == (plan, {})
    path.write_bytes(b"PAR1 or so")
    assert scan(plan, path, threads=1) == (plan, {})
