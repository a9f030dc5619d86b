"""Labels that come days after their predictions: nothing is judged too early, and everything in the end."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import tiny
from installation import Installation
from lupus.model import Status


@pytest.fixture
def young(tmp_path: Path) -> Installation:
    return Installation.tiny(tmp_path / "young", days=10)


def brier(installation: Installation, number: int) -> tuple[float | None, float | None, set[Status]]:
    """Value and maturity of the whole's Brier score of a day, and what the rules say of it."""
    [point] = [one for one in installation.points(tiny.day(number), metric="brier") if not one.series.key.segment]
    said = {one.status for one in installation.verdicts(tiny.day(number)) if one.series == point.series.key}
    return point.value, point.maturity, said


def test_maturity_rises_from_run_to_run_and_the_verdict_waits_for_it(young: Installation) -> None:
    # Seven of ten labels come after one day, the others after two.
    young.run(tiny.day(4))
    value, maturity, said = brier(young, 4)
    assert (value, maturity, said) == (None, 0.0, {Status.IMMATURE})
    young.run(tiny.day(5))
    value, maturity, said = brier(young, 4)
    assert value is not None
    assert maturity is not None
    assert 0.5 < maturity < 0.9
    assert said == {Status.IMMATURE}
    young.run(tiny.day(6))
    value, maturity, said = brier(young, 4)
    assert value is not None
    assert maturity == 1.0
    assert said == {Status.OK}


def test_a_bad_day_is_found_when_its_labels_are_there_and_not_before(lived: Installation) -> None:
    bad = tiny.BAD_MODEL.start
    lived.run(tiny.day(bad))
    assert brier(lived, bad)[2] == {Status.IMMATURE}
    [report] = lived.run(tiny.day(bad + 1))
    assert brier(lived, bad)[2] == {Status.IMMATURE}
    [report] = lived.run(tiny.day(bad + 2))
    assert Status.ANOMALY in brier(lived, bad)[2]
    late = [one for one in report.verdicts if one.interval.key == tiny.day(bad) and one.status is Status.ANOMALY]
    assert {one.rule for one in late if one.series.metric == "brier"} >= {"brier_too_high"}
    with lived.workspace() as opened:
        [incident] = opened.store.incidents("loans", active_only=True)
    found = {one.found.key for one in incident.findings if one.verdict.series.metric == "brier"}
    assert found == {tiny.day(bad + 2)}  # the run that found it, not the day that it is about


def test_labels_that_never_come_are_one_finding_once_their_time_is_over(lived: Installation) -> None:
    lost = 34
    with sqlite3.connect(lived.warehouse) as warehouse:
        warehouse.execute("DELETE FROM outcomes WHERE loan_id / 1000 = ?", (lost,))
    warehouse.close()
    lived.run(tiny.day(lost), tiny.day(lost + 1))
    assert brier(lived, lost)[2] == {Status.IMMATURE}
    lived.run(tiny.day(lost + 2))
    value, maturity, said = brier(lived, lost)
    assert (value, maturity) == (None, 0.0)
    # The quality is unknown, which is no finding; that no label came is one.
    assert said == {Status.WARN}
    findings = {
        one.series.metric: one.sentence
        for one in lived.verdicts(tiny.day(lost))
        if one.status.is_finding and one.series.metric in ("brier", "label_maturity", "roc_auc")
    }
    assert list(findings) == ["label_maturity"]
    assert findings["label_maturity"].startswith("label_maturity 0 % is below")
    # Another day whose labels came is not taken down with it.
    assert brier(lived, lost + 1)[2] == {Status.IMMATURE}


def test_days_before_the_first_run_are_not_missed(young: Installation) -> None:
    [report] = young.run(tiny.day(5))
    assert {point.interval.key for point in report.points} == {tiny.day(5)}
    assert report.incidents == ()


def test_a_day_whose_predictions_were_missing_is_told_of_again_by_nobody(young: Installation) -> None:
    with sqlite3.connect(young.warehouse) as warehouse:
        warehouse.execute("DELETE FROM scores WHERE day = ?", (tiny.day(4),))
    warehouse.close()
    young.run(*map(tiny.day, (3, 4, 5, 6)))
    told = [(interval, reason) for _, interval, reason in young.outbox()]
    assert told == [(tiny.day(4), "first"), (tiny.day(6), "resolved")]


def test_retraining_is_asked_for_once_by_the_run_that_sees_enough(lived: Installation) -> None:
    first = tiny.BAD_MODEL.start
    lived.run(*map(tiny.day, range(first, first + 5)))
    with lived.workspace() as opened:
        [request] = opened.store.retrain_requests("loans")
    assert request.dag == "retrain_loans"
    assert request.interval.key == tiny.day(first + 3)
    assert all("brier" in reason for reason in request.reasons)
    assert request.conf["interval"] == request.interval.key
    # Labels that came since then say more about the same days; what was asked for does not change any more.
    lived.run(*map(tiny.day, (first + 3, first + 1, first + 2)))
    with lived.workspace() as opened:
        assert opened.store.retrain_requests("loans") == [request]
