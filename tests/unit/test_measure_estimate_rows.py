"""The rows that models of the reference are fitted on: joins against pandas, windows of labels, odd keys and types."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lupus.measure import Engine
from lupus.measure.estimates import (
    ConceptChange,
    ConceptModel,
    Estimate,
    Joined,
    LossModel,
    ProductSlices,
    Slices,
    concept_drift,
    concept_model,
    labelled_rows,
    loss_model,
    unlabelled_rows,
    unusable,
)
from lupus.measure.estimates.slices import rows_of, scores_of
from lupus.model import (
    WHOLE,
    Cadence,
    CadenceKind,
    EstimatesPolicy,
    Failure,
    FailureKind,
    FileFormat,
    FileSource,
    Interval,
    MetricsPolicy,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
    Task,
    segment_name,
)

DAILY = Cadence(CadenceKind.DAILY)
DAYS = [DAILY.parse(f"2026-03-0{day}") for day in range(1, 8)]
SOURCE = FileSource("x.parquet", FileFormat.PARQUET)
PREDICTION = Table("prediction", Role.PREDICTION, SOURCE, key=("id",), score="score")
DATA = Table("data", Role.DATA, SOURCE, key=("id",))
TRUTH = Table("truth", Role.GROUND_TRUTH, SOURCE, key=("the id",), label="label")
Write = Callable[..., Snapshot]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(threads=2) as one:
        yield one


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def snapshot(table: Table, day: Interval, columns: Any, *, group: int = 65_536) -> Snapshot:
        path = tmp_path / f"{table.name}-{day.key}.parquet"
        rows = pa.table(columns)
        pq.write_table(rows, path, row_group_size=group)
        schema = tuple((field.name, str(field.type)) for field in rows.schema)
        return Snapshot("p", table.name, day, SnapshotStatus.OK, path, rows.num_rows, schema, "hash")

    return snapshot


def project(task: Task = Task.BINARY_CLASSIFICATION, **estimates: Any) -> Project:
    policy = MetricsPolicy(estimates=EstimatesPolicy(**estimates))
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return Project("p", "me", DAILY, start, (PREDICTION, DATA, TRUTH), task=task, metrics=policy)


def product(write: Write, frames: dict[str, list[Any]]) -> ProductSlices:
    """Slices of one frame per day and table."""
    made = {
        name: Slices(table, tuple(write(table, day, frame) for day, frame in zip(DAYS, frames[name], strict=False)))
        for name, table in (("prediction", PREDICTION), ("data", DATA), ("truth", TRUTH))
        if name in frames
    }
    return ProductSlices(made["prediction"], made.get("data"), made.get("truth"))


def labelled(engine: Engine, of: Project, slices: ProductSlices, first: int = 0, last: int = 6, **how: Any) -> Joined:
    windows = {one.interval: (DAYS[first], DAYS[last]) for one in slices.predictions.snapshots}
    found = labelled_rows(of, slices, windows, engine=engine, **how)
    assert isinstance(found, Joined)
    return found


def test_the_join_is_that_of_pandas(write: Write, engine: Engine) -> None:
    rng = np.random.default_rng(1)
    n = 400
    predictions = [
        {
            "id": rng.permutation(n) + 1000 * day,
            "score": rng.random(n),
            "kind": rng.choice(["a", "b", None], n).tolist(),
        }
        for day in range(3)
    ]
    data = [
        {"id": np.arange(n - 50) + 1000 * day, "x": rng.normal(0, 1, n - 50), "flag": rng.random(n - 50) < 0.5}
        for day in range(3)
    ]
    truth = [{"the id": rng.permutation(n)[:300] + 1000 * day, "label": rng.random(300) < 0.5} for day in range(3)]
    found = labelled(engine, project(), product(write, {"prediction": predictions, "data": data, "truth": truth}))
    frames = [pd.concat([pd.DataFrame(one) for one in side]) for side in (predictions, data, truth)]
    expected = frames[0].merge(frames[1], how="left", on="id").merge(frames[2], left_on="id", right_on="the id")
    expected = expected.sort_values("id")
    assert found.prediction.tolist() == expected["score"].tolist()
    assert found.label.tolist() == expected["label"].astype(float).tolist()
    assert found.slice.tolist() == (expected["id"] // 1000 + 1).tolist()
    kinds = expected["kind"].astype(object)
    assert found.columns.texts["kind"].tolist() == kinds.where(kinds.notna(), None).tolist()
    np.testing.assert_array_equal(found.columns.numbers["x"], expected["x"].to_numpy())
    np.testing.assert_array_equal(found.columns.numbers["flag"], expected["flag"].astype(float).to_numpy())
    odds = np.log(expected["score"] / (1 - expected["score"]))
    assert found.columns.numbers["score"] == pytest.approx(odds.to_numpy())
    assert list(found.columns.numbers) == ["score", "x", "flag"]


def test_labels_count_inside_their_window_and_the_latest_of_them(write: Write, engine: Engine) -> None:
    # The same key every day, as a user has who is scored every day.
    scores = [{"id": [1, 2], "score": [0.1 * day, 0.5]} for day in range(1, 5)]
    truths = [{"the id": [1], "label": [label]} for label in (0.0, 1.0, 0.0, 1.0)]
    slices = product(write, {"prediction": scores, "truth": truths})
    windows = {DAYS[0]: (DAYS[0], DAYS[0]), DAYS[1]: (DAYS[1], DAYS[2]), DAYS[2]: (DAYS[5], DAYS[6])}
    windows[DAYS[3]] = (DAYS[0], DAYS[6])
    found = labelled_rows(project(), slices, windows, engine=engine)
    assert isinstance(found, Joined)
    assert list(zip(found.slice.tolist(), found.label.tolist(), strict=True)) == [(1, 0.0), (2, 0.0), (4, 1.0)]


def test_copies_of_keys_multiply_no_row_and_keys_without_value_count_nowhere(write: Write, engine: Engine) -> None:
    slices = product(
        write,
        {
            "prediction": [{"id": [1, 1, None, 2], "score": [0.9, 0.3, 0.5, 0.5]}],
            "data": [{"id": [1, 1, None], "x": [5.0, 4.0, 1.0]}],
            "truth": [{"the id": [1, 1, 2, None], "label": [0, 1, None, 1]}],
        },
    )
    found = labelled(engine, project(), slices)
    assert (found.prediction.tolist(), found.label.tolist()) == ([0.3], [1.0])
    assert found.columns.numbers["x"].tolist() == [4.0]
    everyone = unlabelled_rows(project(), slices, engine=engine)
    assert everyone.prediction.tolist() == [0.3, 0.5]
    assert everyone.label.tolist() == []
    assert np.isnan(everyone.columns.numbers["x"][1])


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        pytest.param(["1", "2"], [1, 2], id="text-and-number"),
        pytest.param([1.0, 2.0], [1, 2], id="float-and-integer"),
        pytest.param([Decimal("1.00"), Decimal("2.00")], [1, 2], id="decimal-and-integer"),
        pytest.param([2**60 + 1, 2**60 + 2], [2**60 + 1, 2**60 + 2], id="large"),
    ],
)
def test_keys_of_different_types_find_each_other(write: Write, engine: Engine, mine: Any, theirs: Any) -> None:
    slices = product(
        write,
        {"prediction": [{"id": mine, "score": [0.2, 0.8]}], "truth": [{"the id": theirs, "label": ["False", " true"]}]},
    )
    assert labelled(engine, project(), slices).label.tolist() == [0.0, 1.0]


def test_invalid_labels_and_scores_are_left_out(write: Write, engine: Engine) -> None:
    ids = list(range(8))
    odd = [0.5, float("nan"), float("inf"), -0.1, 1.1, None, 0.5, 0.5]
    labels = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, float("nan")]
    slices = product(write, {"prediction": [{"id": ids, "score": odd}], "truth": [{"the id": ids, "label": labels}]})
    assert labelled(engine, project(), slices).prediction.tolist() == [0.5]
    regression = labelled(engine, project(Task.REGRESSION), slices)
    assert regression.prediction.tolist() == [0.5, -0.1, 1.1, 0.5]
    assert scores_of(engine, slices.predictions)[WHOLE][0].tolist() == [0.5]


def test_features_are_plain_columns_of_one_kind(write: Write, engine: Engine) -> None:
    def day(x: Any) -> dict[str, Any]:
        return {
            "id": [1, 2],
            "score": [0.2, 0.3],
            "x": x,
            "name'); DROP": ["a", "b"],
            "when": [dt.date(2026, 1, 1)] * 2,
        }

    slices = product(write, {"prediction": [day([1, 2]), day([1.5, 2.5])]})
    assert [one.name for one in slices.predictions.features(["*"])] == ["x", "name'); DROP"]
    assert [one.name for one in slices.predictions.features(["x*"])] == ["x"]
    found = unlabelled_rows(project(), slices, engine=engine)
    assert found.columns.numbers["x"].tolist() == [1.0, 2.0, 1.5, 2.5]
    changed = product(write, {"prediction": [day([1, 2]), day(["one", "two"])]})
    assert [one.name for one in changed.predictions.features(["*"])] == ["name'); DROP"]


def test_samples_are_of_their_size_and_always_the_same(write: Write, engine: Engine) -> None:
    n = 150_000
    rng = np.random.default_rng(2)
    slices = product(
        write,
        {
            "prediction": [{"id": np.arange(n), "score": rng.random(n)}],
            "data": [{"id": np.arange(n, dtype=float), "x": np.arange(n)}],
            "truth": [{"the id": np.arange(n), "label": rng.random(n) < 0.5}],
        },
    )
    first, again = (labelled(engine, project(), slices, limit=2000) for _ in range(2))
    assert 1700 < len(first.label) < 2300
    assert first.prediction.tolist() == again.prediction.tolist()
    assert np.isfinite(first.columns.numbers["x"]).all()  # the sample takes the same keys in every table
    data = slices.data
    assert data is not None
    rows = [rows_of(engine, data, data.features(["*"]), limit=1000).columns.numbers["x"].tolist() for _ in range(2)]
    assert rows[0] == rows[1] == list(range(0, n, 150))


def test_a_regressions_errors_are_estimated_from_rows(write: Write, engine: Engine) -> None:
    rng = np.random.default_rng(3)
    n = 600
    frames: dict[str, list[Any]] = {"prediction": [], "data": [], "truth": []}
    errors = []
    for day in range(5):
        ids, size = np.arange(n) + 1000 * day, rng.uniform(1, 1 + day, n)
        score, error = rng.normal(10, 3, n), rng.normal(0, 1, n) * size
        frames["prediction"].append({"id": ids, "score": score})
        frames["data"].append({"id": ids, "size": size})
        frames["truth"].append({"the id": ids, "label": score + error})
        errors.append(np.abs(error).mean())
    of = project(Task.REGRESSION, min_labels=500)
    slices = product(write, frames)
    model = loss_model(of, labelled(engine, of, slices))
    assert isinstance(model, LossModel)
    for day in range(5):
        alone = ProductSlices(
            *(Slices(one.table, (one.snapshots[day],)) for one in (slices.predictions, slices.data) if one is not None)
        )
        rows = unlabelled_rows(of, alone, engine=engine)
        found = model.estimates(rows.columns)["estimated_mae"]
        assert found.low < errors[day] < found.high
    too_few = loss_model(project(Task.REGRESSION, min_labels=5000), labelled(engine, of, slices))
    assert isinstance(too_few, Failure)
    assert too_few.reason.startswith("there are 3,000 labelled rows to learn from, and 5,000 are needed")


def test_concept_drift_needs_rows_and_says_so(write: Write, engine: Engine) -> None:
    rng = np.random.default_rng(4)
    score = rng.random(900)
    frames = {
        "prediction": [{"id": np.arange(900), "score": score}],
        "truth": [{"the id": np.arange(900), "label": rng.random(900) < score}],
    }
    of = project(min_labels=500)
    rows = labelled(engine, of, product(write, frames))
    model = concept_model(of, rows)
    assert isinstance(model, ConceptModel)
    found, n = whole(concept_drift(of, model, rows))
    assert isinstance(found, Estimate)
    assert (n, found.low) == (900, 0.0)
    few = labelled(engine, of, product(write, {name: [pd.DataFrame(one[0]).head(8)] for name, one in frames.items()}))
    found, n = whole(concept_drift(of, model, few))
    assert isinstance(found, Failure)
    assert (n, found.reason) == (8, f"needs {model.fewest()} labelled rows, there are 8")
    nothing = labelled_rows(of, ProductSlices(Slices(PREDICTION, ())), {}, engine=engine)
    assert isinstance(nothing, Failure)
    bad = {"the id": np.arange(900), "label": np.full(900, "maybe")}
    no_label = concept_drift(of, model, labelled(engine, of, product(write, frames | {"truth": [bad]})))
    assert isinstance(no_label, Failure)
    assert no_label.reason == "no row has both a valid label and a valid score"


def whole(found: ConceptChange | Failure) -> tuple[Estimate | Failure, int]:
    assert not isinstance(found, Failure)
    assert found.keys() == {WHOLE}
    return found[WHOLE]


def test_concept_drift_of_segments_is_from_their_own_past(write: Write, engine: Engine) -> None:
    """One value has been upside down for ever, another one is today, a third is too small, a fourth is new."""
    rng = np.random.default_rng(5)
    odd = "b,=') --"

    def day(n: int, values: list[str], turned: str) -> dict[str, Any]:
        score, where = rng.random(n), rng.choice(values, n, p=[0.3, 0.3, 0.38, 0.02])
        upside_down = (where == "a") | (where == turned)
        label = rng.random(n) < np.where(upside_down, 1 - score, score)
        ids = np.arange(n)
        channel = rng.choice(["x", None], n)
        return {
            "prediction": [{"id": ids, "score": score, "s": where, "t": channel, "hidden": rng.random(n)}],
            "truth": [{"the id": ids, "label": label}],
        }

    of = project(min_labels=500, features=("nothing",))
    metrics = replace(of.metrics, segment_metrics=("concept_drift",), min_segment_rows=100)
    estimates = replace(metrics.estimates, concept_drift=True)
    of = replace(of, segments=(("s",), ("s", "t"), ("gone",)), metrics=replace(metrics, estimates=estimates))
    reference = labelled(engine, of, product(write, day(4000, ["a", odd, "c", "small"], "nobody")))
    assert reference.columns.numbers.keys() == {"score"}
    model = concept_model(of, reference)
    assert isinstance(model, ConceptModel)
    model = ConceptModel.from_json(json.loads(json.dumps(model.to_json(), sort_keys=True)))
    found = concept_drift(of, model, labelled(engine, of, product(write, day(4000, ["a", odd, "new", "small"], odd))))
    assert not isinstance(found, Failure)
    names = [segment_name(("s", value)) for value in ("a", odd)]
    assert found.keys() == {WHOLE, *names} | {
        segment_name(("s", value), ("t", channel)) for value in ("a", odd) for channel in ("(null)", "x")
    }
    # Upside down is E|p - (1 - p)|^2 = 1/3 for uniform p.
    for segment, (change, n) in found.items():
        assert isinstance(change, Estimate), segment
        assert n > 500
        if segment == WHOLE:
            assert change.low > 0.1
        elif segment.startswith(names[0]):
            assert change.value < 0.12, segment
            assert change.low == 0.0, segment
        else:
            assert change.value == pytest.approx(3**-0.5, abs=0.06), segment
    plain = replace(of, metrics=replace(of.metrics, segment_metrics=()))
    assert concept_drift(plain, model, reference).keys() == {WHOLE}  # type: ignore[union-attr]
    assert labelled(engine, plain, product(write, day(500, ["a", "b", "c", "d"], ""))).segment_columns == {}


def test_predictions_that_say_nothing_are_refused_with_a_reason(write: Write) -> None:
    def reason(columns: Any) -> tuple[str, str]:
        failure = unusable(PREDICTION, write(PREDICTION, DAYS[0], columns) if columns is not None else None)
        assert failure is not None
        return failure.kind.value, failure.reason

    assert reason(None) == (FailureKind.NO_DATA.value, "there are no predictions")
    assert reason({"id": pa.array([], pa.int64()), "score": pa.array([], pa.float64())})[0] == "no_data"
    assert reason({"id": [1]}) == ("missing_column", "the score column 'score' is not in the predictions")
    assert reason({"id": [1], "score": ["high"]}) == ("wrong_type", "the score column 'score' holds text, not numbers")
    assert unusable(PREDICTION, write(PREDICTION, DAYS[0], {"id": [1], "score": [0.5]})) is None
