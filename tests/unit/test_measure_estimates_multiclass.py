"""Estimates of a multiclass model, against labels that are drawn from known probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluations import ALL, DAYS, Bench, product
from lupus.measure import ConfusionMatrix, Engine
from lupus.measure.estimates import Calibration, TopLabelModel, expected_of_classes, top_label_model
from lupus.measure.evaluation import TopLabels
from lupus.model import WHOLE, Failure, Project, Role, Task

CLASSES = ("cat", "cow", "dog")
PREDICTION = {"score": "", "scores": tuple((name, f"p_{name}") for name in CLASSES)}
Floats = NDArray[np.float64]


def chances(size: int, seed: int, *, sure: float = 1.0) -> tuple[Floats, NDArray[np.str_]]:
    """Probabilities (size, 3), the more `sure` the nearer to 0 and 1, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(3, 0.8 / sure), size)
    return share, np.array(CLASSES)[(rng.random((size, 1)) > share.cumsum(axis=1)).sum(axis=1).clip(0, 2)]


def columns(share: Floats, day: int = 0) -> dict[str, Any]:
    return {"id": [day * 100_000 + row for row in range(len(share))]} | {
        f"p_{name}": share[:, place] for place, name in enumerate(CLASSES)
    }


def sharpened(share: Floats) -> Floats:
    """What a model that is too sure of itself would say."""
    powers: Floats = share**2.5
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Engine(threads=1))


def project() -> Project:
    return product(Task.MULTICLASS_CLASSIFICATION, prediction=PREDICTION, **ALL)


def learnt(bench: Bench, days: int = 4, size: int = 3000) -> tuple[TopLabels, ConfusionMatrix, TopLabelModel]:
    """The States of some days of a model that is too sure, the sums of all, and what is learnt from them."""
    drawn = [chances(size, seed) for seed in range(days)]
    measures = bench.days(
        project(),
        [columns(sharpened(share), day) for day, (share, _) in enumerate(drawn)],
        [{**columns(share, day), "label": label} for day, (share, label) in enumerate(drawn)],
    )
    found: dict[str, list[Any]] = {
        kind.kind: [
            kind.from_json(json.loads(json.dumps(dict(one.payload))))
            for one in measures.states
            if one.kind == kind.kind
        ]
        for kind in (TopLabels, ConfusionMatrix)
    }
    tops, matrices = found[TopLabels.kind], found[ConfusionMatrix.kind]
    assert len(tops) == len(matrices) == days
    model = top_label_model(tops, matrices, least=1000)
    assert isinstance(model, TopLabelModel)
    whole: TopLabels = tops[0]
    for one in tops[1:]:
        whole += one
    return whole, sum(matrices[1:], start=matrices[0]), model


def test_the_state_counts_right_and_wrong_predictions_by_their_probability(bench: Bench) -> None:
    whole, matrix, _ = learnt(bench)
    for name, scores in whole.classes.items():
        right = sum(weight for (_, guess, correct), (_, weight) in matrix.cells.items() if guess == name and correct)
        both = sum(weight for (_, guess, _), (_, weight) in matrix.cells.items() if guess == name)
        score, negatives, positives = scores.by_score()
        assert (negatives.sum(), positives.sum()) == (both - right, right)
        assert score.min() > 1 / 3, "the most probable class has more than an even share"


MACRO: Mapping[str, Any] = {"average": "macro", "zero_division": 0}


@pytest.mark.oracle(
    "estimated_accuracy", "estimated_precision_macro", "estimated_recall_macro", "estimated_f1_macro",
    by="scikit-learn", on="degenerate",
)  # fmt: skip
@pytest.mark.parametrize(
    ("right", "wrong"),
    [({"cat": 1.0, "dog": 1.0}, {}), ({"cat": 0.0, "dog": 0.0}, {"cat": "dog", "dog": "cat"}),
     ({"cat": 0.7}, {"cat": "dog"}), ({"cat": 1.0, "dog": 0.0}, {"dog": "cat"}), ({"cat": 1.0}, {})],
    ids=["always right", "always wrong", "one class predicted", "one class always wrong", "one class"],
)  # fmt: skip
def test_labels_that_are_known_for_sure_have_scikit_learns_metrics(
    right: Mapping[str, float], wrong: Mapping[str, str]
) -> None:
    """Of each class 100 predictions of one probability, of which the reference leaves no doubt how many are right."""
    one = {name: Calibration((0.6,), (0.6,), (share,), (1e6,)) for name, share in right.items()}
    model = TopLabelModel({"": next(iter(one.values())), **one}, {name: {label: 1.0} for name, label in wrong.items()})
    guess = [name for name in right for _ in range(100)]
    label = [name if n < 100 * share else wrong[name] for name, share in right.items() for n in range(100)]
    found = model.estimates({name: (np.array([0.6]), np.array([100.0])) for name in right})
    assert {name: one.value for name, one in found.items()} == pytest.approx({
        "estimated_accuracy": sk.accuracy_score(label, guess),
        "estimated_precision_macro": sk.precision_score(label, guess, **MACRO),
        "estimated_recall_macro": sk.recall_score(label, guess, **MACRO),
        "estimated_f1_macro": sk.f1_score(label, guess, **MACRO),
    })  # fmt: skip


@pytest.mark.oracle(
    "estimated_accuracy", "estimated_precision_macro", "estimated_recall_macro", "estimated_f1_macro",
    by="scikit-learn", on="random",
)  # fmt: skip
@pytest.mark.parametrize(("sure", "seed"), [(1.0, 11), (3.0, 12), (0.3, 13)])
def test_estimates_are_near_what_the_labels_say(bench: Bench, sure: float, seed: int) -> None:
    *_, model = learnt(bench)
    share, label = chances(4000, seed, sure=sure)
    predictions = bench.snapshot("prediction", DAYS[4], columns(sharpened(share)))
    own = project()
    prediction = own.of_role(Role.PREDICTION)
    assert prediction is not None
    expected = expected_of_classes(own, prediction, predictions, model, engine=bench.engine)[WHOLE]
    found, n = expected.metrics, expected.n
    assert n == len(share)
    guess = np.array(CLASSES)[share.argmax(axis=1)]
    true = {
        "estimated_accuracy": sk.accuracy_score(label, guess),
        "estimated_precision_macro": sk.precision_score(label, guess, average="macro"),
        "estimated_recall_macro": sk.recall_score(label, guess, average="macro"),
        "estimated_f1_macro": sk.f1_score(label, guess, average="macro"),
    }
    assert found.keys() == true.keys()
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(true[name], abs=0.03), name
        assert estimate.low < estimate.value < estimate.high, name
        assert estimate.high - estimate.low < 0.08, name
    # The model's own word for it would be far off.
    assert sharpened(share).max(axis=1).mean() > true["estimated_accuracy"] + 0.05


def test_intervals_hold_the_truth_as_often_as_they_say(bench: Bench) -> None:
    *_, model = learnt(bench, size=20_000, days=2)
    inside = dict.fromkeys(("accuracy", "precision_macro", "recall_macro", "f1_macro"), 0)
    for seed in range(100, 300):
        share, label = chances(500, seed)
        share_said = sharpened(share)
        guess = np.array(CLASSES)[share.argmax(axis=1)]
        scores: Mapping[str, tuple[Floats, Floats]] = {
            name: (np.sort(share_said[guess == name].max(axis=1)), np.ones(int((guess == name).sum())))
            for name in CLASSES
        }
        true = ConfusionMatrix.of(list(zip(label.tolist(), guess.tolist(), strict=True))).metrics()
        for name, estimate in model.estimates(scores).items():
            of = name.removeprefix("estimated_")
            inside[of] += estimate.low <= true[of] <= estimate.high
    assert all(0.90 <= share / 200 <= 0.99 for share in inside.values()), inside


def test_degenerate_slices_and_references(bench: Bench) -> None:
    few = top_label_model([], [], least=1000)
    assert isinstance(few, Failure)
    assert "0 labelled rows" in few.reason
    *_, model = learnt(bench)
    assert model.estimates({}) == {}
    one = model.estimates({"cat": (np.array([0.9]), np.array([1.0]))})
    assert 0 <= one["estimated_accuracy"].low <= one["estimated_accuracy"].value <= 1
    # A class that the reference has never predicted is read like all others, its wrong ones spread evenly.
    new = model.estimates({"cat": (np.array([0.9]), np.array([50.0])), "yak": (np.array([0.5]), np.array([50.0]))})
    assert all(np.isfinite((one.value, one.low, one.high)).all() for one in new.values())
    again = TopLabelModel.from_json(json.loads(json.dumps(model.to_json())))
    assert again.estimates({"dog": (np.array([0.4, 0.8]), np.array([5.0, 9.0]))}) == model.estimates(
        {"dog": (np.array([0.4, 0.8]), np.array([5.0, 9.0]))}
    )


@pytest.mark.merges("top_labels")
@given(st.integers(0, 60), st.integers(0, 2**16))
def test_the_state_merges(cut: int, seed: int) -> None:
    from lupus.measure import BinaryScores
    from lupus.measure.evaluation import Cells

    rng = np.random.default_rng(seed)
    guess, score, right = rng.choice(list("ab"), 60), rng.random(60), (rng.random(60) < 0.5).astype(float)

    def state(part: slice) -> TopLabels:
        found = {}
        for name in sorted(set(guess[part])):
            mine = guess[part] == name
            own, yes = score[part][mine], right[part][mine]
            cells = Cells.of_scores(np.zeros(1, dtype=np.intp), own, 1 - yes, yes, threshold=0.5)
            found[str(name)] = BinaryScores.of(cells, threshold=0.5)
        return TopLabels(found)

    merged, both = state(slice(0, cut)) + state(slice(cut, 60)), state(slice(0, 60))
    assert merged.classes.keys() == both.classes.keys()
    for name, scores in both.classes.items():
        for mine, yours in zip(merged.classes[name].by_score(), scores.by_score(), strict=True):
            assert mine == pytest.approx(yours)
    assert TopLabels.from_json(json.loads(json.dumps(merged.to_json()))) == merged
