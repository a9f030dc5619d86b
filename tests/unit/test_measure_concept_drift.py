"""Concept drift, of the whole and of segments: simulations with a known truth, and degenerate rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from evaluations import stored
from lupus.measure.estimates import (
    CONCEPT_DRIFT,
    ConceptModel,
    Estimate,
)
from lupus.measure.learners import Columns


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
