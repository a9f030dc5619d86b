"""One suite, every engine: what DuckDB says of a table, PostgreSQL and Spark say of it too."""

from __future__ import annotations

import datetime as dt
import importlib.util
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from lupus.extract import extract_table
from lupus.measure import (
    BackendEngine,
    Engine,
    EvaluationMeasures,
    TableMeasures,
    measure_evaluation,
    measure_table,
)
from lupus.measure.estimates import Slices
from lupus.measure.estimates.slices import scores_of
from lupus.measure.estimates.top_scores import top_scores_of
from lupus.model import (
    Cadence,
    CadenceKind,
    FileFormat,
    FileSource,
    Interval,
    MeasureError,
    MetricsPolicy,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    SqlDerivation,
    SqlSource,
    Table,
    Task,
)
from lupus.stages import EnvironmentConnections
from lupus.stages.in_place import engine_in_place

# Spark's Python side leaves sockets open and uses what pandas will take away.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
    pytest.mark.filterwarnings("ignore:The 'future.infer_string' option"),
]

DAILY = Cadence(CadenceKind.DAILY)
DAY = DAILY.parse("2026-01-05")
NOON = dt.datetime(2026, 1, 5, 12)  # noqa: DTZ001 - a time without a zone, as databases hold them
Show = Callable[[pa.Table], Any]


def rows(size: int = 600, *, shift: float = 0.0) -> pa.Table:
    """A table with every kind of column, NaN, infinities, nulls, and names that are no identifiers."""
    rng = np.random.default_rng(7)
    seconds = [dt.timedelta(seconds=int(one)) for one in rng.integers(-40_000, 50_000, size)]
    normal = rng.normal(5 + shift, 2, size)
    return pa.table(
        {
            "id": rng.integers(0, size - 20, size),
            "score": np.clip(rng.beta(2, 5, size) + (rng.random(size) < 0.02), 0, 1.3),
            "x": pa.array(np.where(rng.random(size) < 0.02, np.nan, normal), mask=rng.random(size) < 0.05),
            "skewed": rng.lognormal(shift, 1.5, size),
            "far": np.where(rng.random(size) < 0.02, np.inf, 1e9 + normal),
            "huge": np.where(rng.random(size) < 0.02, 1e300, normal),
            "small integers": rng.integers(0, 5, size),
            "integers": rng.integers(-(10**9), 10**9, size),
            "price": pa.array([f"{one:.2f}" for one in normal]).cast(pa.decimal128(12, 2)),
            "flag": rng.random(size) < 0.3,
            'cat"; --': pa.array(rng.choice(["a", "b", "ü", "it's"], size), mask=rng.random(size) < 0.1),
            "essay": ["" if n % 50 == 0 else f"number {n} " + "x" * (n % 30) for n in range(size)],
            "at": pa.array([NOON + one for one in seconds], pa.timestamp("us")),
            "instant": pa.array([NOON + one for one in seconds], pa.timestamp("us", "UTC")),
            "day": [(NOON + one).date() for one in seconds],
            "nothing": pa.nulls(size, pa.float64()),
        }
    )


TABLE = Table(
    "prediction",
    Role.PREDICTION,
    FileSource("x", FileFormat.PARQUET),
    key=("id",),
    score="score",
    patterns={"essay": "number 1"},
)
PROJECT = Project(
    "engines",
    "me",
    DAILY,
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    (TABLE,),
    task=Task.BINARY_CLASSIFICATION,
    segments=(('cat"; --',), ('cat"; --', "flag")),
    metrics=MetricsPolicy(segment_metrics=("*",), min_segment_rows=5, segment_states=True, threshold=0.3),
)


def snapshot(table: pa.Table, path: Path | None = None) -> Snapshot:
    schema = tuple((field.name, str(field.type)) for field in table.schema)
    return Snapshot("engines", "prediction", DAY, SnapshotStatus.OK, path, table.num_rows, schema, "")


@pytest.fixture(scope="module")
def spark() -> Any:
    """A local Spark with one worker."""
    there = {"Java": shutil.which("java"), "pyspark": importlib.util.find_spec("pyspark")}
    if lost := [name for name, found in there.items() if found is None]:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{lost[0]} must be there in CI")
        pytest.skip(f"there is no {lost[0]}, which Spark needs")
    import ibis
    from pyspark.sql import SparkSession

    settings = {"ui.enabled": "false", "sql.session.timeZone": "UTC", "sql.shuffle.partitions": "1"}
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(f"spark.{name}", value)
    session = builder.getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


@pytest.fixture(params=["postgresql", "spark"])
def show(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Show]:
    """Puts an Arrow table into the engine, and gives its Ibis table; any number of them."""
    import ibis

    numbers = itertools.count()
    if request.param == "spark":
        spark = request.getfixturevalue("spark")

        def in_spark(table: pa.Table) -> Any:
            path = tmp_path / f"spark{next(numbers)}.parquet"
            pq.write_table(table, path)
            return spark.read_parquet(path)

        yield in_spark
        return
    url = sa.make_url(request.getfixturevalue("postgres_url"))
    connection = ibis.postgres.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, database=url.database
    )
    yield lambda table: connection.create_table(f"slice{next(numbers)}", table)
    connection.disconnect()


def alike(ours: TableMeasures, theirs: TableMeasures) -> None:
    """The same points and States, numbers to 1e-9."""
    mine, yours = ({point.series.key: point for point in measures.points} for measures in (ours, theirs))
    assert mine.keys() == yours.keys()
    for key, point in mine.items():
        other = yours[key]
        assert (point.n, point.failure) == (other.n, other.failure), key
        assert (other.value is None) == (point.value is None), key
        if point.value is not None:
            assert other.value == pytest.approx(point.value, rel=1e-9, abs=1e-12), key
    left, right = (
        {(one.column, one.segment, one.kind): dict(one.payload) for one in measures.states}
        for measures in (ours, theirs)
    )
    assert left.keys() == right.keys()
    for name, payload in left.items():
        if name[-1] == "moments":
            scale = max(payload["m2"] or 0.0, 1e-30)
            payload["m3"], right[name]["m3"] = (one / scale**1.5 for one in (payload["m3"], right[name]["m3"]))
            numbers = {what: value for what, value in payload.items() if value is not None}
            assert payload.keys() == right[name].keys()
            assert {what: right[name][what] for what in numbers} == pytest.approx(numbers, rel=1e-9, abs=1e-9), name
        else:
            if name[-1] == "histogram":  # sums of the same numbers, in another order
                assert right[name].pop("beyond") == pytest.approx(payload.pop("beyond"), rel=1e-9, abs=1e-9)
            assert right[name] == payload


def test_every_engine_says_the_same_of_a_whole_table(show: Show, tmp_path: Path) -> None:
    first, later = rows(), rows(shift=0.4)
    path = tmp_path / "slice.parquet"
    pq.write_table(later, path)
    with Engine(threads=1, upright_rows=-1) as engine:  # quantiles from cells, as in a large table
        known = measure_table(PROJECT, TABLE, snapshot(first), (), engine=engine, slice_=first).references
        ours = measure_table(PROJECT, TABLE, snapshot(later, path), known, engine=engine)
    backend = BackendEngine(upright_rows=-1)
    theirs = measure_table(PROJECT, TABLE, snapshot(later), known, engine=backend, slice_=show(later))
    assert len(ours.points) > 900
    alike(ours, theirs)


def test_an_engine_fixes_grids_by_itself_and_asks_once_from_then_on(show: Show) -> None:
    table = rows(300).select(["id", "x", 'cat"; --', "flag", "score"])
    backend, shown = BackendEngine(), show(table)
    first = measure_table(PROJECT, TABLE, snapshot(table), (), engine=backend, slice_=shown)
    asked = len(backend.queries)
    again = measure_table(PROJECT, TABLE, snapshot(table), first.references, engine=backend, slice_=shown)
    assert (asked, len(backend.queries)) == (2, 3)
    assert {point.series.key for point in again.points} >= {point.series.key for point in first.points}
    with Engine(threads=1) as engine:
        ours = measure_table(PROJECT, TABLE, snapshot(table), first.references, engine=engine, slice_=table)
    alike(ours, again)


def test_an_engine_that_refuses_is_a_clear_error(show: Show) -> None:
    shown = show(pa.table({"id": [1, 2], "score": [0.1, 0.2]}))
    gone = shown.filter(shown["id"].cast("string").cast("date").notnull())
    with pytest.raises(MeasureError, match="where it lies"):
        measure_table(
            PROJECT, TABLE, snapshot(pa.table({"id": [1], "score": [0.1]})), (), engine=BackendEngine(), slice_=gone
        )


def predictions(task: Task, day: Interval, size: int = 400) -> tuple[pa.Table, pa.Table]:
    """Predictions of a day with copies, nulls and impossible scores, and the labels of most of them."""
    rng = np.random.default_rng(size)
    ids, classes = np.arange(size), np.array(["cat", "dog", "cow"])
    chance = rng.beta(2, 3, size)
    truth = rng.random(size) < chance
    columns: dict[str, Any] = {"id": ids, "s": rng.choice(["a", "b", "c"], size), "w": rng.integers(1, 4, size)}
    if task is Task.BINARY_CLASSIFICATION:
        columns["score"] = pa.array(np.where(rng.random(size) < 0.02, 1.5, chance), mask=rng.random(size) < 0.05)
        label: Any = truth.astype(int)
    elif task is Task.REGRESSION:
        columns |= {"score": chance * 10, "p90": chance * 10 + 2, "low": chance * 10 - 3, "high": chance * 10 + 3}
        label = chance * 10 + rng.normal(0, 2, size)
    elif task is Task.MULTICLASS_CLASSIFICATION:
        shares = rng.dirichlet([1, 1, 1], size)
        columns |= {f"p_{name}": shares[:, at] for at, name in enumerate(classes)}
        columns["score"] = classes[shares.argmax(axis=1)]
        label = np.where(rng.random(size) < 0.6, columns["score"], rng.choice(classes, size))
    else:
        columns |= {"user": ids // 8, "score": chance}
        label = rng.integers(0, 3, size)
    kept = rng.random(size) < 0.9
    truths = {"id": ids[kept], "label": np.asarray(label)[kept]}
    if task is Task.RANKING:
        truths["user"] = (ids // 8)[kept]
    table = pa.table(columns)
    return pa.concat_tables([table, table.slice(0, 10)]), pa.table(truths)


@pytest.mark.parametrize("many_rows", [10**9, 0], ids=["exact", "cells"])
@pytest.mark.parametrize("task", Task)
def test_every_engine_says_the_same_of_an_evaluation(show: Show, tmp_path: Path, task: Task, many_rows: int) -> None:
    key = ("user", "id") if task is Task.RANKING else ("id",)
    more: dict[str, Any] = {"weight": "w"}
    if task is Task.MULTICLASS_CLASSIFICATION:
        more["scores"] = tuple((name, f"p_{name}") for name in ("cat", "dog", "cow"))
    elif task is Task.REGRESSION:
        more |= {"quantiles": ((0.9, "p90"),), "lower": "low", "upper": "high"}
    elif task is Task.RANKING:
        more = {"query": ("user",)}
    prediction = Table("prediction", Role.PREDICTION, TABLE.source, key=key, score="score", **more)
    truth = Table("ground_truth", Role.GROUND_TRUTH, TABLE.source, key=key, label="label")
    policy = MetricsPolicy(segment_metrics=("*",), min_segment_rows=5)
    project = Project(
        "engines", "me", DAILY, PROJECT.start, (prediction, truth), task=task, segments=(("s",),), metrics=policy
    )
    days = [DAY, DAILY.next(DAY)]
    backend = BackendEngine()
    ours: dict[Role, list[Snapshot]] = {Role.PREDICTION: [], Role.GROUND_TRUTH: []}
    theirs: dict[Role, list[Snapshot]] = {Role.PREDICTION: [], Role.GROUND_TRUTH: []}
    for number, day in enumerate(days):
        for role, table in zip(ours, predictions(task, day, 400 + 40 * number), strict=True):
            path = tmp_path / f"{role}{number}.parquet"
            pq.write_table(table, path)
            schema = tuple((field.name, str(field.type)) for field in table.schema)
            one = Snapshot("engines", str(role), day, SnapshotStatus.OK, path, table.num_rows, schema, "")
            ours[role].append(one)
            theirs[role].append(replace(one, path=None, in_place=True))
            backend.place(theirs[role][-1], show(table))

    def evaluated(snapshots: dict[Role, list[Snapshot]], engine: Any) -> EvaluationMeasures:
        by_day = {one.interval.key: one for one in snapshots[Role.PREDICTION]}
        truths = snapshots[Role.GROUND_TRUTH]
        return measure_evaluation(project, days, by_day, truths, blocked={}, engine=engine, many_rows=many_rows)

    with Engine(threads=1) as engine:
        mine = evaluated(ours, engine)
    yours = evaluated(theirs, backend)
    assert len([point for point in mine.points if point.value is not None]) > 30
    found = [{(one.series.key, one.interval): one for one in each.points} for each in (mine, yours)]
    assert found[0].keys() == found[1].keys()
    for name, point in found[0].items():
        other = found[1][name]
        assert (point.n, point.failure) == (other.n, other.failure), name
        for a, b in ((point.value, other.value), (point.low, other.low), (point.maturity, other.maturity)):
            assert (a is None) == (b is None), name
            assert a is None or b == pytest.approx(a, rel=1e-9, abs=1e-12), name
    assert len(mine.states) == len(yours.states)


@pytest.mark.parametrize("task", [Task.BINARY_CLASSIFICATION, Task.MULTICLASS_CLASSIFICATION])
def test_every_engine_counts_the_same_scores_of_every_segment(show: Show, tmp_path: Path, task: Task) -> None:
    """What estimates are made of, by segments of one and of two columns, one of which has nulls."""
    table, _ = predictions(task, DAY)
    flags = pa.array([[True, False, None][number % 3] for number in range(table.num_rows)], pa.bool_())
    table = table.append_column("f", flags)
    more: dict[str, Any] = {}
    if task is Task.MULTICLASS_CLASSIFICATION:
        more["scores"] = tuple((name, f"p_{name}") for name in ("cat", "dog", "cow"))
    prediction = Table("prediction", Role.PREDICTION, TABLE.source, key=("id",), score="score", **more)
    truth = Table("ground_truth", Role.GROUND_TRUTH, TABLE.source, key=("id",), label="label")
    parts = (("s",), ("s", "f"))
    project = Project(
        "engines", "me", DAILY, PROJECT.start, (prediction, truth), task=task, segments=parts, metrics=MetricsPolicy()
    )
    path = tmp_path / "slice.parquet"
    pq.write_table(table, path)
    local = snapshot(table, path)
    backend, there = BackendEngine(), replace(local, path=None, in_place=True)
    backend.place(there, show(table))

    def counted(engine: Any, one: Snapshot) -> dict[Any, Any]:
        if task is Task.BINARY_CLASSIFICATION:
            return scores_of(engine, Slices(prediction, (one,)), parts)
        found = top_scores_of(engine, project, prediction, one, parts)
        return {(segment, name): both for segment, of in found.items() for name, both in of.items()}

    with Engine(threads=1) as engine:
        ours = counted(engine, local)
    theirs = counted(backend, there)
    assert list(ours) == list(theirs)
    assert len(ours) >= 1 + 3 + 9
    for name, (score, many) in ours.items():
        assert theirs[name][0] == pytest.approx(score, rel=1e-12), name
        assert theirs[name][1].tolist() == many.tolist(), name


def test_a_slice_stays_in_spark(spark: Any, tmp_path: Path) -> None:
    table = rows(300)
    pq.write_table(table, tmp_path / "rows.parquet")
    spark.create_view("rows_of_spark", spark.read_parquet(tmp_path / "rows.parquet"), overwrite=True)
    there = Table(
        "prediction",
        Role.PREDICTION,
        SqlSource("lake", table="rows_of_spark"),
        time="at",
        key=("id",),
        score="score",
        in_place=True,
        derived=(SqlDerivation("twice", "skewed * 2"), SqlDerivation("lost", "lacking || 'x'")),
    )
    project = replace(PROJECT, tables=(there,), segments=())
    connections = EnvironmentConnections({"LUPUS_CONN_LAKE": "spark://local"})
    found = extract_table(project, there, DAY, root=tmp_path, connections=connections, now=DAY.end)
    assert isinstance(found, Snapshot)
    mine = table.filter(pc.equal(pc.cast(table["at"], pa.date32()), DAY.start.date()))
    assert (found.rows, found.in_place, found.path) == (mine.num_rows, True, None)
    assert [name for name, _ in found.failures] == ["lost"]
    mine = mine.append_column("twice", pc.multiply(mine["skewed"], 2.0))
    with Engine(threads=1) as local, engine_in_place(project, [found], connections) as (engine, (now,)):
        copied = replace(now, in_place=False)
        known = measure_table(project, there, copied, (), engine=local, slice_=mine).references
        ours = measure_table(project, there, copied, known, engine=local, slice_=mine)
        theirs = measure_table(project, there, now, known, engine=engine, slice_=engine.source(now))
    alike(ours, theirs)
