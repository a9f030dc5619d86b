"""What arrives when things are broken, asked of every kind of rule: a verdict or a clear error, never a NaN band."""

from dataclasses import replace

import numpy as np
import pytest

from judge_cases import DAILY, history
from lupus.judge import judge
from lupus.model import RULE_PARAMETERS, Cadence, CadenceKind, RuleSpec, Status

NAN = float("nan")
RANDOM = np.random.default_rng(20260104)
GIVEN = {"threshold": {"max": 2.0}}
PARTS = [RuleSpec("bound", "threshold", parameters={"max": 2.0}), RuleSpec("recent", "recent_average")]
COMPOSITES = {"all": {"rules": ["bound", "recent"]}, "any": {"rules": ["bound", "recent"]}, "for": {"rule": "recent"}}
RULES = {
    kind: [*PARTS, RuleSpec("it", kind, parameters=COMPOSITES[kind])]
    if kind in COMPOSITES
    else [RuleSpec("it", kind, parameters=GIVEN.get(kind, {}))]
    for kind in RULE_PARAMETERS
}
DAYS = 130
EVERY = np.arange(DAYS)
SERIES = {
    "constant": np.full(DAYS, 3.0),
    "zero": np.zeros(DAYS),
    "all missing": np.full(DAYS, NAN),
    "three points": np.where(EVERY < 3, 1.0, NAN),
    "three points far apart": np.where(np.isin(EVERY, (0, 60, 129)), 1.0, NAN),
    "infinities": np.where(EVERY % 2, np.inf, -np.inf),
    "an infinity at the end": np.where(EVERY < 129, RANDOM.normal(size=DAYS), np.inf),
    "huge": RANDOM.choice([-1e300, 1e300], DAYS),
    "huge and small": np.where(EVERY % 2, 1e300, 1e-300),
    "tiny": RANDOM.normal(size=DAYS) * 1e-300,
    "irregular": np.where(RANDOM.random(DAYS) < 0.2, RANDOM.normal(size=DAYS), NAN),
    "negative zero": np.where(EVERY % 2, 0.0, -0.0),
}


def sound(verdicts):
    for verdict in verdicts:
        numbers = [verdict.value, verdict.expected, verdict.lower, verdict.upper, verdict.score]
        assert np.isfinite([number for number in numbers if number is not None]).all(), verdict
        if verdict.status is not Status.OK:
            assert verdict.sentence
            assert "nan" not in verdict.sentence.lower()
    return verdicts


@pytest.mark.parametrize("unit", ["", "ratio", "rows"])
@pytest.mark.parametrize("kind", RULES)
def test_values_that_nobody_expects(kind, unit):
    one = history(np.stack(list(SERIES.values())), unit=unit, n=1000)
    verdicts = sound(judge(one, RULES[kind], DAILY, at=range(DAYS)))
    said = [verdict for verdict in verdicts if verdict.status is not Status.ERROR]
    # Values that no metric can have are errors that say so; nothing else is an error.
    for verdict in verdicts:
        if verdict.status is Status.ERROR:
            assert "no metric can be" in verdict.sentence
    assert {verdict.series for verdict in said} >= {one.series[0].key, one.series[1].key}


@pytest.mark.parametrize("kind", RULES)
def test_values_that_nobody_expects_in_a_project_whose_baselines_begin_anew(kind):
    one = history(np.stack(list(SERIES.values())), n=1000)
    since = np.zeros(one.values.shape, dtype=np.int64)
    since[:, 70:] = 60
    since[::2, 100:] = 100  # nothing at all is left of the baseline
    verdicts = sound(judge(replace(one, since=since), RULES[kind], DAILY, at=range(DAYS), together=True))
    assert {verdict.interval for verdict in verdicts} == set(one.intervals)


@pytest.mark.parametrize("kind", RULES)
def test_hours_over_the_changes_of_the_clock(kind):
    hourly = Cadence(CadenceKind.HOURLY, timezone="Europe/Berlin")
    values = 1 + 0.1 * np.sin(np.arange(24 * 9) / 24 * 2 * np.pi) + RANDOM.normal(0, 0.01, 24 * 9)
    for start in ("2026-03-25T00Z", "2026-10-20T00Z"):
        one = history(values, cadence=hourly, start=start)
        assert len({interval.key for interval in one.intervals}) == values.size
        verdicts = sound(judge(one, RULES[kind], hourly, at=range(values.size)))
        assert not any(verdict.status is Status.ERROR for verdict in verdicts)


@pytest.mark.parametrize("kind", RULES)
def test_days_over_the_changes_of_the_clock(kind):
    berlin = Cadence(CadenceKind.DAILY, timezone="Europe/Berlin")
    one = history(RANDOM.normal(1, 0.1, 300), cadence=berlin)
    verdicts = sound(judge(one, RULES[kind], berlin, at=range(300)))
    assert not any(verdict.status is Status.ERROR for verdict in verdicts)


@pytest.mark.parametrize("kind", RULES)
def test_ten_years_of_history(kind):
    values = RANDOM.normal(1, 0.1, (2, 3653))
    values[1, -1] = 50.0
    one = history(values, start="2016-01-01")
    verdicts = sound(judge(one, RULES[kind], DAILY, at=[3652]))
    assert len([verdict for verdict in verdicts if verdict.rule == "it"]) == 2


@pytest.mark.parametrize("kind", RULES)
def test_an_odd_cadence(kind):
    ticks = Cadence(CadenceKind.CRON, cron="0 6 * * 1-5")
    one = history(RANDOM.normal(1, 0.1, 150), cadence=ticks, start="2026-01-05T06:00")
    assert sound(judge(one, RULES[kind], ticks, at=range(150)))


@pytest.mark.parametrize("kind", RULES)
def test_no_series_and_no_intervals(kind):
    assert judge(history(np.zeros((0, 5))), RULES[kind], DAILY, at=[4]) == []
    assert judge(history(np.zeros((2, 5))), RULES[kind], DAILY, at=[]) == []
