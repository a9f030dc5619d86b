"""Estimates by one or two segment columns: of scores, of classes and of numbers, and how right they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product as every
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk

from evaluations import DAYS, Bench, product
from lupus.measure import Engine
from lupus.measure.estimates import (
    Calibration,
    Expected,
    LossModel,
    ProductSlices,
    Slices,
    TopLabelModel,
    counted_scores,
    estimate_errors,
    estimate_metrics,
    estimate_points,
    expected_of_classes,
    expected_of_numbers,
    expected_of_scores,
)
from lupus.measure.learners import Columns
from lupus.model import WHOLE, Project, Role, Table, Task, segment_name

HALF = Calibration((0.0, 1.0), (0.0, 1.0), (0.05, 0.95), (500.0, 500.0))
SEGMENTS = (("s",), ("s", "t"), ("absent",))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


def project(task: Task = Task.BINARY_CLASSIFICATION, least: int = 1, **more: Any) -> Project:
    """Estimates are followed in segments; the rows of a segment may be few."""
    followed = {"segment_metrics": ("*",), "min_segment_rows": least, "min_category_rows": 1} | more.pop("policy", {})
    return product(task, segments=SEGMENTS, **followed, **more)


def predictions_of(of: Project) -> Table:
    found = of.of_role(Role.PREDICTION)
    assert found is not None
    return found


def slices(bench: Bench, of: Project, columns: Mapping[str, Any]) -> Slices:
    return Slices(predictions_of(of), (bench.snapshot("prediction", DAYS[0], columns),))


def rows(size: int, seed: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "id": np.arange(size),
        "score": np.round(rng.random(size), 2),
        "s": pd.Series(rng.choice(["a", "b,=", None], size), dtype=object),
        "t": rng.choice([True, False], size),
    }


def groups(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Masks of the whole and of every segment, by its name."""
    s = np.array(["(null)" if one is None else one.replace(",", "\\,") for one in columns["s"]])
    t = np.where(columns["t"], "true", "false")
    found = {WHOLE: np.ones(len(s), bool)} | {f"s={one}": s == one for one in np.unique(s)}
    pairs = {f"s={a},t={b}": (s == a) & (t == b) for a, b in every(np.unique(s), np.unique(t))}
    return found | {name: where for name, where in pairs.items() if where.any()}


def over_all_labels(score: Any) -> dict[str, float]:
    """Accuracy, Brier score and log loss over all labels there may be, each as often as `HALF` says."""
    p = 0.05 + 0.9 * score
    labels = np.array(list(every((0.0, 1.0), repeat=len(score))))
    chance = np.where(labels == 1, p, 1 - p).prod(axis=1)
    yes = score >= 0.5
    return {
        "estimated_accuracy": float(chance @ [sk.accuracy_score(one, yes) for one in labels]),
        "estimated_brier": float(chance @ [((one - score) ** 2).mean() for one in labels]),
        "estimated_log_loss": float(chance @ [sk.log_loss(one, score, labels=[0, 1]) for one in labels]),
    }


def expected_now(bench: Bench, of: Project, columns: Mapping[str, Any]) -> dict[str, Expected]:
    """What is to be expected of these scores."""
    return expected_of_scores(of, counted_scores(of, slices(bench, of, columns), engine=bench.engine), HALF)


@pytest.mark.oracle("estimated_accuracy", "estimated_brier", "estimated_log_loss", by="scikit-learn", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_scores_of_segments(bench: Bench, seed: int) -> None:
    of, columns = project(), rows(12, seed)
    found = expected_now(bench, of, columns)
    told = groups(columns)
    assert next(iter(found)) == WHOLE
    assert found.keys() == told.keys()
    for segment, where in told.items():
        got = {name: one.value for name, one in found[segment].metrics.items()}
        expected = over_all_labels(columns["score"][where])
        assert {name: got[name] for name in expected} == pytest.approx(expected, rel=1e-9), segment
        assert found[segment].n == where.sum()


def test_segments_with_sql_in_their_names_and_values(bench: Bench) -> None:
    nasty = "s\"'); DROP TABLE x; --"
    of = replace(project(), segments=((nasty,),))
    columns = {"id": np.arange(4), "score": [0.1, 0.9, 0.4, 0.6], nasty: [nasty] * 4}
    found = expected_now(bench, of, columns)
    assert {segment: one.n for segment, one in found.items()} == {WHOLE: 4, segment_name((nasty, nasty)): 4}


def test_nothing_is_said_of_small_segments_of_absent_columns_and_where_nothing_is_followed(bench: Bench) -> None:
    columns = rows(300)
    small = project(least=75)
    found = expected_now(bench, small, columns)
    assert found.keys() == {WHOLE} | {name for name, where in groups(columns).items() if where.sum() >= 75}
    assert 1 < len(found) < len(groups(columns))
    quiet = project(policy={"segment_metrics": ("mean", "estimate_error:*")})
    assert expected_now(bench, quiet, columns).keys() == {WHOLE}
    nothing = {**columns, "score": np.full(300, np.nan)}
    of = project()
    found = expected_now(bench, of, nothing)
    assert {segment: (one.metrics, one.n) for segment, one in found.items()} == {WHOLE: ({}, 0)}
    points = estimate_points(of, predictions_of(of), estimate_metrics(of), DAYS[0], found)
    assert {one.failure.reason for one in points if one.failure} == {"no score is valid"}


@pytest.mark.oracle(
    "estimated_accuracy", "estimated_precision_macro", "estimated_recall_macro", "estimated_f1_macro",
    by="scikit-learn", on="random",
)  # fmt: skip
def test_classes_of_segments(bench: Bench) -> None:
    """A class that is always right, and one that is always taken for the other: the labels are known for sure."""
    columns = rows(200)
    dog = np.random.default_rng(1).random(200) < 0.5
    chances = {"p_cat": np.where(dog, 0.4, 0.6), "p_dog": np.where(dog, 0.6, 0.4)}
    shape = {"score": "", "scores": (("cat", "p_cat"), ("dog", "p_dog"))}
    of = project(Task.MULTICLASS_CLASSIFICATION, prediction=shape)
    sure = {name: Calibration((0.5,), (0.5,), (share,), (1e6,)) for name, share in (("cat", 1.0), ("dog", 0.0))}
    model = TopLabelModel({"": sure["cat"], **sure}, {"dog": {"cat": 1.0}})
    del columns["score"]
    snapshot = bench.snapshot("prediction", DAYS[0], columns | chances)
    found = expected_of_classes(of, predictions_of(of), snapshot, model, engine=bench.engine)
    assert found.keys() == groups(columns).keys()
    for segment, where in groups(columns).items():
        guess, label = np.where(dog[where], "dog", "cat"), np.full(where.sum(), "cat")
        macro: dict[str, Any] = {"average": "macro", "zero_division": 0}
        got = {name: one.value for name, one in found[segment].metrics.items()}
        assert got == pytest.approx({
            "estimated_accuracy": sk.accuracy_score(label, guess),
            "estimated_precision_macro": sk.precision_score(label, guess, **macro),
            "estimated_recall_macro": sk.recall_score(label, guess, **macro),
            "estimated_f1_macro": sk.f1_score(label, guess, **macro),
        }), segment  # fmt: skip
        assert found[segment].n == where.sum()


@pytest.mark.oracle("estimated_mae", "estimated_rmse", by="scikit-learn", on="random")
def test_numbers_of_segments(bench: Bench) -> None:
    """Errors are of one size in each segment, and the segment's column is no feature that the user asked for."""
    columns = rows(600)
    size = np.where(columns["t"], 4.0, 1.0)
    columns["size"] = size
    of = project(Task.REGRESSION)
    policy = replace(of.metrics, estimates=replace(of.metrics.estimates, features=("size",)))
    of = replace(of, metrics=policy)
    reference = Columns({"score": columns["score"], "size": size})
    sign = np.where(np.arange(600) % 2, 1.0, -1.0)
    model = LossModel.fitted(reference, columns["score"], columns["score"] + sign * size)
    product_slices = ProductSlices(slices(bench, of, columns))
    found = expected_of_numbers(of, product_slices, model, engine=bench.engine)
    assert found.keys() == groups(columns).keys()
    for segment, where in groups(columns).items():
        score = columns["score"][where]
        label = score + (sign * size)[where]
        got = {name: one.value for name, one in found[segment].metrics.items()}
        assert got == pytest.approx({
            "estimated_mae": sk.mean_absolute_error(label, score),
            "estimated_rmse": sk.root_mean_squared_error(label, score),
        }, rel=0.05), segment  # fmt: skip
        assert found[segment].n == where.sum()


@pytest.mark.oracle("estimate_error:…", by="scikit-learn", on="random")
def test_errors_of_segments_are_of_the_same_segment(bench: Bench) -> None:
    of, columns = project(), rows(400)
    label = (np.random.default_rng(2).random(400) < columns["score"]).astype(int)
    true = bench.day(of, columns, {"id": columns["id"], "label": label}).points
    metrics = estimate_metrics(of)
    expected = expected_now(bench, of, columns)
    points = estimate_points(of, predictions_of(of), metrics, DAYS[0], expected)
    errors = estimate_errors(of, predictions_of(of), metrics, points, true)
    found = {one.series.key.segment: one for one in errors if one.series.key.metric == "estimate_error:accuracy"}
    assert found.keys() == groups(columns).keys()
    for segment, where in groups(columns).items():
        estimate = expected[segment].metrics["estimated_accuracy"].value
        accuracy = sk.accuracy_score(label[where], columns["score"][where] >= 0.5)
        assert found[segment].value == pytest.approx(estimate - accuracy), segment
    narrow = project(policy={"segment_metrics": ("estimated_*", "accuracy")})
    kept: Sequence[Any] = estimate_errors(narrow, predictions_of(narrow), metrics, points, true)
    assert {one.series.key.segment for one in kept} == {WHOLE}
