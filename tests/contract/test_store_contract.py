"""What the store promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from lupus.model import (
    Cadence,
    CadenceKind,
    ConflictError,
    EventKind,
    ExpectationOutcome,
    ExpectationSeverity,
    Failure,
    FailureKind,
    Finding,
    Incident,
    IncidentEvent,
    IncidentState,
    Interval,
    MetricPoint,
    Notice,
    NoticeState,
    Outcome,
    Reason,
    Reference,
    RetrainRequest,
    RetrainState,
    Series,
    SeriesKey,
    Severity,
    Status,
    StoredState,
    StoreError,
    Validation,
    Verdict,
    event_id,
    notice_id,
    retrain_id,
)
from lupus.store import Store, open_store

DAILY = Cadence(CadenceKind.DAILY, timezone="America/New_York")
DAYS = list(DAILY.between(DAILY.parse("2013-03-07"), DAILY.parse("2013-03-14")))  # the clocks change on the 10th
NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
NASTY = "'; DROP TABLE points; -- \"`%s :x {0} \\0 \\ \x00 \r\n ☃ 🦊 " + "long " * 2000


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new folder' / 'lupus.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def series(metric: str, *, table: str = "data", column: str = "delay", segment: str = "", project: str = "flights"):
    return Series(SeriesKey(project, table, column, metric, segment), "input", "ratio", {"team": "ops"})


def point(one: Series, day: Interval, value: float = 1.0, *, n: int = 10, maturity: float | None = None):
    return MetricPoint(one, day, value, n, None, maturity)


def verdict(one: Series, day: Interval, status: Status = Status.OK, rule: str = "recent average", **more) -> Verdict:
    severity = Severity.HIGH if status.is_finding else None
    more.setdefault("sentence", f"{one.key} is {status}")
    return Verdict(one.key, day, rule, status, 1.5, severity=severity, **more)


MEAN, STD, ROWS = series("mean"), series("std"), series("rows", column="")
AUC = series("roc_auc", table="prediction", column="score")


# Points


def test_points_come_back_as_they_were(store: Store) -> None:
    points = [
        MetricPoint(MEAN, DAYS[0], 0.1 + 0.2, 1_000, None, 0.25, 0.1, 0.7),
        MetricPoint(STD, DAYS[0], None, 0, Failure(FailureKind.WRONG_TYPE, "text in a numeric column")),
        MetricPoint(ROWS, DAYS[0], float("inf"), 2**40),
    ]
    store.replace_points("flights", DAYS[0], points, scope="table:data")
    found = store.points("flights")
    assert found == sorted(points, key=lambda p: p.series.key)
    assert dict(found[0].series.tags) == {"team": "ops"}
    assert store.series("flights") == {p.series.key: p.series for p in points}


def test_a_rerun_leaves_identical_rows_and_removes_what_is_gone(store: Store) -> None:
    points = [point(MEAN, DAYS[0], 1.0), point(STD, DAYS[0], 2.0)]
    store.replace_points("flights", DAYS[0], points, scope="table:data")
    store.replace_verdicts("flights", [DAYS[0]], [verdict(MEAN, DAYS[0]), verdict(STD, DAYS[0])])
    before = store.dump(wall_clock=True)
    store.replace_points("flights", DAYS[0], points[::-1], scope="table:data")
    store.replace_verdicts("flights", [DAYS[0]], [verdict(STD, DAYS[0]), verdict(MEAN, DAYS[0])])
    assert store.dump(wall_clock=True) == before

    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0], 3.0)], scope="table:data")
    assert store.points("flights") == [point(MEAN, DAYS[0], 3.0)]
    assert store.verdicts("flights") == [verdict(MEAN, DAYS[0])]


def test_replacing_touches_only_its_scope_interval_and_project(store: Store) -> None:
    other = series("mean", project="taxis")
    kept = [point(MEAN, DAYS[1]), point(AUC, DAYS[0], 0.7, maturity=0.5), point(other, DAYS[0])]
    store.replace_points("flights", DAYS[1], [kept[0]], scope="table:data")
    store.replace_points("flights", DAYS[0], [kept[1]], scope="evaluation")
    store.replace_points("taxis", DAYS[0], [kept[2]], scope="table:data")
    store.replace_points("flights", DAYS[0], [point(STD, DAYS[0])], scope="table:data")
    store.replace_points("flights", DAYS[0], [], scope="table:data")
    assert store.points("flights") == [kept[1], kept[0]]
    assert store.points("taxis") == [kept[2]]


def test_a_series_that_changes_its_scope_leaves_nothing_behind(store: Store) -> None:
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="old")
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0], 2.0), point(STD, DAYS[0])], scope="new")
    store.replace_points("flights", DAYS[0], [], scope="old")
    assert len(store.points("flights")) == 2
    store.replace_points("flights", DAYS[0], [], scope="new")
    assert store.points("flights") == []


def test_pushed_points_remove_nothing_and_may_span_projects(store: Store) -> None:
    store.upsert_points([point(MEAN, DAYS[0]), point(series("auc", project="taxis"), DAYS[1])], scope="pushed")
    store.upsert_points([point(STD, DAYS[0]), point(MEAN, DAYS[0], 5.0), point(MEAN, DAYS[2], 6.0)], scope="pushed")
    store.upsert_points([], scope="pushed")
    assert store.points("flights") == [point(MEAN, DAYS[0], 5.0), point(STD, DAYS[0]), point(MEAN, DAYS[2], 6.0)]
    assert [one.name for one in store.projects()] == ["flights", "taxis"]


def test_of_two_points_of_one_series_the_last_counts(store: Store) -> None:
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0], 1.0), point(MEAN, DAYS[0], 2.0)], scope="x")
    assert store.points("flights") == [point(MEAN, DAYS[0], 2.0)]


def test_a_nan_becomes_a_failure_and_harms_no_other(store: Store) -> None:
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0], float("nan")), point(STD, DAYS[0])], scope="x")
    broken, fine = store.points("flights")
    assert broken.value is None
    assert broken.failure == Failure(FailureKind.UNDEFINED, "the value is not a number")
    assert fine == point(STD, DAYS[0])


def test_points_of_another_interval_or_project_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="no point of flights at 2013-03-08"):
        store.replace_points("flights", DAYS[1], [point(MEAN, DAYS[1]), point(STD, DAYS[0])], scope="x")
    with pytest.raises(StoreError, match="no point of taxis"):
        store.replace_points("taxis", DAYS[0], [point(MEAN, DAYS[0])], scope="x")
    assert store.points("flights") == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, 8),
        ({"metric": "mean"}, 4),
        ({"metric": "m*"}, 4),
        ({"metric": "ro[ac]*"}, 2),
        ({"table": "prediction"}, 2),
        ({"segment": ""}, 6),
        ({"segment": "origin=*"}, 2),
        ({"interval": DAYS[1]}, 4),
        ({"intervals": DAYS[:1]}, 4),
        ({"metric": "nothing"}, 0),
        ({"limit": 0}, 0),
        ({"limit": 3}, 3),
        ({"limit": 99}, 8),
    ],
)
def test_points_are_found_by_names_and_patterns(store: Store, asked: dict, expected: int) -> None:
    everything = [MEAN, series("mean", segment="origin=JFK"), ROWS, AUC]
    for day in DAYS[:2]:
        store.replace_points("flights", day, [point(one, day) for one in everything], scope="x")
    found = store.points("flights", **asked)
    assert len(found) == expected
    assert found == sorted(found, key=lambda p: (p.interval.start, p.series.key))
    if "limit" in asked and expected:
        assert found[-1].interval == DAYS[1]


def test_names_are_any_text(store: Store) -> None:
    nasty = Series(SeriesKey(NASTY, NASTY, NASTY, NASTY, NASTY), NASTY, NASTY, {NASTY: NASTY})
    hurt = MetricPoint(nasty, DAYS[0], None, 1, Failure(FailureKind.INVALID, NASTY))
    said = Verdict(nasty.key, DAYS[0], NASTY, Status.ERROR, None, NASTY, Severity.LOW)
    store.replace_points(NASTY, DAYS[0], [hurt], scope=NASTY)
    store.replace_verdicts(NASTY, [DAYS[0]], [said])
    store.save_references([Reference(NASTY, NASTY, NASTY, 1, NASTY, {NASTY: [NASTY]})])
    store.save_states([StoredState(NASTY, NASTY, NASTY, NASTY, NASTY, DAYS[0], {NASTY: NASTY})])
    outcome = ExpectationOutcome(NASTY, NASTY, NASTY, ExpectationSeverity.INFO, False, 0.5, NASTY, {NASTY: NASTY})
    store.save_validation(Validation(NASTY, NASTY, DAYS[0], NASTY, (outcome,)))
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope=NASTY)
    before = store.dump()
    store.replace_points(NASTY, DAYS[0], [hurt], scope=NASTY)
    store.replace_verdicts(NASTY, [DAYS[0]], [said])
    assert store.dump() == before
    assert store.points(NASTY) == [hurt] == store.points(NASTY, metric=NASTY, table=NASTY)
    assert dict(store.points(NASTY)[0].series.tags) == {NASTY: NASTY}
    assert store.verdicts(NASTY) == [said] == store.verdicts(NASTY, findings_only=True)
    assert store.references(NASTY)[0].payload == {NASTY: [NASTY]}
    assert store.states(NASTY, NASTY, NASTY, NASTY, NASTY, DAYS)[0].payload == {NASTY: NASTY}
    assert store.validations(NASTY, DAYS) == [Validation(NASTY, NASTY, DAYS[0], NASTY, (outcome,))]
    assert store.history(NASTY, DAYS).failures == {(0, 0): hurt.failure}
    assert store.points("flights") == [point(MEAN, DAYS[0])]


def test_two_series_with_one_id_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x")
    taken = MEAN.key.id
    monkeypatch.setattr(SeriesKey, "id", property(lambda _: taken))
    with pytest.raises(StoreError, match="have the same id"):
        store.replace_points("flights", DAYS[0], [point(STD, DAYS[0])], scope="x")
    with pytest.raises(StoreError, match="rename"):
        store.upsert_points([point(series("auc", project="taxis"), DAYS[0])], scope="x")
    assert store.points("flights") == [point(MEAN, DAYS[0])]
    assert [one.name for one in store.projects()] == ["flights"]


def test_what_is_said_of_a_series_follows_the_last_writer_even_in_open_stores(store: Store, url: str) -> None:
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x")
    assert store.series("flights")[MEAN.key].group == "input"
    with open_store(url) as other:
        other.replace_points("flights", DAYS[0], [point(replace(MEAN, group="own", tags={}), DAYS[0])], scope="x")
    assert store.series("flights")[MEAN.key].group == "own"
    assert dict(store.series("flights")[MEAN.key].tags) == {}
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x")
    with open_store(url) as other:
        assert other.series("flights")[MEAN.key].group == "input"


def test_a_write_that_fails_leaves_nothing_and_is_not_believed(store: Store) -> None:
    with pytest.raises(StoreError, match="no state of flights"):
        store.replace_points(
            "flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x",
            states=[StoredState("flights", "data", "delay", "", "moments", DAYS[1], {})],
        )  # fmt: skip
    assert not any(store.dump().values())
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x")
    assert store.points("flights") == [point(MEAN, DAYS[0])]


def test_a_write_whose_very_end_fails_is_not_believed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store._database.engine.dialect, "do_commit", full)
        with pytest.raises(OSError, match="full"):
            store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x")
    assert not any(store.dump().values())
    store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x")
    assert store.points("flights") == [point(MEAN, DAYS[0])]


def test_what_is_written_together_is_stored_at_once(store: Store, url: str) -> None:
    first, second = point(MEAN, DAYS[0]), point(MEAN, DAYS[1])
    with open_store(url) as other, ThreadPoolExecutor(1) as thread:
        with store.together("flights"):
            store.replace_points("flights", DAYS[0], [first], scope="x")
            store.replace_points("flights", DAYS[1], [second], scope="x")
            assert store.points("flights") == [first, second]
            assert other.points("flights") == []
            assert thread.submit(store.points, "flights").result() == []  # of another thread it is none of its business
        assert other.points("flights") == [first, second]


def test_of_what_was_to_be_written_together_nothing_is_left_after_an_error(store: Store) -> None:
    def write() -> None:
        store.replace_points("flights", DAYS[0], [point(MEAN, DAYS[0])], scope="x")

    def write_and_fail() -> None:
        with store.together("flights"):
            write()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert not any(store.dump().values())
    write()  # neither the project, nor the interval, nor the series is believed to be there
    assert store.points("flights") == [point(MEAN, DAYS[0])]


# History


def history_store(store: Store) -> None:
    for index, day in enumerate(DAYS[:4]):
        failed = MetricPoint(STD, day, None, 3, Failure(FailureKind.NO_DATA, "late"))
        points = [point(MEAN, day, float(index), n=index + 1), failed] if index != 2 else []
        store.replace_points("flights", day, points, scope="table:data")
        store.replace_points("flights", day, [point(AUC, day, 0.7, maturity=0.5)], scope="evaluation")


def test_history_is_the_points_as_matrices(store: Store) -> None:
    history_store(store)
    history = store.history("flights", DAYS[1:5])
    assert [one.key for one in history.series] == sorted([MEAN.key, STD.key, AUC.key])
    assert history.intervals == tuple(DAYS[1:5])
    np.testing.assert_array_equal(history.values[0], [1.0, np.nan, 3.0, np.nan])
    np.testing.assert_array_equal(history.values[1], [np.nan] * 4)
    np.testing.assert_array_equal(history.n[0], [2, 0, 4, 0])
    np.testing.assert_array_equal(history.maturity[2], [0.5, 0.5, 0.5, np.nan])
    assert history.failures == {(1, at): Failure(FailureKind.NO_DATA, "late") for at in (0, 2)}
    assert not history.excluded.any()
    assert history.closed.all()
    assert store.history("flights", DAYS[1:5], scopes=["evaluation"]).series == (history.series[2],)


def test_history_has_the_confidence_intervals_when_there_are_any(store: Store) -> None:
    history_store(store)
    before = store.history("flights", DAYS[1:5])
    assert (before.low, before.high) == (None, None)
    sure = MetricPoint(series("psi"), DAYS[3], 0.3, 500, None, None, 0.25, 0.35)
    store.upsert_points([sure], scope="drift")
    history = store.history("flights", DAYS[1:5])
    row = [one.key.metric for one in history.series].index("psi")
    assert history.low is not None
    assert history.high is not None
    np.testing.assert_array_equal(history.low[row], [np.nan, np.nan, 0.25, np.nan])
    np.testing.assert_array_equal(history.high[row], [np.nan, np.nan, 0.35, np.nan])
    assert np.isnan(np.delete(history.low, row, axis=0)).all()


def test_history_of_nothing_has_no_series(store: Store) -> None:
    assert store.history("nobody", DAYS).values.shape == (0, len(DAYS))
    history_store(store)
    assert store.history("flights", DAYS[5:]).values.shape == (0, 3)
    assert store.history("flights", []).values.shape == (0, 0)
    assert store.history("flights", DAYS[:2], scopes=[]).series == ()


def test_history_sees_what_other_processes_write(store: Store, url: str) -> None:
    history_store(store)
    assert store.history("flights", DAYS[:2]).values[0, 1] == 1.0
    with open_store(url) as other:
        other.replace_points("flights", DAYS[1], [point(MEAN, DAYS[1], 9.0), point(ROWS, DAYS[1])], scope="table:data")
        other.replace_points("flights", DAYS[0], [], scope="evaluation")
    history = store.history("flights", DAYS[:2])
    assert [one.key for one in history.series] == sorted([MEAN.key, STD.key, ROWS.key, AUC.key])
    assert history.values[[one.key for one in history.series].index(MEAN.key), 1] == 9.0
    assert np.isnan(history.values[-1, 0])
    with open_store(url) as fresh:
        np.testing.assert_array_equal(fresh.history("flights", DAYS[:2]).values, history.values)


@pytest.mark.parametrize(
    ("severity", "success", "excluded"),
    [("critical", False, True), ("critical", True, False), ("warning", False, False)],
)
def test_history_excludes_tables_that_failed_critical_validation(
    store: Store, severity: str, success: bool, excluded: bool
) -> None:
    history_store(store)
    outcome = ExpectationOutcome("a", "b", "", ExpectationSeverity(severity), success, None, "", {})
    store.save_validation(Validation("flights", "data", DAYS[1], "suite", (outcome,)))
    history = store.history("flights", DAYS[:3])
    expected = np.zeros((3, 3), dtype=bool)
    expected[:2, 1] = excluded  # mean and std of the table "data"; not the prediction's AUC
    np.testing.assert_array_equal(history.excluded, expected)


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_history_excludes_findings_that_a_person_judged_to_be_faults(store: Store, outcome: Outcome | None) -> None:
    history_store(store)
    store.save_incidents([incident(outcome=outcome)])
    history = store.history("flights", DAYS[:3])
    expected = np.zeros((3, 3), dtype=bool)
    if outcome in (Outcome.FIXED, Outcome.EXPECTED):
        expected[0, :2] = expected[2, 1] = True  # mean on two days, AUC on the second
    np.testing.assert_array_equal(history.excluded, expected)


# Verdicts


def test_verdicts_come_back_as_they_were(store: Store) -> None:
    history_store(store)
    said = [
        verdict(MEAN, DAYS[0], Status.ANOMALY, expected=1.0, lower=-1.0, upper=float("inf"), score=2.5),
        verdict(MEAN, DAYS[0], Status.OK, rule="limit"),
        verdict(STD, DAYS[0], Status.NO_DATA, expected=float("nan")),
    ]
    store.replace_verdicts("flights", [DAYS[0]], said)
    found = store.verdicts("flights")
    assert [(v.series, v.rule) for v in found] == sorted((v.series, v.rule) for v in said)
    assert replace(said[0]) in found
    assert found[-1].expected is None  # NaN is no expectation
    assert [v.status for v in store.verdicts("flights", findings_only=True)] == [Status.ANOMALY, Status.NO_DATA]
    assert len(store.verdicts("flights", series=[STD.key])) == 1
    assert store.verdicts("flights", intervals=[DAYS[1]]) == []


def test_verdicts_of_the_intervals_are_replaced_and_no_others(store: Store) -> None:
    history_store(store)
    for day in DAYS[:3]:
        store.replace_verdicts("flights", [day], [verdict(AUC, day), verdict(MEAN, day)])
    store.replace_verdicts("flights", DAYS[1:3], [verdict(AUC, DAYS[2], Status.ANOMALY)], scopes=["evaluation"])
    assert [(v.interval, v.series, v.status) for v in store.verdicts("flights")] == [
        (DAYS[0], MEAN.key, Status.OK),
        (DAYS[0], AUC.key, Status.OK),
        (DAYS[1], MEAN.key, Status.OK),
        (DAYS[2], MEAN.key, Status.OK),
        (DAYS[2], AUC.key, Status.ANOMALY),
    ]
    store.replace_verdicts("flights", DAYS[1:3], [verdict(MEAN, DAYS[1], Status.WARN)])
    assert [v.status for v in store.verdicts("flights")] == [Status.OK, Status.OK, Status.WARN]
    store.replace_verdicts("flights", [], [])
    assert len(store.verdicts("flights")) == 3


def test_verdicts_on_nothing_and_outside_are_refused(store: Store) -> None:
    history_store(store)
    with pytest.raises(StoreError, match="save its points first"):
        store.replace_verdicts("flights", [DAYS[0]], [verdict(MEAN, DAYS[0]), verdict(ROWS, DAYS[0])])
    with pytest.raises(StoreError, match="outside the intervals"):
        store.replace_verdicts("flights", [DAYS[0]], [verdict(MEAN, DAYS[0]), verdict(MEAN, DAYS[1])])
    assert store.verdicts("flights") == []


# States, references, validations, projects, runs


def state(day: Interval, kind: str = "moments", **payload) -> StoredState:
    return StoredState("flights", "data", "delay", "", kind, day, payload)


def test_states_are_replaced_by_name_and_found_by_any_part_of_it(store: Store) -> None:
    store.save_states([state(DAYS[0], n=1), state(DAYS[1], n=2, mean=[0.1, None]), state(DAYS[0], "histogram")])
    store.save_states([state(DAYS[0], n=3)])
    assert store.states("flights", "data", "delay", "", "moments", DAYS) == [
        state(DAYS[0], n=3),
        state(DAYS[1], n=2, mean=[0.1, None]),
    ]
    assert len(store.states("flights", "data")) == 3
    assert store.states("flights", "data", intervals=DAYS[1:]) == [state(DAYS[1], n=2, mean=[0.1, None])]
    assert store.states("flights", "prediction") == store.states("flights", "data", segment="origin=JFK") == []


def test_states_written_with_points_are_replaced_with_them(store: Store) -> None:
    points = [point(MEAN, DAYS[0])]
    store.replace_points("flights", DAYS[0], points, scope="a", states=[state(DAYS[0]), state(DAYS[0], "histogram")])
    store.replace_points("flights", DAYS[0], [], scope="b", states=[])
    store.replace_points("flights", DAYS[0], points, scope="a")
    assert len(store.states("flights", "data")) == 2
    store.replace_points("flights", DAYS[0], points, scope="a", states=[state(DAYS[0])])
    assert store.states("flights", "data") == [state(DAYS[0])]


def test_the_first_writer_of_a_reference_wins(store: Store) -> None:
    first = Reference("flights", "data", "delay", 1, "2013-03-07", {"edges": [0.0, 0.1]})
    store.save_references([first])
    store.save_references([replace(first, payload={"edges": [5.0]}), replace(first, version=2)])
    store.save_references([])
    assert store.references("flights") == (first, replace(first, version=2))
    assert store.references("flights", "data") == store.references("flights")
    assert store.references("flights", "prediction") == ()


def test_validations_keep_their_outcomes_in_order(store: Store) -> None:
    outcomes = tuple(
        ExpectationOutcome(name, "not_null", "delay", ExpectationSeverity.WARNING, False, 0.5, "why", {"a": [1, None]})
        for name in ("z", "a")
    )
    validation = Validation("flights", "data", DAYS[0], "suite", outcomes)
    store.save_validation(validation)
    empty = Validation("flights", "arrivals", DAYS[0], "suite", ())
    store.save_validation(empty)
    assert store.validations("flights", DAYS) == [empty, validation]
    store.save_validation(replace(validation, outcomes=outcomes[:1]))
    assert store.validations("flights")[1].outcomes == outcomes[:1]
    store.replace_validation("flights", "data", DAYS[0], None)
    store.replace_validation("flights", "nothing", DAYS[0], None)
    store.replace_validation("flights", "arrivals", DAYS[0], replace(empty, suite="other"))
    assert store.validations("flights", DAYS[:1]) == [replace(empty, suite="other")]
    assert store.validations("flights", DAYS[1:]) == []
    assert store.dump()["outcomes"] == []


def test_payloads_may_hold_what_json_does_not_know(store: Store) -> None:
    details = {"when": DAYS[0].start, "count": np.int64(3), "kinds": {"b", "a"}, "inner": {"x": np.float64(0.5)}}
    outcome = ExpectationOutcome("a", "b", "", ExpectationSeverity.INFO, np.bool_(True), None, "", details)
    store.save_validation(Validation("flights", "data", DAYS[0], "s", (outcome,)))
    stored = store.validations("flights")[0].outcomes[0]
    assert stored.success is True
    assert stored.details == {"when": str(DAYS[0].start), "count": 3, "kinds": ["a", "b"], "inner": {"x": 0.5}}


def test_projects_and_runs(store: Store) -> None:
    store.start_run("flights", DAYS[0], "measure", NOON)
    store.save_project("flights", owner="ml", cadence="daily", about={"tags": ["a"]})
    store.save_project("flights", owner="ml2", cadence="daily", about={"tags": ["a"]})
    assert [(one.name, one.owner, one.about) for one in store.projects()] == [("flights", "ml2", {"tags": ["a"]})]
    (run,) = store.runs("flights")
    assert (run.interval, run.stage, run.status, run.started_at, run.finished_at) == (
        DAYS[0], "measure", "running", NOON, None,
    )  # fmt: skip
    store.finish_run("flights", DAYS[0], "measure", NOON, "ok", "12 points")
    store.finish_run("flights", DAYS[0], "act", NOON + timedelta(seconds=1), "failed")
    first, second = store.runs("flights")
    assert (first.status, first.detail, first.started_at, first.finished_at) == ("ok", "12 points", NOON, NOON)
    assert (second.status, second.started_at) == ("failed", None)
    store.start_run("flights", DAYS[0], "measure", NOON)
    assert store.runs("flights")[0].finished_at is None
    assert store.runs("taxis") == store.runs(intervals=DAYS[1:]) == []
    content = [row[2:] for row in store.dump()["runs"]]
    assert content == [("act", "failed", ""), ("measure", "running", "")]  # and no time of day
    assert [len(row) for row in store.dump(wall_clock=True)["runs"]] == [7, 7]


# Incidents, notices, retraining


NOW = datetime(2026, 11, 29, 8, 30, tzinfo=UTC)


def incident(**changes) -> Incident:
    findings = (
        Finding(DAYS[1], verdict(MEAN, DAYS[0], Status.ANOMALY, score=3.0)),
        Finding(DAYS[1], verdict(MEAN, DAYS[1], Status.NO_DATA, rule="limit")),
        Finding(DAYS[2], verdict(AUC, DAYS[1], Status.ERROR)),
    )
    one = Incident(
        "i1", "flights", IncidentState.OPEN, Severity.HIGH, DAYS[1], DAYS[2], findings, "Mean of data.delay fell"
    )
    return replace(one, **changes)


@pytest.fixture
def filled(store: Store) -> Store:
    history_store(store)
    return store


def test_incidents_come_back_with_their_findings_newest_first(filled: Store) -> None:
    old = incident()
    new = incident(
        id="i2", first=DAYS[3], last=DAYS[4], state=IncidentState.RESOLVED, outcome=Outcome.EXPECTED, clean=2,
        muted_until="2013-04-01", comment="storm", by="vera", findings=old.findings[:1],
    )  # fmt: skip
    filled.save_incidents([old, new])
    assert filled.incidents("flights") == filled.incidents() == [new, old]
    assert filled.incidents("flights", active_only=True) == [old]
    assert filled.incidents(since=DAYS[3]) == [new]
    assert filled.incidents("taxis") == []
    assert filled.incident("i1") == old
    with pytest.raises(StoreError, match="no incident 'i9'"):
        filled.incident("i9")


def test_findings_of_a_saved_incident_are_replaced(filled: Store) -> None:
    filled.save_incidents([incident()])
    fewer = incident(findings=incident().findings[1:], title="other")
    filled.save_incidents([fewer], delete=["never was"])
    assert filled.incidents() == [fewer]
    filled.save_incidents([], delete=["i1", "i1"])
    assert filled.incidents() == filled.dump()["findings"] == []


def test_a_finding_on_an_unknown_series_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="save its points first"):
        store.save_incidents([incident()])
    assert store.dump()["incidents"] == []


def notice(day: Interval = DAYS[1], state: NoticeState = NoticeState.PENDING, **more) -> Notice:
    to = more.pop("destination", "outbox")
    return Notice(
        notice_id("i1", day, to),
        "flights",
        "i1",
        day,
        to,
        Reason.FIRST,
        state,
        {"text": "☃ <x>", "blocks": [{}]},
        **more,
    )


def request(day: Interval = DAYS[1], state: RetrainState = RetrainState.REQUESTED, **more) -> RetrainRequest:
    return RetrainRequest(
        retrain_id("flights", day), "flights", day, "retrain_flights", state, ("auc fell",), {"days": 60}, "i1", **more
    )


def test_act_is_committed_as_a_whole_or_not_at_all(filled: Store) -> None:
    with pytest.raises(StoreError, match="is of flights at 2013-03-09"):
        filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice()], retrain=request(DAYS[2]))
    assert filled.incidents() == filled.notices() == filled.retrain_requests() == []
    with pytest.raises(StoreError, match="not flights at 2013-03-09"):
        filled.commit_act("flights", DAYS[2], incidents=[], notices=[notice()])
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice()], retrain=request())
    assert filled.incidents() == [incident()]
    assert filled.notices("flights") == [notice()] == filled.notices(state=NoticeState.PENDING, incident="i1")
    assert filled.retrain_requests("flights") == [request()]


def test_a_rerun_sends_no_second_message(filled: Store) -> None:
    other = notice(destination="slack:x:#y")
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice(), other])
    filled.mark_notice(notice().id, NoticeState.PENDING, error="timeout", delivered_at=NOON)
    filled.mark_notice(notice().id, NoticeState.SENT, receipt="ts1", delivered_at=NOON)
    filled.mark_notice(other.id, NoticeState.FAILED, error="channel_not_found")
    sent = notice(state=NoticeState.SENT, receipt="ts1", attempts=2)
    assert sent in filled.notices()
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[notice(), other])
    assert sorted(filled.notices(), key=lambda n: n.destination) == [sent, other]
    filled.commit_act("flights", DAYS[1], incidents=[incident()], notices=[])
    assert filled.notices() == [sent]  # what was sent cannot be unsent
    with pytest.raises(StoreError, match="no notice"):
        filled.mark_notice(other.id, NoticeState.SENT)


@pytest.mark.parametrize("state", list(RetrainState))
def test_an_executed_retrain_request_is_kept(filled: Store, state: RetrainState) -> None:
    filled.commit_act("flights", DAYS[1], incidents=[], retrain=request())
    filled.mark_retrain(request().id, state, "because", executed_at=NOON)
    marked = request(state=state, note="because")
    assert filled.retrain_requests() == [marked]
    filled.commit_act("flights", DAYS[1], incidents=[], retrain=request())
    assert filled.retrain_requests() == [marked if state.settled else request()]
    filled.commit_act("flights", DAYS[2], incidents=[])
    assert len(filled.retrain_requests()) == 1
    filled.commit_act("flights", DAYS[1], incidents=[])
    assert filled.retrain_requests() == ([marked] if state.settled else [])
    with pytest.raises(StoreError, match="no retrain request"):
        filled.mark_retrain("nothing", state)


def acknowledged(one: Incident, _events: list[IncidentEvent], by: str = "vera") -> tuple[Incident, IncidentEvent]:
    kind = EventKind.ACKNOWLEDGED
    event = IncidentEvent(
        event_id(one.id, kind, str(one.version + 1)), "flights", one.id, kind, f"{by} took it", by=by, at=NOW,
        details={"before": {"acknowledged_by": one.acknowledged_by}},
    )  # fmt: skip
    return replace(one, acknowledged_by=by, state=IncidentState.ACKNOWLEDGED, by=by), event


def test_a_person_changes_an_incident_and_its_timeline_in_one_step(filled: Store) -> None:
    filled.save_incidents([incident()])
    assert filled.incident("i1").version == 1
    edited = filled.edit_incident("i1", acknowledged, version=1)
    assert (edited.version, edited.acknowledged_by, edited.findings) == (2, "vera", incident().findings)
    (event,) = filled.incident_events("i1")
    assert (event.kind, event.by, event.at, event.details) == (
        EventKind.ACKNOWLEDGED, "vera", NOW, {"before": {"acknowledged_by": ""}},
    )  # fmt: skip
    with pytest.raises(ConflictError, match="changed by vera in between"):
        filled.edit_incident("i1", acknowledged, version=1)
    assert filled.incident("i1") == edited
    with pytest.raises(StoreError, match="no incident"):
        filled.edit_incident("i9", acknowledged)

    def refuses(one: Incident, events: list[IncidentEvent]) -> tuple[Incident, IncidentEvent]:
        raise ConflictError(f"{one.id} {len(events)}")

    with pytest.raises(ConflictError, match="i1 1"):
        filled.edit_incident("i1", refuses)
    assert (filled.incident("i1").version, len(filled.incident_events("i1"))) == (2, 1)


def test_a_decision_about_incidents_that_were_changed_meanwhile_is_refused_as_a_whole(filled: Store) -> None:
    filled.save_incidents([incident()])
    known = filled.incidents("flights")
    filled.edit_incident("i1", acknowledged)
    longer = incident(last=DAYS[3], clean=1)
    with pytest.raises(ConflictError, match="incident i1 was changed"):
        filled.commit_act("flights", DAYS[3], incidents=[longer], notices=[notice(DAYS[3])], known=known)
    assert filled.notices() == []
    again = filled.incidents("flights")
    filled.commit_act("flights", DAYS[3], incidents=[longer], known=again)
    assert filled.incidents() == [longer]
    with pytest.raises(ConflictError, match="incident i1 was changed"):
        filled.commit_act("flights", DAYS[3], incidents=[longer], known=[])  # another run has opened it


def test_what_runs_tell_is_replaced_and_what_people_did_is_kept(filled: Store) -> None:
    def told(kind: EventKind, day: Interval, of: str = "i1") -> IncidentEvent:
        return IncidentEvent(event_id(of, kind, day.key), "flights", of, kind, f"{kind} at {day}", interval=day)

    opened, grew = told(EventKind.OPENED, DAYS[1]), told(EventKind.GREW, DAYS[2])
    filled.commit_act("flights", DAYS[2], incidents=[incident()], events=[opened, grew])
    first = {one.id: one.at for one in filled.incident_events("i1")}
    filled.edit_incident("i1", acknowledged)
    filled.commit_act("flights", DAYS[2], incidents=[incident()], events=[opened])
    kept = filled.incident_events("i1")
    assert {one.kind for one in kept} == {EventKind.OPENED, EventKind.ACKNOWLEDGED}
    assert next(one.at for one in kept if one.kind is EventKind.OPENED) == first[opened.id]
    joined = incident(id="i0", first=DAYS[0])
    filled.commit_act(
        "flights", DAYS[2], incidents=[joined], delete=["i1"], events=[told(EventKind.OPENED, DAYS[0], "i0")],
        moved={"i1": "i0"},
    )  # fmt: skip
    assert filled.incident_events("i1") == []
    assert {(one.kind, one.interval) for one in filled.incident_events("i0")} == {
        (EventKind.OPENED, DAYS[0]),
        (EventKind.ACKNOWLEDGED, None),
    }


# The whole


def test_a_project_is_copied_with_all_that_is_known_of_it(filled: Store, tmp_path) -> None:
    filled.replace_verdicts("flights", [DAYS[2]], [verdict(AUC, DAYS[2])])
    filled.save_project(NASTY, owner=NASTY)
    filled.replace_points(NASTY, DAYS[0], [point(series(NASTY, project=NASTY), DAYS[0])], scope=NASTY)
    filled.save_references([Reference("flights", "data", "delay", 1, "2013-03-07", {"edges": [NASTY]})])
    filled.save_states([state(DAYS[2], a=NASTY)])
    filled.commit_act("flights", DAYS[2], incidents=[incident()], notices=[notice(DAYS[2])], retrain=request(DAYS[2]))
    with open_store(f"sqlite:///{tmp_path}/copy.db") as copy:
        filled.copy_project(NASTY, copy, since=DAYS[0])
        assert copy.points(NASTY) == filled.points(NASTY)
        filled.copy_project("flights", copy, since=DAYS[0])
        assert copy.dump(wall_clock=True) == filled.dump(wall_clock=True)
        filled.copy_project("flights", copy, since=DAYS[0])  # again: nothing doubles
        assert copy.dump(wall_clock=True) == filled.dump(wall_clock=True)
        before, after = filled.history("flights", DAYS), copy.history("flights", DAYS)
        np.testing.assert_array_equal(before.values, after.values)
    with open_store(f"sqlite:///{tmp_path}/late.db") as copy:
        filled.copy_project("flights", copy, since=DAYS[2])
        assert {one.interval for one in copy.points("flights")} == {*DAYS[2:4]}
        assert copy.incidents() == [incident()]


def test_equal_content_gives_equal_dumps_in_any_order_of_writing(url: str, store: Store, tmp_path) -> None:
    history_store(store)
    with open_store(f"sqlite:///{tmp_path}/other.db") as other:
        for index in (3, 1, 0, 2):
            day = DAYS[index]
            other.replace_points("flights", day, [point(AUC, day, 0.7, maturity=0.5)], scope="evaluation")
            failed = MetricPoint(STD, day, None, 3, Failure(FailureKind.NO_DATA, "late"))
            points = [failed, point(MEAN, day, float(index), n=index + 1)] if index != 2 else []
            other.replace_points("flights", day, points, scope="table:data")
        assert other.dump() == store.dump()


# What baselines are made of


def test_decoded_states_are_read_again_only_when_they_have_changed(store: Store, url: str) -> None:
    def state(day: int, count: int, kind: str = "categories") -> StoredState:
        payload = {"counts": {NASTY: count}, "other": 0}
        return StoredState("p", "t", "c", "", kind, DAYS[day], payload)

    asked: list[int] = []

    def decode(states: Sequence[StoredState]) -> list[int]:
        asked.append(len(states))
        return [one.payload["counts"][NASTY] for one in states]

    kinds = ["categories", "moments"]
    assert store.decoded_states("p", DAYS, kinds, decode) == {}
    store.save_states([state(0, 1), state(1, 2), state(1, 9, "other kind")])
    store.save_states([replace(state(0, 5), project="another")])
    assert store.decoded_states("p", DAYS, kinds, decode) == {DAYS[0]: [1], DAYS[1]: [2]}
    assert len(asked) == 2
    with open_store(url) as other:
        other.replace_points("p", DAYS[1], [], scope="", states=[state(1, 3)])
    assert store.decoded_states("p", DAYS[1:3], kinds, decode) == {DAYS[1]: [3]}
    assert store.decoded_states("p", DAYS, kinds, decode) == {DAYS[0]: [1], DAYS[1]: [3]}
    assert len(asked) == 3


def test_excluded_columns_are_what_was_invalid_or_judged(store: Store) -> None:
    def outcome(severity: ExpectationSeverity, *, success: bool) -> ExpectationOutcome:
        return ExpectationOutcome("x", "between", "x", severity, success, 0.0, "", {})

    critical, warning = ExpectationSeverity.CRITICAL, ExpectationSeverity.WARNING
    for day, table, outcomes in (
        (0, "bad", (outcome(warning, success=True), outcome(critical, success=False))),
        (1, "fine", (outcome(critical, success=True), outcome(warning, success=False))),
    ):
        store.save_validation(Validation("p", table, DAYS[day], "suite", outcomes))
    for number, decided in enumerate((Outcome.FIXED, Outcome.EXPECTED, Outcome.NEW_NORMAL, Outcome.FALSE_ALARM, None)):
        key = SeriesKey("p", "t", f"c{number}", "mean")
        store.upsert_points([MetricPoint(Series(key, "input"), DAYS[2], 1.0, 1)], scope="table:t")
        verdict = Verdict(key, DAYS[2], "r", Status.ANOMALY, 1.0, "", Severity.HIGH)
        finding = Finding(DAYS[2], verdict)
        incident = Incident(
            f"i{number}", "p", IncidentState.OPEN, Severity.HIGH, DAYS[2], DAYS[2], (finding,), "", outcome=decided
        )
        store.save_incidents([incident])
    expected = {(DAYS[0], "bad", ""), (DAYS[2], "t", "c0"), (DAYS[2], "t", "c1")}
    assert store.excluded_columns("p", DAYS) == expected
    assert store.excluded_columns("p", DAYS[:2]) == {(DAYS[0], "bad", "")}
    assert store.excluded_columns("another", DAYS) == set()
    assert store.excluded_columns("p", []) == set()
