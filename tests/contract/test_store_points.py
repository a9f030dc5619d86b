"""What the store promises of points, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lupus.model import (
    ExpectationOutcome,
    ExpectationSeverity,
    Failure,
    FailureKind,
    MetricPoint,
    Reference,
    Series,
    SeriesKey,
    Severity,
    Status,
    StoredState,
    StoreError,
    Validation,
    Verdict,
)
from lupus.store import Store, open_store
from store_cases import AUC, DAYS, MEAN, NASTY, ROWS, STD, point, series, verdict


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
