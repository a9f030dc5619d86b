"""The judge's own vectorised statistics beside scipy and statsmodels, which are exact but take one series at a time."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.tsa.seasonal import STL

from judge_cases import DAILY, history
from lupus.judge import judge, rule_for
from lupus.judge.noise import _TAILS, tail_noise
from lupus.judge.trend_change import seasonal_part
from lupus.model import RuleSpec, Status

RANDOM = np.random.default_rng(20260305)


def test_the_noise_unit_of_gaussian_errors_is_their_standard_deviation():
    errors = np.abs(RANDOM.normal(0, 3, (400, 64)))
    noise, count = tail_noise(errors, np.array([63]), 63)
    assert count.ravel().tolist() == [63] * 400
    few = 1 + 4 / 63  # what few errors are widened by
    assert np.median(noise) / few == pytest.approx(3, rel=0.05)
    for share, normal in _TAILS.items():
        assert stats.norm.ppf((1 + share) / 2) == pytest.approx(normal, abs=5e-4)


def test_the_season_is_that_of_a_decomposition_by_loess():
    season = np.tile([0.0, 1.0, 2.0, 1.0, 0.0, -4.0, -5.0], 20)
    values = 50 + 0.05 * np.arange(140) + season + RANDOM.normal(0, 0.2, 140)
    found = seasonal_part(values[None, :], 7)[0, 70:]
    expected = STL(values, period=7, robust=True).fit().seasonal[70:]
    # Both know the season up to a constant; ours has seen the past only.
    difference = (found - found.mean()) - (expected - expected.mean())
    assert np.abs(difference).max() < 0.15 * np.ptp(season)
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_series_without_a_season_are_given_none():
    values = RANDOM.normal(0, 1, (200, 140))
    given = seasonal_part(values, 7)[:, 70:]
    assert (given == 0).mean() > 0.9


def test_gaussian_noise_leaves_its_band_no_more_often_than_its_tail_says():
    values = RANDOM.normal(100, 5, (500, 200))
    verdicts = judge(history(values), [RuleSpec("recent", "recent_average")], DAILY, at=range(130, 200))
    share = np.mean([verdict.status is Status.ANOMALY for verdict in verdicts])
    used = rule_for(RuleSpec("recent", "recent_average")).tail.beyond(np.array([1.0]))[0]
    assert share < used
    # Bands of four noise units from some sixty errors: between what a normal and a Student distribution would leave.
    assert 2 * stats.norm.sf(4) < share < 2 * stats.t.sf(4, df=20)


def test_the_tail_in_use_holds_for_the_tails_of_real_residuals():
    values = 100 + 3 * RANDOM.standard_t(4, (600, 200))
    rule = RuleSpec("recent", "recent_average")
    verdicts = judge(history(values), [rule], DAILY, at=range(130, 200), only_findings=True)
    tail = rule_for(rule).tail
    scores = np.array([verdict.score for verdict in verdicts])
    for score in (1.0, 1.5, 2.0, 3.0):
        reached = (scores >= score).sum() / (600 * 70)
        assert reached <= 1.3 * tail.beyond(np.array([score]))[0]
