"""What holds for drift whatever the counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lupus.measure.drift import DRIFT_METRICS, Drift, Sample, compare, merged
from lupus.measure.states import Histogram, Moments

counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=12)
pairs = st.integers(2, 12).flatmap(
    lambda size: st.tuples(*(st.lists(st.integers(0, 10_000), min_size=size, max_size=size) for _ in range(2)))
)
OVER_BINS = ("psi", "js", "hellinger", "tv", "cramers_v", "linf")
SYMMETRIC = OVER_BINS


def categories(numbers: list[int]) -> Sample:
    return Sample(tuple(f"c{place}" for place in range(len(numbers) - 1)), np.array(numbers, dtype=float))


def numbers(values: list[float]) -> Sample:
    edges = (-2.0, -1.0, 0.0, 0.5, 3.0)
    found = np.histogram(values, np.array([-np.inf, *edges, np.inf]))[0]
    below, above = (
        sum(max(far, 0.0) for far in fars)
        for fars in zip(*((edges[0] - one, one - edges[-1]) for one in values), strict=True)
    )
    made = Sample.of_numbers(Moments.of(values), Histogram(edges, tuple(found.tolist()), (below, above)))
    assert made is not None
    return made


def drifts(own: Sample, other: Sample) -> dict[str, Drift]:
    found = compare({0: (own, other)}, min_rows=1)
    return {name: drift for (_, name), drift in found.items() if isinstance(drift, Drift)}


@given(pairs)
def test_values_are_within_their_bounds_and_intervals_hold_them(pair: tuple[list[int], list[int]]) -> None:
    for name, drift in drifts(*map(categories, pair)).items():
        assert 0 <= drift.low <= drift.value + 1e-9, name
        assert drift.value <= drift.high + 1e-9, name
        assert drift.high <= DRIFT_METRICS[name].most
        assert np.isfinite([drift.value, drift.low, drift.high]).all()


@given(counts)
def test_identical_counts_do_not_drift(own: list[int]) -> None:
    for name, drift in drifts(categories(own), categories(own)).items():
        assert drift.value == 0, name
        assert drift.low == 0, name


@given(pairs)
def test_distances_over_categories_are_symmetric(pair: tuple[list[int], list[int]]) -> None:
    own, other = map(categories, pair)
    there, back = drifts(own, other), drifts(other, own)
    assert there.keys() == back.keys()
    for name in SYMMETRIC:
        if name in there:
            assert np.isclose(there[name].value, back[name].value, rtol=1e-6, atol=1e-7), name
            assert np.isclose(there[name].high, back[name].high, rtol=1e-6, atol=1e-7), name


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_categories_does_not_matter(pair: tuple[list[int], list[int]], random: object) -> None:
    order = list(range(len(pair[0]) - 1))
    random.shuffle(order)  # type: ignore[attr-defined]
    names = tuple(f"c{place}" for place in order)
    mixed = [Sample(names, np.array([*(side[place] for place in order), side[-1]], dtype=float)) for side in pair]
    before, after = drifts(*map(categories, pair)), drifts(mixed[0], mixed[1])
    for name in ("psi", "js", "hellinger", "tv", "cramers_v"):  # the noise of linf is drawn bin by bin
        if name in before:
            assert np.isclose(before[name].value, after[name].value, rtol=1e-6, atol=1e-7), name


@given(pairs)
def test_a_column_is_judged_alike_alone_and_among_others(pair: tuple[list[int], list[int]]) -> None:
    own, other = map(categories, pair)
    wide = categories(list(range(50, 90)))
    together = compare({0: (own, other), 1: (wide, wide), 2: (numbers([0.1] * 90), numbers([0.2] * 80))}, min_rows=1)
    alone = drifts(own, other)
    for name, drift in alone.items():
        among = together[0, name]
        assert isinstance(among, Drift)
        assert np.isclose(among.value, drift.value, rtol=1e-9, atol=1e-9), name


values = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=60)


@settings(max_examples=60)
@given(values, values)
def test_numbers_of_any_size_give_finite_distances(own: list[float], other: list[float]) -> None:
    for name, drift in drifts(numbers(own), numbers(other)).items():
        assert np.isfinite([drift.value, drift.low, drift.high]).all(), name
        assert 0 <= drift.low <= drift.value + 1e-9 <= drift.high + 2e-9 * (1 + drift.high), name


@given(values, values)
def test_merging_is_counting_together(own: list[float], other: list[float]) -> None:
    both, at_once = merged([numbers(own), numbers(other)]), numbers(own + other)
    assert both is not None
    assert both.counts.tolist() == at_once.counts.tolist()
    assert np.allclose(both.beyond, at_once.beyond, rtol=1e-12)
    assert both.rows == at_once.rows
