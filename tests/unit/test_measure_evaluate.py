"""Evaluation against scikit-learn, and all that goes wrong with keys, labels and scores."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sk

from lupus.measure import BinaryScores, Confusion, Engine, EvaluationMeasures, RegressionErrors, measure_evaluation
from lupus.measure.evaluation import binary
from lupus.model import (
    Cadence,
    CadenceKind,
    FailureKind,
    FileFormat,
    FileSource,
    Interval,
    MetricPoint,
    MetricsPolicy,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
    Task,
)

DAILY = Cadence(CadenceKind.DAILY)
DAYS = [DAILY.parse(f"2026-03-0{day}") for day in range(1, 6)]
DAY = DAYS[0]
SOURCE = FileSource("x.parquet", FileFormat.PARQUET)
BINARY = tuple(metric.name for metric in binary.METRICS)
Write = Callable[..., Snapshot]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as one:
        yield one


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def snapshot(table: str, day: Interval, **columns: Any) -> Snapshot:
        path = tmp_path / f"{table}-{day.key}.parquet"
        rows = pa.table(columns)
        pq.write_table(rows, path)
        schema = tuple((field.name, str(field.type)) for field in rows.schema)
        return Snapshot("p", table, day, SnapshotStatus.OK, path, rows.num_rows, schema, "hash")

    return snapshot


def project(task: Task = Task.BINARY_CLASSIFICATION, segments: tuple[str, ...] = (), **more: Any) -> Project:
    key = more.pop("key", ("id",))
    tables = (
        Table("prediction", Role.PREDICTION, SOURCE, key=key, score="score"),
        Table("truth", Role.GROUND_TRUTH, SOURCE, key=more.pop("truth_key", key), label="label"),
    )
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return Project(
        "p",
        "me",
        DAILY,
        start,
        tables,
        task=task,
        segments=tuple((name,) for name in segments),
        metrics=MetricsPolicy(**more),
    )


def evaluate(
    engine: Engine,
    predictions: Sequence[Snapshot],
    truths: Sequence[Snapshot],
    plan: Project | None = None,
    blocked: dict[str, str] | None = None,
) -> EvaluationMeasures:
    by_key = {snapshot.interval.key: snapshot for snapshot in predictions}
    days = [snapshot.interval for snapshot in predictions]
    return measure_evaluation(plan or project(), days, by_key, truths, blocked=blocked or {}, engine=engine)


def points(found: EvaluationMeasures, day: Interval = DAY, segment: str = "") -> dict[str, MetricPoint]:
    return {
        point.series.key.metric: point
        for point in found.points
        if point.interval == day and point.series.key.segment == segment
    }


def values(found: EvaluationMeasures, day: Interval = DAY, segment: str = "") -> dict[str, float | None]:
    return {name: point.value for name, point in points(found, day, segment).items()}


def expected_binary(label: Any, score: Any) -> dict[str, float]:
    label, score = np.asarray(label), np.asarray(score)
    yes = score >= 0.5
    bins = np.minimum((score * 10).astype(int), 9)
    ece = sum(abs(label[bins == b].sum() - score[bins == b].sum()) for b in range(10)) / len(label)
    return {
        "roc_auc": sk.roc_auc_score(label, score),
        "pr_auc": sk.average_precision_score(label, score),
        "log_loss": sk.log_loss(label, score),
        "brier": sk.brier_score_loss(label, score),
        "ece": ece,
        "accuracy": sk.accuracy_score(label, yes),
        "precision": sk.precision_score(label, yes, zero_division=0),
        "recall": sk.recall_score(label, yes),
        "specificity": sk.recall_score(label, yes, pos_label=0),
        "f1": sk.f1_score(label, yes),
        "mcc": sk.matthews_corrcoef(label, yes),
        "lift": sk.precision_score(label, yes, zero_division=0) / label.mean(),
        "label_mean": label.mean(),
        "label_maturity": 1.0,
        "invalid_label_ratio": 0.0,
    }


def sample(name: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(7)
    score = {
        "random": rng.random(700),
        "ties": rng.integers(0, 6, 700) / 5,
        "rare": rng.beta(0.05, 20, 4000),
        "certain": rng.integers(0, 2, 300).astype(float),
        "constant": np.full(300, 0.5),
    }[name]
    label = (rng.random(len(score)) < np.clip(score, 0.01, 0.9)).astype(int)
    return label, score


@pytest.mark.oracle(
    "roc_auc", "pr_auc", "log_loss", "brier", "accuracy", "precision", "recall", "specificity", "f1", "mcc",
    by="scikit-learn", on="degenerate",
)  # fmt: skip
@pytest.mark.oracle("ece", "lift", "label_mean", by="NumPy", on="degenerate")
@pytest.mark.parametrize("name", ["random", "ties", "rare", "certain", "constant"])
def test_binary_metrics_are_scikit_learns(write: Write, engine: Engine, name: str) -> None:
    label, score = sample(name)
    ids = np.arange(len(score))
    order = np.random.default_rng(1).permutation(ids)
    found = evaluate(
        engine,
        [write("prediction", DAY, id=ids, score=score)],
        [write("truth", DAY, id=ids[order], label=label[order])],
    )
    expected = expected_binary(label, score)
    if not (score >= 0.5).any():
        assert points(found)["precision"].failure.reason == "no score reaches the threshold"
        del expected["precision"], expected["lift"]
    if len(set(score >= 0.5)) < 2:
        assert points(found)["mcc"].failure.reason == "there is only one class of labels, or only one of decisions"
        del expected["mcc"]
    got = {metric: value for metric, value in values(found).items() if value is not None}
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert {point.maturity for point in found.points} == {1.0}
    assert points(found)["roc_auc"].n == len(score)


@pytest.mark.parametrize("name", ["random", "ties", "certain", "constant"])
def test_the_stored_state_gives_the_same_metrics(write: Write, engine: Engine, name: str) -> None:
    label, score = sample(name)
    ids = np.arange(len(score))
    found = evaluate(
        engine, [write("prediction", DAY, id=ids, score=score)], [write("truth", DAY, id=ids, label=label)]
    )
    (stored,) = found.states
    assert (stored.kind, stored.table, stored.column) == ("binary_scores", "prediction", "score")
    got = BinaryScores.from_json(dict(stored.payload)).metrics()
    whole = {key: value for key, value in values(found).items() if key in BINARY and value is not None}
    assert got == pytest.approx(whole, abs=1e-4)


def test_days_merge_to_one_auc(write: Write, engine: Engine) -> None:
    rng = np.random.default_rng(5)
    score = rng.beta(1, 8, 40_000)
    label = (rng.random(40_000) < score).astype(int)
    days = np.array_split(np.arange(40_000), 4)
    states = []
    for day, rows in zip(DAYS, days, strict=False):
        predictions = write("prediction", day, id=rows, score=score[rows])
        states += evaluate(engine, [predictions], [write("truth", day, id=rows, label=label[rows])]).states
    merged = BinaryScores.from_json(dict(states[0].payload))
    for state in states[1:]:
        merged += BinaryScores.from_json(dict(state.payload))
    assert merged.metrics()["roc_auc"] == pytest.approx(sk.roc_auc_score(label, score), abs=1e-6)
    assert merged.metrics()["log_loss"] == pytest.approx(sk.log_loss(label, score), rel=1e-9)


def test_regression_metrics_are_scikit_learns(write: Write, engine: Engine) -> None:
    rng = np.random.default_rng(6)
    truth = rng.normal(50, 10, 300)
    guess = truth + rng.normal(1, 3, 300)
    ids = [f"k{n}" for n in range(300)]
    found = evaluate(
        engine,
        [write("prediction", DAY, id=ids, score=guess)],
        [write("truth", DAY, id=ids, label=truth)],
        project(Task.REGRESSION),
    )
    expected = {
        "mae": sk.mean_absolute_error(truth, guess),
        "rmse": sk.root_mean_squared_error(truth, guess),
        "mape": sk.mean_absolute_percentage_error(truth, guess),
        "smape": np.mean(2 * np.abs(truth - guess) / (np.abs(truth) + np.abs(guess))),
        "r2": sk.r2_score(truth, guess),
        "bias": np.mean(guess - truth),
        "label_maturity": 1.0,
        "invalid_label_ratio": 0.0,
    }
    assert values(found) == pytest.approx(expected, rel=1e-9)
    assert RegressionErrors.from_json(dict(found.states[0].payload)).n == 300


def test_a_regression_on_degenerate_labels(write: Write, engine: Engine) -> None:
    found = evaluate(
        engine,
        [write("prediction", DAY, id=[1, 2, 3, 4], score=[1.0, 2.0, math.inf, 1e200])],
        [write("truth", DAY, id=[1, 2, 3, 4], label=[0.0, 0.0, 0.0, math.nan])],
        project(Task.REGRESSION),
    )
    got = points(found)
    assert got["mae"].value == 1.5
    assert got["mae"].n == 2
    assert got["invalid_label_ratio"].value == 0.25
    assert got["r2"].failure.reason == "the labels do not vary"
    assert got["mape"].failure.reason == "all labels are 0"


def test_labels_arrive_over_days(write: Write, engine: Engine) -> None:
    rng = np.random.default_rng(8)
    score, ids = rng.random(100), np.arange(100)
    label = (rng.random(100) < score).astype(int)
    predictions = [write("prediction", DAY, id=ids, score=score)]
    truths = [write("truth", DAYS[n], id=ids[rows], label=label[rows]) for n, rows in enumerate(np.array_split(ids, 3))]
    maturities = []
    for arrived in range(4):
        got = points(evaluate(engine, predictions, truths[:arrived]))
        maturities.append(got["label_maturity"].value)
        assert got["roc_auc"].maturity == got["label_maturity"].value
    assert maturities == [0.0, 0.34, 0.67, 1.0]
    assert got["roc_auc"].value == pytest.approx(sk.roc_auc_score(label, score))


def test_no_labels_yet(write: Write, engine: Engine) -> None:
    predictions = [write("prediction", DAY, id=[1, 2], score=[0.1, 0.2])]
    others = write("truth", DAY, id=[8, 9], label=[0, 1])
    nulls = write("truth", DAYS[1], id=[1, 2], label=pa.array([None, None], pa.int64()))
    for truths in ([], [others], [others, nulls]):
        got = points(evaluate(engine, predictions, truths))
        assert {got[name].failure.kind for name in BINARY} == {FailureKind.NO_LABELS}
        assert (got["label_maturity"].value, got["roc_auc"].maturity, got["roc_auc"].n) == (0.0, 0.0, 0)


def test_one_class_only(write: Write, engine: Engine) -> None:
    found = evaluate(
        engine,
        [write("prediction", DAY, id=[1, 2], score=[0.1, 0.2])],
        [write("truth", DAY, id=[1, 2], label=[0, 0])],
    )
    got = points(found)
    assert got["roc_auc"].failure.kind is FailureKind.UNDEFINED
    assert got["roc_auc"].failure.reason == "only one class of labels has arrived"
    assert {name for name, point in got.items() if point.failure} == {
        "roc_auc", "pr_auc", "precision", "recall", "f1", "mcc", "lift"
    }  # fmt: skip
    assert got["brier"].value == pytest.approx(0.025)


def test_invalid_labels_and_scores_are_counted_and_left_out(write: Write, engine: Engine) -> None:
    scores = [0.1, 0.9, 0.4, math.nan, math.inf, 1.2, None, 0.3]
    found = evaluate(
        engine,
        [write("prediction", DAY, id=list(range(8)), score=scores)],
        [write("truth", DAY, id=list(range(8)), label=[0.0, 1.0, 7.0, 1.0, 1.0, 1.0, 1.0, math.nan])],
    )
    got = points(found)
    assert got["invalid_label_ratio"].value == 0.25
    assert got["accuracy"].value == 1.0
    assert got["accuracy"].n == 2
    assert got["label_maturity"].value == 1.0


def test_nan_in_columns_whose_statistics_hide_it(write: Write, engine: Engine) -> None:
    # Parquet keeps NaN out of a column's minimum and maximum, and engines trust these.
    predictions = [write("prediction", DAY, id=[1, 2, 3], score=[0.1, 0.9, math.nan])]
    got = points(evaluate(engine, predictions, [write("truth", DAY, id=[1, 2, 3], label=[0, 1, 1])]))
    assert (got["accuracy"].value, got["accuracy"].n) == (1.0, 2)
    truths = [write("truth", DAYS[1], id=[1, 2, 3], label=[0.1, math.nan, 5.0])]
    got = points(evaluate(engine, predictions, truths, project(Task.REGRESSION)))
    assert (got["mae"].value, got["mae"].n) == (0.0, 1)
    assert got["invalid_label_ratio"].value == pytest.approx(1 / 3)


def test_nothing_valid_is_left(write: Write, engine: Engine) -> None:
    found = evaluate(engine, [write("prediction", DAY, id=[1], score=[3.0])], [write("truth", DAY, id=[1], label=[1])])
    assert points(found)["brier"].failure.reason == "no row has both a valid label and a valid score"


@pytest.mark.parametrize(
    "label",
    [[False, True, None], ["false", " TRUE", None], ["0", "1", None], pa.array([0, 1, None], pa.decimal128(5, 1))],
)
def test_labels_of_many_types(write: Write, engine: Engine, label: Any) -> None:
    found = evaluate(
        engine,
        [write("prediction", DAY, id=[1, 2, 3], score=[0.1, 0.9, 0.9])],
        [write("truth", DAY, id=[1, 2, 3], label=label)],
    )
    assert values(found)["accuracy"] == 1.0
    assert values(found)["label_maturity"] == pytest.approx(2 / 3)


def test_words_as_labels_are_invalid(write: Write, engine: Engine) -> None:
    found = evaluate(
        engine,
        [write("prediction", DAY, id=[1, 2], score=[0.1, 0.9])],
        [write("truth", DAY, id=[1, 2], label=["spam", "1"])],
    )
    assert values(found)["invalid_label_ratio"] == 0.5


def test_copies_never_multiply_rows(write: Write, engine: Engine) -> None:
    predictions = write("prediction", DAY, id=[1, 1, 2, None], score=[0.9, 0.1, 0.9, 0.5])
    first = write("truth", DAY, id=[1, 1, 2, None], label=[1, 1, 0, 1])
    later = write("truth", DAYS[2], id=[2, 2, 1], label=[1, 1, 0])
    retracted = write("truth", DAYS[3], id=[2], label=pa.array([None], pa.int64()))
    for truths in ([first, later, retracted], [retracted, later, first]):
        got = points(evaluate(engine, [predictions], truths))
        assert got["accuracy"].n == 2
        assert got["accuracy"].value == 1.0  # the lowest score of 1 and the latest labels of both
        assert got["label_maturity"].value == 1.0


def test_keys_of_several_columns_and_types(write: Write, engine: Engine) -> None:
    big = 2**62
    found = evaluate(
        engine,
        [write("prediction", DAY, a=[big, big + 1, 3], b=["x", "x", "y"], score=[0.9, 0.1, 0.2])],
        [write("truth", DAY, c=[str(big), str(big + 1), "3"], b=["x", "x", "z"], label=[1, 0, 0])],
        project(key=("a", "b"), truth_key=("c", "b")),
    )
    assert values(found)["label_maturity"] == pytest.approx(2 / 3)
    assert values(found)["accuracy"] == 1.0


def test_column_types_that_change_between_days(write: Write, engine: Engine) -> None:
    predictions = [
        write("prediction", DAYS[0], id=[1, 2], score=[0.9, 0.1]),
        write("prediction", DAYS[1], id=["3", "4"], score=[1, 0]),
        write("prediction", DAYS[2], id=[5], score=["high"]),
        write("prediction", DAYS[3], id=[6]),
    ]
    truths = [
        write("truth", DAYS[0], id=[1, 3, 5], label=[1, 1, 1]),
        write("truth", DAYS[1], id=["2", "4"], label=["0", "0"]),
        write("truth", DAYS[2], id=[1]),
    ]
    found = evaluate(engine, predictions, truths)
    assert values(found, DAYS[0])["accuracy"] == 1.0
    assert values(found, DAYS[1])["accuracy"] == 1.0
    assert points(found, DAYS[2])["brier"].failure.kind is FailureKind.WRONG_TYPE
    assert points(found, DAYS[3])["brier"].failure.kind is FailureKind.MISSING_COLUMN


def test_unusable_ground_truth_says_why(write: Write, engine: Engine) -> None:
    predictions = [write("prediction", DAY, id=[1], score=[0.5])]
    lost = points(evaluate(engine, predictions, [write("truth", DAY, id=[1])]))
    assert lost["brier"].failure.kind is FailureKind.MISSING_COLUMN
    assert "'label'" in lost["brier"].failure.reason
    words = write("truth", DAY, id=[1], label=["many"])
    wrong = points(evaluate(engine, predictions, [words], project(Task.REGRESSION)))
    assert wrong["mae"].failure.kind is FailureKind.WRONG_TYPE


def test_blocked_and_absent_intervals_fail_and_others_do_not(write: Write, engine: Engine) -> None:
    predictions = {day.key: write("prediction", day, id=[n], score=[0.7]) for n, day in enumerate(DAYS[:2])}
    predictions[DAYS[2].key] = Snapshot("p", "prediction", DAYS[2], SnapshotStatus.FAILED, None, 0, (), "", "no")
    found = measure_evaluation(
        project(),
        DAYS[:4],
        predictions,
        [write("truth", DAY, id=[0, 1], label=[1, 1])],
        blocked={DAYS[0].key: "prediction failed critical validation: score outside 0 to 1"},
        engine=engine,
    )
    assert points(found, DAYS[0])["brier"].failure.kind is FailureKind.INVALID
    assert "critical" in points(found, DAYS[0])["brier"].failure.reason
    assert values(found, DAYS[1])["brier"] == pytest.approx(0.09)
    assert points(found, DAYS[2])["brier"].failure.reason == "no"
    assert points(found, DAYS[3])["brier"].failure.kind is FailureKind.NO_DATA


def test_segments_of_both_tables(write: Write, engine: Engine) -> None:
    rng = np.random.default_rng(9)
    score, ids = rng.random(300), np.arange(300)
    label = (rng.random(300) < score).astype(int)
    colour = np.where(ids < 200, "red", np.where(ids < 290, "blue", "rare"))
    place = np.where(ids % 2, "in's", 'out"')
    policy = {"segment_metrics": (*BINARY, "label_maturity")}
    found = evaluate(
        engine,
        [write("prediction", DAY, id=ids, score=score, colour=colour)],
        [write("truth", DAY, id=ids, label=label, place=place)],
        project(segments=("colour", "place", "absent"), **policy),
    )
    names = {point.series.key.segment for point in found.points}
    assert names == {"", "colour=red", "colour=blue", "place=in's", 'place=out"'}
    for segment, rows in (("colour=blue", colour == "blue"), ("place=in's", place == "in's")):
        expected = expected_binary(label[rows], score[rows])
        del expected["invalid_label_ratio"]
        assert values(found, segment=segment) == pytest.approx(expected)
        (one,) = [one for one in found.confusions if one.parts == (tuple(segment.split("=")),)]
        tn, fp, fn, tp = sk.confusion_matrix(label[rows], score[rows] >= 0.5).ravel()
        assert (one.confusion, one.n, one.maturity) == (Confusion(tp, fp, fn, tn), rows.sum(), 1.0)
    assert len(found.states) == 1


HOSTILE = ['"', "x'); DROP TABLE t; --", 'k0" FROM lupus_truths; --', "🦊", "slice", "filename", "lupus file", "V0"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_never_sql(write: Write, engine: Engine, name: str) -> None:
    predictions = [write("prediction", day, **{name: [f"{name}{n}"], "score": [0.9]}) for n, day in enumerate(DAYS)]
    truths = [write("truth", DAY, **{name: [f"{name}{n}" for n in range(5)], "label": [1] * 5})]
    policy = {"segment_metrics": ("*",), "min_segment_rows": 1, "min_category_rows": 1}
    found = evaluate(engine, predictions, truths, project(key=(name,), segments=(name,), **policy))
    for n, day in enumerate(DAYS):
        assert values(found, day)["accuracy"] == 1.0
        assert values(found, day, f"{name}={name}{n}")["accuracy"] == 1.0


def test_one_query_for_all_intervals_and_segments(write: Write) -> None:
    ids = np.arange(60)
    with Engine(threads=1) as engine:
        predictions = [
            write("prediction", day, id=ids + 100 * n, score=ids / 60, s=["a", "b"] * 30) for n, day in enumerate(DAYS)
        ]
        truths = [write("truth", day, id=ids + 100 * n, label=ids % 2) for n, day in enumerate(DAYS)]
        plan = project(segments=("s",), segment_metrics=("roc_auc",))
        found = evaluate(engine, predictions, truths, plan)
        evaluate(engine, predictions, truths[:2], plan)
        assert len(engine.queries) == 2
        assert len(set(engine.queries)) == 1
    assert len({(point.interval, point.series.key.segment) for point in found.points}) == 5 * 3


def test_a_project_without_a_task_has_no_evaluation(engine: Engine) -> None:
    plan = Project("p", "me", DAILY, DAY.start, (), task=None)
    assert measure_evaluation(plan, [DAY], {}, [], blocked={}, engine=engine) == EvaluationMeasures()
