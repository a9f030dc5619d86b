"""Estimated performance: simulations with a known truth, oracles, and degenerate rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

import evaluations
from evaluations import Bench, stored
from lupus.measure import BinaryScores, Engine
from lupus.measure.estimates import (
    Calibration,
    Estimate,
    LossModel,
    estimate_errors,
    estimate_metrics,
    estimate_point,
    expected_performance,
)
from lupus.measure.estimates import calibrated as calibrated_on
from lupus.measure.evaluation import Cells
from lupus.measure.learners import Columns
from lupus.model import Failure, Role, Task


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


BINARY = ("roc_auc", "log_loss", "brier", "accuracy", "precision", "recall", "f1")
Sample = tuple[Any, Any]


def by_score(score: Any, label: Any) -> tuple[Any, Any, Any]:
    """(score ascending, negatives, positives)."""
    scores, where = np.unique(score, return_inverse=True)
    positives = np.bincount(where, label, minlength=len(scores))
    return scores, np.bincount(where, minlength=len(scores)) - positives, positives


def calibrated(score: Any, label: Any) -> Calibration:
    return Calibration.fitted(*by_score(score, label))


def estimated(score: Any, calibration: Calibration, threshold: float = 0.4) -> dict[str, Estimate]:
    scores, rows = np.unique(score, return_counts=True)
    return expected_performance(scores, rows.astype(float), calibration, threshold=threshold)


def truth(score: Any, label: Any, threshold: float = 0.4) -> dict[str, float]:
    yes = score >= threshold
    return {
        "roc_auc": sk.roc_auc_score(label, score),
        "log_loss": sk.log_loss(label, score),
        "brier": sk.brier_score_loss(label, score),
        "accuracy": sk.accuracy_score(label, yes),
        "precision": sk.precision_score(label, yes),
        "recall": sk.recall_score(label, yes),
        "f1": sk.f1_score(label, yes),
    }


def draw(rng: Any, n: int, *, a: float = 2.0, b: float = 4.0, steepness: float = 1.0, wrong: float = 0.0) -> Sample:
    """Scores whose log-odds are `steepness` times the true ones, and labels; `wrong` is added to the true log-odds."""
    odds = np.log(p := rng.beta(a, b, n)) - np.log1p(-p)
    return 1 / (1 + np.exp(-odds * steepness)), (rng.random(n) < 1 / (1 + np.exp(-odds - wrong))).astype(float)


# Calibration


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40))
def test_the_calibration_is_scikit_learns_isotonic_regression(cells: list[tuple[int, int, int]]) -> None:
    kept = {score / 20: (negative, positive) for score, negative, positive in cells if negative + positive}
    if not kept:
        return
    score = np.array(sorted(kept))
    negative, positive = (np.array([kept[one][side] for one in score], dtype=float) for side in (0, 1))
    ours = Calibration.fitted(score, negative, positive)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(
        score, positive / (negative + positive), sample_weight=negative + positive
    )
    asked = np.linspace(-0.1, 1.1, 57)
    assert ours.probabilities(asked) == pytest.approx(theirs.predict(asked), abs=1e-9)
    assert ours.labels == (negative + positive).sum()
    assert Calibration.from_json(stored(ours.to_json())) == ours


def test_a_calibration_of_one_score_and_of_one_class_is_constant() -> None:
    for label in (0.0, 1.0):
        one = calibrated(np.full(50, 0.3), np.full(50, label))
        assert one.probabilities(np.array([0.0, 0.3, 1.0])).tolist() == [label] * 3


# Binary


def test_expectations_are_the_averages_of_labels_that_are_drawn() -> None:
    rng = np.random.default_rng(5)
    score, label = draw(rng, 5000)
    calibration = calibrated(score, label)
    tested = np.round(rng.beta(2, 3, 300), 2)  # with ties
    found = estimated(tested, calibration)
    p = calibration.probabilities(tested)
    assert found.keys() == {f"estimated_{name}" for name in BINARY}
    drawn = [truth(tested, (rng.random(300) < p).astype(float)) for _ in range(150)]
    for name in BINARY:
        values = np.array([one[name] for one in drawn])
        one = found[f"estimated_{name}"]
        assert one.value == pytest.approx(values.mean(), abs=4 * values.std() / 12 + 0.002), name
        # The interval also holds what the calibration does not know, hence is a little wider than the draws' spread.
        assert 0.85 * 3.92 * values.std() < one.high - one.low < 1.5 * 3.92 * values.std(), name


def over_all_labels(score: Any, p: Any, threshold: float = 0.4) -> dict[str, float]:
    """The metrics over all labels that `score` may have, each as often as the probabilities `p` of positives say.

    scikit-learn scores each; those without a denominator are left out.
    """
    n = len(score)
    labels = np.array(list(product((0.0, 1.0), repeat=n)))
    chance = np.where(labels == 1, p, 1 - p).prod(axis=1)
    yes = score >= threshold
    scored: dict[str, Callable[[Any], float]] = {
        "log_loss": lambda label: sk.log_loss(label, score, labels=[0, 1]),
        "brier": lambda label: float(((score - label) ** 2).mean()),
        "accuracy": lambda label: sk.accuracy_score(label, yes),
    }
    if yes.any():
        scored["precision"] = lambda label: sk.precision_score(label, yes, zero_division=0)
    found = {name: float(chance @ [metric(label) for label in labels]) for name, metric in scored.items()}
    # Ratios whose denominator is a chance, too: the ratio of the expectations of both.
    hits, positives = (float(chance @ labels[:, which].sum(axis=1)) for which in (yes, slice(None)))
    if positives >= 1:
        found["recall"] = hits / positives
    if positives + yes.sum() >= 1:
        found["f1"] = 2 * hits / (positives + yes.sum())
    pairs = [
        (weight, label[one] * (1 - label[other]), score[one], score[other])
        for weight, label in zip(chance, labels, strict=True)
        for one in range(n)
        for other in range(n)
        if one != other
    ]
    if min(positives, n - positives) >= 1:
        weight, ordered, high, low = np.array(pairs).T
        ordered = weight * ordered
        found["roc_auc"] = float((ordered * ((high > low) + 0.5 * (high == low))).sum() / ordered.sum())
    return found


def check_expectations(score: Any, calibration: Calibration) -> None:
    found = {name.removeprefix("estimated_"): one.value for name, one in estimated(score, calibration).items()}
    assert found == pytest.approx(over_all_labels(score, calibration.probabilities(score)), rel=1e-9, abs=1e-12)


ESTIMATED = """estimated_roc_auc"""


@pytest.mark.oracle(
    "estimated_roc_auc", "estimated_log_loss", "estimated_brier", "estimated_accuracy", "estimated_precision",
    "estimated_recall", "estimated_f1", by="scikit-learn", on="random",
)  # fmt: skip
@pytest.mark.parametrize("seed", range(4))
def test_expectations_are_those_over_all_labels_there_may_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid, rates = np.sort(rng.random(5)), np.sort(rng.uniform(0.05, 0.95, 5))
    calibration = Calibration(tuple(grid), tuple(grid), tuple(rates), (100.0,) * 5)
    check_expectations(np.sort(np.round(rng.random(8), 1)), calibration)


@pytest.mark.oracle(
    "estimated_roc_auc", "estimated_log_loss", "estimated_brier", "estimated_accuracy", "estimated_precision",
    "estimated_recall", "estimated_f1", by="scikit-learn", on="degenerate",
)  # fmt: skip
@pytest.mark.parametrize("rate", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.5, 0.5)], ids=str)
@pytest.mark.parametrize("score", [[0.3] * 6, [0.9] * 6, [0.0, 1.0] * 3, [0.5], [0.0] * 5 + [1.0]], ids=str)
def test_expectations_of_degenerate_scores(score: list[float], rate: tuple[float, float]) -> None:
    check_expectations(np.sort(score), Calibration((0.1, 0.8), (0.1, 0.8), rate, (100.0, 100.0)))


@pytest.mark.parametrize(
    ("reference", "tested"),
    [
        pytest.param({}, {}, id="calibrated"),
        pytest.param({"steepness": 2.5}, {"steepness": 2.5}, id="overconfident"),
        pytest.param({"steepness": 0.4, "wrong": -1.0}, {"steepness": 0.4, "wrong": -1.0}, id="biased"),
        pytest.param({}, {"a": 4.0, "b": 3.0}, id="covariate-shift"),
    ],
)
def test_the_truth_lies_in_its_interval_as_often_as_it_should(
    reference: dict[str, float], tested: dict[str, float]
) -> None:
    rng = np.random.default_rng(11)
    inside, error = dict.fromkeys(BINARY, 0), dict.fromkeys(BINARY, 0.0)
    for _ in range(60):
        calibration = calibrated(*draw(rng, 6000, **reference))
        score, label = draw(rng, 800, **tested)
        found, true = estimated(score, calibration), truth(score, label)
        for name in BINARY:
            one = found[f"estimated_{name}"]
            inside[name] += one.low <= true[name] <= one.high
            error[name] += (one.value - true[name]) / 60
    assert min(inside.values()) >= 52, inside  # 95 % of 60 are 57; 52 and fewer have a chance of 0.2 %
    assert max(map(abs, error.values())) < 0.02, error


def test_intervals_hold_what_differs_between_days() -> None:
    """Days that share a weather: with independent rows alone the interval would be a third as wide."""
    rng = np.random.default_rng(21)
    states, inside, width = [], 0, 0.0
    for day in range(60):
        score, label = draw(rng, 800, wrong=float(rng.normal(0, 0.5)))
        if day < 30:
            cells = Cells.of_scores(np.zeros(1, dtype=np.intp), *by_score(score, label), threshold=0.4)
            states.append(BinaryScores.of(cells, threshold=0.4))
            continue
        calibration = calibrated_on(states, least=1000, threshold=0.4)
        assert isinstance(calibration, Calibration)
        one = estimated(score, calibration)["estimated_brier"]
        inside += one.low <= truth(score, label)["brier"] <= one.high
        plain = estimated(score, replace(calibration, between={}))["estimated_brier"]
        width = (one.high - one.low) / (plain.high - plain.low)
    assert inside >= 26
    assert width > 1.5
    too_few = calibrated_on(states[:1], least=1000, threshold=0.4)
    assert isinstance(too_few, Failure)
    assert too_few.reason.startswith("there are 800 labelled rows")


def test_a_covariate_shift_is_seen_and_a_concept_shift_is_not() -> None:
    rng = np.random.default_rng(3)
    calibration = calibrated(*draw(rng, 20_000))
    usual, harder, turned = (draw(rng, 5000, **how) for how in ({}, {"a": 9.0, "b": 9.0}, {"wrong": 1.5}))
    roc_auc = {name: estimated(score, calibration)["estimated_roc_auc"] for name, (score, _) in
               {"usual": usual, "harder": harder, "turned": turned}.items()}  # fmt: skip
    assert roc_auc["harder"].high < roc_auc["usual"].low
    assert truth(*harder)["roc_auc"] == pytest.approx(roc_auc["harder"].value, abs=0.02)
    assert roc_auc["turned"].value == pytest.approx(roc_auc["usual"].value, abs=0.02)
    accuracy = estimated(turned[0], calibration)["estimated_accuracy"]
    assert truth(*turned)["accuracy"] < accuracy.low  # what only labels can tell


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30),
    st.floats(0, 1),
)
def test_estimates_are_in_their_bounds_whatever_the_rows(
    tested: list[float], reference: list[tuple[float, bool]], threshold: float
) -> None:
    score, label = (np.array(side, dtype=float) for side in zip(*reference, strict=True))
    for one in estimated(np.array(tested), calibrated(score, label), threshold).values():
        assert 0 <= one.low <= one.value <= one.high
        assert np.isfinite(one.high)


def test_what_does_not_exist_is_left_out() -> None:
    never = calibrated(np.array([0.1, 0.9]), np.zeros(2))
    assert set(estimated(np.array([0.2, 0.3]), never)) == {
        f"estimated_{name}" for name in ("log_loss", "brier", "accuracy")
    }
    assert estimated(np.array([]), never) == {}
    half = Calibration((0.5,), (0.5,), (0.5,), (1000.0,))
    constant = estimated(np.full(100, 0.5), half)
    assert constant["estimated_roc_auc"].value == pytest.approx(0.5)
    assert constant["estimated_accuracy"].value == pytest.approx(0.5)


# Regression


def errors(rng: Any, n: int, centre: float = 0.0) -> tuple[Columns, Any, Any]:
    """Predictions whose errors grow with |x| and are larger for kind "b"."""
    x, kind = rng.normal(centre, 1, n), np.array(["a", "b"], dtype=object)[rng.integers(0, 2, n)]
    prediction = 10 + 3 * x
    label = prediction + rng.normal(0, 1, n) * (0.5 + np.abs(x)) * np.where(kind == "b", 2, 1)
    return Columns({"prediction": prediction, "x": x, "noise": rng.normal(0, 1, n)}, {"kind": kind}), prediction, label


def test_the_loss_of_a_regression_is_estimated_within_its_interval() -> None:
    rng = np.random.default_rng(2)
    inside = {"estimated_mae": 0, "estimated_rmse": 0}
    for turn in range(40):
        model = LossModel.fitted(*errors(rng, 3000))
        rows, prediction, label = errors(rng, 600, centre=turn % 2)
        error = prediction - label
        true = {"estimated_mae": np.abs(error).mean(), "estimated_rmse": np.sqrt((error**2).mean())}
        for name, one in model.estimates(rows).items():
            inside[name] += one.low <= true[name] <= one.high
    assert min(inside.values()) >= 33, inside
    usual, harder = (model.estimates(errors(rng, 2000, centre=centre)[0])["estimated_mae"] for centre in (0.0, 1.5))
    assert harder.low > usual.high
    again = LossModel.from_json(stored(model.to_json()))
    assert again.estimates(rows)["estimated_mae"].high == pytest.approx(
        model.estimates(rows)["estimated_mae"].high, rel=1e-4
    )


@pytest.mark.oracle("estimated_mae", "estimated_rmse", by="scikit-learn", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_the_loss_of_the_reference_itself_is_its_own(seed: int) -> None:
    """Over the rows that it was fitted on a model's mean is theirs."""
    rows, prediction, label = errors(np.random.default_rng(seed), 4000)
    found = LossModel.fitted(rows, prediction, label).estimates(rows)
    assert found["estimated_mae"].value == pytest.approx(sk.mean_absolute_error(label, prediction), rel=1e-4)
    assert found["estimated_rmse"].value == pytest.approx(sk.root_mean_squared_error(label, prediction), rel=1e-4)


@pytest.mark.oracle("estimated_mae", "estimated_rmse", by="scikit-learn", on="degenerate")
@pytest.mark.parametrize("error", [0.0, 2.0, -1e9, 1e-9])
def test_errors_that_never_change_are_the_loss_to_be_expected(error: float) -> None:
    prediction = np.append(np.arange(39.0), 5.0)
    rows = Columns({"prediction": prediction, "constant": np.ones(40), "missing": np.full(40, np.nan)})
    found = LossModel.fitted(rows, prediction, prediction + error).estimates(Columns({"prediction": prediction[:3]}))
    label = prediction[:3] + error
    expected = sk.mean_absolute_error(label, prediction[:3]), sk.root_mean_squared_error(label, prediction[:3])
    assert (found["estimated_mae"].value, found["estimated_rmse"].value) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_perfect_predictions_have_no_loss() -> None:
    values = np.arange(40.0)
    rows = Columns({"prediction": values})
    found = LossModel.fitted(rows, values, values).estimates(rows)
    assert all(one.value == pytest.approx(0.0, abs=1e-4) for one in found.values())
    assert LossModel.fitted(rows, values, values).estimates(Columns({"prediction": np.array([])})) == {}


# How right an estimate was


def check_errors(bench: Bench, score: Any, label: Any, names: Sequence[str]) -> None:
    project = evaluations.product(Task.BINARY_CLASSIFICATION, threshold=0.4)
    ids = np.arange(len(score))
    true = bench.day(project, {"id": ids, "score": score}, {"id": ids, "label": label}).points
    found = estimated(score, calibrated(score, label))
    table = project.of_role(Role.PREDICTION)
    assert table is not None
    day = evaluations.DAYS[0]
    metrics = estimate_metrics(project)
    guesses = [estimate_point(project, table, one, day, found.get(one.name), len(score)) for one in metrics]
    errors = {one.series.key.metric: one for one in estimate_errors(project, table, metrics, guesses, true)}
    yes = score >= 0.4
    expected: dict[str, Callable[[], float]] = {
        "roc_auc": lambda: sk.roc_auc_score(label, score),
        "log_loss": lambda: sk.log_loss(label, score, labels=[0, 1]),
        "brier": lambda: float(((score - label) ** 2).mean()),
        "accuracy": lambda: sk.accuracy_score(label, yes),
        "precision": lambda: sk.precision_score(label, yes),
        "recall": lambda: sk.recall_score(label, yes),
        "f1": lambda: sk.f1_score(label, yes),
    }
    assert {name for name, one in errors.items() if one.value is not None} == {f"estimate_error:{n}" for n in names}
    for name in names:
        estimate = found[f"estimated_{name}"].value
        assert errors[f"estimate_error:{name}"].value == pytest.approx(estimate - expected[name](), abs=1e-9), name


@pytest.mark.oracle("estimate_error:…", by="scikit-learn", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_errors_of_estimates(bench: Bench, seed: int) -> None:
    score, label = draw(np.random.default_rng(seed), 900, wrong=0.7)
    check_errors(bench, np.round(score, 3), label, BINARY)


@pytest.mark.oracle("estimate_error:…", by="scikit-learn", on="degenerate")
@pytest.mark.parametrize(
    ("score", "label", "names"),
    [([0.5] * 8, [0, 1] * 4, BINARY), ([0.0, 1.0] * 4, [0, 1] * 4, BINARY),
     ([0.1, 0.9] * 4, [0] * 8, ("log_loss", "brier", "accuracy", "precision", "f1"))],
    ids=["constant scores", "certain", "one class"],
)  # fmt: skip
def test_errors_of_estimates_of_degenerate_rows(
    bench: Bench, score: list[float], label: list[int], names: Sequence[str]
) -> None:
    check_errors(bench, np.array(score), np.array(label, dtype=float), names)
