"""Columns of vectors against NumPy and the exact maximum mean discrepancy."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from lupus.measure import BackendEngine, Engine, TableMeasures, measure_table
from lupus.measure.embeddings import INVALID, MMD, NORM, SHIFT, VectorSums, batches_of, measure_vectors
from lupus.model import (
    Cadence,
    CadenceKind,
    Failure,
    FileFormat,
    FileSource,
    Interval,
    MeasureError,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
)

DAILY = Cadence(CadenceKind.DAILY)
DAY = DAILY.parse("2026-03-01")
TABLE = Table("data", Role.DATA, FileSource("x.parquet", FileFormat.PARQUET))
PROJECT = Project("p", "me", DAILY, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), (TABLE,))
Make = Callable[..., Snapshot]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes columns to a Parquet file and returns its snapshot."""

    def snapshot(columns: dict[str, Any], *, interval: Interval = DAY) -> Snapshot:
        rows, path = pa.table(columns), tmp_path / f"{interval.key}-{len(columns)}.parquet"
        pq.write_table(rows, path)
        schema = tuple((field.name, str(field.type)) for field in rows.schema)
        return Snapshot("p", "data", interval, SnapshotStatus.OK, path, rows.num_rows, schema, "hash")

    return snapshot


def values(measures: TableMeasures, name: str) -> dict[str, float | None]:
    points = [point for point in measures.points if point.series.key.column == name]
    return {point.series.key.metric: point.value for point in points if point.failure is None}


def reason(measures: TableMeasures, name: str, metric: str) -> str:
    keys = {(point.series.key.column, point.series.key.metric): point.failure for point in measures.points}
    failure = keys[name, metric]
    return failure.reason if failure is not None else ""


def column(vectors: Any, type_: pa.DataType | None = None) -> Any:
    listed = [None if one is None else list(one) for one in vectors]
    return batches_of(pa.table({"v": pa.array(listed, type_ or pa.list_(pa.float64()))}), "v")


def exact_mmd(x: np.ndarray, y: np.ndarray, width: float) -> float:
    def mean(a: np.ndarray, b: np.ndarray) -> float:
        kernel = np.exp(-cdist(a, b, "sqeuclidean") / (2 * width**2))
        return (kernel.sum() - len(a)) / (len(a) * (len(a) - 1)) if a is b else kernel.mean()

    return float(np.sqrt(max(mean(x, x) + mean(y, y) - 2 * mean(x, y), 0)))


@pytest.mark.oracle("norm_mean", "centroid_shift", by="NumPy", on="random")
@pytest.mark.oracle("mmd", by="SciPy", on="random")
@pytest.mark.parametrize("shift", [0.3, 1.0, 3.0])
def test_compared_with_the_reference_as_numpy_and_the_exact_mmd_do(shift: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1, (700, 6)), rng.normal(0, 1, (500, 6))
    y[:, 0] += shift
    first = measure_vectors(column(x), None)
    assert first.reference is not None
    assert set(first.metrics) == {INVALID, NORM}
    assert first.metrics[NORM] == (pytest.approx(np.linalg.norm(x, axis=1).mean()), 700)
    scale = np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean())
    assert first.reference["scale"] == pytest.approx(scale)
    assert first.reference["bandwidth"] == pytest.approx(np.median(pdist(x)))
    found = measure_vectors(column(y), first.reference)
    assert found.reference is None
    assert found.metrics[SHIFT] == (pytest.approx(np.linalg.norm(y.mean(0) - x.mean(0)) / scale), 500)
    # The error of random features is of the order of 1 / sqrt(128) of the distance.
    assert found.metrics[MMD][0] == pytest.approx(exact_mmd(x, y, first.reference["bandwidth"]), rel=0.25)


@pytest.mark.oracle("norm_mean", "centroid_shift", by="NumPy", on="degenerate")
@pytest.mark.oracle("mmd", by="SciPy", on="degenerate")
@pytest.mark.parametrize("case", ["the same", "one point", "nothing in common", "one number", "zeros"])
def test_degenerate_vectors_are_compared_as_numpy_and_the_exact_mmd_do(case: str) -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(0, 1, (300, 1 if case == "one number" else 4))
    y = {
        "the same": x,
        "one point": np.tile(x[:1], (300, 1)),
        "nothing in common": x + 1e6,
        "one number": x * 2,
        "zeros": np.zeros((300, 4)),
    }[case]
    reference = measure_vectors(column(x), None).reference
    assert reference is not None
    found = measure_vectors(column(y), reference).metrics
    scale = np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean())
    assert found[NORM][0] == pytest.approx(np.linalg.norm(y, axis=1).mean())
    shift = np.linalg.norm(y.mean(0) - x.mean(0)) / scale
    assert found[SHIFT][0] == pytest.approx(shift, abs=1e-12)
    assert found[MMD][0] == pytest.approx(exact_mmd(x, y, reference["bandwidth"]), rel=0.25, abs=1e-9)


def check_validity(vectors: list[list[float | None] | None]) -> None:
    """Valid are vectors of the usual length whose numbers are all finite."""
    there = [one for one in vectors if one is not None]
    lengths = [len(one) for one in there if one]
    usual = max(set(lengths), key=lengths.count) if lengths else None
    valid = [one for one in there if len(one) == usual and np.isfinite(np.array(one, dtype=float)).all()]
    found = measure_vectors(column(vectors), None).metrics[INVALID]
    if not there:
        assert isinstance(found, Failure)
    else:
        assert found == (pytest.approx(1 - len(valid) / len(there)), len(there))


@pytest.mark.oracle("invalid_ratio", by="NumPy", on="random")
def test_validity() -> None:
    random = np.random.default_rng(10)
    odd = [None, [1.0], [np.nan, 1.0, 1.0], [], [1.0, None, 2.0], [-np.inf, 0.0, 0.0]]
    check_validity([[1.0, 2.0, 3.0] if random.random() < 0.7 else odd[random.integers(6)] for _ in range(300)])


@pytest.mark.oracle("invalid_ratio", by="NumPy", on="degenerate")
@pytest.mark.parametrize("vectors", [[[1.0]], [None], [[]], [[np.nan]], [[1.0, 2.0]] * 60, [[], [3.0]]], ids=str)
def test_degenerate_validity(vectors: list[list[float | None] | None]) -> None:
    check_validity(vectors)


def test_sampling_noise_is_removed() -> None:
    rng = np.random.default_rng(2)
    first = measure_vectors(column(rng.normal(size=(400, 8))), None).reference
    same = [measure_vectors(column(rng.normal(size=(60, 8))), first).metrics[MMD][0] for _ in range(40)]
    assert 10 <= sum(value == 0 for value in same) <= 30
    biased = np.sqrt(1 / 60 + 1 / 400)
    assert np.mean(same) < 0.4 * biased


def test_a_change_that_keeps_mean_and_spread_is_seen_by_mmd_alone() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2000, 2))
    first = measure_vectors(column(x), None).reference
    assert first is not None
    ring = rng.normal(size=(2000, 2))
    ring *= np.sqrt(2) / np.linalg.norm(ring, axis=1)[:, None]
    found = measure_vectors(column(ring), first).metrics
    assert found[SHIFT][0] < 0.06
    assert found[MMD][0] == pytest.approx(exact_mmd(x, ring, first["bandwidth"]), rel=0.3)
    assert found[MMD][0] > 0.05


@pytest.mark.parametrize(
    "type_",
    [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float16()), pa.list_view(pa.float64())],
    ids=str,
)
def test_ragged_and_unfinished_vectors_are_invalid(type_: pa.DataType) -> None:
    odd = [None, None, [1.0], [], [np.nan, 1.0, 2.0], [np.inf, 0.0, 0.0], [None, 1.0, 1.0]]
    found = measure_vectors(column([*odd, *[[1.0, 2.0, 2.0], [2.0, 3.0, 6.0]] * 30], type_), None)
    assert found.metrics[INVALID] == (5 / 65, 65)
    assert found.metrics[NORM] == (5.0, 60)
    if type_.value_type != pa.float64():
        return
    assert measure_vectors(column([[1e200, 0.0, 0.0]], type_), found.reference).metrics[INVALID] == (1.0, 1)


def test_vectors_of_a_fixed_size_and_a_sliced_column() -> None:
    values_ = np.arange(400, dtype=np.float64).reshape(200, 2)
    whole = pa.table({"v": pa.FixedSizeListArray.from_arrays(pa.array(values_.ravel()), 2)})
    found = measure_vectors(batches_of(whole.slice(50, 100), "v"), None)
    assert found.metrics[NORM] == (pytest.approx(np.linalg.norm(values_[50:150], axis=1).mean()), 100)


@pytest.mark.parametrize("vectors", [[], [None] * 60, [[]] * 60, [[np.nan]] * 60, [[1.0]] * 49])
def test_too_little_fixes_no_reference(vectors: list[Any]) -> None:
    found = measure_vectors(column(vectors), None)
    assert found.reference is None
    assert found.state is None
    assert isinstance(found.metrics[NORM], Failure) == (vectors[:1] != [[1.0]])


def test_constant_vectors_have_no_spread_and_few_are_not_compared() -> None:
    first = measure_vectors(column([[1.0, 1.0]] * 60), None).reference
    assert first is not None
    answer = measure_vectors(column([[2.0, 1.0]] * 60), first).metrics[MMD]
    assert isinstance(answer, Failure)
    assert "no spread" in answer.reason
    few = measure_vectors(column([[2.0, 1.0]] * 3), first).metrics[SHIFT]
    assert isinstance(few, Failure)
    assert "there are 3 valid vectors" in few.reason


@pytest.mark.merges("vectors")
@given(cut=st.integers(0, 80), seed=st.integers(0, 5))
def test_sums_merge(cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(80, 3))
    vectors[::9, 0] = np.nan
    reference = measure_vectors(column(rng.normal(size=(60, 3))), None).reference
    a, b, whole = (measure_vectors(column(part), reference).state for part in (vectors[:cut], vectors[cut:], vectors))
    assert a is not None
    assert b is not None
    assert whole is not None
    both = VectorSums.from_json((a + b).to_json())
    assert dataclasses.astuple(both)[:2] == dataclasses.astuple(whole)[:2]
    assert both.norms == pytest.approx(whole.norms)
    assert both.vectors == pytest.approx(whole.vectors)
    assert both.features == pytest.approx(whole.features)


def test_sums_of_other_lengths_do_not_merge() -> None:
    with pytest.raises(MeasureError, match="different lengths"):
        VectorSums(1, 1, 1.0, (1.0,), (1.0,)) + VectorSums(1, 1, 1.0, (1.0, 1.0), (1.0,))


def test_a_table_is_compared_from_its_second_day_on(make: Make) -> None:
    rng = np.random.default_rng(4)
    now = {"a.b": [list(one) for one in rng.normal(size=(200, 4))], "x": rng.normal(size=200)}
    then = {**now, "a.b": [list(one) for one in rng.normal(2, 1, size=(200, 4))]}
    with Engine(threads=1) as engine:
        snapshot = make(now)
        first = measure_table(PROJECT, TABLE, snapshot, (), engine=engine)
        again = measure_table(PROJECT, TABLE, snapshot, first.references, engine=engine)
        following = DAILY.next(DAY)
        later, lost = (
            measure_table(PROJECT, TABLE, make(columns, interval=following), first.references, engine=engine)
            for columns in (then, {"x": now["x"]})
        )
    assert values(first, "a.b").keys() == {"null_ratio", "invalid_ratio", "norm_mean"}
    assert again.points == first.points
    assert again.states == first.states
    assert values(later, "a.b")["centroid_shift"] == pytest.approx(2.0, abs=0.2)
    assert values(later, "a.b")["mmd"] > 0.5
    assert values(later, "x").keys() == values(first, "x").keys()
    assert "was there before" in reason(lost, "a.b", "null_ratio")


def test_where_the_table_lies_vectors_are_a_failure_with_its_reason(make: Make) -> None:
    snapshot = make({"v": [[1.0, 2.0]] * 60, "x": list(range(60))})
    rows = ibis.memtable(pq.read_table(snapshot.path))
    found = measure_table(PROJECT, TABLE, snapshot, (), engine=BackendEngine(), slice_=rows)
    assert "not where the table lies" in reason(found, "v", "norm_mean")
    assert values(found, "x")["mean"] == 29.5
