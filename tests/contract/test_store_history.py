"""What the store promises of histories, and of what days are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from lupus.model import (
    ExpectationOutcome,
    ExpectationSeverity,
    Failure,
    FailureKind,
    Finding,
    Incident,
    IncidentState,
    MetricPoint,
    Outcome,
    Reference,
    Series,
    SeriesKey,
    Severity,
    Status,
    StoredState,
    Validation,
    Verdict,
)
from lupus.store import Store, open_store
from store_cases import AUC, DAYS, MEAN, NASTY, ROWS, STD, history_store, incident, point, series, state


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
