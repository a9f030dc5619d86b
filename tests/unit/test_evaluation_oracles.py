"""Evaluations of degenerate rows against scikit-learn and pandas: perfect, upside down, constant, one row, one class.

Where the oracle has no number, or one by a convention of its own, there must be none.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from evaluations import Bench, points, product, values
from lupus.measure import Engine
from lupus.model import Task


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


# How many labels are there, and how many are valid


def check_labels(bench: Bench, predicted: list[Any], labelled: list[tuple[Any, float | None]]) -> None:
    """Labels of predicted keys, each key once on either side, against a join in pandas."""
    keys, labels = [key for key, _ in labelled], [label for _, label in labelled]
    # To pandas NaN would be no label at all; to us it is one that has arrived and cannot be used.
    named = [-1.0 if label is not None and math.isnan(label) else label for label in labels]
    frame = pd.DataFrame({"id": predicted}).dropna().merge(
        pd.DataFrame({"id": keys, "label": pd.Series(named, dtype=object)}).dropna(subset="label"), how="left"
    )  # fmt: skip
    arrived = frame.label.dropna().astype(float)
    outputs = {"id": pa.array(predicted, pa.int64()), "score": [0.7] * len(predicted)}
    truth = {"id": pa.array(keys, pa.int64()), "label": pa.array(labels, pa.float64())}
    found = points(bench.day(product(Task.BINARY_CLASSIFICATION), outputs, truth))
    assert found["label_maturity"].value == pytest.approx(len(arrived) / len(frame) if len(frame) else 0.0)
    expected = (~arrived.isin([0.0, 1.0])).mean()
    assert ("invalid_label_ratio" in found) == bool(len(arrived))
    if len(arrived):
        assert found["invalid_label_ratio"].value == pytest.approx(expected)


@pytest.mark.oracle("label_maturity", "invalid_label_ratio", by="pandas", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_labels(bench: Bench, seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted, known = rng.permutation(200)[:120].tolist(), rng.permutation(200)[:90].tolist()
    given = [None if one == 9 else float(one) for one in rng.choice([0, 1, 5, -1, math.nan, 9], 90)]
    check_labels(bench, predicted, list(zip(known, given, strict=True)))


@pytest.mark.oracle("label_maturity", "invalid_label_ratio", by="pandas", on="degenerate")
@pytest.mark.parametrize(
    ("predicted", "labelled"),
    [([1], [(1, 1.0)]), ([1, 2], [(3, 1.0)]), ([1, 2], [(1, None), (2, None)]), ([1, 2], [(1, 7.0), (2, math.inf)]),
     ([1, None], [(1, 0.0), (None, 1.0)])],
    ids=["one row", "of others", "null", "invalid", "without a key"],
)  # fmt: skip
def test_degenerate_labels(bench: Bench, predicted: list[Any], labelled: list[Any]) -> None:
    check_labels(bench, predicted, labelled)


# Regression

ROWS = np.arange(1.0, 41.0)
NUMBERS: dict[str, tuple[Any, Any]] = {
    "perfect": (ROWS, ROWS),
    "one row": (ROWS[:1], ROWS[:1] + 2),
    "constant predictions": (ROWS, np.full(40, 7.0)),
    "constant labels": (np.full(40, 7.0), ROWS),
    "labels of 0": (np.zeros(40), ROWS),
    "a few labels of 0": (np.where(ROWS < 9, 0.0, ROWS), ROWS + 1),
    "the other way round": (ROWS, -ROWS),
    "both 0": (np.zeros(5), np.zeros(5)),
    "huge": (ROWS * 1e60, ROWS[::-1] * 1e60),
}


def regression_oracle(label: Any, score: Any, low: Any, high: Any) -> dict[str, float]:
    nonzero, size = label != 0, np.abs(label) + np.abs(score)
    relative = np.divide(2 * np.abs(label - score), size, out=np.zeros(len(label)), where=size > 0)
    varies = len(set(label.tolist())) > 1
    some = nonzero.any()
    return {
        "mae": sk.mean_absolute_error(label, score),
        "rmse": sk.root_mean_squared_error(label, score),
        # Labels of 0 are left out: scikit-learn divides by the machine epsilon.
        "mape": sk.mean_absolute_percentage_error(label[nonzero], score[nonzero]) if some else math.nan,
        "smape": relative.mean(),
        "r2": sk.r2_score(label, score) if varies else math.nan,
        "bias": (score - label).mean(),
        "pinball@0.1": sk.mean_pinball_loss(label, low, alpha=0.1),
        "pinball@0.9": sk.mean_pinball_loss(label, high, alpha=0.9),
        "interval_coverage": ((low <= label) & (label <= high)).mean(),
        "interval_width": (high - low).mean(),
    }


@pytest.mark.oracle("mae", "rmse", "mape", "r2", "pinball@…", by="scikit-learn", on="degenerate")
@pytest.mark.oracle("smape", "bias", "interval_coverage", "interval_width", by="NumPy", on="degenerate")
@pytest.mark.parametrize("many_rows", [10**6, 1])
@pytest.mark.parametrize("name", NUMBERS)
def test_degenerate_numbers(bench: Bench, name: str, many_rows: int) -> None:
    label, score = NUMBERS[name]
    low, high = score - 1, score.copy()
    outputs = {"id": np.arange(len(label)), "score": score, "low": low, "high": high}
    plan = {"quantiles": ((0.1, "low"), (0.9, "high")), "lower": "low", "upper": "high"}
    truth = {"id": np.arange(len(label)), "label": label}
    got = values(bench.day(product(Task.REGRESSION, prediction=plan), outputs, truth, many_rows=many_rows))
    oracle = regression_oracle(label, score, low, high)
    expected = {one: value for one, value in oracle.items() if not math.isnan(value)}
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-12)


# Classes

NAMES = np.array(["ant", "bee", "cow"])
CLASSES: dict[str, tuple[list[int], list[int]]] = {
    "perfect": ([0, 1, 2] * 9, [0, 1, 2] * 9),
    "always wrong": ([0, 1, 2] * 9, [1, 2, 0] * 9),
    "one row": ([1], [1]),
    "one class": ([1] * 9, [1] * 9),
    "one class predicted": ([0, 1, 2] * 9, [2] * 27),
    "a class never predicted": ([0, 1, 2, 2] * 9, [0, 1, 0, 1] * 9),
    "a class that is not there": ([0, 1] * 9, [0, 2] * 9),
}


def class_oracle(label: Any, guess: Any, chance: Any) -> dict[str, float]:
    found = {"accuracy": sk.accuracy_score(label, guess)}
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        for mean in ("macro", "micro", "weighted"):
            found[f"{name}_{mean}"] = score(label, guess, average=mean, zero_division=0)
    # Of a single class of labels or of predictions scikit-learn's correlation is 0 by convention.
    if len(set(label)) > 1 and len(set(guess)) > 1:
        found["mcc"] = sk.matthews_corrcoef(label, guess)
    found["log_loss"] = sk.log_loss(label, chance, labels=range(3))
    there = [n for n in range(3) if 0 < (label == n).sum() < len(label)]
    if there:
        found["roc_auc_macro"] = float(np.mean([sk.roc_auc_score(label == n, chance[:, n]) for n in there]))
    return found


def of_one_class(label: Any, guess: Any, number: int) -> dict[str, float]:
    """What scikit-learn says of one class; nothing where there is no prediction, or no label, to divide by."""
    found = {}
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        value = score(label == number, guess == number, zero_division=np.nan)
        found[f"{name}:{NAMES[number]}"] = float(value)
    return {name: value for name, value in found.items() if not math.isnan(value)}


@pytest.mark.oracle(
    "accuracy", "precision_macro", "recall_macro", "f1_macro", "precision_micro", "recall_micro", "f1_micro",
    "precision_weighted", "recall_weighted", "f1_weighted", "mcc", "log_loss", "roc_auc_macro",
    "precision:…", "recall:…", "f1:…", by="scikit-learn", on="degenerate",
)  # fmt: skip
@pytest.mark.parametrize("many_rows", [10**6, 1])
@pytest.mark.parametrize("name", CLASSES)
def test_degenerate_classes(bench: Bench, name: str, many_rows: int) -> None:
    label, guess = map(np.array, CLASSES[name])
    chance = np.full((len(label), 3), 0.2)
    chance[np.arange(len(label)), guess] = 0.6
    outputs = {"id": np.arange(len(label))} | {f"p{n}": chance[:, n] for n in range(3)}
    plan = {"score": "", "scores": tuple((str(NAMES[n]), f"p{n}") for n in range(3))}
    project = product(Task.MULTICLASS_CLASSIFICATION, prediction=plan, min_category_rows=1)
    truth = {"id": np.arange(len(label)), "label": NAMES[label]}
    got = values(bench.day(project, outputs, truth, many_rows=many_rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of what is degenerate
        expected = class_oracle(label, guess, chance)
        for number in sorted(set(label)):
            expected |= of_one_class(label, guess, number)
    assert {one: value for one, value in got.items() if not one.endswith(":other")} == pytest.approx(expected)


# Rankings

RELEVANCE: dict[str, list[list[float]]] = {
    "one item": [[1.0]],
    "all relevant": [[1.0] * 5, [2.0] * 7],
    "the last one alone": [[0.0] * 9 + [1.0]],
    "graded, best first": [[3.0, 2.0, 1.0, 0.0]],
    "graded, best last": [[0.0, 1.0, 2.0, 3.0]],
    "nothing for some": [[0.0, 0.0], [0.0, 1.0], [0.0]],
    "nothing for anybody": [[0.0, 0.0], [0.0]],
}


def ranking_oracle(lists: list[list[float]], k: int) -> dict[str, float]:
    """scikit-learn's, query by query, of those with a relevant item; average precision of cut lists by hand."""
    found: dict[str, list[float]] = {}
    for relevance in lists:
        hits = np.array(relevance) > 0
        if not hits.any():
            continue
        order = -np.arange(len(relevance), dtype=float)
        top = hits[:k]
        precisions = [hits[: place + 1].mean() for place in range(len(top)) if top[place]]
        ndcg = sk.ndcg_score([relevance], [order], k=k) if len(relevance) > 1 else 1.0
        one = {
            "mrr": sk.label_ranking_average_precision_score(
                [np.arange(len(hits)) == hits.argmax()], [order]
            ) if len(hits) > 1 else 1.0,  # of the first relevant item alone that is its reciprocal rank
            f"ndcg@{k}": ndcg,
            f"map@{k}": sum(precisions) / min(k, hits.sum()),
            f"hit_rate@{k}": float(top.any()),
            f"precision@{k}": top.sum() / k,
            f"recall@{k}": sk.recall_score(hits, np.arange(len(hits)) < k),
        }  # fmt: skip
        for name, value in one.items():
            found.setdefault(name, []).append(float(value))
    return {name: float(np.mean(each)) for name, each in found.items()}


@pytest.mark.oracle("mrr", "ndcg@…", "recall@…", by="scikit-learn", on="degenerate")
@pytest.mark.oracle("map@…", "hit_rate@…", "precision@…", "no_relevant_ratio", by="NumPy", on="degenerate")
@pytest.mark.parametrize("k", [1, 3, 20])
@pytest.mark.parametrize("name", RELEVANCE)
def test_degenerate_rankings(bench: Bench, name: str, k: int) -> None:
    lists = RELEVANCE[name]
    rows = [(user, item, one) for user, each in enumerate(lists) for item, one in enumerate(each)]
    user, item, label = map(list, zip(*rows, strict=True))
    key = {"key": ("user", "item")}
    plan = product(Task.RANKING, prediction={**key, "query": ("user",), "score": "", "rank": "item"}, truth=key, k=(k,))
    outputs: dict[str, Any] = {"user": user, "item": item}
    got = values(bench.day(plan, outputs, {**outputs, "label": label}))
    assert got.pop("no_relevant_ratio") == np.mean([not any(each) for each in lists])
    assert got == pytest.approx(ranking_oracle(lists, k))


@pytest.mark.oracle("no_relevant_ratio", by="NumPy", on="random")
def test_queries_without_anything_relevant(bench: Bench) -> None:
    rng = np.random.default_rng(12)
    label = (rng.random((80, 4)) < 0.2).astype(float)
    rows = {"user": np.repeat(np.arange(80), 4), "item": np.tile(np.arange(4), 80)}
    key = {"key": ("user", "item")}
    plan = product(Task.RANKING, prediction={**key, "query": ("user",), "score": "", "rank": "item"}, truth=key)
    got = values(bench.day(plan, rows, {**rows, "label": label.ravel()}))
    assert got["no_relevant_ratio"] == pytest.approx((label.sum(axis=1) == 0).mean())
