"""Weights, cells, copies of keys and confidence intervals of a binary classification."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from evaluations import ALL, DAYS, Bench, points, product, values
from lupus.measure import BinaryScores, Engine
from lupus.measure.evaluation import Cells
from lupus.measure.evaluation.binary import METRICS, binary_estimates
from lupus.measure.evaluation.metric import Estimate, by_group
from lupus.model import Task

BINARY = Task.BINARY_CLASSIFICATION


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


def sample(rows: int, seed: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    score = rng.beta(1, 3, rows)
    return {
        "id": np.arange(rows),
        "score": score,
        "label": (rng.random(rows) < score).astype(int),
        "w": rng.gamma(2, 1, rows),
        "s": np.array(["x", "y"])[rng.integers(0, 2, rows)],
        "t": np.array(["1", "2", "3"])[rng.integers(0, 3, rows)],
    }


def expected(rows: dict[str, Any], weight: Any = None) -> dict[str, float]:
    label, score = rows["label"], rows["score"]
    yes = score >= 0.5
    w = np.ones(len(label)) if weight is None else weight
    bins = np.minimum((score * 10).astype(int), 9)
    precision = sk.precision_score(label, yes, sample_weight=weight, zero_division=0)
    return {
        "roc_auc": sk.roc_auc_score(label, score, sample_weight=weight),
        "pr_auc": sk.average_precision_score(label, score, sample_weight=weight),
        "log_loss": sk.log_loss(label, score, sample_weight=weight),
        "brier": sk.brier_score_loss(label, score, sample_weight=weight),
        "ece": np.abs(np.bincount(bins, w * (label - score), minlength=10)).sum() / w.sum(),
        "accuracy": sk.accuracy_score(label, yes, sample_weight=weight),
        "precision": precision,
        "recall": sk.recall_score(label, yes, sample_weight=weight),
        "specificity": sk.recall_score(label, yes, sample_weight=weight, pos_label=0),
        "f1": sk.f1_score(label, yes, sample_weight=weight),
        "mcc": sk.matthews_corrcoef(label, yes, sample_weight=weight),
        "lift": precision / np.average(label, weights=weight),
        "label_mean": np.average(label, weights=weight),
    }


EXACT = (
    "log_loss",
    "brier",
    "ece",
    "accuracy",
    "precision",
    "recall",
    "specificity",
    "f1",
    "mcc",
    "lift",
    "label_mean",
)


@pytest.mark.oracle(
    "roc_auc", "pr_auc", "log_loss", "brier", "accuracy", "precision", "recall", "specificity", "f1", "mcc",
    by="scikit-learn", on="random",
)  # fmt: skip
@pytest.mark.oracle("ece", "lift", "label_mean", by="NumPy", on="random")
@pytest.mark.parametrize("weighted", ["", "prediction", "truth"])
@pytest.mark.parametrize("many_rows", [10**6, 1])
def test_weights_and_cells_against_scikit_learn(bench: Bench, weighted: str, many_rows: int) -> None:
    rows = sample(2000)
    weight = rows["w"] if weighted else None
    tables: dict[str, Any] = {"prediction": {}, "truth": {}}
    if weighted:
        tables[weighted]["weight"] = "w"
    project = product(BINARY, **tables, segments=[("s",), ("s", "t")], **ALL)
    predictions = {name: column for name, column in rows.items() if name != "label"}
    truth = {name: rows[name] for name in ("id", "label", "w")}
    found = bench.day(project, predictions, truth, many_rows=many_rows)
    places = {
        "": np.ones(2000, dtype=bool),
        "s=x": rows["s"] == "x",
        "s=x,t=2": (rows["s"] == "x") & (rows["t"] == "2"),
    }
    for segment, where in places.items():
        part = {name: column[where] for name, column in rows.items()}
        want = expected(part, None if weight is None else weight[where])
        got = values(found, segment=segment)
        assert {name: got[name] for name in EXACT} == pytest.approx({name: want[name] for name in EXACT}, rel=1e-9)
        few = many_rows > 2000
        assert got["roc_auc"] == pytest.approx(want["roc_auc"], abs=1e-12 if few else 1e-3)
        assert got["pr_auc"] == pytest.approx(want["pr_auc"], abs=1e-12 if few else 5e-3)
        assert points(found, segment=segment)["roc_auc"].n == where.sum()
    if not weighted:
        assert {point.n for point in points(found).values()} >= {2000, int(rows["label"].sum())}


@pytest.mark.parametrize("shape", ["common", "rare", "rounded", "certain", "tiny scores"])
def test_cells_give_the_auc_to_a_millionth(bench: Bench, shape: str) -> None:
    rng = np.random.default_rng(1)
    rows = 300_000
    label = np.zeros(rows, dtype=np.int8)
    if shape == "rare":
        label[rng.random(rows) < 0.002] = 1
        score = 1 / (1 + np.exp(-(rng.normal(0, 1, rows) - 7 + 1.5 * label)))
    else:
        score = rng.beta(1, 8, rows)
        label = (rng.random(rows) < score).astype(np.int8)
        if shape == "rounded":
            score = np.round(score, 2)
        elif shape == "certain":
            score = np.where(rng.random(rows) < 0.3, np.round(score), score)
        elif shape == "tiny scores":
            score = score**40
    ids = np.arange(rows)
    found = bench.day(product(BINARY), {"id": ids, "score": score}, {"id": ids, "label": label}, many_rows=1)
    got = values(found)
    assert got["roc_auc"] == pytest.approx(sk.roc_auc_score(label, score), abs=1e-6)
    assert got["pr_auc"] == pytest.approx(sk.average_precision_score(label, score), abs=1e-4)
    assert got["log_loss"] == pytest.approx(sk.log_loss(label, score), rel=1e-9)
    assert got["brier"] == pytest.approx(sk.brier_score_loss(label, score), rel=1e-9)
    again = BinaryScores.from_json(found.states[0].payload).metrics()
    assert again["roc_auc"] == pytest.approx(got["roc_auc"], abs=1e-6)
    assert {name: again[name] for name in EXACT if name in again} == pytest.approx(
        {name: got[name] for name in EXACT if name in got}
    )


def test_days_of_many_rows_merge_with_days_of_few(bench: Bench) -> None:
    rows = sample(40_000)
    parts = np.array_split(np.arange(40_000), 4)
    days = [{name: rows[name][part] for name in ("id", "score")} for part in parts]
    truths = [{name: rows[name][part] for name in ("id", "label")} for part in parts]
    states = []
    for number, (day, truth) in enumerate(zip(days, truths, strict=True)):
        found = bench.day(product(BINARY), day, truth, many_rows=1 if number % 2 else 10**6)
        states.append(BinaryScores.from_json(found.states[0].payload))
    merged = states[0] + states[1] + states[2] + states[3]
    assert merged.metrics()["roc_auc"] == pytest.approx(sk.roc_auc_score(rows["label"], rows["score"]), abs=1e-6)


@pytest.mark.parametrize(
    ("predictions", "truth", "n", "maturity"),
    [
        ([1, 2, 3, 4], [4, 3, 2, 1], 4, 1.0),  # no copies at all: one query
        ([1, 2, 3, 3], [1, 2, 3], 3, 1.0),  # copies of a prediction with a label
        ([1, 2, 3, 3], [1, 2], 2, 2 / 3),  # copies of a prediction without
        ([1, 2, 3, 4], [1, 2, 2, 2], 2, 0.5),  # copies of a label
        ([1, 2, 3, None], [1, 2, None, 9], 2, 2 / 3),  # keys that are null, labels of nobody
        ([1, 2, None, None], [7, 8], 0, 0.0),
    ],
)
def test_many_rows_with_copies_are_counted_as_few_are(
    bench: Bench, predictions: list[int | None], truth: list[int | None], n: int, maturity: float
) -> None:
    outputs = {"id": predictions, "score": [0.9] * len(predictions), "s": ["a"] * len(predictions)}
    labels = {"id": truth, "label": [1] * len(truth)}
    project = product(BINARY, segments=[("s",)], **ALL)
    for many_rows in (10**6, 1):
        found = bench.day(project, outputs, labels, many_rows=many_rows)
        whole = points(found)
        assert whole["label_maturity"].value == pytest.approx(maturity)
        assert whole["accuracy"].n == n
        assert points(found, segment="s=a")["label_maturity"].value == pytest.approx(maturity)


def test_many_rows_have_the_segments_of_few_where_values_and_labels_are_missing(bench: Bench) -> None:
    rows = sample(400)
    outputs = {"id": rows["id"], "score": rows["score"], "s": [None if n % 5 == 0 else "x" for n in range(400)]}
    known = rows["id"][rows["id"] % 3 > 0]  # the rest has no label, and so no place
    truth = {"id": known, "label": rows["label"][known], "place": [None if n % 4 == 0 else "y" for n in known]}
    project = product(BINARY, segments=[("s",), ("place",), ("place", "s")], **ALL)
    few, many = (bench.day(project, outputs, truth, many_rows=many) for many in (10**6, 1))
    kept = [
        {(one.series.key.segment, one.series.key.metric): (one.value, one.n, one.maturity) for one in found.points}
        for found in (few, many)
    ]
    assert len(kept[0]) == len(few.points) == len(many.points)
    assert kept[0].keys() == kept[1].keys()
    assert {"place=(null)", "place=y,s=(null)"} <= {segment for segment, _ in kept[0]}
    for name, values_ in kept[0].items():
        assert kept[1][name] == pytest.approx(values_, abs=5e-3), name


@pytest.mark.parametrize(("apart", "queries"), [(1, 1), (10**9, 2)])
def test_many_rows_without_copies_are_joined_once(tmp_path: Path, apart: int, queries: int) -> None:
    """By looking labels up, which tells the segments as well, or by the engine, which is asked for their values."""
    with Engine(threads=1) as engine:
        bench = Bench(tmp_path, engine)
        rows = sample(100)
        ids = [apart * (rows["id"] + 100 * day) for day in range(3)]
        days = [{"id": own, "score": rows["score"], "s": rows["s"]} for own in ids]
        truths = [{"id": own, "label": rows["label"]} for own in ids]
        found = bench.days(product(BINARY, segments=[("s",)], **ALL), days, truths, many_rows=1)
        assert len(engine.queries) == queries
        for day in DAYS[:3]:
            assert values(found, day)["log_loss"] == pytest.approx(sk.log_loss(rows["label"], rows["score"]))


def estimates(score: Any, label: Any) -> dict[str, Estimate]:
    order = np.argsort(score)
    score, label = score[order], label[order].astype(float)
    (found,) = by_group(binary_estimates(Cells.of_scores(np.array([0]), score, 1 - label, label, threshold=0.3)))
    return found


@pytest.mark.parametrize(("rows", "least"), [(1000, 0.92), (80, 0.90)])
def test_intervals_cover(rows: int, least: float) -> None:
    """Of 300 samples about 95 of a hundred intervals hold what 400,000 rows say."""
    rng = np.random.default_rng(3)
    score = rng.beta(2, 5, 400_000)
    real = np.clip(score * 1.2, 0, 1)  # scores are a fifth too low, so that the calibration error is not 0
    label = rng.random(400_000) < real
    truth = {name: one.value for name, one in estimates(score, label).items()}
    inside, widths = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0.0)
    for _ in range(300):
        sampled = rng.integers(0, 400_000, rows)
        found = estimates(score[sampled], label[sampled])
        for name in truth:
            inside[name] += found[name].low <= truth[name] <= found[name].high
            widths[name] += (found[name].high - found[name].low) / 300
    assert all(count / 300 >= least for count in inside.values()), inside
    assert all(count / 300 <= 0.985 for name, count in inside.items() if name not in ("ece", "pr_auc")), inside
    assert widths["roc_auc"] == pytest.approx(0.07 if rows == 1000 else 0.25, rel=0.15)


def test_a_perfectly_calibrated_model_has_a_calibration_error_of_nothing() -> None:
    rng = np.random.default_rng(4)
    lows = []
    for _ in range(100):
        score = rng.beta(2, 5, 500)
        lows.append(estimates(score, rng.random(500) < score)["ece"].low)
    assert np.mean(np.array(lows) == 0) > 0.95


def test_intervals_of_perfect_and_of_useless_scores() -> None:
    label = np.arange(20) % 2 == 1
    perfect = estimates(label * 0.8, label)
    assert (perfect["roc_auc"].value, perfect["roc_auc"].high, perfect["pr_auc"].high) == (1.0, 1.0, 1.0)
    assert 0.65 < perfect["roc_auc"].low < 0.9
    upside_down = estimates(1 - label * 0.8, label)
    assert (upside_down["roc_auc"].value, upside_down["roc_auc"].low) == (0.0, 0.0)
    assert 0.1 < upside_down["roc_auc"].high < 0.35
    useless = estimates(np.full(20, 0.5), label)
    assert useless["roc_auc"].low < 0.5 < useless["roc_auc"].high
    few = estimates(np.array([0.1, 0.2, 0.9]), np.array([False, True, True]))
    assert few["roc_auc"].low < 0.6


def test_every_metric_is_told() -> None:
    label = np.arange(20) % 2 == 1
    assert set(estimates(np.linspace(0, 1, 20), label)) == {metric.name for metric in METRICS}
