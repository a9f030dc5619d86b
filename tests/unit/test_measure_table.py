"""Tables against NumPy: every column metric, on ordinary, degenerate and hostile slices."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.stats

from lupus.measure import Categories, Engine, Histogram, Moments, TableMeasures, absent_points, measure_table
from lupus.measure.grid import Grid, Scale
from lupus.model import (
    Cadence,
    CadenceKind,
    FailureKind,
    FileFormat,
    FileSource,
    Group,
    Interval,
    MeasureError,
    MetricPoint,
    MetricsPolicy,
    Project,
    Reference,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
    Task,
)

DAILY = Cadence(CadenceKind.DAILY)
DAY = DAILY.parse("2026-03-01")
SOURCE = FileSource("x.parquet", FileFormat.PARQUET)
Make = Callable[..., Snapshot]


@pytest.fixture(scope="module", params=["upright", "branches"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Small slices are turned upright, large ones get a branch per item: both ways say the same."""
    with Engine(threads=1, upright_rows=50_000 if request.param == "upright" else -1) as one:
        yield one


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes columns to a Parquet file and returns its snapshot."""

    def snapshot(columns: dict[str, Any] | pa.Table, *, table: str = "data", name: str = "slice.parquet") -> Snapshot:
        rows = columns if isinstance(columns, pa.Table) else pa.table(columns)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, path)
        schema = tuple((field.name, str(field.type)) for field in rows.schema)
        return Snapshot("p", table, DAY, SnapshotStatus.OK, path, rows.num_rows, schema, "hash")

    return snapshot


def table(role: Role = Role.DATA, **more: Any) -> Table:
    return Table(name=str(role), role=role, source=SOURCE, **more)


def project(*tables: Table, segments: tuple[str, ...] = (), **policy: Any) -> Project:
    return Project(
        "p",
        "me",
        DAILY,
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        tables or (table(),),
        task=Task.BINARY_CLASSIFICATION,
        segments=tuple((name,) for name in segments),
        metrics=MetricsPolicy(**policy),
    )


def values(measures: TableMeasures, column: str = "", segment: str = "") -> dict[str, float]:
    return {
        point.series.key.metric: point.value
        for point in measures.points
        if (point.series.key.column, point.series.key.segment) == (column, segment) and point.value is not None
    }


def failures(measures: TableMeasures, column: str = "") -> dict[str, MetricPoint]:
    return {
        point.series.key.metric: point
        for point in measures.points
        if point.series.key.column == column and point.failure is not None
    }


def measured(make: Make, engine: Engine, columns: dict[str, Any] | pa.Table, **policy: Any) -> TableMeasures:
    return measure_table(project(**policy), table(), make(columns), (), engine=engine)


def test_numeric_metrics_are_numpys(make: Make, engine: Engine) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(3, 2, 500)
    x[:20] = 0
    given = [None] * 10 + [float(v) for v in x] + [math.nan, math.inf, -math.inf]
    got = values(measured(make, engine, {"x": given}), "x")
    rows = len(given)
    expected = {
        "null_ratio": 10 / rows,
        "nan_ratio": 1 / rows,
        "inf_ratio": 2 / rows,
        "mean": x.mean(),
        "std": x.std(ddof=1),
        "min": x.min(),
        "max": x.max(),
        "zero_ratio": 20 / 500,
        "negative_ratio": np.mean(x < 0),
        "skew": scipy.stats.skew(x),
    }
    assert {name: got.pop(name) for name in expected} == pytest.approx(expected, rel=1e-12)
    assert got.keys() == {f"p{q:02d}" for q in (1, 5, 25, 50, 75, 95, 99)}
    exact = {name: np.percentile(x, int(name[1:])) for name in got}
    assert got == pytest.approx(exact, rel=1e-12 if engine.upright_rows > 0 else 0.02)


def test_numbers_of_every_arrow_type(make: Make, engine: Engine) -> None:
    types = [pa.int8(), pa.uint64(), pa.float32(), pa.float16(), pa.decimal128(20, 3), pa.decimal256(50, 2)]
    numbers = [1, 2, 3, 10]
    columns = {
        str(kind): pa.array([Decimal(n) if pa.types.is_decimal(kind) else np.float16(n) if kind == pa.float16() else n
                             for n in numbers], kind)
        for kind in types
    }  # fmt: skip
    got = measured(make, engine, pa.table(columns))
    for name in columns:
        assert values(got, name)["mean"] == 4.0
        assert values(got, name)["std"] == pytest.approx(np.std(numbers, ddof=1))


def test_large_integers_do_not_overflow(make: Make, engine: Engine) -> None:
    got = values(measured(make, engine, {"n": pa.array([2**63 - 1, 2**63 - 1, -(2**63)], pa.int64())}), "n")
    assert got["mean"] == pytest.approx(2**63 / 3)
    assert got["p50"] == 2.0**63


def test_numbers_whose_squares_overflow_count_as_infinite(make: Make, engine: Engine) -> None:
    got = values(measured(make, engine, {"x": [1e300, 1.0, 3.0, -1e200]}), "x")
    assert (got["inf_ratio"], got["mean"], got["max"]) == (0.5, 2.0, 3.0)


def test_other_types(make: Make, engine: Engine) -> None:
    columns = {
        "flag": [True, False, True, None],
        "day": pa.array([dt.date(2026, 1, 1), None, None, None]),
        "at": pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * 4, pa.timestamp("us", tz="Europe/Berlin")),
        "list": [[1], None, [2, 3], []],
        "blob": [b"\xff", b"", None, b"x"],
        "nothing": pa.nulls(4),
        "enum": pa.array(["a", "b", "a", None]).dictionary_encode(),
    }
    got = measured(make, engine, columns, min_category_rows=1)
    assert values(got, "flag") == pytest.approx({"null_ratio": 0.25, "true_ratio": 2 / 3})
    assert values(got, "day") == {"null_ratio": 0.75, "future_ratio": 0.0}
    assert values(got, "at")["null_ratio"] == 0.0
    assert values(got, "list")["null_ratio"] == 0.25
    assert values(got, "blob") == {"null_ratio": 0.25}
    assert values(got, "nothing") == {"null_ratio": 1.0}
    assert values(got, "enum")["distinct"] == 2
    assert values(got, "enum")["share:a"] == pytest.approx(2 / 3)


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


def test_duplicate_keys(make: Make, engine: Engine) -> None:
    keyed = table(key=("a", "b"))
    rows = {"a": [1, 1, 1, None, 2], "b": ["x", "x", "y", "x", "x"]}
    got = measure_table(project(keyed), keyed, make(rows), (), engine=engine)
    assert values(got) == {"rows": 5.0, "duplicate_key_ratio": 0.25}
    assert values(got, "a") == {"null_ratio": 0.2}  # a key's own numbers say nothing


def test_categories_are_followed_and_rare_ones_never_named(make: Make, engine: Engine) -> None:
    first = ["LGA"] * 60 + ["JFK"] * 30 + ["secret"] * 4 + [None] * 6
    day1 = measured(make, engine, {"origin": first})
    shares = {"share:LGA": 60 / 94, "share:JFK": 30 / 94, "share:other": 4 / 94}
    entropy = scipy.stats.entropy([60, 30, 4], base=2)
    about = {"null_ratio": 0.06, "distinct": 3, "entropy": entropy, "top_share": 60 / 94, "unseen_ratio": 4 / 94}
    assert values(day1, "origin") == pytest.approx(shares | about)
    assert day1.references[0].payload == {
        "text": False, "categories": ["LGA", "JFK"], "seen": ["LGA", "JFK"]
    }  # fmt: skip
    later = make({"origin": ["EWR"] * 90 + ["JFK"] * 10})
    day2 = measure_table(project(), table(), later, day1.references, engine=engine)
    found = values(day2, "origin")
    assert found.pop("entropy") == pytest.approx(scipy.stats.entropy([90, 10], base=2))
    assert found == {
        "null_ratio": 0, "distinct": 2, "top_share": 0.9, "unseen_ratio": 0.9, "share:LGA": 0, "share:JFK": 0.1,
        "share:other": 0.9,
    }  # fmt: skip
    assert day2.references == ()
    state = next(state for state in day2.states if state.kind == "categories")
    assert Categories.from_json(dict(state.payload)) == Categories({"LGA": 0, "JFK": 10}, 90)


def test_free_text_gets_no_share_series(make: Make, engine: Engine) -> None:
    got = measured(make, engine, {"text": [f"word {n}" for n in range(1000)]})
    lengths = {"length_mean": 7.89, "length_max": 8, "length_p50": 8, "length_p95": 8, "empty_ratio": 0}
    assert values(got, "text") == pytest.approx({"null_ratio": 0, "distinct": 1000} | lengths)


def test_a_new_model_version_is_named_from_its_first_day(make: Make, engine: Engine) -> None:
    predictions = table(Role.PREDICTION, score="score", version="version")
    known = [Reference("p", "prediction", "version", 1, "x", {"categories": ["1"]})]
    day = make({"score": [0.1] * 20, "version": [1] * 5 + [2] * 15}, table="prediction")
    got = measure_table(project(predictions), predictions, day, known, engine=engine)
    assert values(got, "version") == {
        "null_ratio": 0, "distinct": 2, "version_share:1": 0.25, "version_share:2": 0.75, "version_share:other": 0
    }  # fmt: skip


def test_histograms_over_fixed_edges_are_numpys(make: Make, engine: Engine) -> None:
    rng = np.random.default_rng(2)
    x = rng.lognormal(size=2000)
    first = measured(make, engine, {"x": x})
    edges = Grid.from_json(first.references[0].payload["grid"]).edges
    assert len(edges) == 21
    y = rng.lognormal(1, size=1000) - 2
    later = measure_table(project(), table(), make({"x": y}), first.references, engine=engine)
    for measures, data in ((first, x), (later, y)):
        state = next(state for state in measures.states if state.kind == "histogram")
        counts = np.bincount(np.searchsorted(edges, data, side="right"), minlength=len(edges) + 1)
        assert Histogram.from_json(dict(state.payload)) == Histogram(tuple(edges), tuple(counts.tolist()))


def test_numbers_far_outside(make: Make, engine: Engine) -> None:
    skewed = Grid(0.0, 3.0, 1500, 500, Scale.ASINH)
    known = [
        Reference("p", "data", "x", 1, "x", {"grid": skewed.to_json()}),
        Reference("p", "data", "y", 1, "x", {"grid": Grid(0.0, 1.0, 1, 1).to_json()}),
    ]
    data = [-1e90, -1.0, 0.0, 0.5, 1.2, 9.0, 1000.0, 1e90]
    got = measure_table(project(), table(), make({"x": data, "y": data}), known, engine=engine)
    histograms = {state.column: state.payload["counts"] for state in got.states if state.kind == "histogram"}
    assert skewed.edges == pytest.approx((0, math.sinh(1), math.sinh(2), math.sinh(3)))
    assert histograms == {"x": [2, 2, 1, 1, 2], "y": [2, 2, 4]}
    assert values(got, "x")["max"] == 1e90


def test_scores(make: Make, engine: Engine) -> None:
    predictions = table(Role.PREDICTION, score="score")
    scores = [0.1, 0.5, 0.9, 1.5, -0.1, math.nan, math.inf, None]
    day = make({"score": scores}, table="prediction")
    got = measure_table(project(predictions), predictions, day, (), engine=engine)
    found = values(got, "score")
    assert found["positive_ratio"] == pytest.approx(2 / 3)
    assert found["invalid_ratio"] == pytest.approx(4 / 7)
    assert {point.series.group for point in got.points} == {Group.PREDICTION}
    assert found["confidence"] == pytest.approx((0.9 + 0.5 + 0.9) / 3)
    assert found["score_entropy"] == pytest.approx((1 + 2 * scipy.stats.entropy([0.1, 0.9], base=2)) / 3)
    assert Grid.from_json(got.references[0].payload["grid"]).edges == pytest.approx([n / 20 for n in range(21)])


def test_times_on_a_day_of_25_hours(make: Make, engine: Engine) -> None:
    berlin = table(timezone="Europe/Berlin", time="day")
    start = dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC)
    instants = [start + dt.timedelta(hours=hours) for hours in (0, 3, 24.5, 26)]
    clocks = [dt.datetime(2026, 10, 25, hour, 30) for hour in (0, 2, 2, 22)]  # noqa: DTZ001
    columns = {"instant": pa.array(instants, pa.timestamp("us", "UTC")), "clock": pa.array(clocks, pa.timestamp("us"))}
    long_day = replace(make(columns), interval=Interval(start, start + dt.timedelta(hours=25), "2026-10-25"))
    got = measure_table(project(berlin), berlin, long_day, (), engine=engine)
    assert values(got, "instant") == pytest.approx(
        {"null_ratio": 0, "freshness": -1, "future_ratio": 0.25, "longest_gap": 21.5}
    )
    assert values(got, "clock") == pytest.approx(
        {"null_ratio": 0, "freshness": 1.5, "future_ratio": 0, "longest_gap": 20}
    )


@pytest.mark.parametrize("shift", [0.0, 3.0, -40.0, 1e6])
@pytest.mark.parametrize("shape", ["normal", "lognormal", "exponential", "zeros", "integers", "mixture"])
def test_quantiles_of_large_slices_err_by_half_a_percent_of_the_rank(make: Make, shape: str, shift: float) -> None:
    """Also when the data leave the grid that the first slice gave."""
    rng = np.random.default_rng(5)
    size = 20_000

    def draw() -> Any:
        return {
            "normal": lambda: rng.normal(0, 1, size),
            "lognormal": lambda: rng.lognormal(0, 2, size),
            "exponential": lambda: rng.exponential(1, size),
            "zeros": lambda: np.where(rng.random(size) < 0.7, 0.0, rng.gamma(2, 3, size)),
            "integers": lambda: rng.integers(-5000, 90_000, size).astype(float),
            "mixture": lambda: np.where(rng.random(size) < 0.5, rng.normal(0, 0.01, size), rng.normal(100, 20, size)),
        }[shape]()

    quantiles = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    with Engine(threads=1, upright_rows=-1) as engine:
        first = measured(make, engine, {"x": draw()})
        later = draw() + shift
        got = values(measure_table(project(), table(), make({"x": later}), first.references, engine=engine), "x")
    ordered = np.sort(later)
    for quantile in quantiles:
        value = got[f"p{round(quantile * 100):02d}"]
        below, until = (np.searchsorted(ordered, value, side=side) / size for side in ("left", "right"))
        assert below - 0.005 <= quantile <= until + 0.005, (quantile, value)
    assert got["mean"] == pytest.approx(later.mean(), rel=1e-9)
    assert got["std"] == pytest.approx(later.std(ddof=1), rel=1e-9)


def test_a_table_of_hundreds_of_columns_is_asked_in_parts(make: Make, engine: Engine) -> None:
    columns = {f"x{n}": [float(n), n + 1.0] for n in range(250)} | {"s": ["a", "b"]}
    plan = project(segments=("s",), segment_metrics=("mean", "rows"), min_segment_rows=1, min_category_rows=1)
    got = measure_table(plan, table(), make(columns), (), engine=engine)
    assert all(values(got, f"x{n}")["mean"] == n + 0.5 for n in range(250))
    assert all(values(got, f"x{n}", "s=b")["mean"] == n + 1 for n in range(250))
    assert values(got, "", "s=a") == {"rows": 1.0}


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


def test_a_new_a_lost_and_a_retyped_column_are_counted_once(make: Make, engine: Engine) -> None:
    first = measured(make, engine, {"a": [1, 2], "b": [1.0, 2.0], "c": ["x", "y"]})

    def at(number: int, columns: dict[str, Any], known: Any) -> TableMeasures:
        one = replace(make(columns), interval=DAILY.parse(f"2026-03-{number:02d}"))
        return measure_table(project(), table(), one, known, engine=engine)

    changed = {"a": [1.5, 2.5], "c": [1.0, 2.0], "d": [1.0, 2.0]}
    second = at(2, changed, first.references)
    found = values(second)
    assert (found["new_columns"], found["lost_columns"], found["retyped_columns"]) == (1, 1, 1)
    known = (*first.references, *second.references)
    again, third = at(2, changed, known), at(3, changed, known)
    assert (values(again), again.references) == (found, ())
    assert [value for metric, value in values(third).items() if metric.endswith("_columns")] == [0, 0, 0]


def test_nan_in_a_column_whose_statistics_hide_it(make: Make, engine: Engine) -> None:
    # Parquet keeps NaN out of a column's minimum and maximum, and engines trust these.
    predictions = table(Role.PREDICTION, score="score")
    for kind in (pa.float32(), pa.float64()):
        day = make({"score": pa.array([0.25, 0.75, math.nan], kind)}, table="prediction")
        found = values(measure_table(project(predictions), predictions, day, (), engine=engine), "score")
        assert found["nan_ratio"] == found["invalid_ratio"] == pytest.approx(1 / 3)
        assert (found["mean"], found["positive_ratio"], found["max"]) == (0.5, 0.5, 0.75)


def test_segments(make: Make, engine: Engine) -> None:
    columns = {
        "x": [1.0] * 40 + [2.0] * 40 + [5.0] * 10 + [9.0] * 30,
        "s": ["a"] * 40 + ["b"] * 40 + ["c"] * 10 + [None] * 30,
    }
    plan = project(segments=("s", "absent"), segment_metrics=("rows", "mean", "p50", "null_ratio"))
    got = measure_table(plan, table(), make(columns), (), engine=engine)
    segments = {point.series.key.segment for point in got.points}
    assert segments == {"", "s=a", "s=b", "s=(null)"}  # c is too small to be shown
    assert values(got, "x", "s=b") == {"null_ratio": 0.0, "mean": 2.0, "p50": 2.0}
    assert values(got, "", "s=a") == {"rows": 40.0}


def test_include_and_exclude(make: Make, engine: Engine) -> None:
    got = measured(
        make, engine, {"x": [1.0, 2.0], "t": ["a", "b"]}, include=("*_ratio", "mean", "p*"), exclude=("nan_*", "p0*")
    )
    assert values(got).keys() == set()
    assert values(got, "x").keys() == {
        "null_ratio",
        "inf_ratio",
        "mean",
        "p25",
        "p50",
        "p75",
        "p95",
        "p99",
        "zero_ratio",
        "negative_ratio",
    }
    assert values(got, "t").keys() == {"null_ratio", "unseen_ratio"}


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


def test_excluded_columns_are_not_measured_and_not_missed(make: Make, engine: Engine) -> None:
    some = table(exclude=("x",), columns=("x", "y"))
    known = [Reference("p", "data", name, 1, "x", {"grid": Grid(0, 1, 1, 1).to_json()}) for name in ("x", "gone", "y")]
    got = measure_table(project(some), some, make({"x": [1], "y": [1], "z": [1]}), known, engine=engine)
    assert {point.series.key.column for point in got.points} == {"", "y"}


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


def test_one_query_per_table_and_one_scan(make: Make) -> None:
    rng = np.random.default_rng(3)
    columns = {f"x{n}": rng.normal(size=200) for n in range(10)} | {"s": rng.choice(["a", "b"], 200), "k": range(200)}
    keyed, plan = table(key=("k",)), project(segments=("s",), segment_metrics=("mean",))
    with Engine(threads=1) as engine:
        first = measure_table(plan, keyed, make(columns), (), engine=engine)
        assert len(engine.queries) == 2  # the first slice also fixes the grids
        for _ in range(3):
            later = measure_table(plan, keyed, make(columns), first.references, engine=engine)
        assert len(engine.queries) == 5
        assert len(set(engine.queries[2:])) == 1
        # Of the first slice nobody knows what is new.
        assert [point for point in later.points if "_columns" not in point.series.key.metric] == list(first.points)
        assert later.references == ()


def test_moments_of_two_days_merge_to_those_of_both(make: Make, engine: Engine) -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(1e6, 1, 300), rng.normal(1e6 + 5, 3, 100)

    def state(data: Any) -> Moments:
        states = measured(make, engine, {"x": data}).states
        return Moments.from_json(dict(next(one.payload for one in states if one.kind == "moments")))

    merged, both = state(a) + state(b), state(np.concatenate([a, b]))
    assert (merged.rows, merged.low, merged.high) == (both.rows, both.low, both.high)
    assert (merged.mean, merged.m2) == pytest.approx((both.mean, both.m2), rel=1e-9)


def test_the_room_is_light_to_import() -> None:
    heavy = ("ibis", "duckdb", "numpy", "pandas", "pyarrow", "sqlglot")
    code = f"import sys, lupus.measure; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_large_slices_are_read_by_the_scan_or_by_the_query_never_by_both(make: Make) -> None:
    rng = np.random.default_rng(3)
    columns = {"x": rng.normal(size=200), "s": rng.choice(["a", "b"], 200), "n": rng.integers(0, 9, 200)}
    with Engine(threads=2, upright_rows=-1) as engine:
        first = measure_table(project(), table(), make(columns), (), engine=engine)
        asked = len(engine.queries)
        later = measure_table(project(), table(), make(columns), first.references, engine=engine)
        (query,) = engine.queries[asked:]
        assert ['"c0"' in query, '"c1"' in query, '"c2"' in query] == [False, True, False]
        assert values(later, "n")["mean"] == pytest.approx(columns["n"].mean())
        asked = len(engine.queries)
        numbers = make({"x": columns["x"], "n": columns["n"]})
        measure_table(project(), table(), numbers, first.references, engine=engine)
        assert len(engine.queries) == asked
