"""Tests of few values, exact at any size: two samples (Mann-Whitney) and pairs (Wilcoxon's signed ranks).

Daily values of a model's quality are few, skewed, and now and then wild: ranks take no harm from that. The null
distributions are counted, ties included, not approximated; so they hold for four values a side as for sixty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

LEVEL: Final = 0.05
"""Two-sided significance level; confidence intervals are of 1 - LEVEL."""

LEAST_SAMPLE: Final = 4
"""Values a side below which no difference could be significant: with 4 and 4, the smallest p is 2 / 70."""

LEAST_PAIRS: Final = 6
"""Pairs below which no difference could be significant: with 6, the smallest p is 2 / 64."""


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the second values are higher (`shift`, with its confidence interval), how clearly, how surely.

    `effect` is from -1 (all lower) to 1 (all higher); `p_value` is two-sided.
    """

    shift: float
    low: float
    high: float
    effect: float
    p_value: float


def compare_samples(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Two independent samples, each of at least `LEAST_SAMPLE` values.

    The p-value is that of the rank-sum test, exact given the ties (Wilcoxon 1945; Mann and Whitney 1947); the shift is
    the median of all differences, with the interval of Hodges and Lehmann (1963); the effect is Cliff's delta (1993),
    the share of the pairs in which the second is higher less the share in which it is lower.
    """
    m, n = len(first), len(second)
    ranks = _doubled_ranks([*first, *second])
    p_value = _two_sided(_sums_of(ranks, n), sum(ranks[m:]), centre=n * (m + n + 1))
    plain = _sums_of(range(1, m + n + 1), n)
    # Above the least sum of n ranks lies Mann and Whitney's U, the number of pairs in which the second is higher.
    cut = _quantile({total - n * (n + 1) // 2: count for total, count in plain.items()}, LEVEL / 2)
    differences = sorted(b - a for a in first for b in second)
    effect = sum((one > 0) - (one < 0) for one in differences) / len(differences)
    return _difference(differences, cut, effect, p_value)


def compare_pairs(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Values in pairs, at least `LEAST_PAIRS` of them.

    The p-value is that of the signed-rank test on the pairs that differ, exact given the ties (Wilcoxon 1945); the
    shift is the median of the Walsh averages of the differences (Hodges and Lehmann 1963); the effect is the matched
    rank-biserial correlation (Kerby 2014), the share of the ranks for less the share against.
    """
    differences = [b - a for a, b in zip(first, second, strict=True)]
    n = len(differences)
    averages = sorted((differences[i] + differences[j]) / 2 for i in range(n) for j in range(i, n))
    cut = _quantile(_signed_sums(range(1, n + 1)), LEVEL / 2)
    moved = [one for one in differences if one]
    if not moved:
        return _difference(averages, cut, 0.0, 1.0)
    ranks = _doubled_ranks([abs(one) for one in moved])
    positive, whole = sum(rank for rank, one in zip(ranks, moved, strict=True) if one > 0), sum(ranks)
    p_value = _two_sided(_signed_sums(ranks), positive, centre=whole / 2)
    return _difference(averages, cut, (2 * positive - whole) / whole, p_value)


def _difference(ordered: Sequence[float], cut: int, effect: float, p_value: float) -> Difference:
    """Of the `ordered` differences the `cut`-th from either end bound the interval."""
    cut = max(cut, 1)
    return Difference(median(ordered), ordered[cut - 1], ordered[-cut], effect, p_value)


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value, tied values sharing the mean of theirs, so that all are whole numbers."""
    order = sorted(values)
    first: dict[float, int] = {}
    last: dict[float, int] = {}
    for rank, value in enumerate(order, start=1):
        first.setdefault(value, rank)
        last[value] = rank
    return [first[value] + last[value] for value in values]


def _sums_of(ranks: Sequence[int], size: int) -> dict[int, int]:
    """How many choices of `size` of `ranks` have each sum."""
    chosen: list[dict[int, int]] = [{0: 1}, *({} for _ in range(size))]
    for rank in ranks:
        for taken in range(size, 0, -1):
            into = chosen[taken]
            for total, count in chosen[taken - 1].items():
                into[total + rank] = into.get(total + rank, 0) + count
    return chosen[size]


def _signed_sums(ranks: Sequence[int]) -> dict[int, int]:
    """How many choices of signs give each sum of the positive `ranks`."""
    sums = {0: 1}
    for rank in ranks:
        more = dict(sums)
        for total, count in sums.items():
            more[total + rank] = more.get(total + rank, 0) + count
        sums = more
    return sums


def _two_sided(counts: Mapping[int, int], seen: int, *, centre: float) -> float:
    """The share of what could have been that is at least as far from the `centre` as what was `seen`."""
    far = abs(seen - centre)
    return sum(count for total, count in counts.items() if abs(total - centre) >= far) / sum(counts.values())


def _quantile(counts: Mapping[int, int], level: float) -> int:
    """The smallest total that at least `level` of the choices do not exceed."""
    needed, passed = level * sum(counts.values()), 0
    for total in sorted(counts):
        passed += counts[total]
        if passed >= needed:
            return total
    raise ValueError("there is nothing to choose from")
