"""How exact large slices and large numbers are, how their parts merge, and how often they are read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lupus.measure import Engine, Histogram, Moments, measure_table
from lupus.measure.grid import Grid, Scale
from lupus.model import (
    Reference,
)
from slices import Make, maker, measured, project, table, values


@pytest.fixture(scope="module", params=["upright", "branches"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Small slices are turned upright, large ones get a branch per item: both ways say the same."""
    with Engine(threads=1, upright_rows=50_000 if request.param == "upright" else -1) as one:
        yield one


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path)


def test_large_integers_do_not_overflow(make: Make, engine: Engine) -> None:
    got = values(measured(make, engine, {"n": pa.array([2**63 - 1, 2**63 - 1, -(2**63)], pa.int64())}), "n")
    assert got["mean"] == pytest.approx(2**63 / 3)
    assert got["p50"] == 2.0**63


def test_numbers_whose_squares_overflow_count_as_infinite(make: Make, engine: Engine) -> None:
    got = values(measured(make, engine, {"x": [1e300, 1.0, 3.0, -1e200]}), "x")
    assert (got["inf_ratio"], got["mean"], got["max"]) == (0.5, 2.0, 3.0)


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
        beyond = np.maximum(edges[0] - data, 0).sum(), np.maximum(data - edges[-1], 0).sum()
        histogram = Histogram.from_json(dict(state.payload))
        assert histogram.beyond == pytest.approx(beyond, rel=1e-9)
        assert max(beyond) > 0
        assert (histogram.edges, histogram.counts) == (tuple(edges), tuple(counts.tolist()))


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
