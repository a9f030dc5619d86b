"""What the store promises of verdicts, validations and runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from lupus.model import (
    ExpectationOutcome,
    ExpectationSeverity,
    Status,
    StoreError,
    Validation,
)
from lupus.store import Store
from store_cases import AUC, DAYS, MEAN, NOON, ROWS, STD, history_store, verdict


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
