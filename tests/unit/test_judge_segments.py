"""Where a whole series changed, looking back."""

import numpy as np
import pytest

from lupus.judge import change_points

RANDOM = np.random.default_rng(7)
NOISE = RANDOM.normal(0, 1, 240)


def test_a_jump_a_bend_and_steady_noise():
    jump = NOISE + 8 * (np.arange(240) >= 100)
    bend = NOISE + 0.1 * np.maximum(np.arange(240) - 120, 0)
    assert change_points(NOISE) == []
    assert change_points(jump) == [100]
    (found,) = change_points(bend)
    assert abs(found - 120) <= 20
    assert change_points(NOISE + np.arange(240)) == []


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e9, 1e298])
def test_the_unit_does_not_matter(scale):
    assert change_points(scale * (NOISE + 8 * (np.arange(240) >= 100))) == [100]


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [1.0, 2.0, 3.0], [np.nan] * 30, [5.0] * 30, [np.inf] * 30, [0.0] * 9 + [np.nan] * 30],
)
def test_what_says_nothing_has_no_changes(values):
    assert change_points(np.array(values)) == []


def test_gaps_are_bridged():
    values = NOISE + 8 * (np.arange(240) >= 100)
    values[::9] = np.nan
    values[50] = np.inf
    (found,) = change_points(values)
    assert abs(found - 100) <= 2


def test_a_larger_penalty_finds_no_more():
    values = np.concatenate([NOISE[:60], NOISE[60:120] + 3, NOISE[120:180] - 3, NOISE[180:]])
    counts = [len(change_points(values, penalty=penalty)) for penalty in (2, 5, 14, 40)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]
