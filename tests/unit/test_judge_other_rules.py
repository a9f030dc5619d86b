"""`trend_change`, `flatline`, `validity`: what they tell, and what they are silent about."""

import numpy as np
import pytest

from judge_cases import DAILY, history, last
from lupus.judge import judge, lookback
from lupus.model import FlatlineParameters, RuleSpec, Severity, Status, TrendChangeParameters, ValidityParameters

NAN = float("nan")
TREND, FLAT, VALID = (RuleSpec(kind, kind) for kind in ("trend_change", "flatline", "validity"))
RANDOM = np.random.default_rng(20260102)
QUIET = RANDOM.normal(100, 1, 120)


def trend(**parameters):
    return RuleSpec("trend", "trend_change", parameters=parameters)


def told(values, rule=TREND, **more):
    """The positions that `rule` tells of."""
    one = history(values, **more)
    verdicts = judge(one, [rule], DAILY, at=range(len(one.intervals)))
    position = {interval: number for number, interval in enumerate(one.intervals)}
    return [position[verdict.interval] for verdict in verdicts if verdict.status is Status.ANOMALY]


def shifted(by, days=60):
    return np.concatenate([QUIET, RANDOM.normal(100 + by, 1, days)])


def test_a_new_level_is_told_once_within_two_weeks():
    (when,) = told(shifted(6))
    assert 120 + 6 <= when <= 120 + 13


def test_a_level_that_lasts_is_accepted_with_a_remark():
    one = history(shifted(6))
    verdicts = judge(one, [TREND], DAILY, at=range(180))
    (when,) = told(shifted(6))
    remarks = [n for n, verdict in enumerate(verdicts) if verdict.sentence.endswith("is accepted")]
    assert remarks == [when + 28]
    assert verdicts[when + 28].status is Status.OK


def test_a_drift_is_told():
    drifting = QUIET.copy()
    drifting = np.concatenate([drifting, 100 + np.arange(40) * 0.35 + RANDOM.normal(0, 1, 40)])
    assert told(drifting)
    assert min(told(drifting)) < 120 + 35


@pytest.mark.parametrize(
    "values",
    [
        QUIET,
        np.full(120, 7.0),
        np.zeros(120),
        np.arange(150) * 0.5 + RANDOM.normal(0, 1, 150),  # rising as ever
        100 + np.tile([0, 0, 0, 0, 0, -40, -45], 20) + RANDOM.normal(0, 1, 140),
        np.where(np.arange(120) == 90, 1e6, QUIET),
        np.where(np.isin(np.arange(120), range(90, 95)), 140.0, QUIET),  # five days are an incident, no level
    ],
)
def test_no_change_is_no_news(values):
    assert told(values) == []


def test_directions():
    assert told(shifted(6), trend(direction="down")) == []
    assert told(shifted(-6), trend(direction="up")) == []
    assert len(told(shifted(6), trend(direction="up"))) == len(told(shifted(-6), trend(direction="down"))) == 1


def test_a_verdict_on_a_level_holds_the_level_s_band_and_the_value():
    values = shifted(6)
    (when,) = told(values)
    verdict = judge(history(values), [TREND], DAILY, at=[when])[0]
    assert verdict.value == values[when]
    assert verdict.lower < 100 < verdict.upper < 106
    assert verdict.score > 1
    assert verdict.severity is not Severity.LOW
    assert verdict.sentence.startswith("the level of mean over the last 14 days is 10")


def test_too_little_history_is_said():
    assert last(QUIET[:30], TREND).sentence == "not enough history: 16 of 25 intervals"
    assert last([NAN, 1.0], TREND).sentence == "not enough history: 0 of 25 intervals"


def test_more_history_than_the_lookback_changes_nothing():
    for rule in (TREND, FLAT):
        reach = lookback([rule], DAILY)
        values = np.stack([shifted(6, 300), np.round(shifted(2, 300)), np.repeat(shifted(1, 300), 1)])
        values[:, 395:] = values[:, [394]]
        values[0, ::11] = NAN
        for day in (200, 399, 419):
            whole = judge(history(values), [rule], DAILY, at=[day])
            first = max(0, day - reach)
            start = history(values).intervals[first].key
            short = judge(history(values[:, first : day + 1], start=start), [rule], DAILY, at=[day - first])
            assert short == whole


def test_a_stuck_feed_is_told_from_the_fourth_equal_value():
    values = np.append(QUIET, [QUIET[-1]] * 5)
    assert told(values, FLAT) == [122, 123, 124]
    verdict = last(values[:123], FLAT)
    assert (verdict.lower, verdict.upper, verdict.severity) == (None, None, Severity.MEDIUM)
    assert verdict.score == pytest.approx(4 / 3)
    assert verdict.sentence.endswith("for 4 days in a row, and almost never was the same twice before")


@pytest.mark.parametrize(
    "values",
    [
        np.full(120, 3.0),
        np.where(np.arange(120) % 9 == 0, QUIET, 0.0),
        np.round(QUIET / 3),
        np.append(QUIET[:10], [1.0] * 6),  # nobody knows yet
        QUIET,
    ],
)
def test_what_repeats_by_nature_is_not_stuck(values):
    assert told(values, FLAT) == []


def test_a_missing_day_does_not_end_a_run_but_a_fortnight_does():
    stuck = QUIET[-1]
    assert told(np.append(QUIET, [stuck, NAN, stuck, NAN, stuck]), FLAT) == [124]
    assert told(np.append(QUIET, [stuck, *[NAN] * 14, stuck, stuck]), FLAT) == []


@pytest.mark.parametrize(
    ("value", "unit", "status"),
    [
        (1.2, "ratio", Status.ANOMALY),
        (-0.01, "ratio", Status.ANOMALY),
        (1.0 + 1e-12, "ratio", Status.OK),
        (0.0, "ratio", Status.OK),
        (-1.0, "rows", Status.ANOMALY),
        (5.0, "rows", Status.OK),
        (-3.0, "ms", Status.ANOMALY),
        (-3.0, "", Status.OK),
        (-3.0, "EUR", Status.OK),
    ],
)
def test_values_that_cannot_be(value, unit, status):
    verdict = last([value], VALID, unit=unit)
    assert verdict.status is status
    assert verdict.severity is (None if status is Status.OK else Severity.HIGH)


@pytest.mark.parametrize(
    ("parameters", "given", "message"),
    [
        (TrendChangeParameters, {"recent": 2}, "recent must be between 3 and window"),
        (TrendChangeParameters, {"sensitivity": 0}, "sensitivity must be positive"),
        (TrendChangeParameters, {"accept_after": 0}, "accept_after must be at least 1"),
        (FlatlineParameters, {"length": 1}, "length must be at least 2"),
        (FlatlineParameters, {"window": 5}, "window must be at least 20"),
        (FlatlineParameters, {"most_repeats": 1.0}, "most_repeats must be at least 0 and below 1"),
        (ValidityParameters, {"tolerance": -1}, "tolerance must not be negative"),
    ],
)
def test_parameters_that_do_not_fit(parameters, given, message):
    with pytest.raises(ValueError, match=message):
        parameters(**given)


def test_only_findings_are_the_findings():
    values = np.stack([shifted(6), np.append(QUIET, [QUIET[-1]] * 60), np.append(QUIET, RANDOM.normal(100, 1, 60))])
    values[2, 150], values[1, 7] = 1e6, np.inf
    rules = [TREND, FLAT, VALID, RuleSpec("r", "recent_average")]
    one = history(values)
    whole = [verdict for verdict in judge(one, rules, DAILY, at=range(180)) if verdict.status.is_finding]
    assert judge(one, rules, DAILY, at=range(180), only_findings=True) == whole
    assert {verdict.rule for verdict in whole} == {"trend_change", "flatline", "r"}
