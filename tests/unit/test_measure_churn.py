"""Churn against a count in plain Python: versions, intervals, tasks, and slices with nothing in common."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.stats.proportion import proportion_confint

from lupus.measure import Engine
from lupus.measure.churn import measure_churn
from lupus.model import (
    Cadence,
    CadenceKind,
    MetricPoint,
    MetricsPolicy,
    Project,
    PythonSource,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
    Task,
)

DAILY = Cadence(CadenceKind.DAILY)
DAY = DAILY.parse("2026-01-05")
BINARY, MANY = Task.BINARY_CLASSIFICATION, Task.MULTICLASS_CLASSIFICATION


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as opened:
        yield opened


class Churn:
    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder, self.engine = folder, engine

    def __call__(
        self, now: Any, before: Any = None, *, task: Task | None = BINARY, policy: Any = None, **table: Any
    ) -> MetricPoint | None:
        described = Table("prediction", Role.PREDICTION, PythonSource("x:x"), **{"key": ("id",), "score": "p"} | table)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        policy = policy or MetricsPolicy(min_segment_rows=1)
        project = Project("shop", "me", DAILY, start, (described,), task=task, metrics=policy)
        snapshots = [None if one is None else self._written(name, one) for name, one in (("now", now), ("b", before))]
        assert snapshots[0] is not None
        points = measure_churn(project, described, snapshots[0], snapshots[1], engine=self.engine)
        assert len(points) < 2
        return points[0] if points else None

    def _written(self, name: str, rows: Any) -> Snapshot:
        table = rows if isinstance(rows, pa.Table) else pa.table(rows)
        path = self.folder / f"{name}.parquet"
        pq.write_table(table, path)
        schema = tuple((one.name, str(one.type)) for one in table.schema)
        return Snapshot("shop", name, DAY, SnapshotStatus.OK, path, table.num_rows, schema, name)


@pytest.fixture
def churn(tmp_path: Path, engine: Engine) -> Churn:
    return Churn(tmp_path, engine)


def scored(random: Random, ids: range, version: str = "") -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {"id": list(ids), "p": [random.random() for _ in ids]}
    return rows | ({"v": [version] * len(ids)} if version else {})


def both(left: dict[str, list[Any]], right: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: left[name] + right[name] for name in left}


def changed(left: dict[str, list[Any]], right: dict[str, list[Any]], threshold: float = 0.5) -> tuple[int, int]:
    one, other = (dict(zip(rows["id"], (p >= threshold for p in rows["p"]), strict=True)) for rows in (left, right))
    common = one.keys() & other.keys()
    return sum(one[key] != other[key] for key in common), len(common)


def check(churn: Churn, now: dict[str, list[Any]], before: dict[str, list[Any]]) -> None:
    sides = [pd.DataFrame(one).dropna().drop_duplicates("id") for one in (now, before)]
    both = sides[0].merge(sides[1], on="id")
    point = churn(now, before)
    if both.empty:
        assert point is None
        return
    assert point is not None
    changes = (both.p_x >= 0.5) != (both.p_y >= 0.5)
    assert (point.series.key.metric, point.value, point.n) == ("churn_ratio", changes.mean(), len(both))
    assert (point.low, point.high) == pytest.approx(proportion_confint(changes.sum(), len(both), method="wilson"))


@pytest.mark.oracle("churn_ratio", by="pandas", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_random_churn_is_that_of_a_merge(seed: int, churn: Churn) -> None:
    random = Random(seed)
    check(churn, scored(random, range(50, 150)), scored(random, range(100)))


@pytest.mark.oracle("churn_ratio", by="pandas", on="degenerate")
@pytest.mark.parametrize(
    ("now", "before"),
    [(([1], [0.9]), ([1], [0.9])), (([1], [0.9]), ([1], [0.1])), (([1, 2], [0.5, 0.5]), ([1, 2], [0.0, 1.0])),
     (([1, 2], [0.9, None]), ([1, 2], [0.1, 0.1])), (([1], [0.9]), ([2], [0.9])), (([1], [None]), ([1], [1.0])),
     (([1] * 9, [0.7] * 9), ([1, 1], [0.2, 0.2]))],
    ids=["one key", "one that changed", "on the threshold", "without a score", "other keys", "no score", "copies"],
)  # fmt: skip
def test_degenerate_churn_is_that_of_a_merge(now: Any, before: Any, churn: Churn) -> None:
    check(churn, *({"id": ids, "p": pa.array(p, pa.float64()).to_pylist()} for ids, p in (now, before)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_between_intervals(seed: int, threshold: float, churn: Churn) -> None:
    random = Random(seed)
    now, before = scored(random, range(50, 150)), scored(random, range(100))
    point = churn(now, before, policy=MetricsPolicy(threshold=threshold))
    assert point is not None
    hits, common = changed(now, before, threshold)
    assert (point.value, point.n) == (hits / common, common)
    expected = proportion_confint(hits, common, method="wilson")
    assert (point.low, point.high) == pytest.approx(expected, abs=1e-6)
    assert str(point.series.key) == "prediction.p churn_ratio"


@pytest.mark.parametrize("seed", range(3))
def test_between_versions_in_one_slice(seed: int, churn: Churn) -> None:
    random = Random(seed)
    nine, ten = scored(random, range(100), "v9"), scored(random, range(40, 160), "v10")
    point = churn(both(ten, nine), version="v")
    assert point is not None
    hits, common = changed(nine, ten)
    assert (point.value, point.n) == (hits / common, common)


def test_between_versions_of_two_intervals(churn: Churn) -> None:
    random = Random(1)
    zebra, ant = scored(random, range(100), "zebra"), scored(random, range(100), "ant")
    point = churn(ant, zebra, version="v")
    assert point is not None
    assert point.value == changed(ant, zebra)[0] / 100, "ant is the newer one, whatever its name"
    # The older version still scores a few; of a third, older still, nothing is said.
    few = {name: values[:30] for name, values in zebra.items()}
    third = scored(random, range(100), "old")
    again = churn(both(ant, few), both(zebra, third), version="v")
    assert again is not None
    assert (again.value, again.n) == (changed(ant, zebra)[0] / 100, 100)
    assert churn(scored(random, range(100), "ant"), ant, version="v") is None, "one version does not churn"


@pytest.mark.parametrize("form", ["class", "probabilities"])
def test_classes(form: str, churn: Churn) -> None:
    random = Random(4)
    names = ["red", "green", "blue"]
    sides = []
    for _ in range(2):
        weights = [[random.random() for _ in names] for _ in range(60)]
        sides.append({"id": list(range(60)), **{name: [row[at] for row in weights] for at, name in enumerate(names)}})
    decided = [[max(names, key=lambda name: side[name][row]) for row in range(60)] for side in sides]
    expected = sum(a != b for a, b in zip(*decided, strict=True)) / 60
    if form == "class":
        rows = [{"id": list(range(60)), "p": one} for one in decided]
        point = churn(*rows, task=MANY)
    else:
        point = churn(*sides, task=MANY, score="", scores=tuple((name, name) for name in names))
    assert point is not None
    assert point.value == expected


def test_keys_of_several_columns_nulls_and_repeats(churn: Churn) -> None:
    now = {"a": [1, 1, 2, None, 3, 3], "b": ["x", "y", "x", "x", "z", "z"], "p": [0.9, 0.9, None, 0.9, 0.1, 0.9]}
    before = {"a": [1, 1, 2, 3], "b": ["x", "y", "x", "z"], "p": [0.1, 0.9, 0.9, math.nan]}
    point = churn(now, before, key=("a", "b"))
    assert point is not None
    assert (point.value, point.n) == (0.5, 2)


def test_large_integers_stay_apart(churn: Churn) -> None:
    point = churn({"id": [2**60, 2**60 + 1], "p": [0.9, 0.1]}, {"id": [2**60, 2**60 + 1], "p": [0.9, 0.9]})
    assert point is not None
    assert (point.value, point.n) == (0.5, 2)


def test_nothing_to_compare_is_no_point(churn: Churn) -> None:
    now = scored(Random(0), range(10))
    assert churn(now) is None, "a first day"
    assert churn(now, scored(Random(0), range(20, 30))) is None, "other keys"
    assert churn(now, {"id": [str(one) for one in range(10)], "p": now["p"]}) is None, "keys of another type"
    assert churn(now, {"id": list(range(10))}) is None, "no score then"
    assert churn({"id": list(range(10))}, now) is None, "no score now"
    assert churn(now, now, task=Task.REGRESSION) is None
    assert churn(now, now, task=None) is None
    assert churn(now, now, key=()) is None
    assert churn(now, now, policy=MetricsPolicy(min_segment_rows=11)) is None, "too few to say anything"
    assert churn(now, now, policy=MetricsPolicy(exclude=("churn_ratio",))) is None
    same = churn(now, now)
    assert same is not None
    assert (same.value, same.low) == (0.0, 0.0)
