"""Rules over rules, and thresholds that follow other metrics or a reference."""

from dataclasses import replace

import numpy as np
import pytest

from judge_cases import DAILY, history, last
from lupus.judge import judge, lookback
from lupus.model import Bound, LupusError, RuleSpec, Selector, Series, SeriesKey, Severity, Status, ThresholdParameters

NAN = float("nan")
HIGH = RuleSpec("high", "threshold", parameters={"max": 10})
HIGHER = RuleSpec("higher", "threshold", parameters={"max": 20})


def composite(kind, **parameters):
    return RuleSpec("both", kind, parameters=parameters)


def said(one, rules, at=None, **more):
    """(rule, row, position, status) of what is no `ok`."""
    verdicts = judge(one, rules, DAILY, at=range(len(one.intervals)) if at is None else at, **more)
    row = {series.key: number for number, series in enumerate(one.series)}
    place = {interval: number for number, interval in enumerate(one.intervals)}
    return [(v.rule, row[v.series], place[v.interval], v.status) for v in verdicts if v.status is not Status.OK]


def findings(one, rules, **more):
    return [(row, position) for _, row, position, status in said(one, rules, **more) if status.is_finding]


def test_all_tells_what_each_finds_and_the_parts_only_warn():
    one = history([[5.0, 15.0, 25.0]])
    rules = [HIGH, HIGHER, composite("all", rules=["high", "higher"])]
    assert said(one, rules) == [
        ("high", 0, 1, Status.WARN),
        ("high", 0, 2, Status.WARN),
        ("higher", 0, 2, Status.WARN),
        ("both", 0, 2, Status.ANOMALY),
    ]
    verdict = judge(one, rules, DAILY, at=[2])[-1]
    assert verdict.sentence == "high, higher at once: mean 25 is above the maximum of 10"
    assert (verdict.upper, verdict.score, verdict.severity) == (10, pytest.approx(1.25), Severity.MEDIUM)


def test_the_order_of_the_rules_does_not_matter():
    one = history(np.random.default_rng(3).normal(15, 10, (4, 30)))
    rules = [HIGH, HIGHER, composite("all", rules=["high", "higher"])]
    assert sorted(said(one, rules)) == sorted(said(one, rules[::-1]))


def test_any_tells_what_one_finds():
    one = history([[5.0, 15.0, 25.0]])
    assert findings(one, [HIGH, HIGHER, composite("any", rules=["high", "higher"])]) == [(0, 1), (0, 2)]


def test_all_in_a_table_joins_what_different_series_say():
    one = history([[15.0, 15.0, 5.0], [5.0, 25.0, 25.0], [1.0, 1.0, 1.0]])
    first, second = (replace(rule, where=Selector(column=(column,))) for rule, column in ((HIGH, "c0"), (HIGHER, "c1")))
    joined = composite("all", rules=["high", "higher"], same="table")
    assert findings(one, [first, second, joined]) == [(0, 1), (1, 1)]
    assert findings(one, [first, second, composite("all", rules=["high", "higher"])]) == []
    assert findings(one, [first, second, replace(joined, where=Selector(column=("c1",)))]) == [(1, 1)]
    assert findings(one, [first, second, composite("all", rules=["high", "higher"], same="column")]) == []
    assert findings(one, [first, second, composite("all", rules=["high", "higher"], same="project")]) == [
        (0, 1),
        (1, 1),
    ]


def test_for_wants_it_to_last():
    values = [15.0, 5, 15, 15, 15, 5, 5, 15, 5, 15]
    rules = [HIGH, composite("for", rule="high", n=3, of=4)]
    assert findings(history([values]), rules) == [(0, 3), (0, 4)]
    (verdict,) = [v for v in judge(history([values]), rules, DAILY, at=[4]) if v.rule == "both"]
    assert verdict.sentence == "on 3 of 4 days at least: mean 15 is above the maximum of 10"


def test_for_alone_and_in_a_replay_say_the_same():
    one = history(np.random.default_rng(4).normal(10, 5, (5, 40)))
    rules = [HIGH, composite("for", rule="high", n=2, of=3)]
    whole = judge(one, rules, DAILY, at=range(40))
    for day in (0, 1, 20, 39):
        assert judge(one, rules, DAILY, at=[day]) == [v for v in whole if v.interval == one.intervals[day]]
    assert lookback(rules, DAILY) == 2


def test_rules_over_rules_over_rules():
    rules = [HIGH, HIGHER, RuleSpec("twice", "for", parameters={"rule": "high", "n": 2, "of": 2})]
    rules.append(composite("all", rules=["twice", "higher"]))
    assert findings(history([[15.0, 25.0, 15.0, 5.0, 25.0]]), rules) == [(0, 1)]


def test_a_composite_is_about_what_its_parts_are_about():
    only = replace(HIGH, where=Selector(column=("c1",)))
    one = history([[15.0], [15.0]])
    assert findings(one, [only, composite("any", rules=["high"])]) == [(1, 0)]
    verdicts = judge(one, [only, composite("any", rules=["high"])], DAILY, at=[0])
    assert {v.series.column for v in verdicts} == {"c1"}


def test_what_waits_for_labels_counts_for_no_composite():
    one = history([[15.0, 15.0, 15.0]], maturity=[[1.0, 0.5, 1.0]])
    assert findings(one, [HIGH, composite("for", rule="high", n=2, of=2)]) == []
    assert findings(one, [HIGH, composite("for", rule="high", n=2, of=3)]) == [(0, 2)]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([composite("any", rules=["hihg"]), HIGH], "there is no rule 'hihg'; did you mean 'high'?"),
        ([composite("any", rules=["both"])], "rule 'both' names itself: both > both"),
        ([composite("for", rule="x"), RuleSpec("x", "any", parameters={"rules": ["both"]})], "names itself"),
        ([composite("all", rules=["high"]), HIGH], "rules must name at least 2"),
        ([composite("for", rule="high", n=5), HIGH], "n must be between 2 and of"),
        ([composite("all", rules="high"), HIGH], "as a list"),
        ([composite("for")], "rule"),
    ],
)
def test_mistakes_are_named(rules, message):
    with pytest.raises(LupusError, match=r"rule '(both|x)'") as caught:
        judge(history([1.0]), rules, DAILY, at=[0])
    assert message in str(caught.value)


def test_a_broken_part_is_an_error_of_the_composite_too(monkeypatch):
    def broken(self, matrix):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("lupus.judge.threshold.ThresholdRule.assess", broken)
    assert {status for *_, status in said(history([[15.0]]), [HIGH, composite("any", rules=["high"])])} == {
        Status.ERROR
    }


# Bounds that follow the data


def two(left, right, *, names=("scored", "rows"), tables=("prediction", "data")):
    one = history([left, right])
    series = [
        Series(SeriesKey("p", table, "", name), "input", "rows") for name, table in zip(names, tables, strict=True)
    ]
    return replace(one, series=tuple(series))


def bound(**parameters):
    return RuleSpec("bound", "threshold", where=Selector(metric=("scored",)), parameters=parameters)


def test_a_bound_may_be_another_metric():
    one = two([10.0, 13.0, 10.0, 10.0], [10.0, 10.0, NAN, 8.0])
    rule = bound(max={"metric": "rows", "table": "data", "factor": 1.2})
    verdicts = judge(one, [rule], DAILY, at=range(4))
    assert [v.status for v in verdicts] == [Status.OK, Status.ANOMALY, Status.OK, Status.ANOMALY]
    assert [v.upper for v in verdicts] == [12, 12, None, pytest.approx(9.6)]
    assert verdicts[1].sentence == "scored 13 rows is above 12 rows, 1.2 times rows of data"
    assert verdicts[2].sentence == "there is nothing to compare with"


def test_a_bound_may_be_what_was_pushed_last():
    one = two([0.8, 0.8, 0.7], [0.82, NAN, NAN], names=("scored", "val_auc"), tables=("prediction", "pushed"))
    rule = bound(min={"metric": "val_auc", "table": "pushed", "latest": True, "plus": -0.05})
    verdicts = judge(one, [rule], DAILY, at=range(3))
    assert [v.status for v in verdicts] == [Status.OK, Status.OK, Status.ANOMALY]
    assert verdicts[2].sentence.endswith("the newest val_auc of pushed - 0.05")


def test_the_other_metric_is_found_when_only_some_series_are_judged():
    one = two([13.0], [10.0])
    rule = bound(max={"metric": "rows", "table": "data"})
    wanted = np.array([True, False])
    (verdict,) = judge(one, [rule], DAILY, at=[0], of=wanted)
    assert verdict.status is Status.ANOMALY
    assert judge(one, [rule], DAILY, at=[0], of=~wanted) == []


def test_a_bound_may_be_the_mean_of_the_first_days():
    values = np.append(np.full(10, 100.0), [50.0, 94.0, 96.0])
    rule = RuleSpec("b", "threshold", parameters={"min": {"reference": "first", "intervals": 10, "factor": 0.95}})
    verdicts = judge(history(values), [rule], DAILY, at=range(13))
    assert [v.status for v in verdicts].count(Status.ANOMALY) == 2
    assert verdicts[9].sentence == "there is nothing to compare with"
    assert verdicts[11].sentence == "mean 94 is below 95, 0.95 times the mean of the first 10 days"
    spoilt = history(np.append(1e6, values), excluded=[0])
    assert judge(spoilt, [rule], DAILY, at=[12])[0].lower == pytest.approx(95)
    assert lookback([rule], DAILY) > 10_000


def test_a_bound_may_be_the_mean_of_named_days():
    values = np.append(np.full(31, 100.0), [500.0, 120.0])
    rule = RuleSpec("b", "threshold", parameters={"max": {"reference": ["2026-01-01", "2026-01-31"], "plus": 10}})
    verdicts = judge(history(values), [rule], DAILY, at=[0, 31, 32])
    assert [v.upper for v in verdicts] == [None, 110, 110]
    assert verdicts[2].sentence == "mean 120 is above 110, the mean from 2026-01-01 to 2026-01-31 + 10"


def test_a_moving_bound_of_nonsense_is_no_bound():
    values = [1e300, 1e300, 1e300, 5.0]
    rule = RuleSpec("b", "threshold", parameters={"max": {"reference": "first", "intervals": 3, "factor": 1e10}})
    assert last(values, rule).sentence == "there is nothing to compare with"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "either metric or reference"),
        ({"metric": "rows", "reference": "first"}, "either metric or reference"),
        ({"reference": "last"}, "reference must be first"),
        ({"reference": ["2026-02-01", "2026-01-01"]}, "begins on 2026-02-01, after it ends"),
        ({"reference": "first", "intervals": 0}, "intervals must be at least 1"),
    ],
)
def test_bounds_that_cannot_be(given, message):
    with pytest.raises(ValueError, match=message):
        Bound(**given)
    with pytest.raises(ValueError, match=message):
        ThresholdParameters(max=given)
