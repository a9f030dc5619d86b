"""Multiclass evaluation against scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from evaluations import ALL, DAYS, Bench, points, product, values
from lupus.measure import ConfusionMatrix, Engine
from lupus.model import FailureKind, Task

MULTI = Task.MULTICLASS_CLASSIFICATION
CLASSES = ["cat", "dog", "emu", "fox"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


def sample(rows: int, seed: int = 3) -> tuple[Any, Any, Any]:
    """Labels, predicted classes and probabilities; the last class is rare and never predicted."""
    rng = np.random.default_rng(seed)
    label = rng.choice(4, rows, p=[0.5, 0.3, 0.17, 0.03])
    logits = rng.normal(0, 1, (rows, 4)) + 1.2 * np.eye(4)[label]
    logits[:, 3] -= 4
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return label, chance.argmax(axis=1), chance


def expected(label: Any, guess: Any, weight: Any = None) -> dict[str, float]:
    found = {"accuracy": sk.accuracy_score(label, guess, sample_weight=weight)}
    for mean in ("macro", "micro", "weighted"):
        for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
            found[f"{name}_{mean}"] = score(label, guess, average=mean, sample_weight=weight, zero_division=0)
    found["mcc"] = sk.matthews_corrcoef(label, guess, sample_weight=weight)
    return found


@pytest.mark.oracle(
    "accuracy", "precision_macro", "recall_macro", "f1_macro", "precision_micro", "recall_micro", "f1_micro",
    "precision_weighted", "recall_weighted", "f1_weighted", "mcc", "log_loss", "roc_auc_macro",
    "precision:…", "recall:…", "f1:…", by="scikit-learn", on="random",
)  # fmt: skip
def test_every_metric_is_scikit_learns(bench: Bench) -> None:
    label, guess, chance = sample(900)
    weight = np.random.default_rng(1).gamma(2, 1, 900)
    ids = np.arange(900)
    names = np.array(CLASSES)
    outputs = {"id": ids, "score": names[guess], "w": weight} | {f"p_{c}": chance[:, n] for n, c in enumerate(CLASSES)}
    truth = {"id": ids[::-1], "label": names[label][::-1]}
    scores = tuple((name, f"p_{name}") for name in CLASSES)
    for column, weights in (("", None), ("w", weight)):
        project = product(MULTI, prediction={"scores": scores, "weight": column}, top=2)
        got = values(bench.day(project, outputs, truth))
        want = expected(label, guess, weights)
        want["log_loss"] = sk.log_loss(label, chance, sample_weight=weights)
        areas = [sk.roc_auc_score(label == n, chance[:, n], sample_weight=weights) for n in range(4)]
        want["roc_auc_macro"] = float(np.mean(areas))
        arguments: dict[str, Any] = {"average": None, "zero_division": 0, "sample_weight": weights}
        for n, name in enumerate(CLASSES[:2]):
            want[f"precision:{name}"] = sk.precision_score(label, guess, **arguments)[n]
            want[f"recall:{name}"] = sk.recall_score(label, guess, **arguments)[n]
            want[f"f1:{name}"] = sk.f1_score(label, guess, **arguments)[n]
        rest = np.ones(900) if weights is None else weights
        right = rest[(label == guess) & (label > 1)].sum()
        want |= {"precision:other": right / rest[guess > 1].sum(), "recall:other": right / rest[label > 1].sum()}
        assert got == pytest.approx(want, rel=1e-9)
        if weights is None:
            assert got["roc_auc_macro"] == pytest.approx(sk.roc_auc_score(label, chance, multi_class="ovr"))


def test_without_a_score_the_most_probable_class_is_predicted(bench: Bench) -> None:
    label, guess, chance = sample(200)
    outputs: dict[str, Any] = {"id": range(200)} | {f"p{n}": chance[:, n] for n in range(4)}
    outputs["id"] = np.arange(200)
    project = product(MULTI, prediction={"score": "", "scores": tuple((str(n), f"p{n}") for n in range(4))})
    for labels in (label, label.astype(float), label.astype(str)):  # 1, 1.0 and "1" are one class
        got = values(bench.day(project, outputs, {"id": np.arange(200), "label": labels}))
        want = expected(label, guess)
        assert {name: got[name] for name in want} == pytest.approx(want)


def test_segments_and_their_own_one_versus_rest(bench: Bench) -> None:
    label, guess, chance = sample(600)
    where = np.array(["n", "s"])[np.arange(600) % 2]
    outputs = {"id": np.arange(600), "score": guess, "where": where} | {f"p{n}": chance[:, n] for n in range(4)}
    scores = tuple((str(n), f"p{n}") for n in range(4))
    project = product(MULTI, prediction={"scores": scores}, segments=[("where",)], **ALL)
    for many in (10_000, 1):
        found = bench.day(project, outputs, {"id": np.arange(600), "label": label}, many_rows=many)
        got = values(found, segment="where=s")
        rows = where == "s"
        want = expected(label[rows], guess[rows])
        want["log_loss"] = sk.log_loss(label[rows], chance[rows], labels=range(4))
        areas = [sk.roc_auc_score(label[rows] == n, chance[rows, n]) for n in range(4)]
        assert {name: got[name] for name in want} == pytest.approx(want)
        assert got["roc_auc_macro"] == pytest.approx(np.mean(areas), abs=2e-4)
        assert values(found)["accuracy"] == pytest.approx(sk.accuracy_score(label, guess))


def test_rare_classes_are_folded_in_what_is_stored(bench: Bench) -> None:
    label = ["a"] * 30 + ["b"] * 30 + ["rare one", "rare two", "rare two"]
    guess = ["a"] * 25 + ["b"] * 35 + ["rare one", "rare one", "a"]
    found = bench.day(
        product(MULTI, min_category_rows=5),
        {"id": np.arange(63), "score": guess},
        {"id": np.arange(63), "label": label},
    )
    (stored,) = found.states
    assert stored.kind == "confusion_matrix"
    assert "rare" not in str(stored.payload)
    assert not [name for name in points(found) if "rare" in name]
    again = ConfusionMatrix.from_json(stored.payload)
    got = values(found)
    assert again.metrics()["accuracy"] == got["accuracy"] == pytest.approx(56 / 63)
    assert again.n == 63
    assert {"precision:a", "recall:b", "precision:other", "recall:other"} <= set(got)


def test_one_class_and_no_probability(bench: Bench) -> None:
    ids = np.arange(40)
    project = product(MULTI, prediction={"scores": (("a", "p_a"), ("b", "p_b"))})
    outputs = {"id": ids, "score": ["a"] * 40, "p_a": pa.array([None] * 40, pa.float64())}
    found = points(bench.day(project, outputs, {"id": ids, "label": ["a"] * 40}))
    assert found["accuracy"].value == 1.0
    assert found["accuracy"].low == pytest.approx(1 / (1 + 1.959964**2 / 40))
    assert {name for name, point in found.items() if point.failure} == {"mcc", "log_loss", "roc_auc_macro"}
    assert found["log_loss"].failure.reason == "no label's class has a valid probability"
    assert found["mcc"].failure.kind is FailureKind.UNDEFINED


def test_labels_that_are_no_class_are_invalid_where_classes_are_named(bench: Bench) -> None:
    outputs = {"id": np.arange(4), "p_a": [0.9, 0.1, 0.5, 2.0], "p_b": [0.1, 0.9, 0.5, np.nan]}
    project = product(MULTI, prediction={"score": "", "scores": (("a", "p_a"), ("b", "p_b"))})
    found = points(bench.day(project, outputs, {"id": np.arange(4), "label": ["a", "zebra", "a", "b"]}))
    assert found["invalid_label_ratio"].value == 0.25
    assert (found["accuracy"].value, found["accuracy"].n) == (1.0, 2)
    assert found["label_maturity"].value == 1.0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), max_size=40))
def test_no_average_leaves_its_range_and_every_interval_holds_its_value(pairs: list[tuple[str, str]]) -> None:
    pairs = [*pairs, ("a", "a"), ("b", "a")]  # scikit-learn warns of a single class
    matrix = ConfusionMatrix.of(pairs)
    label, guess = [one for one, _ in pairs], [one for _, one in pairs]
    want = expected(label, guess)
    found = matrix.estimates(("a", "b"))
    if "mcc" not in found:
        assert want.pop("mcc") == 0.0
    got = {name: found[name].value for name in want}
    assert got == pytest.approx(want, abs=1e-12)
    for one in found.values():
        assert one.low is None or one.low - 1e-9 <= one.value <= one.high + 1e-9


def test_averages_intervals_cover() -> None:
    """Of 300 days of 300 rows about 95 of a hundred intervals hold what all rows say."""
    big_label, big_guess, _ = sample(100_000, seed=9)
    rng = np.random.default_rng(2)
    names = ("precision_macro", "recall_macro", "f1_macro", "precision_weighted", "f1_weighted", "mcc", "accuracy")
    common = (big_label < 3) & (big_guess < 3)
    # A class that is hardly ever there has no normal error.
    truth = expected(big_label[common], big_guess[common])
    label, guess = big_label[common].astype(str), big_guess[common].astype(str)
    inside = dict.fromkeys(names, 0)
    trials = 300
    for _ in range(trials):
        rows = rng.integers(0, len(label), 300)
        found = ConfusionMatrix.of(list(zip(label[rows], guess[rows], strict=True))).estimates()
        for name in names:
            inside[name] += found[name].low <= truth[name] <= found[name].high
    assert all(0.90 <= count / trials <= 0.985 for count in inside.values()), inside


def test_late_labels_raise_the_maturity(bench: Bench) -> None:
    label, guess, _ = sample(90)
    truths = [{"id": rows, "label": label[rows]} for rows in np.array_split(np.arange(90), 3)]
    seen = []
    for arrived in range(1, 4):
        found = points(bench.days(product(MULTI), [{"id": np.arange(90), "score": guess}], truths[:arrived]), DAYS[0])
        seen.append(found["accuracy"].maturity)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])
    assert found["accuracy"].value == pytest.approx(sk.accuracy_score(label, guess))
