"""Estimates of a multiclass model through the stages: before the labels, near them, and the same in a rerun."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from installation import Installation

FIRST = date(2026, 1, 5)
DAYS, ROWS = 9, 400
CLASSES = ("cat", "cow", "dog")
PROJECT = """\
project: pets
start: 2026-01-05
tables:
  prediction:
    source: {{files: "{folder}/prediction-{{interval}}.parquet"}}
    key: id
    scores: {{cat: p_cat, cow: p_cow, dog: p_dog}}
  ground_truth:
    source: {{files: "{folder}/truth-{{interval}}.parquet"}}
    key: id
    label: label
    arrives_within: 2d
task: multiclass_classification
segments: [place]
metrics: {{segment_metrics: [accuracy, estimated_accuracy, "estimate_error:accuracy"]}}
"""


def day(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Days whose labels come two days late; on the seventh and eighth the model is unsure of itself, and wrong."""
    folder = tmp_path_factory.mktemp("pets")
    installation = Installation.empty(folder / "lupus")
    installation.add_project("pets", PROJECT.format(folder=folder))
    rng = np.random.default_rng(5)
    for number in range(DAYS):
        share = rng.dirichlet(np.full(3, 3.0 if number >= 7 else 0.4), ROWS)
        label = np.array(CLASSES)[(rng.random((ROWS, 1)) > share.cumsum(axis=1)).sum(axis=1).clip(0, 2)]
        ids = np.arange(ROWS) + 1000 * number
        scores = {f"p_{name}": share[:, place] for place, name in enumerate(CLASSES)}
        place = np.array(["home", "shelter"])[ids % 2]
        pq.write_table(pa.table({"id": ids, "place": place, **scores}), folder / f"prediction-{day(number)}.parquet")
        pq.write_table(pa.table({"id": ids, "label": label}), folder / f"truth-{day(number + 2)}.parquet")
    empty = pa.table({"id": pa.array([], pa.int64()), "label": pa.array([], pa.string())})
    for number in range(2):
        pq.write_table(empty, folder / f"truth-{day(number)}.parquet")
    installation.run(*map(day, range(DAYS)), name="pets")
    return installation


def value(installation: Installation, number: int, metric: str, segment: str = "") -> float | None:
    points = installation.points(day(number), name="pets", metric=metric)
    [point] = [one for one in points if one.series.key.segment == segment]
    return point.value


def test_a_fall_is_seen_before_the_labels_say_so(pets: Installation) -> None:
    assert value(pets, 3, "estimated_accuracy") is None, "too few labels to learn from"
    before, after = value(pets, 6, "estimated_accuracy"), value(pets, 8, "estimated_accuracy")
    assert before is not None
    assert after is not None
    assert value(pets, 8, "accuracy") is None, "no label of it has come"
    assert before - after > 0.15
    for metric in ("accuracy", "precision_macro", "recall_macro", "f1_macro"):
        true, estimated = value(pets, 6, metric), value(pets, 6, f"estimated_{metric}")
        assert true is not None
        assert estimated == pytest.approx(true, abs=0.06), metric
        assert value(pets, 6, f"estimate_error:{metric}") == pytest.approx(estimated - true)


@pytest.mark.parametrize("segment", ["place=home", "place=shelter"])
def test_segments_have_estimates_and_the_errors_of_these(pets: Installation, segment: str) -> None:
    true, estimated = value(pets, 6, "accuracy", segment), value(pets, 6, "estimated_accuracy", segment)
    assert true is not None
    assert estimated == pytest.approx(true, abs=0.1)
    assert value(pets, 6, "estimate_error:accuracy", segment) == pytest.approx(estimated - true)
    now = value(pets, 8, "estimated_accuracy", segment)
    assert now is not None
    assert now < estimated - 0.1, "seen before its labels come"


def test_a_day_run_again_says_the_same(pets: Installation) -> None:
    before = pets.dump()
    pets.run(day(6), name="pets")
    after = pets.dump()
    for table in ("points", "states"):
        assert sorted(map(repr, after[table])) == sorted(map(repr, before[table])), table
