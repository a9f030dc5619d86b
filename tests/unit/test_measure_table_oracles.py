"""Every metric of tables and columns against pandas, SciPy and plain Python, on random and degenerate data."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.stats

from lupus.measure import Engine, TableMeasures, measure_table
from lupus.model import Role
from slices import DAILY, DAY, Make, maker, measured, project, table, values

RNG = np.random.default_rng(20260301)
SIZE = 400
HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module", params=["upright", "branches"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Small slices are turned upright, large ones get a branch per item: both ways say the same."""
    with Engine(threads=1, upright_rows=50_000 if request.param == "upright" else -1) as one:
        yield one


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path)


def sparse(given: Any, share: float = 0.2) -> list[Any]:
    """`given` with some of it null."""
    return [None if RNG.random() < share else one for one in given]


def agree(found: dict[str, float], expected: dict[str, float], *, size: float = 1.0) -> None:
    """The metrics that exist are exactly those that the oracle has a number for, and of the same value.

    `size` is how large the numbers are whose sum may cancel out.
    """
    kept = {name: value for name, value in expected.items() if not math.isnan(value)}
    got = {name: value for name, value in found.items() if name in expected}
    assert got.keys() == kept.keys()
    for name, value in kept.items():
        assert got[name] == pytest.approx(value, rel=1e-9, abs=1e-12 * (size if name == "mean" else 1.0)), name


# Numbers

RANDOM_NUMBERS: dict[str, list[float | None]] = {
    "normal": sparse(RNG.normal(3, 2, SIZE).tolist()),
    "skewed": [*RNG.lognormal(0, 1, SIZE).tolist(), *[0.0] * 30, math.nan, math.inf, -math.inf],
    "whole": sparse(RNG.integers(-5, 40, SIZE).astype(float).tolist()),
}
DEGENERATE_NUMBERS: dict[str, list[float | None]] = {
    "one row": [7.5],
    "two rows": [7.5, -1.0],
    "a constant": [0.1] * 60,
    "all but one": [0.1] * 60 + [0.2],
    "zeros": [0.0] * 9,
    "nulls": [None] * 9,
    "one value among nulls": [None, None, -3.0],
    "nothing finite": [math.nan, math.inf, -math.inf],
    "of huge and tiny size": [1e90, -1e90, 1e-90, 0.0],
}


def number_oracle(given: list[float | None]) -> dict[str, float]:
    there = pd.Series([one for one in given if one is not None], dtype=float)
    finite = there[np.isfinite(there)]
    expected = {
        "null_ratio": pd.Series(given, dtype=object).map(lambda one: one is None).mean(),
        "nan_ratio": there.isna().sum() / len(given),
        "inf_ratio": np.isinf(there).sum() / len(given),
        "mean": finite.mean(),
        "std": finite.std(),
        "skew": scipy.stats.skew(finite) if finite.nunique() > 1 and len(finite) > 2 else math.nan,
        "min": finite.min(),
        "max": finite.max(),
        "zero_ratio": (finite == 0).mean(),
        "negative_ratio": (finite < 0).mean(),
    }
    return expected | {f"p{share:02d}": finite.quantile(share / 100) for share in (1, 5, 25, 50, 75, 95, 99)}


def check_numbers(make: Make, engine: Engine, given: list[float | None]) -> None:
    expected = number_oracle(given)
    if engine.upright_rows < 0:  # of large slices quantiles are not exact: see test_measure_table_accuracy
        expected = {name: value for name, value in expected.items() if name[0] != "p"}
    size = max([1.0, *(abs(one) for one in given if one is not None and math.isfinite(one))])
    agree(values(measured(make, engine, {"x": pa.array(given, pa.float64())}), "x"), expected, size=size)


@pytest.mark.oracle(
    "null_ratio", "nan_ratio", "inf_ratio", "mean", "std", "min", "max", "p…", "zero_ratio", "negative_ratio",
    by="pandas", on="random",
)  # fmt: skip
@pytest.mark.oracle("skew", by="SciPy", on="random")
@pytest.mark.parametrize("name", RANDOM_NUMBERS)
def test_numbers(make: Make, engine: Engine, name: str) -> None:
    check_numbers(make, engine, RANDOM_NUMBERS[name])


@pytest.mark.oracle(
    "null_ratio", "nan_ratio", "inf_ratio", "mean", "std", "min", "max", "p…", "zero_ratio", "negative_ratio",
    by="pandas", on="degenerate",
)  # fmt: skip
@pytest.mark.oracle("skew", by="SciPy", on="degenerate")
@pytest.mark.parametrize("name", DEGENERATE_NUMBERS)
def test_degenerate_numbers(make: Make, engine: Engine, name: str) -> None:
    check_numbers(make, engine, DEGENERATE_NUMBERS[name])


def check_booleans(make: Make, engine: Engine, given: list[bool | None]) -> None:
    oracle = pd.Series(given, dtype="boolean")
    share = oracle.mean()
    expected = {"null_ratio": oracle.isna().mean(), "true_ratio": math.nan if share is pd.NA else float(share)}
    agree(values(measured(make, engine, {"b": pa.array(given, pa.bool_())}), "b"), expected)


@pytest.mark.oracle("true_ratio", by="pandas", on="random")
def test_booleans(make: Make, engine: Engine) -> None:
    check_booleans(make, engine, sparse((RNG.random(SIZE) < 0.3).tolist()))


@pytest.mark.oracle("true_ratio", by="pandas", on="degenerate")
@pytest.mark.parametrize("given", [[True], [False] * 5, [None] * 5, [None, True]])
def test_degenerate_booleans(make: Make, engine: Engine, given: list[bool | None]) -> None:
    check_booleans(make, engine, given)


# Categories, texts, lists


def category_oracle(given: list[str | None], known: list[str], share: str = "share") -> dict[str, float]:
    there = pd.Series(given, dtype=object).dropna()
    counts = there.value_counts()
    if not len(counts):
        return dict.fromkeys(("distinct", "entropy", "top_share", "unseen_ratio"), math.nan)
    return {
        "distinct": there.nunique(),
        "entropy": scipy.stats.entropy(counts, base=2),
        "top_share": counts.max() / len(there),
        "unseen_ratio": (~there.isin(known)).mean(),
    } | {f"{share}:{one}": (there == one).mean() for one in known}


def two_days(make: Make, engine: Engine, first: dict[str, Any], then: dict[str, Any]) -> TableMeasures:
    """What is measured of the second day, with what the first one fixed."""
    known = measured(make, engine, first).references
    later = replace(make(then), interval=DAILY.next(DAY))
    return measure_table(project(), table(), later, known, engine=engine)


@pytest.mark.oracle("distinct", "top_share", "share:…", "unseen_ratio", by="pandas", on="random")
@pytest.mark.oracle("entropy", by="SciPy", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_categories(make: Make, engine: Engine, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.choice(list("abcd"), SIZE, p=[0.4, 0.3, 0.2, 0.1]).tolist()
    then = sparse(rng.choice(list("abcxyz"), SIZE).tolist())
    found = values(two_days(make, engine, {"t": first}, {"t": then}), "t")
    agree(found, category_oracle(then, list("abcd")))


@pytest.mark.oracle("distinct", "top_share", "share:…", "unseen_ratio", by="pandas", on="degenerate")
@pytest.mark.oracle("entropy", by="SciPy", on="degenerate")
@pytest.mark.parametrize(
    "then", [["a"], ["a"] * 40, ["new"] * 40, ["", "a", "", None], [None, None]], ids=lambda then: f"{then[:4]}"
)
def test_degenerate_categories(make: Make, engine: Engine, then: list[str | None]) -> None:
    found = values(two_days(make, engine, {"t": ["a"] * 20 + [""] * 20}, {"t": pa.array(then, pa.string())}), "t")
    agree(found, category_oracle(then, ["a", ""]))


def versions(make: Make, engine: Engine, given: list[str | None]) -> dict[str, float]:
    predictions = table(Role.PREDICTION, score="score", version="version")
    columns = {"score": [0.5] * len(given), "version": pa.array(given, pa.string())}
    plan = project(predictions, min_category_rows=1)
    found = measure_table(plan, predictions, make(columns, table="prediction"), (), engine=engine)
    return {name: one for name, one in values(found, "version").items() if name.startswith("version_share:")}


@pytest.mark.oracle("version_share:…", by="pandas", on="random")
def test_versions(make: Make, engine: Engine) -> None:
    given = sparse(RNG.choice(["v1", "v2", "v10"], SIZE, p=[0.6, 0.3, 0.1]).tolist())
    shares = pd.Series(given, dtype=object).dropna().value_counts(normalize=True)
    assert versions(make, engine, given) == pytest.approx(
        {f"version_share:{name}": share for name, share in shares.items()} | {"version_share:other": 0.0}
    )


@pytest.mark.oracle("version_share:…", by="pandas", on="degenerate")
@pytest.mark.parametrize("given", [["v1"], ["v1"] * 30, ["v1", None], [None, None]])
def test_degenerate_versions(make: Make, engine: Engine, given: list[str | None]) -> None:
    shares = pd.Series(given, dtype=object).dropna().value_counts(normalize=True)
    expected = {f"version_share:{name}": share for name, share in shares.items()}
    assert versions(make, engine, given) == pytest.approx(expected | ({"version_share:other": 0.0} if expected else {}))


def length_oracle(given: list[Any]) -> dict[str, float]:
    lengths = pd.Series([len(one) for one in given if one is not None], dtype=float)
    return {
        "length_mean": lengths.mean(),
        "length_max": lengths.max(),
        "length_p50": lengths.quantile(0.5),
        "length_p95": lengths.quantile(0.95),
        "empty_ratio": (lengths == 0).mean(),
    }


def texts_found(make: Make, engine: Engine, given: list[str | None], pattern: str) -> dict[str, float]:
    # A first day of many different words makes it a column of texts that people wrote.
    own = table(patterns={"t": pattern})
    first = measure_table(project(own), own, make({"t": [f"word {n}" for n in range(900)]}), (), engine=engine)
    later = replace(make({"t": pa.array(given, pa.string())}), interval=DAILY.next(DAY))
    return values(measure_table(project(own), own, later, first.references, engine=engine), "t")


def text_oracle(given: list[str | None], pattern: str) -> dict[str, float]:
    there = pd.Series([one for one in given if one is not None], dtype=object)
    return length_oracle(given) | {"match_ratio": there.map(lambda text: bool(re.search(pattern, text))).mean()}


def check_texts(make: Make, engine: Engine, given: list[str | None], pattern: str) -> None:
    expected = text_oracle(given, pattern)
    found = texts_found(make, engine, given, pattern)
    if engine.upright_rows < 0:  # of large slices quantiles are not exact
        expected = {name: value for name, value in expected.items() if "_p" not in name}
    agree(found, {name: float(value) for name, value in expected.items()})


@pytest.mark.oracle("length_mean", "length_max", "length_p…", "empty_ratio", by="pandas", on="random")
@pytest.mark.oracle("match_ratio", by="Python", on="random")
@pytest.mark.parametrize("pattern", ["^[a-c]+$", "[0-9]{2}", "ü"])
def test_texts(make: Make, engine: Engine, pattern: str) -> None:
    texts = ["".join(RNG.choice(list("abcüx 01"), RNG.integers(0, 12))) for _ in range(SIZE)]
    check_texts(make, engine, sparse(texts), pattern)


@pytest.mark.oracle("length_mean", "length_max", "length_p…", "empty_ratio", by="pandas", on="degenerate")
@pytest.mark.oracle("match_ratio", by="Python", on="degenerate")
@pytest.mark.parametrize("given", [[""], ["", ""], ["a"], ["🦊" * 3], [None, None], [None, "ab"]])
def test_degenerate_texts(make: Make, engine: Engine, given: list[str | None]) -> None:
    check_texts(make, engine, given, "^a")


def check_lists(make: Make, engine: Engine, given: list[Any]) -> None:
    expected = length_oracle(given)
    if engine.upright_rows < 0:
        expected = {name: value for name, value in expected.items() if "_p" not in name}
    agree(values(measured(make, engine, {"l": pa.array(given, pa.list_(pa.int64()))}), "l"), expected)


@pytest.mark.oracle("length_mean", "length_max", "length_p…", "empty_ratio", by="pandas", on="random")
def test_lists(make: Make, engine: Engine) -> None:
    check_lists(make, engine, sparse([[1] * int(n) for n in RNG.poisson(3, SIZE)]))


@pytest.mark.oracle("length_mean", "length_max", "length_p…", "empty_ratio", by="pandas", on="degenerate")
@pytest.mark.parametrize("given", [[[]], [[1]], [[], None], [[None, None]], [None, None]])
def test_degenerate_lists(make: Make, engine: Engine, given: list[Any]) -> None:
    check_lists(make, engine, given)


# Times


def check_times(make: Make, engine: Engine, given: list[dt.datetime | None]) -> None:
    times = pd.Series(given, dtype="datetime64[us, UTC]").dropna().sort_values()
    # Only the stretches that reach into the interval count.
    gaps = (times.diff() / HOUR)[(times >= DAY.start) & (times.shift() < DAY.end)]
    expected = {
        "freshness": (DAY.end - times.max()) / HOUR if len(times) else math.nan,
        "future_ratio": (times >= DAY.end).mean(),
        "longest_gap": gaps.max() if len(gaps) else math.nan,
    }
    found = values(measured(make, engine, {"at": pa.array(given, pa.timestamp("us", "UTC"))}), "at")
    assert found.keys() - {"null_ratio"} == {name for name, value in expected.items() if not math.isnan(value)}
    for name in found.keys() & expected.keys():
        # A gap is known to a two-thousandth of the interval.
        assert found[name] == pytest.approx(expected[name], abs=24 / 2000 if name == "longest_gap" else 1e-6), name


@pytest.mark.oracle("freshness", "future_ratio", "longest_gap", by="pandas", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_times(make: Make, engine: Engine, seed: int) -> None:
    rng = np.random.default_rng(seed)
    check_times(make, engine, sparse([DAY.start + HOUR * float(hours) for hours in rng.uniform(0, 26, 60)]))


@pytest.mark.oracle("freshness", "future_ratio", "longest_gap", by="pandas", on="degenerate")
@pytest.mark.parametrize("hours", [[5.0], [5.0, 5.0], [24.0, 30.0], [-30.0, 5.0], [-100.0], [None, None], [0.0, 23.9]])
def test_degenerate_times(make: Make, engine: Engine, hours: list[float | None]) -> None:
    check_times(make, engine, [None if one is None else DAY.start + HOUR * one for one in hours])


# Tables


def check_table(make: Make, engine: Engine, rows: dict[str, Any]) -> None:
    keyed = table(key=("a", "b"))
    frame = pd.DataFrame(rows).dropna()
    found = values(measure_table(project(keyed), keyed, make(pa.table(rows)), (), engine=engine))
    expected = {"rows": float(len(rows["a"])), "duplicate_key_ratio": frame.duplicated().mean()}
    agree(found, expected)


@pytest.mark.oracle("rows", "duplicate_key_ratio", by="pandas", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_rows_and_keys(make: Make, engine: Engine, seed: int) -> None:
    rng = np.random.default_rng(seed)
    check_table(make, engine, {"a": sparse(rng.integers(0, 9, 90).tolist()), "b": rng.choice(list("xyz"), 90).tolist()})


@pytest.mark.oracle("rows", "duplicate_key_ratio", by="pandas", on="degenerate")
@pytest.mark.parametrize(
    "rows",
    [([1], ["x"]), ([1, 1], ["x", "x"]), ([1, 2], [None, None]), ([], [])],
    ids=["one", "twice", "none", "empty"],
)
def test_rows_and_keys_of_degenerate_slices(make: Make, engine: Engine, rows: tuple[list[Any], list[Any]]) -> None:
    check_table(make, engine, {"a": pa.array(rows[0], pa.int64()), "b": pa.array(rows[1], pa.string())})


@pytest.mark.oracle("arrival", by="Python", on="random")
def test_arrival(make: Make, engine: Engine) -> None:
    for seconds in RNG.integers(-3600, 86_400, 5).tolist():
        snapshot = replace(make({"x": [1]}), arrived=DAY.end + dt.timedelta(seconds=seconds))
        found = values(measure_table(project(), table(), snapshot, (), engine=engine))
        assert found["arrival"] == pytest.approx(seconds / 3600)


@pytest.mark.oracle("arrival", by="Python", on="degenerate")
@pytest.mark.parametrize(("hours", "expected"), [(0, 0.0), (24, 24.0), (24.01, None), (None, None)])
def test_arrival_at_its_bounds(make: Make, engine: Engine, hours: float | None, expected: float | None) -> None:
    snapshot = replace(make({"x": [1]}), arrived=None if hours is None else DAY.end + HOUR * hours)
    assert values(measure_table(project(), table(), snapshot, (), engine=engine)).get("arrival") == expected


TYPES = {"int": [1, 2], "float": [0.5, 1.5], "text": ["a", "b"], "flag": [True, False]}
FAMILY = {"int": "number", "float": "number", "text": "text", "flag": "flag"}


def check_schema(make: Make, engine: Engine, before: dict[str, str], now: dict[str, str]) -> None:
    columns = [{name: TYPES[kind] for name, kind in one.items()} for one in (before, now)]
    found = values(two_days(make, engine, columns[0], columns[1]))
    assert {name: value for name, value in found.items() if name.endswith("_columns")} == {
        "new_columns": len(now.keys() - before.keys()),
        "lost_columns": len(before.keys() - now.keys()),
        "retyped_columns": sum(FAMILY[now[one]] != FAMILY[before[one]] for one in now.keys() & before.keys()),
    }


@pytest.mark.oracle("new_columns", "lost_columns", "retyped_columns", by="Python", on="random")
@pytest.mark.parametrize("seed", range(4))
def test_schemas(make: Make, engine: Engine, seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, now = (
        {f"c{n}": str(rng.choice(list(TYPES))) for n in rng.choice(9, rng.integers(1, 9), replace=False)}
        for _ in range(2)
    )
    check_schema(make, engine, before, now)


@pytest.mark.oracle("new_columns", "lost_columns", "retyped_columns", by="Python", on="degenerate")
@pytest.mark.parametrize(
    ("before", "now"),
    [({"a": "int"}, {"a": "int"}), ({"a": "int"}, {"b": "int"}), ({"a": "int"}, {"a": "float"}),
     ({"a": "int", "b": "text"}, {"a": "text", "b": "int"})],
)  # fmt: skip
def test_schemas_that_are_the_same_other_or_swapped(
    make: Make, engine: Engine, before: dict[str, str], now: dict[str, str]
) -> None:
    check_schema(make, engine, before, now)


# Scores


def check_scores(make: Make, engine: Engine, given: list[float | None]) -> None:
    predictions = table(Role.PREDICTION, score="score")
    columns = {"score": pa.array(given, pa.float64())}
    found = measure_table(project(predictions), predictions, make(columns, table="prediction"), (), engine=engine)
    there = pd.Series([one for one in given if one is not None], dtype=float)
    valid = there[there.between(0, 1)]
    expected = {
        "positive_ratio": (valid >= 0.5).mean(),
        "invalid_ratio": (~there.between(0, 1)).mean(),
        "confidence": np.maximum(valid, 1 - valid).mean(),
        "score_entropy": np.mean([scipy.stats.entropy([p, 1 - p], base=2) for p in valid]) if len(valid) else math.nan,
    }
    agree(values(found, "score"), expected)


@pytest.mark.oracle("positive_ratio", "invalid_ratio", "confidence", by="pandas", on="random")
@pytest.mark.oracle("score_entropy", by="SciPy", on="random")
def test_scores(make: Make, engine: Engine) -> None:
    valid = RNG.beta(1, 2, SIZE).tolist()
    check_scores(make, engine, sparse([*valid, *valid, -0.1, 1.5, 1.7, math.nan]))


@pytest.mark.oracle("positive_ratio", "invalid_ratio", "confidence", by="pandas", on="degenerate")
@pytest.mark.oracle("score_entropy", by="SciPy", on="degenerate")
@pytest.mark.parametrize(
    "given", [[0.0], [1.0], [0.5] * 9, [0.0, 1.0], [None, None], [None, 0.3], [7.0, -7.0]], ids=str
)
def test_degenerate_scores(make: Make, engine: Engine, given: list[float | None]) -> None:
    check_scores(make, engine, given)
