import numpy as np
import pytest

from judge_cases import DAILY, history, last
from lupus.judge import judge
from lupus.model import LupusError, RuleSpec, Selector, Severity, Status


def rule(severity=None, where=None, **parameters):
    return RuleSpec("bound", "threshold", where or Selector(), parameters, severity)


@pytest.mark.parametrize(
    ("parameters", "value", "status", "score"),
    [
        ({"min": 1.0}, 1.0, Status.OK, 1.0),
        ({"min": 1.0}, 0.99, Status.ANOMALY, 1.01),
        ({"min": 1.0}, 2.0, Status.OK, 0.0),
        ({"max": 0.1}, 0.1, Status.OK, 1.0),
        ({"max": 0.1}, 0.15, Status.ANOMALY, 1.5),
        ({"max": 0.0}, 0.25, Status.ANOMALY, 1.25),
        ({"max": -10.0}, -9.0, Status.ANOMALY, 1.1),
        ({"min": 0.0, "max": 10.0}, 5.0, Status.OK, 0.0),
        ({"min": 0.0, "max": 10.0}, 10.0, Status.OK, 1.0),
        ({"min": 0.0, "max": 10.0}, -5.0, Status.ANOMALY, 2.0),
        ({"min": 3.0, "max": 3.0}, 3.0, Status.OK, 1.0),
        ({"min": 3.0, "max": 3.0}, 6.0, Status.ANOMALY, 2.0),
        ({"min": -1e308, "max": 1e308}, 0.0, Status.OK, 0.0),
        ({"max": 5e-324}, 1e300, Status.ANOMALY, None),
    ],
)
def test_bounds_are_allowed_and_what_is_past_them_is_not(parameters, value, status, score):
    verdict = last([value], rule(**parameters))
    assert verdict.status is status
    assert (verdict.lower, verdict.upper, verdict.expected) == (parameters.get("min"), parameters.get("max"), None)
    if score is not None:
        assert verdict.score == pytest.approx(score)


def test_the_score_of_the_smallest_step_past_a_bound_is_past_one():
    verdict = last([np.nextafter(0.1, 1)], rule(max=0.1))
    assert verdict.status is Status.ANOMALY
    assert verdict.score > 1


def test_a_bound_that_somebody_wrote_down_is_never_of_low_severity():
    assert last([0.99], rule(min=1.0)).severity is Severity.MEDIUM
    assert last([0.0], rule(max=-0.1)).severity is Severity.MEDIUM
    assert last([30.0], rule(max=10.0)).severity is Severity.HIGH
    assert last([90.0], rule(max=10.0)).severity is Severity.CRITICAL
    assert last([90.0], rule(max=10.0, severity=Severity.LOW)).severity is Severity.LOW


def test_it_needs_no_history_and_judges_only_what_it_matches():
    values = np.full((3, 2), 7.0)
    verdicts = judge(history(values), [rule(where=Selector(column=("c1",)), max=5)], DAILY, at=[0, 1])
    assert [(v.series.column, v.interval.key, v.status) for v in verdicts] == [
        ("c1", "2026-01-01", Status.ANOMALY),
        ("c1", "2026-01-02", Status.ANOMALY),
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            RuleSpec("r", "treshold", parameters={"max": 1}),
            "there is no rule kind 'treshold'; did you mean 'threshold'?",
        ),
        (
            RuleSpec("r", "zzz"),
            "there is no rule kind 'zzz'; known are all, any, drift, flatline, for, missing, new_category, periodic, "
            "recent_average, sudden_variance, threshold, trend_change, validity",
        ),
        (RuleSpec("r", "threshold"), "a threshold rule needs min or max"),
        (RuleSpec("r", "threshold", parameters={"maximum": 1}), "maximum"),
        (RuleSpec("r", "threshold", parameters={"min": 2, "max": 1}), "min 2 is above max 1"),
        (RuleSpec("r", "recent_average", parameters={"window": 2}), "min_history must be between 3 and window"),
        (RuleSpec("r", "recent_average", parameters={"sensitivity": 0}), "sensitivity must be positive"),
    ],
)
def test_wrong_rules_are_named(spec, message):
    with pytest.raises(LupusError, match="rule 'r'") as caught:
        judge(history([1.0]), [spec], DAILY, at=[0])
    assert message in str(caught.value)
