"""Degenerate and hostile slices: clear failures, the other columns unharmed, no name that becomes SQL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lupus.measure import Engine, absent_points, measure_table
from lupus.model import (
    FailureKind,
    MeasureError,
    Role,
    Snapshot,
    SnapshotStatus,
)
from slices import DAY, Make, failures, maker, measured, project, table, values

HOSTILE = [
    '"',
    "a b",
    "x'); DROP TABLE t; --",
    "🦊",
    'c0" FROM lupus_slice; --',
    "item",
    "numbers",
    "ünïcode",
    "{x}",
    "$1",
    "%s",
]


@pytest.fixture(scope="module", params=["upright", "branches"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Small slices are turned upright, large ones get a branch per item: both ways say the same."""
    with Engine(threads=1, upright_rows=50_000 if request.param == "upright" else -1) as one:
        yield one


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path)


def test_degenerate_columns_fail_by_name_and_harm_no_other(make: Make, engine: Engine) -> None:
    columns = {"empty": pa.array([None, None], pa.float64()), "odd": [math.nan, math.inf], "good": [1.0, 2.0]}
    got = measured(make, engine, columns)
    assert values(got, "empty") == {"null_ratio": 1.0, "nan_ratio": 0.0, "inf_ratio": 0.0}
    assert failures(got, "empty")["mean"].failure.reason == "all values are null"
    assert failures(got, "odd")["p50"].failure.reason == "no value is a finite number"
    assert {point.failure.kind for point in failures(got, "odd").values()} == {FailureKind.UNDEFINED}
    assert values(got, "good")["mean"] == 1.5
    assert all(point.value is None or math.isfinite(point.value) for point in got.points)


def test_one_row_and_a_constant(make: Make, engine: Engine) -> None:
    one = measured(make, engine, {"x": [7.0]})
    assert failures(one, "x").keys() == {"std", "skew"}
    constant = measured(make, engine, {"x": [0.1] * 50})
    assert values(constant, "x")["std"] == 0.0
    assert failures(constant, "x").keys() == {"skew"}
    assert {reference.column for reference in constant.references} == {"", "x"}


def test_a_slice_without_rows_has_no_rows_and_nothing_else(make: Make, engine: Engine) -> None:
    empty = pa.table({"x": pa.array([], pa.float64()), "t": pa.array([], pa.string())})
    got = measured(make, engine, empty)
    assert [(str(point.series.key), point.value) for point in got.points] == [("data rows", 0.0)]
    assert got.references == ()


def test_many_categories_and_long_texts(make: Make, engine: Engine) -> None:
    rng = np.random.default_rng(6)
    got = measured(
        make,
        engine,
        {"many": [f"c{n}" for n in rng.permutation(100_000)], "long": ["x" * 10_000_000] * 3 + ["y"] * 99_997},
    )
    assert values(got, "many")["distinct"] == 100_000
    assert not [point for point in got.points if point.series.key.metric.startswith("share:c")]
    assert values(got, "long")["share:y"] == pytest.approx(0.99997)
    state = next(state for state in got.states if state.column == "long" and state.kind == "categories")
    assert state.payload["counts"] == {"y": 99_997}


def test_nan_in_a_column_whose_statistics_hide_it(make: Make, engine: Engine) -> None:
    # Parquet keeps NaN out of a column's minimum and maximum, and engines trust these.
    predictions = table(Role.PREDICTION, score="score")
    for kind in (pa.float32(), pa.float64()):
        day = make({"score": pa.array([0.25, 0.75, math.nan], kind)}, table="prediction")
        found = values(measure_table(project(predictions), predictions, day, (), engine=engine), "score")
        assert found["nan_ratio"] == found["invalid_ratio"] == pytest.approx(1 / 3)
        assert (found["mean"], found["positive_ratio"], found["max"]) == (0.5, 0.5, 0.75)


def test_a_lost_and_a_retyped_column(make: Make, engine: Engine) -> None:
    first = measured(make, engine, {"x": [1.0] * 9, "y": [1.0] * 9, "t": ["a"] * 9})
    day = make({"y": ["word"] * 9, "t": [1.0] * 9})
    got = measure_table(project(), table(), day, first.references, engine=engine)
    lost = failures(got, "x")["null_ratio"]
    assert lost.failure.kind is FailureKind.MISSING_COLUMN
    assert "'x'" in lost.failure.reason
    assert failures(got, "y")["mean"].failure.kind is FailureKind.WRONG_TYPE
    assert failures(got, "t")["share:a"].failure.kind is FailureKind.WRONG_TYPE
    assert values(got, "t")["mean"] == 1.0


def test_missing_and_mistyped_roles(make: Make, engine: Engine) -> None:
    predictions = table(Role.PREDICTION, key=("id",), time="day", score="score", version="v")
    got = measure_table(project(predictions), predictions, make({"score": ["high"] * 9}), (), engine=engine)
    for column in ("id", "day", "v"):
        assert failures(got, column)["null_ratio"].failure.kind is FailureKind.MISSING_COLUMN
    assert failures(got)["duplicate_key_ratio"].failure.kind is FailureKind.MISSING_COLUMN
    assert failures(got, "score")["positive_ratio"].failure.kind is FailureKind.WRONG_TYPE
    assert values(got) == {"rows": 9.0}


def test_names_and_values_are_never_sql(make: Make, engine: Engine) -> None:
    keyed = table(key=(HOSTILE[0],), time=HOSTILE[1])
    columns = {name: [name] * 6 if number % 2 else [float(number)] * 6 for number, name in enumerate(HOSTILE)}
    plan = project(keyed, segments=tuple(HOSTILE), min_segment_rows=1, segment_metrics=("*",))
    got = measure_table(plan, keyed, make(columns), (), engine=engine)
    for number, name in enumerate(HOSTILE):
        assert values(got, name)["null_ratio"] == 0
        if number > 1:
            metric, value = (f"share:{name}", 1.0) if number % 2 else ("mean", float(number))
            assert values(got, name)[metric] == value
    again = measure_table(plan, keyed, make(columns), got.references, engine=engine)
    assert {point.series.key.metric for point in again.points if point.failure} == {"skew"}  # of constants


def test_names_that_differ_only_in_case_stay_apart(make: Make, engine: Engine) -> None:
    got = measured(make, engine, {"X": [1.0, 1.0], "x": [2.0, 2.0]})
    assert (values(got, "X")["mean"], values(got, "x")["mean"]) == (1.0, 2.0)


@pytest.mark.parametrize("name", ["it's.parquet", "day=2026/[a]*?.parquet", "a'); --/b.parquet"])
def test_paths_are_never_patterns_or_columns(make: Make, engine: Engine, name: str) -> None:
    got = measure_table(project(), table(), make({"x": [1.0, 3.0]}, name=name), (), engine=engine)
    assert values(got, "x")["mean"] == 2.0


def test_a_column_that_cannot_be_read_harms_no_other(make: Make, engine: Engine) -> None:
    bad = pa.Array.from_buffers(pa.string(), 6, pa.array([b"\xff\xfe"] * 6).buffers())
    keyed = table(key=("k",))
    day = make(pa.table({"bad": bad, "x": [1.0] * 6, "k": list(range(6)), "t": ["a"] * 6}))
    got = measure_table(project(keyed), keyed, day, (), engine=engine)
    assert failures(got, "bad")["null_ratio"].failure.kind is FailureKind.NOT_READ
    assert values(got, "x")["mean"] == 1.0
    assert values(got, "t")["share:a"] == 1.0
    assert values(got) == {"rows": 6.0, "duplicate_key_ratio": 0.0}


def test_a_file_that_is_no_parquet_is_an_error(make: Make, engine: Engine) -> None:
    snapshot = make({"x": [1.0]})
    assert snapshot.path is not None
    snapshot.path.write_bytes(b"PAR1 this is not Parquet")
    with pytest.raises(MeasureError, match="could not read"):
        measure_table(project(), table(), snapshot, (), engine=engine)


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (SnapshotStatus.NO_DATA, "waited until 06:00", FailureKind.NO_DATA),
        (SnapshotStatus.FAILED, "wrong password", FailureKind.NOT_READ),
        (SnapshotStatus.FAILED, "", FailureKind.NOT_READ),
    ],
)
def test_absent_slices(engine: Engine, status: SnapshotStatus, reason: str, kind: FailureKind) -> None:
    snapshot = Snapshot("p", "data", DAY, status, None, 0, (), "", reason)
    (point,) = measure_table(project(), table(), snapshot, (), engine=engine).points
    assert absent_points(project(), table(), snapshot) == [point]
    assert str(point.series.key) == "data rows"
    assert point.failure is not None
    assert point.failure.kind is kind
    assert point.failure.reason == reason or not reason
