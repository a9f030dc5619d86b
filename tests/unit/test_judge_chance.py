"""What chance gives among many series is held back; what is too much for chance is told."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from judge_cases import DAILY, RECENT, history
from lupus.judge import Tail, judge, rule_for
from lupus.judge.chance import discoveries
from lupus.model import RuleSpec, Series, SeriesKey, Severity, Status

RANDOM = np.random.default_rng(20260301)
MANY = 1500
NOISE = 100 + 3 * RANDOM.standard_t(3, (MANY, 120))  # the residuals of real series have such tails


def together(values, rules=(RECENT,), *, only_findings=False, segment="", **more):
    one = history(values, **more)
    if segment:
        named = tuple(Series(replace(series.key, segment=segment), series.group) for series in one.series)
        one = replace(one, series=named)
    at = [len(one.intervals) - 1]
    return judge(one, rules, DAILY, at=at, together=True, only_findings=only_findings)


def findings(verdicts):
    return {verdict.series.column for verdict in verdicts if verdict.status.is_finding}


def test_noise_among_many_series_is_not_told_but_stays_to_be_seen():
    alone = findings(judge(history(NOISE), [RECENT], DAILY, at=[119]))
    assert len(alone) >= 5
    verdicts = together(NOISE)
    assert findings(verdicts) == set()
    held = [verdict for verdict in verdicts if verdict.status is Status.WARN]
    assert {verdict.series.column for verdict in held} == alone
    assert {verdict.severity for verdict in held} == {Severity.LOW}
    assert all("; not told: chance alone gives " in verdict.sentence for verdict in held)
    assert all(verdict.sentence.endswith(f"such values an interval among {MANY:,} series") for verdict in held)
    assert all((verdict.score or 0) > 1 and verdict.upper is not None for verdict in held)


def test_one_huge_deviation_is_told_among_all_the_noise():
    values = NOISE.copy()
    values[7, -1] = 1000
    assert findings(together(values)) == {"c7"}


def test_many_series_that_move_a_little_together_are_told():
    values = NOISE.copy()
    values[: MANY // 10, -1] = np.median(NOISE) + 60
    told = findings(together(values))
    assert {f"c{row}" for row in range(MANY // 10)} <= told


def test_a_few_series_are_told_as_if_alone():
    values = NOISE[:8].copy()
    values[2, -1] = 140
    alone = judge(history(values), [RECENT], DAILY, at=[119])
    assert together(values) == alone
    assert findings(alone) == {"c2"}


def test_segments_do_not_hold_back_whole_tables():
    values = NOISE[:40].copy()
    values[0, -1] = 160
    (whole,) = findings(together(values[:10]))
    assert whole == "c0"
    crowd = history(np.concatenate([values[:10], NOISE]))
    series = tuple(
        one if row < 10 else Series(SeriesKey("p", "data", f"s{row}", "mean", "country=DE"), "input")
        for row, one in enumerate(crowd.series)
    )
    verdicts = judge(replace(crowd, series=series), [RECENT], DAILY, at=[119], together=True)
    assert findings(verdicts) == {"c0"}
    # As one family the same deviation would be one of many.
    assert findings(together(np.concatenate([values[:10], NOISE]))) == set()


def test_a_replay_of_findings_holds_back_the_same():
    values = NOISE.copy()
    values[7, -1], values[8, -1] = 1000, np.nan
    every = [verdict for verdict in together(values) if verdict.status.is_finding]
    assert together(values, only_findings=True) == every
    days = range(100, 120)
    whole = judge(history(values), [RECENT], DAILY, at=days, together=True)
    each = [v for day in days for v in judge(history(values), [RECENT], DAILY, at=[day], together=True)]
    assert sorted(whole, key=lambda v: (v.interval, v.series)) == sorted(each, key=lambda v: (v.interval, v.series))


@pytest.mark.parametrize(
    "rule",
    [
        RuleSpec("all", "recent_average", parameters={"false_discoveries": 1}),
        RuleSpec("bound", "threshold", parameters={"max": 112}),
    ],
)
def test_what_a_person_wants_to_be_told_is_told(rule):
    one = history(NOISE)
    assert together(NOISE, [rule]) == judge(one, [rule], DAILY, at=[119])
    assert len(findings(together(NOISE, [rule]))) > 3


def test_parts_of_composites_are_for_the_composite_to_judge():
    twice = RuleSpec("twice", "for", parameters={"rule": "recent", "n": 2, "of": 2})
    values = NOISE.copy()
    values[3, -2:] = 150
    verdicts = together(values, [RECENT, twice])
    assert "c3" in findings(verdicts)
    assert not any("chance" in verdict.sentence for verdict in verdicts)


def test_wider_bands_need_less_proof():
    wide, narrow = (
        rule_for(RuleSpec("r", "recent_average", parameters={"sensitivity": sensitivity})).tail
        for sensitivity in (8.0, 2.0)
    )
    # The same distance is half as many wide half bands, and as likely.
    assert wide.beyond(np.array([2.0]))[0] == pytest.approx(narrow.beyond(np.array([8.0]))[0])


@pytest.mark.parametrize("kind", ["recent_average", "periodic", "trend_change", "sudden_variance"])
def test_rules_that_learn_have_a_tail_and_a_rate(kind):
    rule = rule_for(RuleSpec("r", kind))
    assert isinstance(rule.tail, Tail)
    assert rule.parameters.false_discoveries == 0.1
    with pytest.raises(Exception, match="false_discoveries must be above 0"):
        rule_for(RuleSpec("r", kind, parameters={"false_discoveries": 0}))


def test_discoveries_among_many_are_those_of_scipy():
    for size in (1, 5, 40):
        few = RANDOM.random(size) ** 3 / 20
        every = np.concatenate([few, np.ones(300)])
        wanted = false_discovery_control(every, method="bh")[:size] <= 0.1
        np.testing.assert_array_equal(discoveries(few, 0.1, among=300 + size), wanted)
