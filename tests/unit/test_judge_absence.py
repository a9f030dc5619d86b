from dataclasses import replace

import numpy as np
import pytest

from judge_cases import DAILY, RECENT, history, last
from lupus.judge import judge
from lupus.model import Failure, FailureKind, RuleSpec, Series, SeriesKey, Severity, Status

NAN = float("nan")


@pytest.mark.parametrize(
    ("kind", "closed", "status", "severity", "sentence"),
    [
        (FailureKind.NO_DATA, False, Status.NO_DATA, Severity.HIGH, "mean: no data, because"),
        (FailureKind.NOT_READ, False, Status.NO_DATA, Severity.HIGH, "mean: not read, because"),
        (FailureKind.MISSING_COLUMN, False, Status.ERROR, Severity.HIGH, "mean: missing column, because"),
        (FailureKind.WRONG_TYPE, False, Status.ERROR, Severity.HIGH, "mean: wrong type, because"),
        (FailureKind.INVALID, False, Status.WARN, Severity.MEDIUM, "mean: not measured, because"),
        (FailureKind.UNDEFINED, False, Status.WARN, Severity.LOW, "mean: undefined, because"),
        (FailureKind.NO_LABELS, False, Status.IMMATURE, None, "mean: no labels, because"),
        (FailureKind.NO_LABELS, True, Status.WARN, Severity.LOW, "mean: no labels, because"),
    ],
)
def test_each_failure_has_its_answer(kind, closed, status, severity, sentence):
    verdict = last([NAN], failures={(0, 0): Failure(kind, "because")}, closed=[0] if closed else [])
    assert (verdict.status, verdict.severity, verdict.sentence) == (status, severity, sentence)
    assert (verdict.value, verdict.expected, verdict.lower, verdict.upper, verdict.score) == (None,) * 5


def test_every_failure_kind_is_answered():
    for kind in FailureKind:
        assert last([NAN], failures={(0, 0): Failure(kind, "")}).sentence.startswith("mean: ")


def test_absent_rows_of_a_whole_table_are_critical():
    failure = Failure(FailureKind.NO_DATA, "not there by 09:00")
    for column, segment, severity in (
        ("", "", Severity.CRITICAL),
        ("", "a=b", Severity.HIGH),
        ("c", "", Severity.HIGH),
    ):
        one = history([NAN], failures={(0, 0): failure})
        one = replace(one, series=(Series(SeriesKey("p", "data", column, "rows", segment), "input", "rows"),))
        (verdict,) = judge(one, [RECENT], DAILY, at=[0])
        assert (verdict.status, verdict.severity) == (Status.NO_DATA, severity)


def test_a_rules_severity_is_about_anomalies_and_not_about_absence():
    rule = RuleSpec("r", "threshold", parameters={"max": 1}, severity=Severity.LOW)
    assert last([NAN], rule, failures={(0, 0): Failure(FailureKind.NO_DATA, "")}).severity is Severity.HIGH


def test_what_was_not_measured_has_no_verdict():
    assert judge(history([[1.0, NAN], [1.0, 1.0]]), [RECENT], DAILY, at=[1])[0].series.column == "c1"


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e301, -1.7e308])
def test_an_infinite_value_is_an_error_and_in_no_baseline(value):
    verdict = last([1.0] * 20 + [value])
    assert (verdict.status, verdict.severity, verdict.value) == (Status.ERROR, Severity.HIGH, None)
    noise = np.random.default_rng(0).normal(10, 1, 40)
    with_gap, with_infinity = noise.copy(), noise.copy()
    with_gap[20], with_infinity[20] = NAN, value
    assert last(with_gap) == last(with_infinity)


@pytest.mark.parametrize(
    ("maturity", "closed", "status"),
    [
        (0.0, False, Status.IMMATURE),
        (0.89, False, Status.IMMATURE),
        (0.9, False, Status.ANOMALY),
        (0.1, True, Status.ANOMALY),
        (NAN, False, Status.ANOMALY),
    ],
)
def test_labels_are_waited_for(maturity, closed, status):
    arrived = np.append(np.ones(30), maturity)
    values = np.append(np.random.default_rng(0).normal(10, 1, 30), 1000)
    verdict = last(values, maturity=arrived, closed=[30] if closed else [])
    assert verdict.status is status
    if status is Status.IMMATURE:
        assert verdict.value == 1000
        assert verdict.severity is None
        assert verdict.sentence.endswith("of the expected labels have arrived; judged from 90 %")


def test_immature_points_are_in_no_baseline_until_their_interval_closes():
    random = np.random.default_rng(0)
    values, arrived = random.normal(10, 1, 41), np.ones(41)
    values[36:40], arrived[36:40] = 500, 0.5
    gone = values.copy()
    gone[36:40] = NAN
    waiting = last(values, maturity=arrived)
    assert waiting == last(gone)
    assert last(values, maturity=arrived, closed=range(36, 40)) != waiting
