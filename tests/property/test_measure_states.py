"""Every State merges: the State of two lots of rows is the sum of their States; and JSON gives it back."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus.measure import BinaryScores, Categories, ConfusionMatrix, Histogram, Moments, RegressionErrors
from lupus.measure.evaluation import Cells
from lupus.measure.evaluation.regression import Mean
from lupus.model import MeasureError

numbers = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), max_size=30)
scored = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30)
pairs = st.lists(st.tuples(st.integers(-1000, 1000).map(float), st.integers(-1000, 1000).map(float)), max_size=30)
named = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=30)
EDGES = (-100.0, -1.0, 0.0, 50.0)


def histogram(values: list[float]) -> Histogram:
    places = np.searchsorted(EDGES, values, side="right")
    below = math.fsum(EDGES[0] - value for value in values if value < EDGES[0])
    above = math.fsum(value - EDGES[-1] for value in values if value >= EDGES[-1])
    return Histogram(EDGES, tuple(np.bincount(places, minlength=5).tolist()), (below, above))


def categories(values: list[float]) -> Categories:
    names = ["even" if value % 2 == 0 else "odd" if value % 2 == 1 else "neither" for value in values]
    return Categories({name: names.count(name) for name in ("even", "odd")}, names.count("neither"))


def scores(rows: list[tuple[float, bool]]) -> BinaryScores:
    label = np.array([yes for _, yes in rows], dtype=float)
    score = np.array([score for score, _ in rows], dtype=float)
    cells = Cells.of_scores(np.zeros(1, dtype=np.intp), score, 1 - label, label, threshold=0.5)
    return BinaryScores.of(cells, threshold=0.5)


def same(a: Any, b: Any) -> bool:
    """Equality of JSON, numbers up to the rounding of sums in another order."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-3)
    return bool(a == b)


def plain(state: Any) -> dict[str, Any]:
    """JSON, with cubed distances, which nearly cancel out, on the scale of the spread."""
    found = state.to_json()
    if "m3" in found:
        # What rounding leaves of a constant is no spread to measure by.
        spread = found["m2"] > found["count"] * (1e-12 * max(abs(found["mean"]), 1e-3)) ** 2
        found["m3"] = found["m3"] / (1e-3 * found["m2"] ** 1.5) if spread else 0.0
    return dict(found)


def holds(make: Any, a: list[Any], b: list[Any]) -> None:
    merged, both = make(a) + make(b), make(a + b)
    assert same(plain(merged), plain(both))
    assert same(plain(make(b) + make(a)), plain(both))
    again = type(merged).from_json(json.loads(json.dumps(merged.to_json())))
    assert again == merged


@pytest.mark.merges("moments")
@given(numbers, numbers)
def test_moments_merge(a: list[float], b: list[float]) -> None:
    holds(Moments.of, a, b)


@pytest.mark.merges("histogram")
@given(numbers, numbers)
def test_histograms_merge(a: list[float], b: list[float]) -> None:
    holds(histogram, a, b)


@pytest.mark.merges("categories")
@given(numbers, numbers)
def test_categories_merge(a: list[float], b: list[float]) -> None:
    holds(categories, a, b)


@pytest.mark.merges("binary_scores")
@given(scored, scored)
def test_binary_scores_merge(a: list[tuple[float, bool]], b: list[tuple[float, bool]]) -> None:
    holds(scores, a, b)


@pytest.mark.merges("regression_errors")
@given(pairs, pairs)
def test_regression_errors_merge(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> None:
    holds(RegressionErrors.of, a, b)


@pytest.mark.merges("confusion_matrix")
@given(named, named)
def test_confusion_matrices_merge(a: list[tuple[str, str]], b: list[tuple[str, str]]) -> None:
    holds(ConfusionMatrix.of, a, b)


@pytest.mark.merges("regression_errors")
@given(pairs, pairs)
def test_quantiles_and_intervals_merge(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> None:
    def state(rows: list[tuple[float, float]]) -> RegressionErrors:
        gaps = [max(0.9 * (label - score), -0.1 * (label - score)) for score, label in rows]
        loss = Mean(len(rows), float(len(rows)), math.fsum(gaps), math.fsum(gap**2 for gap in gaps))
        inside = float(sum(label <= score for score, label in rows))
        return replace(RegressionErrors.of(rows), quantiles={"0.9": loss}, width=loss, covered=inside)

    holds(state, a, b)


@given(scored, scored)
def test_scores_of_cells_merge_with_exact_scores(a: list[tuple[float, bool]], b: list[tuple[float, bool]]) -> None:
    merged = (scores(a) + scores(b)).metrics()
    both = scores([*a, *b]).metrics()
    assert merged == pytest.approx(both, abs=1e-9)


@given(scored)
def test_no_metric_of_scores_is_ever_outside_its_range(rows: list[tuple[float, bool]]) -> None:
    found = scores(rows).metrics()
    assert all(math.isfinite(value) for value in found.values())
    least = {"mcc": -1.0}
    assert all(value >= least.get(name, 0.0) - 1e-9 for name, value in found.items())
    assert all(value <= 1 + 1e-9 for name, value in found.items() if name not in ("log_loss", "lift"))


@given(pairs)
def test_no_metric_of_errors_is_ever_infinite(rows: list[tuple[float, float]]) -> None:
    found = RegressionErrors.of(rows).metrics()
    assert all(math.isfinite(value) for value in found.values())
    assert found.get("mae", 0) <= found.get("rmse", 0) + 1e-9


def test_what_does_not_belong_together_does_not_merge() -> None:
    with pytest.raises(MeasureError, match="different edges"):
        Histogram((0.0, 1.0), (1, 2, 3), (1.0, 3.0)) + Histogram((0.0, 2.0), (1, 2, 3), (1.0, 3.0))
    with pytest.raises(MeasureError, match="different lists"):
        Categories({"a": 1}, 0) + Categories({"b": 1}, 0)
    with pytest.raises(MeasureError, match="different thresholds"):
        scores([(0.3, True)]) + replace(scores([(0.3, True)]), threshold=0.4)
    with pytest.raises(ValueError, match="need 3 counts"):
        Histogram((0.0, 1.0), (1, 2), (0.0, 0.0))
