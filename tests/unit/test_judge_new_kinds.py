"""`sudden_variance`, `new_category`, `drift`, `missing`: what they tell, and what they are silent about."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from judge_cases import DAILY, history, last
from lupus.judge import judge, lookback
from lupus.judge.chance import discoveries
from lupus.judge.new_category import _wilson_lower
from lupus.model import Cadence, CadenceKind, Failure, FailureKind, RuleSpec, Series, SeriesKey, Severity, Status

NAN = float("nan")
RANDOM = np.random.default_rng(20260103)
VARIANCE, NEW, DRIFT, MISSING = (
    RuleSpec(kind, kind) for kind in ("sudden_variance", "new_category", "drift", "missing")
)


def told(values, rule, at=None, **more):
    """The positions that `rule` finds something at, in the first series."""
    one = history(values, **more)
    verdicts = judge(one, [rule], DAILY, at=range(len(one.intervals)) if at is None else at)
    position = {interval: number for number, interval in enumerate(one.intervals)}
    return [position[one.interval] for one in verdicts if one.status.is_finding and one.series.column == "c0"]


def named(*metrics, unit="ratio"):
    return tuple(Series(SeriesKey("p", "data", "colour", metric), "input", unit) for metric in metrics)


# sudden_variance


def test_more_variance_is_told_once_within_its_recent_days():
    values = np.concatenate([RANDOM.normal(100, 1, 120), RANDOM.normal(100, 8, 30)])
    (when,) = told(values, VARIANCE)
    assert 120 + 3 <= when <= 120 + 11
    verdict = judge(history(values), [VARIANCE], DAILY, at=[when])[0]
    assert (verdict.lower, verdict.upper, verdict.expected) == (None, None, None)
    assert verdict.score > 1


def test_less_variance_is_told_unless_only_more_is_asked_for():
    values = np.concatenate([RANDOM.normal(100, 8, 120), RANDOM.normal(100, 0.8, 30)])
    assert len(told(values, VARIANCE)) == 1
    assert told(values, RuleSpec("up", "sudden_variance", parameters={"direction": "up"})) == []
    assert len(told(values, RuleSpec("down", "sudden_variance", parameters={"direction": "down"}))) == 1


@pytest.mark.parametrize(
    "values",
    [
        np.full(120, 7.0),
        np.zeros(120),
        np.concatenate([RANDOM.normal(100, 1, 90), RANDOM.normal(160, 1, 60)]),  # another level is none
        100 + np.arange(150) * 3 + RANDOM.normal(0, 1, 150),
        np.where(np.isin(np.arange(150), [100, 101, 120]), 500.0, RANDOM.normal(100, 1, 150)),
        100 + np.tile([0, 0, 0, 0, 0, -40, -45], 20) + RANDOM.normal(0, 1, 140),
    ],
)
def test_no_other_variance_is_no_news(values):
    assert told(values, VARIANCE) == []


def test_a_thousand_quiet_series_say_next_to_nothing():
    values = np.random.default_rng(5).normal(0, 1, (1000, 120))
    verdicts = judge(history(values), [VARIANCE], DAILY, at=range(60, 120), only_findings=True)
    assert len(verdicts) < 150  # of 60,000 days


# new_category


def test_a_share_of_the_unseen_is_told_when_it_comes_and_when_it_grows():
    values = np.concatenate([np.zeros(20), np.full(20, 0.05), np.full(20, 0.2)])
    assert told(values, NEW, unit="ratio", n=1000) == [20, 21, 40, 41]
    verdict = last(values[:21], NEW, unit="ratio", n=1000, metric="unseen_ratio")
    assert (verdict.upper, verdict.severity, verdict.score) == (0.01, Severity.CRITICAL, pytest.approx(5))


def test_few_rows_prove_nothing_new():
    assert last([0.0] * 9 + [1 / 30], NEW, unit="ratio", n=30).status is Status.OK
    assert last([0.0] * 9 + [100 / 3000], NEW, unit="ratio", n=3000).status is Status.ANOMALY
    assert last([0.0] * 9 + [0.03], NEW, unit="ratio").status is Status.ANOMALY  # nobody counted the rows


def test_what_was_unseen_from_the_beginning_is_not_new():
    assert told(np.full(30, 0.07), NEW, unit="ratio", n=1000) == []
    assert last([0.07], NEW, unit="ratio", n=1000).sentence == "not enough history: 0 of 7 intervals"


def test_columns_that_come_are_told_from_the_first():
    assert told([0, 0, 2, 0, 0], NEW, unit="columns") == [2]
    assert told([1.0], NEW, unit="columns") == [0]


def test_a_new_category_s_own_share_is_told_once_its_column_is_known():
    values = np.full((3, 40), 0.3)
    values[1, :30], values[2, :] = NAN, NAN
    values[2, 3] = 0.4
    one = replace(history(values, n=1000), series=named("share:red", "share:blue", "share:green"))
    found = judge(one, [NEW], DAILY, at=range(40), only_findings=True)
    assert [(verdict.series.metric, one.intervals.index(verdict.interval)) for verdict in found] == [("share:blue", 30)]
    assert found[0].sentence == "share:blue is new: 30 % after none in 28 days"


@pytest.mark.parametrize(("ratio", "n"), [(0.0, 10), (0.2, 10), (0.5, 1), (1.0, 37), (0.013, 20_000)])
def test_the_lower_end_is_wilson_s(ratio, n):
    wanted = stats.binomtest(round(ratio * n), n).proportion_ci(0.95, method="wilson").low
    found = _wilson_lower(np.array([[round(ratio * n) / n]]), np.array([[n]]))
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-12)


# drift


def drifting(values, low, high, *, n=1000, metrics=None):
    one = history(values, n=n)
    shape = one.values.shape
    names = metrics or [f"psi{number}" for number in range(shape[0])]
    series = tuple(Series(SeriesKey("p", "data", f"c{row}", name), "input", "") for row, name in enumerate(names))
    return replace(
        one,
        series=series,
        low=np.broadcast_to(np.asarray(low, dtype=float), shape),
        high=np.broadcast_to(np.asarray(high, dtype=float), shape),
    )


def drift_of(one, rule=DRIFT):
    return judge(one, [rule], DAILY, at=[len(one.intervals) - 1])


def test_drift_is_an_effect_that_is_large_and_sure():
    (sure,) = drift_of(drifting([[0.3]], 0.25, 0.35, metrics=["psi"]))
    assert (sure.status, sure.upper, sure.score) == (Status.ANOMALY, 0.2, pytest.approx(1.5))
    (vague,) = drift_of(drifting([[0.3]], 0.05, 0.55, metrics=["psi"]))
    assert vague.status is Status.OK
    assert vague.sentence == "above the limit, but within what 1,000 rows give by chance"
    (small,) = drift_of(drifting([[0.15]], 0.149, 0.151, metrics=["psi"]))
    assert (small.status, small.sentence) == (Status.OK, "")
    (few,) = drift_of(drifting([[0.3]], 0.25, 0.35, n=50, metrics=["psi"]))
    assert few.sentence == "not judged: 50 rows of at least 200"
    (pushed,) = drift_of(drifting([[0.3]], NAN, NAN, n=0, metrics=["psi"]))
    assert pushed.status is Status.ANOMALY


@pytest.mark.parametrize(("metric", "limit"), [("psi", 0.2), ("psi@trailing", 0.2), ("js", 0.1), ("wasserstein", 0.1)])
def test_each_metric_has_its_customary_limit(metric, limit):
    (verdict,) = drift_of(drifting([[0.5]], 0.49, 0.51, metrics=[metric]))
    assert verdict.upper == limit
    given = RuleSpec("own", "drift", parameters={"limit": 0.6})
    assert drift_of(drifting([[0.5]], 0.49, 0.51, metrics=[metric]), given)[0].status is Status.OK


def test_among_many_columns_one_must_stand_out_more():
    # Alone, z = (0.11 - 0.05) / 0.024 = 2.5 passes; among 400 that are nothing it does not.
    values = np.full((400, 1), 0.0)
    values[0] = 0.11
    low, high = values - 0.047, values + 0.047
    many = drifting(values, low, high, metrics=["js"] * 400)
    assert [one.status for one in drift_of(many)].count(Status.ANOMALY) == 0
    alone = drifting(values[:1], low[:1], high[:1], metrics=["js"])
    assert drift_of(alone)[0].status is Status.ANOMALY


def test_the_discoveries_are_those_of_scipy():
    for seed in range(20):
        random = np.random.default_rng(seed)
        p_values = np.append(random.random(30), random.random(5) / 1000)
        wanted = stats.false_discovery_control(p_values) <= 0.05
        np.testing.assert_array_equal(discoveries(p_values, 0.05), wanted)


# missing


def test_a_push_that_did_not_come_is_told():
    values = np.where(np.arange(60) % 7 >= 5, NAN, 10.0)  # on weekdays only: 2026-01-05 is a Monday
    values[[45, 52]] = NAN
    found = told(values, MISSING, start="2026-01-05", metric="orders")
    assert found == [45]  # a week later it is no longer regular on that weekday
    one = history(values[:46], start="2026-01-05", metric="orders")
    (verdict,) = judge(one, [MISSING], DAILY, at=[45])
    assert (verdict.status, verdict.severity, verdict.value) == (Status.NO_DATA, Severity.HIGH, None)
    assert verdict.sentence == ("orders is missing, and nobody said why: it was there on 4 of the last 4 Thursdays")


def test_an_absence_with_a_reason_is_told_by_its_own_status_only_once():
    failure = {(0, 40): Failure(FailureKind.NO_DATA, "not there by 09:00")}
    values = np.append(np.full(40, 10.0), NAN)
    (verdict,) = judge(history(values, failures=failure), [MISSING], DAILY, at=[40])
    assert verdict.sentence == "mean: no data, not there by 09:00"


def test_most_rows_missing_is_told():
    values = np.append(RANDOM.poisson(1000, 40), 400.0)
    verdict = last(values, MISSING, unit="rows", metric="rows")
    assert (verdict.status, verdict.severity) == (Status.ANOMALY, Severity.HIGH)
    assert 480 < verdict.lower < 520
    assert last(np.append(values[:40], 700.0), MISSING, unit="rows").status is Status.OK
    assert last(np.append(values[:40], 400.0), MISSING, unit="ms").status is Status.OK
    assert last(np.append(np.full(40, 3.0), 1.0), MISSING, unit="rows").status is Status.OK  # as Poisson would have it


def test_without_a_season_the_last_intervals_count():
    weekly = Cadence(CadenceKind.WEEKLY)
    values = np.append(np.full(30, 5.0), NAN)
    one = history(values, cadence=weekly, start="2026-01-05")
    (verdict,) = judge(one, [MISSING], weekly, at=[30])
    assert verdict.sentence == "mean is missing, and nobody said why: it was there on 28 of the last 28 weeks"


# all of them


@pytest.mark.parametrize("rule", [VARIANCE, NEW, DRIFT, MISSING], ids=lambda rule: rule.kind)
@pytest.mark.parametrize("unit", ["", "rows", "ratio", "columns"])
def test_bad_input_gives_verdicts(rule, unit):
    days = 120
    rows = [
        np.full(days, 3.0),
        np.full(days, NAN),
        np.where(np.arange(days) < 3, 1.0, NAN),
        np.where(np.arange(days) % 2, np.inf, -np.inf),
        np.full(days, 1e300) * np.where(np.arange(days) % 2, 1, -1),
        np.full(days, 1e-300) * RANDOM.normal(size=days),
        RANDOM.normal(size=days),
    ]
    verdicts = judge(history(np.stack(rows), unit=unit, n=1000), [rule], DAILY, at=range(days))
    assert verdicts
    for verdict in verdicts:
        numbers = [verdict.value, verdict.expected, verdict.lower, verdict.upper, verdict.score]
        assert np.isfinite([number for number in numbers if number is not None]).all()
        assert verdict.status is Status.OK or verdict.sentence


@pytest.mark.parametrize("rule", [VARIANCE, NEW, MISSING], ids=lambda rule: rule.kind)
def test_more_history_than_the_lookback_changes_nothing(rule):
    reach = lookback([rule], DAILY)
    random = np.random.default_rng(8)
    values = np.abs(random.normal(0.02, 0.02, (5, reach + 30))) * np.where(np.arange(reach + 30) > reach, 9, 1)
    values[random.random(values.shape) < 0.05] = NAN
    for day in range(reach + 5, reach + 30, 5):
        whole = judge(history(values, unit="ratio"), [rule], DAILY, at=[day])
        first = day - reach
        start = history(values).intervals[first].key
        assert judge(history(values[:, first : day + 1], start=start, unit="ratio"), [rule], DAILY, at=[reach]) == whole
