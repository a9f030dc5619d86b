"""The drift stage: which intervals make a baseline, which do not, and what is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from lupus.measure.states import Categories, Histogram, Moments
from lupus.model import (
    Cadence,
    CadenceKind,
    Distance,
    DriftPolicy,
    ExpectationOutcome,
    ExpectationSeverity,
    Finding,
    Incident,
    IncidentState,
    Interval,
    MetricPoint,
    MetricsPolicy,
    Outcome,
    Project,
    Reference,
    Role,
    Series,
    SeriesKey,
    Severity,
    SqlSource,
    Status,
    StoredState,
    Table,
    Validation,
    Verdict,
)
from lupus.stages import EnvironmentConnections, Settings, Workspace
from lupus.stages.drift import drift_intervals, measure_drift
from lupus.stages.dry import dry_workspace
from lupus.store import open_store

DAILY = Cadence(CadenceKind.DAILY)
EDGES = tuple(np.linspace(-4.0, 4.0, 33).tolist())
DATA = Table("data", Role.DATA, SqlSource("warehouse", table="t"), version="model")


def project(policy: DriftPolicy, *, cadence: Cadence = DAILY, **metrics: object) -> Project:
    return Project(
        "shop",
        "",
        cadence,
        datetime(2026, 1, 1, tzinfo=UTC),
        (DATA,),
        segments=(("country",),),
        metrics=MetricsPolicy(drift=policy, **metrics),  # type: ignore[arg-type]
    )


def day(number: int) -> Interval:
    return DAILY.shift(DAILY.parse("2026-01-01"), number)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings.from_environment({"LUPUS_HOME": str(tmp_path)})
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        store.upgrade()
        yield Workspace(settings, store, EnvironmentConnections({}))


def keep(
    workspace: Workspace, number: int, *, mean: float = 0.0, a: float = 0.5, rows: int = 1000, segment: str = ""
) -> None:
    """One day of the table: a number, a yes-or-no, a category with nulls, free text, and the model's version."""
    random = np.random.default_rng(number)
    values = random.normal(mean, 1, rows)
    counts = np.histogram(values, np.array([-np.inf, *EDGES, np.inf]))[0]
    beyond = float(np.maximum(EDGES[0] - values, 0).sum()), float(np.maximum(values - EDGES[-1], 0).sum())
    flags = Moments.of([float(one) for one in random.random(rows) < 0.3])
    letters = int(rows * 0.9 * a)
    payloads = {
        ("x", "moments"): Moments.of(values.tolist()).to_json(),
        ("x", "histogram"): Histogram(EDGES, tuple(counts.tolist()), beyond).to_json(),
        ("flag", "moments"): flags.to_json(),
        ("letter", "categories"): Categories({"b": int(rows * 0.9) - letters, "a": letters}, 0).to_json(),
        ("note", "categories"): Categories({}, rows).to_json(),
        ("model", "categories"): Categories({"v1": rows * (number < 10), "v2": rows * (number >= 10)}, 0).to_json(),
        ("x", "something_else"): {"counts": [1, 2, 3]},
    }
    states = [
        StoredState("shop", "data", column, segment, kind, day(number), payload)
        for (column, kind), payload in payloads.items()
    ]
    point = MetricPoint(
        Series(SeriesKey("shop", "data", "", "rows", segment), "input", "rows"), day(number), rows, rows
    )
    workspace.store.replace_points("shop", day(number), [point], scope=f"table:{segment or 'data'}", states=states)


def since(workspace: Workspace, number: int, *columns: str, version: int = 1) -> None:
    payload = {"edges": list(EDGES)}
    workspace.store.save_references(
        [Reference("shop", "data", column, version, day(number).key, payload) for column in columns]
    )


def found(points: list[MetricPoint]) -> dict[tuple[str, str], MetricPoint]:
    return {(one.series.key.column, one.series.key.metric): one for one in points}


ALL = DriftPolicy(
    metrics=(Distance.JS, Distance.WASSERSTEIN), against=("reference", "trailing", "weekday"), intervals=8, trailing=4
)


def test_every_column_is_compared_with_every_baseline(workspace: Workspace) -> None:
    since(workspace, 0, "x", "letter")
    for number in range(16):
        keep(workspace, number)
    keep(workspace, 16, mean=0.5, a=0.7)
    points = found(measure_drift(workspace, project(ALL), day(16)))
    assert sorted(points) == sorted(
        (column, f"{metric}{suffix}")
        for column, metrics in (("x", ("js", "wasserstein")), ("flag", ("js",)), ("letter", ("js",)))
        for metric in metrics
        for suffix in ("", "@trailing", "@weekday")
    )
    shift = points["x", "wasserstein"]
    assert shift.value == pytest.approx(0.5, abs=0.05)
    assert shift.low is not None
    assert shift.low > 0.4
    assert (shift.n, shift.series.unit, shift.series.group) == (1000, "std", "input")
    assert points["letter", "js@trailing"].value == pytest.approx(0.165, abs=0.02)
    assert points["flag", "js@weekday"].low == 0
    assert points["flag", "js@weekday"].series.tags == {"baseline": "weekday"}
    stored = workspace.store.points("shop", interval=day(16), metric="*@weekday")
    assert [one.low for one in stored] == [
        one.low for _, one in sorted(points.items()) if "weekday" in one.series.key.metric
    ]


def test_a_rerun_of_any_day_writes_the_same_also_when_later_days_are_there(workspace: Workspace) -> None:
    since(workspace, 0, "x", "letter")
    product = project(ALL)
    for number in range(12):
        keep(workspace, number, mean=number / 20)
        measure_drift(workspace, product, day(number))
    before = workspace.store.dump()
    for number in (11, 3, 0, 7):
        measure_drift(workspace, product, day(number))
    assert workspace.store.dump() == before
    # What is no longer asked for goes.
    measure_drift(workspace, project(DriftPolicy(metrics=())), day(11))
    assert not workspace.store.points("shop", interval=day(11), metric="js*")


def test_there_are_no_points_until_a_quarter_of_the_baseline_is_there(workspace: Workspace) -> None:
    since(workspace, 0, "x")
    product = project(ALL)
    for number in range(8):
        keep(workspace, number)
    names = [{metric for _, metric in found(measure_drift(workspace, product, day(number)))} for number in range(8)]
    assert names[0] == set()
    assert names[1] == {"js@trailing", "wasserstein@trailing"}  # one of four
    assert names[2] == names[1] | {"js", "wasserstein"}  # two of eight
    assert names[7] == names[2]  # one of eight weeks is not enough


def test_what_is_no_baseline_is_left_out(workspace: Workspace) -> None:
    since(workspace, 0, "x", "letter")
    product = project(DriftPolicy(metrics=(Distance.WASSERSTEIN,), intervals=6))
    for number in range(8):
        keep(workspace, number, mean=5.0 if number in (2, 4) else 0.0)
    spoilt = found(measure_drift(workspace, product, day(7)))["x", "wasserstein"]
    assert spoilt.value is not None
    assert spoilt.value > 0.3
    failed = ExpectationOutcome("x", "between", "x", ExpectationSeverity.CRITICAL, False, 1.0, "", {})
    workspace.store.save_validation(Validation("shop", "data", day(2), "suite", (failed,)))
    series = SeriesKey("shop", "data", "x", "mean")
    workspace.store.upsert_points([MetricPoint(Series(series, "input"), day(4), 5.0, 1000)], scope="table:data")
    verdict = Verdict(series, day(4), "recent_average", Status.ANOMALY, 5.0, "too high", Severity.HIGH)
    incident = Incident(
        "i", "shop", IncidentState.RESOLVED, Severity.HIGH, day(4), day(4), (Finding(day(4), verdict),), "x"
    )
    workspace.store.save_incidents([incident])
    half = found(measure_drift(workspace, product, day(7)))["x", "wasserstein"]
    assert half.value is not None
    assert 0.2 < half.value < spoilt.value * 3
    workspace.store.save_incidents([replace(incident, outcome=Outcome.FIXED)])
    clean = found(measure_drift(workspace, product, day(7)))["x", "wasserstein"]
    assert clean.low == 0
    workspace.store.save_incidents([replace(incident, outcome=Outcome.FALSE_ALARM)])
    assert found(measure_drift(workspace, product, day(7)))["x", "wasserstein"].value == half.value


def test_states_written_elsewhere_are_seen(workspace: Workspace, tmp_path: Path) -> None:
    since(workspace, 0, "x")
    product = project(DriftPolicy(metrics=(Distance.WASSERSTEIN,), intervals=4))
    for number in range(5):
        keep(workspace, number)
    before = found(measure_drift(workspace, product, day(4)))["x", "wasserstein"]
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as other:
        keep(replace(workspace, store=other), 1, mean=3.0)
    after = found(measure_drift(workspace, product, day(4)))["x", "wasserstein"]
    assert before.low == 0
    assert after.value is not None
    assert after.value > 0.3


def test_few_rows_are_a_failure_that_says_so(workspace: Workspace) -> None:
    since(workspace, 0, "x")
    for number in range(4):
        keep(workspace, number, rows=40 if number == 3 else 1000)
    point = found(measure_drift(workspace, project(DriftPolicy(intervals=4)), day(3)))["x", "js"]
    assert point.value is None
    assert point.failure is not None
    assert point.failure.reason == "there are 40 rows, fewer than the 50 of metrics.drift.min_rows"
    assert point.n == 40


def test_a_new_version_of_a_reference_begins_a_new_baseline(workspace: Workspace) -> None:
    since(workspace, 0, "x")
    product = project(DriftPolicy(metrics=(Distance.WASSERSTEIN,), intervals=4))
    for number in range(12):
        keep(workspace, number, mean=2.0 if number > 5 else 0.0)
    assert found(measure_drift(workspace, product, day(11)))["x", "wasserstein"].value == pytest.approx(2.0, abs=0.15)
    since(workspace, 6, "x", version=2)
    assert found(measure_drift(workspace, product, day(11)))["x", "wasserstein"].low == 0


def test_a_named_range_is_the_reference_of_all_columns(workspace: Workspace) -> None:
    policy = DriftPolicy(metrics=(Distance.WASSERSTEIN,), first=day(3).start, last=day(6).start)
    for number in range(9):
        keep(workspace, number, mean=1.0 if number < 3 else 0.0)
    product = project(policy)
    assert [one.key for one in sorted(drift_intervals(product, day(8), ()))] == [day(n).key for n in (3, 4, 5)]
    assert found(measure_drift(workspace, product, day(8)))["x", "wasserstein"].low == 0
    assert [one.key for one in sorted(drift_intervals(product, day(4), ()))] == [day(3).key]


def test_columns_and_metrics_can_be_left_out(workspace: Workspace) -> None:
    since(workspace, 0, "x")
    for number in range(10):
        keep(workspace, number)
    chosen = replace(ALL, columns=("*", "!flag"))
    assert {column for column, _ in found(measure_drift(workspace, project(chosen), day(9)))} == {"x", "letter"}
    points = measure_drift(workspace, project(ALL, exclude=("wasserstein*", "js@*")), day(9))
    assert {metric for _, metric in found(points)} == {"js"}


def test_segments_are_compared_with_each_other_and_with_their_own_past(workspace: Workspace) -> None:
    since(workspace, 0, "x")
    for number in range(6):
        for segment, mean in (("", 0.0), ("country=JP", 0.0), ("country=US", 0.7), ("device=tv", 9.0)):
            keep(workspace, number, segment=segment, mean=mean)
    policy = DriftPolicy(metrics=(Distance.WASSERSTEIN,), against=("reference", "country=JP"), intervals=6)
    points = measure_drift(workspace, project(policy), day(5))
    by_segment = {(one.series.key.segment, one.series.key.metric): one.value for one in points}
    assert set(by_segment) == {("", "wasserstein"), ("country=US", "wasserstein@country=JP")}
    assert by_segment["country=US", "wasserstein@country=JP"] == pytest.approx(0.7, abs=0.1)
    points = measure_drift(workspace, project(policy, segment_metrics=("wasserstein",)), day(5))
    of_segments = {one.series.key.segment for one in points if one.series.key.metric == "wasserstein"}
    assert of_segments == {"", "country=JP", "country=US", "device=tv"}


def test_the_same_weekday_and_hour_of_earlier_weeks() -> None:
    weekday = DriftPolicy(against=("weekday",), weeks=3)
    zone = "America/New_York"  # the clocks change on 8 March
    for kind, now, expected in (
        (CadenceKind.DAILY, "2026-03-12", ["2026-02-19", "2026-02-26", "2026-03-05"]),
        (CadenceKind.HOURLY, "2026-03-12T14Z", ["2026-02-19T15Z", "2026-02-26T15Z", "2026-03-05T15Z"]),
        (CadenceKind.WEEKLY, "2026-03-09", ["2026-02-16", "2026-02-23", "2026-03-02"]),
    ):
        cadence = Cadence(kind, timezone=zone)
        product = project(weekday, cadence=cadence)
        assert [one.key for one in sorted(drift_intervals(product, cadence.parse(now), ()))] == expected
    product = project(weekday)
    assert [one.key for one in drift_intervals(product, day(8), ())] == [day(1).key]  # nothing before the start


def test_a_dry_run_knows_the_reference(workspace: Workspace) -> None:
    since(workspace, 0, "x", "letter")
    product = project(replace(ALL, against=("reference",)))
    for number in range(20):
        keep(workspace, number, mean=9.0 if number == 3 else 0.0)
    failed = ExpectationOutcome("x", "between", "x", ExpectationSeverity.CRITICAL, False, 1.0, "", {})
    workspace.store.save_validation(Validation("shop", "data", day(3), "suite", (failed,)))
    real = measure_drift(workspace, product, day(19))
    with dry_workspace(workspace, product, day(19)) as trial:
        assert measure_drift(trial, product, day(19)) == real
    assert found(real)["x", "wasserstein"].low == 0


def test_the_store_is_asked_a_few_questions_however_much_there_is(workspace: Workspace) -> None:
    from sqlalchemy import event

    since(workspace, 0, "x", "letter")
    for number in range(20):
        keep(workspace, number)
    product, asked = project(ALL), []
    measure_drift(workspace, product, day(18))

    engine = workspace.store._database.engine  # the number of queries is what is tested
    event.listen(engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    measure_drift(workspace, product, day(19))
    assert sum("FROM states" in statement for statement in asked) <= 2  # the one read, and the rerun's own
    assert len(asked) < 25
