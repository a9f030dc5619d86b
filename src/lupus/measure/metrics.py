"""Column metrics: each is a name, a unit, and a function of what one scan says of a column."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from lupus.measure.columns import Kind, Part
from lupus.measure.states import Moments
from lupus.model import MetricsPolicy


@dataclass(frozen=True, slots=True)
class Profile:
    """What one scan says of one column in one segment.

    `quantiles` are in the order in which they were asked for; both they and `distinct` are None where
    they were not asked for, or where there is no number.
    """

    moments: Moments
    distinct: int | None = None
    quantiles: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class ColumnMetric:
    """A metric of a column. `compute` gives None where the statistic does not exist, for the reason `undefined`.

    `over_rows` says that n counts all rows, not only the numbers.
    """

    name: str
    unit: str
    compute: Callable[[Profile], float | None]
    over_rows: bool = False
    needs_distinct: bool = False
    needs_quantiles: bool = False

    def n(self, profile: Profile) -> int:
        return profile.moments.rows if self.over_rows else profile.moments.count


def _share(part: int, of: int) -> float | None:
    return part / of if of else None


def _when_any(value: Callable[[Moments], float]) -> Callable[[Profile], float | None]:
    return lambda profile: value(profile.moments) if profile.moments.count else None


def _std(profile: Profile) -> float | None:
    moments = profile.moments
    return math.sqrt(max(moments.m2, 0.0) / (moments.count - 1)) if moments.count > 1 else None


def _distinct(profile: Profile) -> float | None:
    return None if profile.distinct is None else float(profile.distinct)


NULL_RATIO: Final = ColumnMetric(
    "null_ratio", "ratio", lambda p: _share(p.moments.rows - p.moments.present, p.moments.rows), over_rows=True
)
NAN_RATIO: Final = ColumnMetric("nan_ratio", "ratio", lambda p: _share(p.moments.nan, p.moments.rows), over_rows=True)
INF_RATIO: Final = ColumnMetric(
    "inf_ratio", "ratio", lambda p: _share(p.moments.infinite, p.moments.rows), over_rows=True
)
MEAN: Final = ColumnMetric("mean", "", _when_any(lambda m: m.mean))
STD: Final = ColumnMetric("std", "", _std)
MIN: Final = ColumnMetric("min", "", _when_any(lambda m: m.low))
MAX: Final = ColumnMetric("max", "", _when_any(lambda m: m.high))
ZERO_RATIO: Final = ColumnMetric("zero_ratio", "ratio", lambda p: _share(p.moments.zeros, p.moments.count))
DISTINCT: Final = ColumnMetric("distinct", "values", _distinct, needs_distinct=True)
TRUE_RATIO: Final = ColumnMetric("true_ratio", "ratio", _when_any(lambda m: m.mean))
POSITIVE_RATIO: Final = ColumnMetric("positive_ratio", "ratio", _when_any(lambda m: m.mean))
INVALID_RATIO: Final = ColumnMetric("invalid_ratio", "ratio", _when_any(lambda m: m.mean))


def quantile_name(quantile: float) -> str:
    """The metric name of a quantile: at least two digits of its percentage.

    >>> quantile_name(0.05), quantile_name(0.5), quantile_name(0.999)
    ('p05', 'p50', 'p99.9')
    """
    percent = round(quantile * 100, 6)
    whole = int(percent)
    return f"p{whole:02d}" + ("" if percent == whole else f"{percent - whole:.6f}".rstrip("0")[1:])


@lru_cache(maxsize=64)
def quantile_metrics(quantiles: tuple[float, ...], unit: str = "") -> tuple[ColumnMetric, ...]:
    """One metric per quantile, in order; linear between the two nearest ranks (type 7 of Hyndman and Fan, 1996)."""

    def pick(place: int) -> Callable[[Profile], float | None]:
        return lambda profile: None if profile.quantiles is None else profile.quantiles[place]

    return tuple(
        ColumnMetric(quantile_name(quantile), unit, pick(place), needs_quantiles=True)
        for place, quantile in enumerate(quantiles)
    )


def metrics_of(kind: Kind, part: Part, policy: MetricsPolicy, *, binary: bool) -> tuple[ColumnMetric, ...]:
    """The metrics of a column by what it is, before `policy` leaves some out.

    A key's and a time's numbers say nothing, and a binary label has no quantiles worth a series.
    """
    if part in (Part.KEY, Part.TIME) or kind in (Kind.TIMESTAMP, Kind.OTHER):
        return (NULL_RATIO,)
    if part is Part.VERSION or kind is Kind.TEXT:
        return (NULL_RATIO, DISTINCT)
    if kind is Kind.BOOLEAN:
        return (NULL_RATIO, TRUE_RATIO)
    if part is Part.LABEL and binary:
        return (NULL_RATIO, MEAN, MIN, MAX)
    odd = (NAN_RATIO, INF_RATIO) if kind is Kind.FLOAT else ()
    return (
        NULL_RATIO, *odd, MEAN, STD, MIN, MAX, *quantile_metrics(policy.quantiles), ZERO_RATIO, DISTINCT
    )  # fmt: skip


@lru_cache(maxsize=65536)
def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a metric's name is one of the shell patterns."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def wanted(name: str, policy: MetricsPolicy) -> bool:
    return matches(name, policy.include) and not matches(name, policy.exclude)


def wanted_in_segments(name: str, policy: MetricsPolicy) -> bool:
    return wanted(name, policy) and matches(name, policy.segment_metrics)
