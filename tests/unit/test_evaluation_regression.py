"""Quantiles, prediction intervals, weights and confidence intervals of a regression."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from evaluations import ALL, Bench, points, product, values
from lupus.measure import Engine, RegressionErrors
from lupus.measure.grid import HUGE
from lupus.model import Task

OUTPUTS = {"quantiles": ((0.1, "p10"), (0.9, "p90")), "lower": "p10", "upper": "p90"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


def sample(rows: int, seed: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    score = rng.normal(50, 10, rows)
    label = score + rng.normal(1, 4, rows)
    return {
        "id": np.arange(rows),
        "score": score,
        "label": label,
        "p10": score - 5,
        "p90": score + 5 + rng.normal(0, 1, rows),
        "w": rng.gamma(2, 1, rows),
        "s": np.array(["x", "y"])[rng.integers(0, 2, rows)],
    }


def expected(rows: dict[str, Any], weight: Any = None) -> dict[str, float]:
    label, score = rows["label"], rows["score"]
    inside = (rows["p10"] <= label) & (label <= rows["p90"])
    return {
        "mae": sk.mean_absolute_error(label, score, sample_weight=weight),
        "rmse": sk.root_mean_squared_error(label, score, sample_weight=weight),
        "mape": sk.mean_absolute_percentage_error(label, score, sample_weight=weight),
        "smape": np.average(2 * np.abs(label - score) / (np.abs(label) + np.abs(score)), weights=weight),
        "r2": sk.r2_score(label, score, sample_weight=weight),
        "bias": np.average(score - label, weights=weight),
        "pinball@0.1": sk.mean_pinball_loss(label, rows["p10"], alpha=0.1, sample_weight=weight),
        "pinball@0.9": sk.mean_pinball_loss(label, rows["p90"], alpha=0.9, sample_weight=weight),
        "interval_coverage": np.average(inside, weights=weight),
        "interval_width": np.average(rows["p90"] - rows["p10"], weights=weight),
    }


@pytest.mark.oracle("mae", "rmse", "mape", "r2", "pinball@…", by="scikit-learn", on="random")
@pytest.mark.oracle("smape", "bias", "interval_coverage", "interval_width", by="NumPy", on="random")
@pytest.mark.parametrize("weighted", ["", "prediction", "truth"])
def test_every_metric_is_scikit_learns(bench: Bench, weighted: str) -> None:
    rows = sample(700)
    weight = rows["w"] if weighted else None
    tables = {"prediction": dict(OUTPUTS), "truth": {}}
    if weighted:
        tables[weighted] |= {"weight": "w"}
    project = product(Task.REGRESSION, **tables, segments=[("s",)], **ALL)
    predictions = {name: rows[name] for name in rows if name != "label"}
    found = bench.day(project, predictions, {name: rows[name] for name in ("id", "label", "w")})
    assert values(found) == pytest.approx(expected(rows, weight), rel=1e-9)
    where = rows["s"] == "y"
    part = {name: column[where] for name, column in rows.items()}
    got = values(found, segment="s=y")
    assert got == pytest.approx(expected(part, None if weight is None else weight[where]), rel=1e-9)
    assert points(found)["mae"].n == 700
    (stored,) = found.states
    assert RegressionErrors.from_json(stored.payload).metrics() == pytest.approx(values(found), rel=1e-9)


def test_many_rows_are_joined_as_they_are_and_give_the_same(bench: Bench) -> None:
    rows = sample(300)
    project = product(Task.REGRESSION, prediction=OUTPUTS, segments=[("s",)], **ALL)
    predictions = {name: rows[name] for name in rows if name != "label"}
    truth = {"id": rows["id"], "label": rows["label"]}
    few, many = (bench.day(project, predictions, truth, many_rows=many) for many in (10**6, 1))
    for segment in ("", "s=x"):
        assert values(many, segment=segment) == pytest.approx(values(few, segment=segment), rel=1e-9)


def test_a_missing_or_wrong_quantile_harms_nothing_else(bench: Bench) -> None:
    ids = np.arange(4)
    outputs = {"id": ids, "score": [1.0, 2.0, 3.0, 4.0], "p10": ["a", "b", "c", "d"]}
    project = product(Task.REGRESSION, prediction=OUTPUTS)
    found = points(bench.day(project, outputs, {"id": ids, "label": pa.array([1, 2, 3, 5], pa.decimal128(9, 2))}))
    assert found["mae"].value == 0.25
    for name in ("pinball@0.1", "pinball@0.9", "interval_coverage", "interval_width"):
        assert "missing or hold" in found[name].failure.reason
    some = {"id": ids, "score": [1.0, 2.0, 3.0, 4.0], "p10": [0.0, None, math.nan, math.inf], "p90": [2.0] * 4}
    found = points(bench.day(project, some, {"id": ids, "label": [1.0, 2.0, 3.0, 4.0]}))
    assert (found["pinball@0.1"].value, found["pinball@0.1"].n) == (pytest.approx(0.1), 1)
    assert (found["interval_coverage"].value, found["interval_coverage"].n) == (1.0, 1)
    assert found["mae"].value == 0.0


def test_weights_that_are_none(bench: Bench) -> None:
    project = product(Task.REGRESSION, prediction={"weight": "w"})
    outputs = {"id": np.arange(6), "score": [1.0] * 6, "w": [1.0, -1.0, None, math.nan, math.inf, 0.0]}
    found = points(bench.day(project, outputs, {"id": np.arange(6), "label": [2.0, 9.0, 9.0, 9.0, 9.0, 9.0]}))
    assert (found["mae"].value, found["mae"].n) == (1.0, 2)
    nothing = {"id": np.arange(2), "score": [1.0, 2.0], "w": [0.0, 0.0]}
    found = points(bench.day(project, nothing, {"id": np.arange(2), "label": [2.0, 9.0]}))
    assert found["mae"].failure.reason == "the statistic does not exist for these rows"


def test_huge_numbers_end_in_values_or_failures(bench: Bench) -> None:
    outputs = {"id": np.arange(3), "score": [HUGE, 1.0, -HUGE]}
    found = points(bench.day(product(Task.REGRESSION), outputs, {"id": np.arange(3), "label": [1e-300, 1e-300, HUGE]}))
    assert found["bias"].value == pytest.approx(-HUGE / 3)
    assert found["mape"].failure is not None or found["mape"].value > 1e100


def test_intervals_cover() -> None:
    """Of 300 samples of 200 rows about 95 of a hundred intervals hold the value of the distribution."""
    rng = np.random.default_rng(11)
    score = rng.normal(50, 10, 10**6)
    label = score + rng.normal(1, 4, 10**6)
    truth = {
        "mae": np.abs(score - label).mean(),
        "bias": -1.0,
        "rmse": math.sqrt(17),
        "r2": 1 - 17 / 116,
        "smape": (2 * np.abs(score - label) / (np.abs(score) + np.abs(label))).mean(),
    }
    inside = dict.fromkeys(truth, 0)
    for _ in range(300):
        rows = rng.integers(0, 10**6, 200)
        found = RegressionErrors.of(list(zip(score[rows].tolist(), label[rows].tolist(), strict=True))).estimates()
        for name in truth:
            inside[name] += found[name].low <= truth[name] <= found[name].high
    assert all(0.91 <= count / 300 <= 0.985 for count in inside.values()), inside
