"""The exact rank tests, against scipy's and against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lupus.act.samples import compare_pairs, compare_samples

VALUES = st.floats(-100, 100).map(lambda value: round(value, 3))
TIED = st.integers(0, 4).map(float)


@pytest.mark.parametrize("sizes", [(4, 4), (5, 9), (14, 14), (28, 20)])
def test_two_samples_agree_with_scipy(sizes: tuple[int, int]) -> None:
    made = np.random.default_rng(sum(sizes))
    first, second = made.normal(0, 1, sizes[0]), made.normal(0.8, 1, sizes[1])
    found = compare_samples(first.tolist(), second.tolist())
    exact = stats.mannwhitneyu(second, first, method="exact")
    assert found.p_value == pytest.approx(exact.pvalue)
    assert found.effect == pytest.approx(2 * exact.statistic / (sizes[0] * sizes[1]) - 1)
    assert found.shift == pytest.approx(np.median(np.subtract.outer(second, first)))
    assert found.low <= found.shift <= found.high


@pytest.mark.parametrize("size", [6, 7, 14, 30])
def test_pairs_agree_with_scipy(size: int) -> None:
    made = np.random.default_rng(size)
    first = made.normal(0, 1, size)
    second = first + made.normal(0.5, 1, size)
    found = compare_pairs(first.tolist(), second.tolist())
    exact = stats.wilcoxon(second, first, method="exact")
    assert found.p_value == pytest.approx(exact.pvalue)
    assert found.low <= found.shift <= found.high


def test_ties_are_counted_and_not_approximated() -> None:
    first, second = [1.0, 1.0, 2.0, 2.0, 3.0], [2.0, 2.0, 3.0, 4.0, 4.0]
    permuted = stats.permutation_test(
        (np.array(second), np.array(first)),
        lambda a, b: stats.rankdata(np.concatenate([a, b]))[: len(a)].sum(),
        n_resamples=np.inf,
        vectorized=False,
    )
    assert compare_samples(first, second).p_value == pytest.approx(permuted.pvalue)


def test_the_fewest_values_can_be_significant() -> None:
    assert compare_samples([1, 2, 3, 4], [5, 6, 7, 8]).p_value == pytest.approx(2 / 70)
    assert compare_samples([1, 2, 3], [5, 6, 7, 8]).p_value > 0.05
    assert compare_pairs([1] * 6, [2, 3, 4, 5, 6, 7]).p_value == pytest.approx(2 / 64)
    assert compare_pairs([1] * 5, [2, 3, 4, 5, 6]).p_value > 0.05


def test_nothing_moved() -> None:
    same = compare_pairs([1.0] * 8, [1.0] * 8)
    assert (same.shift, same.low, same.high, same.effect, same.p_value) == (0, 0, 0, 0, 1)
    same = compare_samples([1.0] * 8, [1.0] * 8)
    assert (same.shift, same.effect, same.p_value) == (0, 0, 1)


def test_intervals_cover_the_true_shift_as_often_as_they_say() -> None:
    made, covered, runs = np.random.default_rng(5), 0, 400
    for _ in range(runs):
        found = compare_samples(made.normal(0, 1, 8).tolist(), made.normal(1, 1, 8).tolist())
        covered += found.low <= 1 <= found.high
    assert covered / runs > 0.93


@given(st.lists(VALUES | TIED, min_size=4, max_size=9), st.lists(VALUES | TIED, min_size=4, max_size=9))
def test_the_other_way_round_is_the_other_way_round(first: list[float], second: list[float]) -> None:
    there, back = compare_samples(first, second), compare_samples(second, first)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.effect == pytest.approx(-back.effect)
    assert (there.shift, there.low, there.high) == pytest.approx((-back.shift, -back.high, -back.low))
    assert 0 < there.p_value <= 1


@given(st.lists(st.tuples(VALUES | TIED, VALUES | TIED), min_size=6, max_size=12))
def test_pairs_the_other_way_round(pairs: list[tuple[float, float]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    there, back = compare_pairs(first, second), compare_pairs(second, first)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.effect == pytest.approx(-back.effect)
    assert -1 <= there.effect <= 1
