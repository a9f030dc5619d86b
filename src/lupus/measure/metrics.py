"""Column metrics: each is a name, a unit, and a function of what one scan says of a column."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from lupus.measure.columns import Column, Kind, Part
from lupus.measure.states import Moments
from lupus.model import MetricsPolicy

LENGTH_QUANTILES: Final = (0.5, 0.95)
"""Of the lengths of texts and lists."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one scan says of one column in one segment.

    `quantiles` has those that were asked for, none where there is no number. `gap` is the longest stretch between
    two neighbouring values, up to a cell of the grid, None without two values. Of a column of categories `distinct`
    counts the values, `entropy` is in bits and `top` the rows of the most frequent one.
    """

    moments: Moments
    quantiles: Mapping[float, float] = field(default_factory=dict)
    gap: float | None = None
    over: int = 0
    span: float = 0.0
    distinct: int | None = None
    entropy: float | None = None
    top: int = 0


@dataclass(frozen=True, slots=True)
class ColumnMetric:
    """A metric of a column. `compute` gives None where the statistic does not exist, for the reason `undefined`.

    `needs` names the sums that it is made of, for segments, where no others are asked for; `over_rows` says that n
    counts all rows, not only the numbers.
    """

    name: str
    unit: str
    compute: Callable[[Profile], float | None]
    needs: tuple[str, ...] = ()
    over_rows: bool = False
    quantile: float | None = None
    undefined: str = "the statistic does not exist"

    def n(self, profile: Profile) -> int:
        return profile.moments.rows if self.over_rows else profile.moments.count


def _share(part: int, of: int) -> float | None:
    return part / of if of else None


def _when_any(value: Callable[[Moments], float]) -> Callable[[Profile], float | None]:
    return lambda profile: value(profile.moments) if profile.moments.count else None


def _std(profile: Profile) -> float | None:
    moments = profile.moments
    return math.sqrt(max(moments.m2, 0.0) / (moments.count - 1)) if moments.count > 1 else None


def _skew(profile: Profile) -> float | None:
    moments = profile.moments
    # What rounding leaves of a constant is no spread.
    if moments.count < 3 or moments.m2 <= moments.count * (1e-14 * abs(moments.mean)) ** 2:
        return None
    return math.sqrt(moments.count) * moments.m3 / math.sqrt(moments.m2) ** 3


def _of_categories(value: Callable[[Profile], float | None]) -> Callable[[Profile], float | None]:
    return lambda profile: value(profile) if profile.distinct else None


NULL_RATIO: Final = ColumnMetric(
    "null_ratio", "ratio", lambda p: _share(p.moments.rows - p.moments.present, p.moments.rows), over_rows=True
)
NAN_RATIO: Final = ColumnMetric(
    "nan_ratio", "ratio", lambda p: _share(p.moments.nan, p.moments.rows), ("nan",), over_rows=True
)
INF_RATIO: Final = ColumnMetric(
    "inf_ratio", "ratio", lambda p: _share(p.moments.infinite, p.moments.rows), ("nan",), over_rows=True
)
MEAN: Final = ColumnMetric("mean", "", _when_any(lambda m: m.mean), ("s1",))
STD: Final = ColumnMetric("std", "", _std, ("s1", "s2"), undefined="needs at least two values")
SKEW: Final = ColumnMetric(
    "skew", "", _skew, ("s1", "s2", "s3"), undefined="needs at least three values that are not all the same"
)
MIN: Final = ColumnMetric("min", "", _when_any(lambda m: m.low), ("low",))
MAX: Final = ColumnMetric("max", "", _when_any(lambda m: m.high), ("high",))
ZERO_RATIO: Final = ColumnMetric("zero_ratio", "ratio", lambda p: _share(p.moments.zeros, p.moments.count), ("zeros",))
NEGATIVE_RATIO: Final = ColumnMetric(
    "negative_ratio", "ratio", lambda p: _share(p.moments.negatives, p.moments.count), ("negatives",)
)
DISTINCT: Final = ColumnMetric("distinct", "values", _of_categories(lambda p: float(p.distinct or 0)))
ENTROPY: Final = ColumnMetric("entropy", "bits", _of_categories(lambda p: p.entropy))
TOP_SHARE: Final = ColumnMetric("top_share", "ratio", _of_categories(lambda p: _share(p.top, p.moments.present)))
TRUE_RATIO: Final = ColumnMetric("true_ratio", "ratio", _when_any(lambda m: m.mean), ("s1",))
POSITIVE_RATIO: Final = ColumnMetric("positive_ratio", "ratio", _when_any(lambda m: m.mean), ("s1",))
INVALID_RATIO: Final = ColumnMetric("invalid_ratio", "ratio", _when_any(lambda m: m.mean), ("s1",))
CONFIDENCE: Final = ColumnMetric("confidence", "", _when_any(lambda m: m.mean), ("s1",))
SCORE_ENTROPY: Final = ColumnMetric("score_entropy", "bits", _when_any(lambda m: m.mean), ("s1",))
MATCH_RATIO: Final = ColumnMetric("match_ratio", "ratio", _when_any(lambda m: m.mean), ("s1",))
EMPTY_RATIO: Final = ColumnMetric("empty_ratio", "ratio", ZERO_RATIO.compute, ("zeros",))
FRESHNESS: Final = ColumnMetric("freshness", "h", lambda p: p.span - p.moments.high if p.moments.count else None)
FUTURE_RATIO: Final = ColumnMetric("future_ratio", "ratio", lambda p: _share(p.over, p.moments.count))
GAP: Final = ColumnMetric("longest_gap", "h", lambda p: p.gap, undefined="needs at least two times in the interval")


def quantile_name(quantile: float) -> str:
    """The metric name of a quantile: at least two digits of its percentage.

    >>> quantile_name(0.05), quantile_name(0.5), quantile_name(0.999)
    ('p05', 'p50', 'p99.9')
    """
    percent = round(quantile * 100, 6)
    whole = int(percent)
    return f"p{whole:02d}" + ("" if percent == whole else f"{percent - whole:.6f}".rstrip("0")[1:])


@lru_cache(maxsize=64)
def quantile_metrics(quantiles: tuple[float, ...], unit: str = "", *, prefix: str = "") -> tuple[ColumnMetric, ...]:
    """One metric per quantile, in order; linear between the two nearest ranks (type 7 of Hyndman and Fan, 1996)."""

    def pick(quantile: float) -> Callable[[Profile], float | None]:
        return lambda profile: profile.quantiles.get(quantile)

    return tuple(
        ColumnMetric(prefix + quantile_name(quantile), unit, pick(quantile), quantile=quantile)
        for quantile in quantiles
    )


def length_metrics(kind: Kind) -> tuple[ColumnMetric, ...]:
    """The metrics of how long a column's texts (characters) or lists (items) are."""
    unit = "characters" if kind is Kind.TEXT else "items"
    return (
        ColumnMetric("length_mean", unit, MEAN.compute, MEAN.needs),
        ColumnMetric("length_max", unit, MAX.compute, MAX.needs),
        *quantile_metrics(LENGTH_QUANTILES, unit, prefix="length_"),
        EMPTY_RATIO,
    )


def metrics_of(column: Column, policy: MetricsPolicy, *, binary: bool) -> tuple[ColumnMetric, ...]:
    """The metrics of a column's own values by what it is, before `policy` leaves some out.

    A key's numbers say nothing, and a binary label has no quantiles worth a series.
    """
    kind, part = column.kind, column.part
    if kind.timely:
        return (NULL_RATIO, FUTURE_RATIO) if kind is Kind.DATE else (NULL_RATIO, FRESHNESS, FUTURE_RATIO, GAP)
    if part in (Part.KEY, Part.TIME) or kind in (Kind.OTHER, Kind.LIST, Kind.EMBEDDING):
        return (NULL_RATIO,)
    if column.counted:
        return (NULL_RATIO, DISTINCT) if part is Part.VERSION else (NULL_RATIO, DISTINCT, ENTROPY, TOP_SHARE)
    if kind is Kind.BOOLEAN:
        return (NULL_RATIO, TRUE_RATIO)
    if part is Part.LABEL and binary:
        return (NULL_RATIO, MEAN, MIN, MAX)
    odd = (NAN_RATIO, INF_RATIO) if kind is Kind.FLOAT else ()
    signs = (ZERO_RATIO,) if part is Part.SCORE and binary else (ZERO_RATIO, NEGATIVE_RATIO)
    return (NULL_RATIO, *odd, MEAN, STD, SKEW, MIN, MAX, *quantile_metrics(policy.quantiles), *signs)


@lru_cache(maxsize=65536)
def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a metric's name is one of the shell patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def wanted(name: str, policy: MetricsPolicy) -> bool:
    return matches(name, policy.include) and not matches(name, policy.exclude)


def wanted_in_segments(name: str, policy: MetricsPolicy) -> bool:
    return wanted(name, policy) and matches(name, policy.segment_metrics)
