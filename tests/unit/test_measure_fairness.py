"""Gaps between groups: against fairlearn and statsmodels, on random and on degenerate groups."""

from __future__ import annotations

from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from lupus.measure.confusion import Confusion
from lupus.measure.fairness import (
    Gap,
    Share,
    decision_gaps,
    difference,
    error_gaps,
    ratio,
    wilson,
    worse_difference,
    worse_ratio,
)
from lupus.model import Failure, FailureKind

SHARE = st.integers(1, 500).flatmap(lambda n: st.builds(Share, st.integers(0, n), st.just(n)))
GROUPS = st.dictionaries(st.text("abc=é", max_size=3), SHARE, min_size=2, max_size=6)


def rows(seed: int, groups: int, n: int, shift: float = 0.15) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(seed)
    group = random.integers(0, groups, n)
    truth = random.random(n) < 0.2 + 0.6 * group / groups
    decided = random.random(n) < np.clip(0.3 + 0.4 * truth + shift * group / groups, 0, 1)
    return truth.astype(int), decided.astype(int), group


def counted(truth: Any, decided: Any, group: Any) -> dict[str, Confusion]:
    return {
        str(one): Confusion(
            *(int(((truth == y) & (decided == d) & (group == one)).sum()) for y, d in ((1, 1), (0, 1), (1, 0), (0, 0)))
        )
        for one in np.unique(group)
    }


FAMILIES = {
    f"{family}_{how}"
    for family in ("demographic_parity", "equal_opportunity", "equalized_odds", "predictive_parity")
    for how in ("difference", "ratio")
}


def check(truth: Any, decided: Any, group: Any) -> None:
    """Every gap and ratio is fairlearn's; where it has no number, or would pass over one that it lacks, a failure."""
    counts = counted(truth, decided, group)
    shares = {name: Share(one.tp + one.fp, one.total) for name, one in counts.items()}
    found = decision_gaps(shares, least=1) | error_gaps(counts, least=1)
    precision = fairlearn.MetricFrame(
        metrics=lambda y, d: y[d == 1].mean() if (d == 1).any() else np.nan,
        y_true=truth,
        y_pred=decided,
        sensitive_features=group,
    )
    expected = {
        name: getattr(fairlearn, name)(truth, decided, sensitive_features=group)
        for name in found
        if not name.startswith("predictive")
    } | {"predictive_parity_difference": precision.difference(), "predictive_parity_ratio": precision.ratio()}
    if precision.by_group.isna().any():
        expected |= {name: np.nan for name in expected if name.startswith("predictive")}
    for rate in (fairlearn.true_positive_rate, fairlearn.false_positive_rate):
        if not fairlearn.MetricFrame(
            metrics=rate, y_true=truth, y_pred=decided, sensitive_features=group
        ).by_group.any():
            expected["equalized_odds_ratio"] = np.nan
    assert found.keys() == expected.keys() == FAMILIES
    for name, gap in found.items():
        if np.isnan(expected[name]):
            assert isinstance(gap, Failure), name
            continue
        assert isinstance(gap, Gap), name
        assert gap.value == pytest.approx(expected[name], rel=1e-12), name
        assert gap.low <= gap.value <= gap.high


@pytest.mark.oracle(
    "demographic_parity_difference:…", "demographic_parity_ratio:…", "equal_opportunity_difference:…",
    "equal_opportunity_ratio:…", "equalized_odds_difference:…", "equalized_odds_ratio:…",
    "predictive_parity_difference:…", "predictive_parity_ratio:…", by="fairlearn", on="random",
)  # fmt: skip
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("groups", [2, 3, 7])
def test_every_gap_and_ratio_is_fairlearns(seed: int, groups: int) -> None:
    check(*rows(seed, groups, 900))


TRUTH, GROUP = np.array([0, 1] * 8), np.repeat([0, 1], 8)


@pytest.mark.oracle(
    "demographic_parity_difference:…", "demographic_parity_ratio:…", "equal_opportunity_difference:…",
    "equal_opportunity_ratio:…", "equalized_odds_difference:…", "equalized_odds_ratio:…",
    "predictive_parity_difference:…", "predictive_parity_ratio:…", by="fairlearn", on="degenerate",
)  # fmt: skip
@pytest.mark.parametrize(
    "decided",
    [TRUTH, 1 - TRUTH, np.ones(16, int), np.zeros(16, int), GROUP, np.where(GROUP == 1, TRUTH, 1)],
    ids=["perfect", "always wrong", "everybody", "nobody", "one group alone", "one group blindly"],
)
def test_every_gap_and_ratio_of_degenerate_decisions_is_fairlearns(decided: Any) -> None:
    check(TRUTH, decided, GROUP)


@pytest.mark.parametrize("one", [Share(56, 70), Share(0, 40), Share(40, 40), Share(1, 1000)])
@pytest.mark.parametrize("other", [Share(48, 80), Share(3, 35), Share(0, 12)])
def test_the_interval_of_two_groups_is_the_published_one(one: Share, other: Share) -> None:
    """56/70 and 48/80 is the first worked example of Newcombe (1998): 0.0524 to 0.3339."""
    gap = difference({"a": one, "b": other}, least=1)
    assert isinstance(gap, Gap)
    low, high = confint_proportions_2indep(one.hits, one.n, other.hits, other.n, method="newcomb", compare="diff")
    if one.rate < other.rate:
        low, high = -high, -low
    assert (gap.low, gap.high) == pytest.approx((min(max(low, -high, 0), gap.value), max(high, -low)), abs=1e-9)
    if one.n == 70 and other.n == 80:
        assert (round(gap.low, 4), round(gap.high, 4)) == (0.0524, 0.3339)
    if not one.hits and not other.hits:
        return
    part = ratio({"a": one, "b": other}, least=1)
    assert isinstance(part, Gap)
    less, more = sorted((one, other), key=lambda share: share.rate)
    low, high = confint_proportions_2indep(less.hits, less.n, more.hits, more.n, method="log-adjusted", compare="ratio")
    low, high = min(low, 1 / high), min(high, 1 / low, 1.0)
    assert (part.low, part.high) == pytest.approx((min(low, part.value), max(high, part.value)), rel=1e-6)


@given(SHARE)
def test_wilson_is_statsmodels(share: Share) -> None:
    assert wilson(share, 1.959963984540054) == pytest.approx(
        proportion_confint(share.hits, share.n, method="wilson"), abs=1e-12
    )


def test_the_interval_holds_the_true_gap_at_least_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    rates, sizes = (0.2, 0.3, 0.35, 0.3), (60, 400, 150, 90)
    held = {"difference": 0, "ratio": 0}
    for _ in range(600):
        groups = {
            str(number): Share(int(random.binomial(n, rate)), n)
            for number, (rate, n) in enumerate(zip(rates, sizes, strict=True))
        }
        gap, part = difference(groups, least=1), ratio(groups, least=1)
        assert isinstance(gap, Gap)
        assert isinstance(part, Gap)
        held["difference"] += gap.low <= max(rates) - min(rates) <= gap.high
        held["ratio"] += part.low <= min(rates) / max(rates) <= part.high
    assert min(held.values()) >= 0.95 * 600, held


@given(GROUPS, st.randoms(use_true_random=False))
def test_what_groups_are_called_changes_nothing(groups: dict[str, Share], random: Any) -> None:
    shares = list(groups.values())
    random.shuffle(shares)
    renamed = {f"g{number}": share for number, share in enumerate(shares)}
    for made in (difference, ratio):
        one, other = made(groups, least=1), made(renamed, least=1)
        if isinstance(one, Gap) and isinstance(other, Gap):
            assert (one.value, one.n) == (other.value, other.n)
            assert (one.low, one.high) == pytest.approx((other.low, other.high))
            assert 0 <= one.low <= one.value <= one.high <= 1
            assert groups[one.highest].rate >= groups[one.lowest].rate
        else:
            assert isinstance(one, Failure)
            assert isinstance(other, Failure)


@given(SHARE, st.integers(2, 5))
def test_equal_groups_have_no_gap(share: Share, many: int) -> None:
    groups = {str(number): share for number in range(many)}
    gap, part = difference(groups, least=1), ratio(groups, least=1)
    assert isinstance(gap, Gap)
    assert (gap.value, gap.low) == (0.0, 0.0)
    if share.hits:
        assert isinstance(part, Gap)
        assert (part.value, part.high) == (1.0, 1.0)


def test_small_groups_are_not_compared() -> None:
    groups = {"a": Share(50, 100), "b": Share(40, 100), "tiny": Share(0, 29)}
    gap = difference(groups, least=30)
    assert isinstance(gap, Gap)
    assert (gap.value, gap.lowest, gap.n) == (pytest.approx(0.1), "b", 200)
    assert difference({"a": Share(5, 100), "b": Share(1, 2)}, least=30) == Failure(
        FailureKind.UNDEFINED, "1 of 2 groups has at least 30 rows to compare; two are needed"
    )
    assert isinstance(ratio({}, least=30), Failure)


def test_a_minimum_is_of_the_rates_own_rows() -> None:
    """Many rows, hardly any positive: there is a false positive rate to compare, but no recall."""
    counts = {"a": Confusion(2, 10, 1, 90), "b": Confusion(1, 30, 1, 70)}
    gaps = error_gaps(counts, least=30)
    assert isinstance(gaps["equal_opportunity_difference"], Failure)
    assert isinstance(gaps["equalized_odds_difference"], Failure)
    loose = error_gaps(counts, least=1)["equalized_odds_difference"]
    assert isinstance(loose, Gap)
    assert loose.value == pytest.approx(0.2)


def test_no_positive_decision_at_all() -> None:
    nobody = {"a": Share(0, 100), "b": Share(0, 50)}
    gap = difference(nobody, least=30)
    assert isinstance(gap, Gap)
    assert (gap.value, gap.low) == (0, 0)
    assert gap.high > 0
    assert ratio(nobody, least=30) == Failure(
        FailureKind.UNDEFINED, "the rate is 0 in every group, so there is no ratio"
    )


def test_equalised_odds_take_the_worse_rate_with_its_failure() -> None:
    failure = Failure(FailureKind.UNDEFINED, "no")
    gap = Gap(0.1, 0.0, 0.2, 9, "a", "b")
    for worse in (worse_difference, worse_ratio):
        assert worse(failure, gap) == worse(gap, failure) == failure


@pytest.mark.parametrize("wrong", [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="hits of"):
        Share(*wrong)
