"""Tables against NumPy: every column metric of ordinary slices."""

from __future__ import annotations

import datetime as dt
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from lupus.measure import Categories, Engine, TableMeasures, measure_table
from lupus.measure.grid import Grid
from lupus.model import (
    Group,
    Interval,
    Reference,
    Role,
)
from slices import DAILY, DAY, Make, maker, measured, project, table, values


@pytest.fixture(scope="module", params=["upright", "branches"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Small slices are turned upright, large ones get a branch per item: both ways say the same."""
    with Engine(threads=1, upright_rows=50_000 if request.param == "upright" else -1) as one:
        yield one


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path)


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


def test_excluded_columns_are_not_measured_and_not_missed(make: Make, engine: Engine) -> None:
    some = table(exclude=("x",), columns=("x", "y"))
    known = [Reference("p", "data", name, 1, "x", {"grid": Grid(0, 1, 1, 1).to_json()}) for name in ("x", "gone", "y")]
    got = measure_table(project(some), some, make({"x": [1], "y": [1], "z": [1]}), known, engine=engine)
    assert {point.series.key.column for point in got.points} == {"", "y"}


def test_the_room_is_light_to_import() -> None:
    heavy = ("ibis", "duckdb", "numpy", "pandas", "pyarrow", "sqlglot")
    code = f"import sys, lupus.measure; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("hours", "expected"), [(-1.5, -1.5), (0, 0.0), (7.25, 7.25), (24, 24.0), (24.01, None), (None, None)]
)
def test_arrival_is_known_of_slices_that_were_seen_in_time(
    make: Make, engine: Engine, hours: float | None, expected: float | None
) -> None:
    arrived = None if hours is None else DAY.end + dt.timedelta(hours=hours)
    snapshot = replace(make({"x": [1, 2]}), arrived=arrived)
    got = measure_table(project(), table(), snapshot, (), engine=engine)
    assert values(got).get("arrival") == expected


@pytest.mark.parametrize("pattern", ["^[a-c]+$", "[0-9]{2}", "ü", "(a|b)c", "x$"])
def test_texts_are_pythons(make: Make, engine: Engine, pattern: str) -> None:
    rng = np.random.default_rng(3)
    texts = ["".join(rng.choice(list("abcüx 01"), rng.integers(0, 12))) for _ in range(700)]
    own = table(patterns={"text": pattern})
    got = values(measure_table(project(own), own, make({"text": [*texts, None]}), (), engine=engine), "text")
    lengths = [len(text) for text in texts]
    assert got["match_ratio"] == pytest.approx(sum(re.search(pattern, text) is not None for text in texts) / len(texts))
    assert got["empty_ratio"] == pytest.approx(lengths.count(0) / len(texts))
    assert got["length_mean"] == pytest.approx(np.mean(lengths))
    assert got["length_max"] == max(lengths)
    assert got["length_p50"] == pytest.approx(np.quantile(lengths, 0.5))
