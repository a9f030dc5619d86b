"""Whatever comes in, every task answers with values or reasons, and never takes another interval down."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from evaluations import ALL, DAYS, Bench, points, product
from lupus.measure import Engine, EvaluationMeasures
from lupus.model import FailureKind, Project, Task

IDS = list(range(12))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


def project(task: Task) -> Project:
    more: dict[str, Any] = {}
    if task is Task.RANKING:
        more = {"key": ("user", "id"), "query": ("user",)}
    elif task is Task.REGRESSION:
        more = {"quantiles": ((0.5, "q"),), "lower": "q", "upper": "q"}
    elif task is Task.MULTICLASS_CLASSIFICATION:
        more = {"scores": (("0", "q"), ("1", "q"))}
    truth = {"key": ("user", "id")} if task is Task.RANKING else {}
    return product(task, prediction=more, truth=truth, segments=[("s",)], **ALL)


GOOD: Mapping[str, Any] = {
    "id": IDS,
    "user": [number // 4 for number in IDS],
    "score": [(number % 5) / 5 for number in IDS],
    "q": [0.5] * 12,
    "s": ["x", None] * 6,
}
LABELS: Mapping[str, Any] = {"id": IDS, "user": GOOD["user"], "label": [number % 3 % 2 for number in IDS]}
NOTHING = pa.array([None] * 12, pa.float64())
DECIMALS = pa.array([Decimal(number % 5) / 5 for number in IDS], pa.decimal128(9, 2))
BROKEN: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "one row": ({name: column[:1] for name, column in GOOD.items()}, {n: c[:1] for n, c in LABELS.items()}),
    "one class": (GOOD, {**LABELS, "label": [1] * 12}),
    "no positive": (GOOD, {**LABELS, "label": [0] * 12}),
    "constant scores": ({**GOOD, "score": [0.5] * 12}, LABELS),
    "null scores": ({**GOOD, "score": NOTHING}, LABELS),
    "null labels": (GOOD, {**LABELS, "label": NOTHING}),
    "null keys": ({**GOOD, "id": pa.array([None] * 12, pa.int64())}, LABELS),
    "nan and infinite scores": ({**GOOD, "score": [math.nan, math.inf, -math.inf] * 4}, LABELS),
    "nan and infinite labels": (GOOD, {**LABELS, "label": [math.nan, math.inf, -math.inf] * 4}),
    "infinite others": ({**GOOD, "q": [math.inf, math.nan, -math.inf, 1e300] * 3}, LABELS),
    "decimals": ({**GOOD, "score": DECIMALS, "q": DECIMALS}, {**LABELS, "label": DECIMALS}),
    "integers of 64 bits": ({**GOOD, "score": [2**62] * 12}, {**LABELS, "label": [-(2**63)] * 12}),
    "text labels": (GOOD, {**LABELS, "label": ["yes", "no"] * 6}),
    "text scores": ({**GOOD, "score": ["high", "low"] * 6}, LABELS),
    "text keys": ({**GOOD, "id": [str(number) for number in IDS]}, LABELS),
    "labels of others": (GOOD, {**LABELS, "id": [number + 100 for number in IDS], "user": [9] * 12}),
    "everything twice": (
        {name: [*column, *column] for name, column in GOOD.items()},
        {name: [*column, *column] for name, column in LABELS.items()},
    ),
    "lists as scores": ({**GOOD, "score": [[0.5]] * 12}, LABELS),
    "lists as labels": (GOOD, {**LABELS, "label": [[1]] * 12}),
    "no score": ({name: column for name, column in GOOD.items() if name != "score"}, LABELS),
    "no label": (GOOD, {name: column for name, column in LABELS.items() if name != "label"}),
    "dates as labels": (GOOD, {**LABELS, "label": pa.array(IDS, pa.date32())}),
}


def sound(found: EvaluationMeasures) -> None:
    for point in found.points:
        assert (point.value is None) != (point.failure is None)
        if point.value is not None:
            assert math.isfinite(point.value), point
            assert point.low is None or point.low <= point.value + 1e-9, point
            assert point.high is None or point.high >= point.value - 1e-9, point
        else:
            assert point.failure is not None
            assert point.failure.reason


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("task", list(Task))
def test_values_or_reasons_and_the_next_day_is_unharmed(bench: Bench, task: Task, what: str) -> None:
    outputs, labels = BROKEN[what]
    for many_rows in (10**6, 1):
        sound(bench.day(project(task), outputs, labels, many_rows=many_rows))
    alone = points(bench.day(project(task), GOOD, LABELS))
    # The good day's labels are a slice of their own; of keys that both have, the latest labels count.
    both = bench.days(project(task), [outputs, GOOD], [labels, LABELS])
    sound(both)
    after = points(both, DAYS[1])
    assert {name: point.value for name, point in after.items()} == pytest.approx(
        {name: point.value for name, point in alone.items()}
    )


def test_reasons(bench: Bench) -> None:
    reasons = {
        ("no score", "brier"): "the score column 'score' is not in the predictions",
        ("text scores", "brier"): "the score column 'score' holds text, not numbers",
        ("one class", "roc_auc"): "only one class of labels has arrived",
        ("no positive", "recall"): "no positive label has arrived",
        ("null scores", "brier"): "no row has both a valid label and a valid score",
        ("labels of others", "brier"): "no labels have arrived yet",
        ("null keys", "brier"): "no prediction has a complete key",
    }
    for (what, metric), reason in reasons.items():
        outputs, labels = BROKEN[what]
        failure = points(bench.day(project(Task.BINARY_CLASSIFICATION), outputs, labels))[metric].failure
        assert failure is not None
        assert failure.reason == reason
    found = points(bench.day(project(Task.BINARY_CLASSIFICATION), *BROKEN["text labels"]))
    assert found["invalid_label_ratio"].value == 1.0
    found = points(bench.day(project(Task.REGRESSION), *BROKEN["lists as labels"]))
    assert found["mae"].failure is not None
    assert found["mae"].failure.kind is FailureKind.WRONG_TYPE
