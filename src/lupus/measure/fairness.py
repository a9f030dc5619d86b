"""Group fairness: how far the groups of a protected column are apart, from counts.

For every group a rate is a `Share`: hits of n. The gap of a rate is the largest minus the smallest over the groups
(0 is equal treatment), its ratio the smallest divided by the largest (1 is equal treatment; the "80 % rule" asks for
0.8). Groups with fewer rows than a minimum are left out, by the rate's own denominator: a recall of two positives is
a coin's throw.

- `demographic_parity`: positive decisions of all rows, P(D=1). Dwork et al. (2012); the ratio: Feldman et al. (2015).
- `equal_opportunity`: positive decisions of the truly positive, P(D=1 | Y=1), recall. Hardt, Price and Srebro (2016).
- `equalized_odds`: the worse of recall and false positive rate, P(D=1 | Y=0). Hardt, Price and Srebro (2016).
- `predictive_parity`: the truly positive of the positive decisions, P(Y=1 | D=1), precision. Chouldechova (2017).

The 95 % intervals hold for all pairs of groups at once (Bonferroni over the pairs, and over both rates of equalised
odds): whichever groups turn out to be the extremes, the interval of the gap is from the largest lower to the largest
upper bound of a pair. A pair's difference has Newcombe's hybrid score interval (1998, method 10, from Wilson
intervals), a pair's ratio the Wald interval of the logarithm with half a count added (Walter 1975).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final

from lupus.measure.confusion import Confusion
from lupus.model import Failure, FailureKind

_MISSED: Final = 0.05  # one minus the confidence


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n` rows; fractions where rows have weights."""

    hits: float
    n: float

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.n:
            raise ValueError(f"{self.hits} hits of {self.n} rows")

    @property
    def rate(self) -> float:
        return self.hits / self.n


@dataclass(frozen=True, slots=True)
class Gap:
    """How far groups are apart: `value`, its 95 % interval, the rows of all groups, the groups at both ends."""

    value: float
    low: float
    high: float
    n: float
    highest: str
    lowest: str


def difference(groups: Mapping[str, Share], *, least: int, tests: int = 1) -> Gap | Failure:
    """The largest minus the smallest rate of the `groups` with at least `least` rows.

    `tests` is over how many such gaps the 5 % are shared. Fewer than two groups give a failure.

    >>> gap = difference({"f": Share(30, 100), "m": Share(45, 100)}, least=30)
    >>> round(gap.value, 3), round(gap.low, 3), round(gap.high, 3), gap.highest
    (0.15, 0.016, 0.277, 'm')
    """
    kept = _large(groups, least)
    if isinstance(kept, Failure):
        return kept
    z = _deviate(len(kept), tests)
    limits = {name: wilson(share, z) for name, share in kept.items()}
    highest, lowest = _extremes(kept)
    value = kept[highest].rate - kept[lowest].rate
    low = high = 0.0
    for one, other in combinations(kept, 2):
        below, above = _newcombe(kept[one].rate, limits[one], kept[other].rate, limits[other])
        low, high = max(low, below, -above), max(high, above, -below)
    return Gap(value, min(low, value), min(max(high, value), 1.0), _rows(kept), highest, lowest)


def ratio(groups: Mapping[str, Share], *, least: int, tests: int = 1) -> Gap | Failure:
    """The smallest rate of the `groups` with at least `least` rows, divided by the largest.

    `tests` is as in `difference`. Fewer than two groups, or rates that are all 0, give a failure.

    >>> gap = ratio({"f": Share(30, 100), "m": Share(45, 100)}, least=30)
    >>> round(gap.value, 3), round(gap.low, 3), round(gap.high, 3), gap.lowest
    (0.667, 0.465, 0.967, 'f')
    """
    kept = _large(groups, least)
    if isinstance(kept, Failure):
        return kept
    highest, lowest = _extremes(kept)
    if not kept[highest].hits:
        return Failure(FailureKind.UNDEFINED, "the rate is 0 in every group, so there is no ratio")
    z = _deviate(len(kept), tests)
    value = kept[lowest].rate / kept[highest].rate
    low = high = 1.0
    for one, other in combinations(kept.values(), 2):
        centre, spread = _log_ratio(one, other)
        below, above = centre - z * spread, centre + z * spread
        low, high = min(low, exp(min(below, -above))), min(high, exp(min(above, -below)))
    return Gap(value, min(low, value), max(high, value), _rows(kept), highest, lowest)


def decision_gaps(groups: Mapping[str, Share], *, least: int) -> dict[str, Gap | Failure]:
    """Demographic parity, by metric name, of the share of positive decisions in each group."""
    return {
        "demographic_parity_difference": difference(groups, least=least),
        "demographic_parity_ratio": ratio(groups, least=least),
    }


def error_gaps(groups: Mapping[str, Confusion], *, least: int) -> dict[str, Gap | Failure]:
    """Equal opportunity, equalised odds and predictive parity, by metric name, of the decisions on labelled rows.

    >>> gaps = error_gaps({"f": Confusion(40, 10, 10, 40), "m": Confusion(45, 20, 5, 30)}, least=30)
    >>> {name: round(gap.value, 3) for name, gap in gaps.items() if name.endswith("_difference")}
    {'equal_opportunity_difference': 0.1, 'equalized_odds_difference': 0.2, 'predictive_parity_difference': 0.108}
    """
    recall = {name: Share(one.tp, one.tp + one.fn) for name, one in groups.items()}
    fallout = {name: Share(one.fp, one.fp + one.tn) for name, one in groups.items()}
    precision = {name: Share(one.tp, one.tp + one.fp) for name, one in groups.items()}
    return {
        "equal_opportunity_difference": difference(recall, least=least),
        "equal_opportunity_ratio": ratio(recall, least=least),
        "equalized_odds_difference": worse_difference(
            difference(recall, least=least, tests=2), difference(fallout, least=least, tests=2)
        ),
        "equalized_odds_ratio": worse_ratio(ratio(recall, least=least, tests=2), ratio(fallout, least=least, tests=2)),
        "predictive_parity_difference": difference(precision, least=least),
        "predictive_parity_ratio": ratio(precision, least=least),
    }


def worse_difference(one: Gap | Failure, other: Gap | Failure) -> Gap | Failure:
    """The larger of two gaps, each made with ``tests=2``; a failure of either is the failure of both."""
    if isinstance(one, Failure):
        return one
    if isinstance(other, Failure):
        return other
    worse = max(one, other, key=lambda gap: gap.value)
    low, high = max(one.low, other.low), max(one.high, other.high)
    return Gap(worse.value, low, high, one.n + other.n, worse.highest, worse.lowest)


def worse_ratio(one: Gap | Failure, other: Gap | Failure) -> Gap | Failure:
    """The smaller of two ratios, each made with ``tests=2``; a failure of either is the failure of both."""
    if isinstance(one, Failure):
        return one
    if isinstance(other, Failure):
        return other
    worse = min(one, other, key=lambda gap: gap.value)
    low, high = min(one.low, other.low), min(one.high, other.high)
    return Gap(worse.value, low, high, one.n + other.n, worse.highest, worse.lowest)


def wilson(share: Share, z: float) -> tuple[float, float]:
    """The score interval of a proportion at `z` standard deviations (Wilson 1927).

    >>> [round(limit, 4) for limit in wilson(Share(81, 263), 1.959964)]
    [0.2553, 0.3662]
    """
    n, rate, square = share.n, share.rate, z * z
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = z * sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    # Exactly 0 and 1 where the counts are: what rounding leaves would be below the square root's zero.
    return (0.0 if not share.hits else centre - half, 1.0 if share.hits == n else centre + half)


def _newcombe(p1: float, limits1: tuple[float, float], p2: float, limits2: tuple[float, float]) -> tuple[float, float]:
    """The interval of p1 − p2: the distances to the nearer limits, squared and added."""
    (low1, high1), (low2, high2) = limits1, limits2
    gap = p1 - p2
    return gap - sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2), gap + sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)


def _log_ratio(one: Share, other: Share) -> tuple[float, float]:
    """ln(rate of one / rate of other) and its standard error, with half a count added to hits and rows."""
    centre = log((one.hits + 0.5) / (one.n + 0.5)) - log((other.hits + 0.5) / (other.n + 0.5))
    variance = sum(1 / (share.hits + 0.5) - 1 / (share.n + 0.5) for share in (one, other))
    return centre, sqrt(variance)


def _large(groups: Mapping[str, Share], least: int) -> dict[str, Share] | Failure:
    kept = {name: share for name, share in groups.items() if share.n >= max(least, 1)}
    if len(kept) >= 2:
        return kept
    had = "no group" if not kept else f"1 of {len(groups)} groups"
    return Failure(FailureKind.UNDEFINED, f"{had} has at least {max(least, 1)} rows to compare; two are needed")


def _extremes(groups: Mapping[str, Share]) -> tuple[str, str]:
    """The groups with the largest and the smallest rate; of equal ones the first by name."""
    names = sorted(groups)
    return max(names, key=lambda name: groups[name].rate), min(names, key=lambda name: groups[name].rate)


def _deviate(groups: int, tests: int) -> float:
    pairs = groups * (groups - 1) // 2
    return NormalDist().inv_cdf(1 - _MISSED / (2 * pairs * tests))


def _rows(groups: Mapping[str, Share]) -> float:
    return sum(share.n for share in groups.values())
