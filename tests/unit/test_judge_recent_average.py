import numpy as np
import pytest

from judge_cases import DAILY, RECENT, history, last
from lupus.judge import Assessment, ThresholdRule, judge, lookback, rule_for
from lupus.model import Cadence, CadenceKind, RuleSpec, Selector, Severity, Status

NAN = float("nan")
RANDOM = np.random.default_rng(20260101)
QUIET = RANDOM.normal(100, 1, 60)
WEEKLY = 100 + np.tile([0, 0, 0, 0, 0, -40, -45], 10)[:67] + RANDOM.normal(0, 1, 67)


def recent(**parameters):
    return RuleSpec("recent", "recent_average", parameters=parameters)


@pytest.mark.parametrize(
    ("past", "value", "more", "status"),
    [
        (QUIET, 101.0, {}, Status.OK),
        (QUIET, 115.0, {}, Status.ANOMALY),
        (QUIET, 85.0, {}, Status.ANOMALY),
        (np.full(40, 7.0), 7.0, {}, Status.OK),
        (np.full(40, 7.0), 7.01, {}, Status.OK),
        (np.full(40, 7.0), 8.0, {}, Status.ANOMALY),
        (np.zeros(40), 0.0, {}, Status.OK),
        (np.zeros(40), 0.001, {"unit": "ratio", "n": 1000}, Status.OK),
        (np.zeros(40), 0.05, {"unit": "ratio", "n": 1000}, Status.ANOMALY),
        (np.zeros(40), 0.05, {"unit": "ratio", "n": 20}, Status.OK),
        (np.ones(40), 0.999, {"unit": "ratio", "n": 1000}, Status.OK),
        (np.ones(40), 0.9, {"unit": "ratio", "n": 1000}, Status.ANOMALY),
        (np.zeros(40), 3.0, {"unit": "rows"}, Status.OK),
        (np.zeros(40), 30.0, {"unit": "rows"}, Status.ANOMALY),
        (np.full(40, 1000.0), 1100.0, {"unit": "rows"}, Status.OK),
        (np.full(40, 1000.0), 700.0, {"unit": "rows"}, Status.ANOMALY),
        (np.full(40, 1000.0), 0.0, {"unit": "rows"}, Status.ANOMALY),
        (np.full(40, -2.0), -2.0, {"unit": "rows"}, Status.OK),
        (np.full(40, 1.5), 1.5, {"unit": "ratio"}, Status.OK),
        (np.full(40, 1e300), 1e300, {}, Status.OK),
        (np.full(40, 1e300), -1e300, {}, Status.ANOMALY),
        (np.full(40, 1e-300), 1e-300, {}, Status.OK),
        (np.full(40, 1e-300), 1e300, {}, Status.ANOMALY),
        (np.where(np.arange(40) % 2, 1e300, -1e300), 1e300, {}, Status.OK),
    ],
)
def test_values_and_their_verdicts(past, value, more, status):
    verdict = last(np.append(past, value), **more)
    assert verdict.status is status
    assert np.isfinite([verdict.expected, verdict.lower, verdict.upper, verdict.score]).all()
    assert verdict.lower <= verdict.expected <= verdict.upper
    assert (verdict.score > 1) is (status is Status.ANOMALY)


@pytest.mark.parametrize(
    ("known", "sentence"),
    [(0, "0 of 14"), (3, "3 of 14"), (13, "13 of 14"), (14, "")],
)
def test_too_little_history_is_said(known, sentence):
    verdict = last(np.append(QUIET[:known], 500))
    assert verdict.status is (Status.ANOMALY if not sentence else Status.OK)
    if sentence:
        assert verdict.sentence == f"not enough history: {sentence} intervals"
        assert verdict.lower is verdict.upper is verdict.score is None


def test_history_is_counted_within_the_window_and_without_gaps_and_exclusions():
    values = np.append(QUIET, 500)
    assert last(values, excluded=range(40, 60)).sentence == "not enough history: 8 of 14 intervals"
    values[40:60] = NAN
    assert last(values).sentence == "not enough history: 8 of 14 intervals"


def test_excluded_points_are_judged_but_change_no_baseline():
    values = np.append(QUIET, 102)
    spoiled = values.copy()
    spoiled[50:58] = 900
    gone = values.copy()
    gone[50:58] = NAN
    assert last(spoiled, excluded=range(50, 58)) == last(gone)
    assert last(np.append(QUIET, 500), excluded=[60]).status is Status.ANOMALY


def test_an_incident_does_not_poison_the_baseline():
    values = np.append(QUIET, 110)
    values[55] = 1e6
    verdict = last(values)
    assert verdict.status is Status.ANOMALY
    assert verdict.expected == pytest.approx(100, abs=2)


def test_the_weekday_is_expected_where_it_predicts_better():
    saturdays = judge(history(np.append(WEEKLY[:61], [60, 55])), [RECENT], DAILY, at=[61, 62])
    assert [verdict.status for verdict in saturdays] == [Status.OK, Status.OK]
    assert last(np.append(WEEKLY[:61], 100)).status is Status.ANOMALY
    blind = last(np.append(WEEKLY[:61], 100), recent(season_aware=False))
    assert blind.status is Status.OK


def test_a_season_of_hours():
    hourly = Cadence(CadenceKind.HOURLY)
    values = 50 + 30 * np.sin(np.arange(24 * 9) / 24 * 2 * np.pi) + RANDOM.normal(0, 1, 24 * 9)
    assert last(np.append(values, 50), recent(window=48), cadence=hourly).status is Status.OK
    verdict = last(np.append(values, 80), recent(window=48), cadence=hourly)
    assert verdict.status is Status.ANOMALY
    assert "mostly from the last 4 days at 00:00 UTC" in verdict.sentence


def test_a_new_level_is_told_for_some_days_and_then_accepted():
    values = np.concatenate([QUIET, RANDOM.normal(130, 1, 30)])
    statuses = [v.status for v in judge(history(values), [RECENT], DAILY, at=range(60, 90))]
    assert statuses[0] is Status.ANOMALY
    assert statuses[1] is Status.ANOMALY
    assert Status.ANOMALY not in statuses[10:]


def test_one_direction_only():
    up, down = recent(direction="up"), recent(direction="down")
    high, low = np.append(QUIET, 150), np.append(QUIET, 50)
    assert [last(high, up).status, last(low, up).status] == [Status.ANOMALY, Status.OK]
    assert [last(high, down).status, last(low, down).status] == [Status.OK, Status.ANOMALY]
    assert last(high, up).lower is None
    assert last(low, up).score == 0
    assert last(low, down).upper is None


def test_severity_grows_with_the_score_and_can_be_set():
    band = last(np.append(QUIET, 100))
    half = band.upper - band.expected
    found = [last(np.append(QUIET, band.expected + half * times)).severity for times in (1.1, 1.6, 2.6, 4.1)]
    assert found == [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]
    quiet = RuleSpec("r", "recent_average", severity=Severity.LOW)
    assert last(np.append(QUIET, 900), quiet).severity is Severity.LOW


def test_bands_of_counts_and_ratios_stay_possible():
    assert last(np.append(np.full(30, 2.0), 2), unit="rows").lower == 0
    assert last(np.append(np.full(30, 0.001), 0.001), unit="ratio", n=50).lower == 0
    assert last(np.append(np.full(30, 0.999), 0.999), unit="ratio", n=50).upper == 1


@pytest.mark.parametrize("metric", ["roc_auc", "estimated_pr_auc", "ndcg@10", "f1_macro", "ece"])
def test_bands_of_scores_stay_possible(metric: str):
    restless = np.tile([0.1, 0.9], 20)
    band = last(restless, metric=metric)
    assert (band.lower, band.upper) == (0, 1)
    assert last(restless, metric="mae").upper > 1
    # What cannot be is judged by the band as it is.
    assert last(np.append(restless, 1.8), metric=metric).upper > 1


def test_one_more_of_what_is_counted_is_not_far_out():
    carriers = np.append(np.full(60, 14.0), 15.0)
    assert last(carriers, unit="values").status is Status.OK
    assert last(carriers, unit="h").status is Status.ANOMALY
    assert last(np.append(np.full(60, 14.0), 18.0), unit="values").status is Status.ANOMALY


def test_a_larger_sensitivity_is_a_wider_band():
    narrow, wide = (
        last(np.append(QUIET, 100), recent(sensitivity=3)),
        last(np.append(QUIET, 100), recent(sensitivity=6)),
    )
    assert wide.upper - wide.expected == pytest.approx(2 * (narrow.upper - narrow.expected))


def test_gaussian_noise_seldom_alarms():
    values = np.random.default_rng(3).normal(50, 4, (200, 200))
    verdicts = judge(history(values), [RECENT], DAILY, at=range(60, 200))
    assert sum(v.status is Status.ANOMALY for v in verdicts) / len(verdicts) < 0.0005


def test_more_history_than_the_lookback_changes_nothing():
    reach = lookback([RECENT], DAILY)
    values = np.random.default_rng(5).gamma(2, 10, (20, reach + 60))
    values[:5, -1] *= 20
    whole = judge(history(values), [RECENT], DAILY, at=[reach + 59])
    start = history(values).intervals[59].key
    assert judge(history(values[:, 59:], start=start), [RECENT], DAILY, at=[reach]) == whole
    assert {v.status for v in whole} == {Status.OK, Status.ANOMALY}
    assert f"in {reach + 1} days" in whole[0].sentence


def test_nothing_to_judge_is_no_verdicts():
    assert judge(history(np.empty((0, 3))), [RECENT], DAILY, at=[2]) == []
    assert judge(history([1.0, 2.0]), [RECENT], DAILY, at=[]) == []
    assert judge(history([1.0, 2.0]), [], DAILY, at=[1]) == []
    assert judge(history([1.0]), [RuleSpec("r", "recent_average", Selector(table=("x",)))], DAILY, at=[0]) == []
    with pytest.raises(IndexError, match="must be in 0–1, got 2 to 2"):
        judge(history([1.0, 2.0]), [RECENT], DAILY, at=[2])


class _Broken(ThresholdRule):
    def assess(self, matrix) -> Assessment:
        raise RuntimeError("out of luck")


class _Speechless(ThresholdRule):
    def sentence(self, anomaly) -> str:
        raise KeyError("words")


class _Misshapen(ThresholdRule):
    def assess(self, matrix) -> Assessment:
        wrong = np.zeros((1, 1))
        return Assessment(wrong, wrong, wrong, wrong, wrong.astype(np.int64), 0, wrong.astype(bool))


@pytest.mark.parametrize(
    ("kind", "status", "sentence"),
    [
        (_Broken, Status.ERROR, "rule 'theirs' failed: RuntimeError: out of luck"),
        (_Misshapen, Status.ERROR, "rule 'theirs' failed: LupusError: its expected has shape (1, 1), not (2, 1)"),
        (_Speechless, Status.ANOMALY, "mean left its band (rule 'theirs' cannot say more: 'words')"),
    ],
)
def test_a_broken_rule_of_somebody_else_silences_no_other(monkeypatch, kind, status, sentence):
    made = lambda spec, _: kind({"max": 1}) if spec.kind == "theirs" else rule_for(spec)  # noqa: E731
    monkeypatch.setattr("lupus.judge.verdicts.rule_for", made)
    rules = [RuleSpec("theirs", "theirs"), RuleSpec("ours", "threshold", parameters={"max": 1})]
    verdicts = judge(history([[5.0], [6.0]]), rules, DAILY, at=[0])
    assert [(v.rule, v.status) for v in verdicts] == [("theirs", status)] * 2 + [("ours", Status.ANOMALY)] * 2
    assert verdicts[0].sentence == sentence
