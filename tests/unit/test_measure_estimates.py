"""Estimated performance and concept drift: simulations with a known truth, oracles, and degenerate rows."""

from __future__ import annotations

import json
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
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

import evaluations
from evaluations import Bench
from lupus.measure import BinaryScores, Engine
from lupus.measure.estimates import (
    CONCEPT_DRIFT,
    Calibration,
    ConceptModel,
    Estimate,
    LossModel,
    estimate_errors,
    estimate_metrics,
    estimate_point,
    expected_performance,
)
from lupus.measure.estimates import calibrated as calibrated_on
from lupus.measure.evaluation import Cells
from lupus.measure.learners import Columns, Encoder, Family, LinearModel, fit
from lupus.model import Failure, Role, Task


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


def stored(payload: Any) -> Any:
    """What the store gives back: it sorts keys."""
    return json.loads(json.dumps(payload, sort_keys=True))


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


# Concept drift


def world(rng: Any, n: int, *, shift: float = 0.0, turned: float = 0.0) -> tuple[Columns, Any, Any, float]:
    """Rows, scores of a model that knows one of three features, labels, and the true change of P(y|x)."""
    x = rng.normal([shift, shift, -shift, 0], 1, (n, 4))
    kind = np.array(["a", "b", None], dtype=object)[rng.integers(0, 3, n)]
    odds = 0.8 * x[:, 0] - 0.6 * x[:, 1] + 0.5 * x[:, 2] + 0.7 * (kind == "a")
    before, now = (1 / (1 + np.exp(-one)) for one in (odds, odds + turned * x[:, 3]))
    numbers = {"score": 0.8 * x[:, 0] - 0.3} | {f"x{place}": x[:, place] for place in range(4)}
    score = 1 / (1 + np.exp(-numbers["score"]))
    true = float(np.sqrt(((now - before) ** 2).mean()))
    return Columns(numbers, {"kind": kind}), score, (rng.random(n) < now).astype(float), true


@pytest.mark.oracle("concept_drift", by="NumPy", on="random")
def test_concept_drift_is_nothing_under_covariate_shift_and_right_under_a_change_of_the_concept() -> None:
    rng = np.random.default_rng(8)
    seen: dict[str, list[tuple[Estimate, float]]] = {}
    cases: dict[str, dict[str, float]] = {
        "same": {}, "covariate": {"shift": 0.7}, "concept": {"turned": 0.8}, "both": {"shift": 0.5, "turned": 0.8},
    }  # fmt: skip
    for _ in range(15):
        rows, score, label, _ = world(rng, 10_000)
        model = ConceptModel.fitted(rows, score, label, binary=True)
        for name, how in cases.items():
            rows, score, label, true = world(rng, 1500, **how)
            seen.setdefault(name, []).append((model.drift(rows, score, label), true))
    for name in ("same", "covariate"):
        assert np.mean([one.value for one, _ in seen[name]]) < 0.025, name
        assert sum(one.low > 0 for one, _ in seen[name]) <= 1, name
    for name in ("concept", "both"):
        assert all(one.low > 0.05 for one, _ in seen[name]), name
        assert np.mean([one.value for one, _ in seen[name]]) == pytest.approx(seen[name][0][1], abs=0.02), name
        assert sum(one.low <= true <= one.high for one, true in seen[name]) >= 11, name


@pytest.mark.oracle("concept_drift", by="NumPy", on="random")
@pytest.mark.parametrize("turned", [0.0, 0.8])
def test_a_segment_that_was_always_different_drifts_by_its_own_change_alone(turned: float) -> None:
    """A fifth of the rows have another level and react the other way to one feature; then `turned` changes in them."""
    rng = np.random.default_rng(12)

    def sample(n: int, turned: float = 0.0) -> tuple[Columns, Any, Any, Any, float]:
        x, own = rng.normal(0, 1, (n, 3)), rng.random(n) < 0.2
        before = 0.8 * x[:, 0] - 0.5 * x[:, 1] + own * (0.8 - 1.6 * x[:, 0])
        p, now = (1 / (1 + np.exp(-odds)) for odds in (before, before + turned * own * x[:, 2]))
        score = 1 / (1 + np.exp(-0.8 * x[:, 0]))
        columns = Columns({"score": 0.8 * x[:, 0]} | {f"x{place}": x[:, place] for place in range(3)})
        where = np.flatnonzero(own)
        true = float(np.sqrt(((now - p)[where] ** 2).mean()))
        return columns, score, (rng.random(n) < now).astype(float), where, true

    seen, whole, untold = [], [], []
    for _ in range(15):
        rows, score, label, where, _ = sample(15_000)
        model = ConceptModel.fitted(rows, score, label, binary=True, segments={"s=1": where, "few": where[:50]})
        assert model.segments.keys() == {"s=1"}
        rows, score, label, where, true = sample(6000, turned)
        own = rows.taken(where), score[where], label[where]
        seen.append((model.drift(*own, "s=1"), true))
        untold.append(model.drift(*own))
        whole.append(model.drift(rows, score, label))
    assert np.mean([one.value for one in untold]) > 0.2  # without its own reference it would always have drifted
    if turned:
        assert np.mean([one.value for one, _ in seen]) == pytest.approx(seen[0][1], abs=0.02)
        assert sum(one.low <= true <= one.high for one, true in seen) >= 11
        assert np.mean([one.value for one in whole]) < 0.06
        assert min(one.low for one, _ in seen) > 0.04
    else:
        assert np.mean([one.value for one, _ in seen]) < 0.025
        assert sum(one.low > 0 for one, _ in seen) <= 1


@pytest.mark.oracle("concept_drift", by="scikit-learn", on="degenerate")
@pytest.mark.parametrize("moved", [0.0, 3.0, -1e6])
def test_concept_drift_without_any_noise_is_the_error_of_what_was_learnt(moved: float) -> None:
    """The reference's predictions are right to the last digit, and now all labels are `moved`."""
    x = np.random.default_rng(9).normal(0, 1, 500)
    rows = Columns({"prediction": x, "constant": np.ones(500)})
    found = ConceptModel.fitted(rows, x, x, binary=False).drift(rows, x, x + moved)
    expected = sk.root_mean_squared_error(x + moved, x)
    assert found.value == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert CONCEPT_DRIFT.name == "concept_drift"


@pytest.mark.oracle("concept_drift", by="scikit-learn", on="degenerate")
@pytest.mark.parametrize(("before", "now"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
def test_concept_drift_between_single_classes_is_none_or_all(before: float, now: float) -> None:
    score = np.random.default_rng(9).random(2000)
    rows = Columns({"score": score})
    label = np.full(2000, before)
    found = ConceptModel.fitted(rows, score, label, binary=True).drift(rows, score, np.full(2000, now))
    assert found.value == pytest.approx(sk.root_mean_squared_error(label, np.full(2000, now)), abs=0.02)


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


def test_the_labels_noise_is_removed_however_few_rows_there_are() -> None:
    rng = np.random.default_rng(4)
    model = ConceptModel.fitted(*world(rng, 20_000)[:3], binary=True)
    squares = []
    for _ in range(60):
        found = model.drift(*world(rng, 200)[:3])
        squares.append(found.value**2)
        assert found.low <= found.value <= found.high
    # Without the correction the mean square would be that of the labels' noise: 27 coefficients * 0.2 / 200 rows.
    assert np.mean(squares) < 0.027 / 4


def test_concept_drift_of_a_regression_is_in_the_labels_unit() -> None:
    rng = np.random.default_rng(6)

    def sample(n: int, moved: float = 0.0) -> tuple[Columns, Any, Any]:
        x = rng.normal(moved / 3, 1, n)
        prediction = 2 * x
        return Columns({"prediction": prediction, "x": x}), prediction, 2 * x + moved + rng.normal(0, 3, n)

    model = ConceptModel.fitted(*sample(5000), binary=False)
    assert model.drift(*sample(2000)).low == 0.0
    found = model.drift(*sample(2000, moved=2.0))
    assert found.low < 2.0 < found.high
    assert found.value == pytest.approx(2.0, abs=0.3)
    kept = ConceptModel.from_json(stored(model.to_json()))
    rows = sample(1000, moved=1.0)
    assert kept.drift(*rows).value == pytest.approx(model.drift(*rows).value, rel=1e-4)


# What they are fitted with


@pytest.fixture
def design() -> Any:
    rng = np.random.default_rng(9)
    return np.column_stack([np.ones(400), rng.normal(0, 1, (400, 3))])


@pytest.mark.parametrize("family", list(Family))
def test_fits_are_scikit_learns(design: Any, family: Family) -> None:
    rng = np.random.default_rng(10)
    predictor = design @ [0.3, 1.0, -0.5, 0.0]
    makers: dict[Family, tuple[Callable[[], Any], Any]] = {
        Family.GAUSSIAN: (lambda: predictor + rng.normal(0, 1, 400), Ridge(alpha=2.0)),
        Family.BINOMIAL: (
            lambda: (rng.random(400) < 1 / (1 + np.exp(-predictor))).astype(float),
            LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000),
        ),
        Family.POISSON: (
            lambda: rng.poisson(np.exp(predictor)).astype(float),
            PoissonRegressor(alpha=2.0 / 400, tol=1e-10, max_iter=10_000),
        ),
    }
    make, theirs = makers[family]
    target = make()
    theirs.fit(design[:, 1:], target)
    ours = fit(design, target, family, ridge=2.0)
    expected = [np.ravel(theirs.intercept_)[0], *np.ravel(theirs.coef_)]
    assert ours.coefficients == pytest.approx(expected, abs=1e-5)
    assert ours.predict(design).mean() == pytest.approx(target.mean())
    kept = LinearModel.from_json(stored(ours.to_json()))
    assert kept.root @ kept.root.T == pytest.approx(ours.root @ ours.root.T, rel=1e-4, abs=1e-9)


def test_the_covariance_is_that_of_repeated_fits(design: Any) -> None:
    rng = np.random.default_rng(12)
    share = 1 / (1 + np.exp(-design @ [0.3, 1.0, -0.5, 0.0]))
    fits = [fit(design, (rng.random(400) < share).astype(float), Family.BINOMIAL, ridge=1e-3) for _ in range(150)]
    spread = np.cov(np.array([one.coefficients for one in fits]), rowvar=False)
    mean = np.mean([one.root @ one.root.T for one in fits], axis=0)
    assert np.sqrt(np.diag(mean)) == pytest.approx(np.sqrt(np.diag(spread)), rel=0.2)


def test_a_fit_that_nothing_bounds_ends() -> None:
    apart = np.column_stack([np.ones(20), np.repeat([-1.0, 1.0], 10)])
    found = fit(apart, np.repeat([0.0, 1.0], 10), Family.BINOMIAL)
    assert np.isfinite(found.coefficients).all()
    assert found.predict(apart)[[0, -1]] == pytest.approx([0.1, 0.9], abs=0.1)
    twice = np.column_stack([np.ones(20), apart[:, 1], apart[:, 1]])
    assert np.isfinite(fit(twice, np.arange(20.0), Family.GAUSSIAN, ridge=0.0).coefficients).all()


def test_hats_are_one_where_there_is_a_value_and_outliers_have_no_leverage() -> None:
    rng = np.random.default_rng(1)
    values = np.append(rng.normal(0, 1, 500), [np.nan, np.inf, 1e300, -1e300])
    encoder = Encoder.fitted(Columns({"x": values}))
    matrix = encoder.encode(Columns({"x": values}))
    assert matrix.shape == (504, encoder.width) == (504, 6)
    assert ((matrix >= 0) & (matrix <= 1 + 1e-12)).all()
    assert matrix[500:502, -1].tolist() == [1.0, 1.0]
    assert matrix[502].tolist() == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert matrix[503].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    absent = encoder.encode(Columns({"y": np.zeros(2)}))
    assert absent[:, -1].tolist() == [1.0, 1.0]


def test_categories_rare_new_and_missing_have_their_columns() -> None:
    texts = np.array(["a"] * 50 + ["b"] * 30 + ["rare"] * 2 + [None] * 5, dtype=object)
    encoder = Encoder.fitted(Columns({}, {"t": texts}))
    assert encoder.categories == {"t": ("a", "b")}
    matrix = encoder.encode(Columns({}, {"t": np.array(["a", "b", "rare", "new", None], dtype=object)}))
    assert matrix[:, 1:].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    two = Encoder.fitted(Columns({"z": np.arange(9.0), "a": np.arange(9.0)}, {"y": texts[:9], "b": texts[-9:]}))
    again = Encoder.from_json(stored(two.to_json()))
    assert [list(one) for one in (again.knots, again.categories)] == [["z", "a"], ["y", "b"]]
    assert again == two
