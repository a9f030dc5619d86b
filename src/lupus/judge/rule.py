"""The Rule protocol: what a rule is given, what it answers, and how kinds of rules are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from lupus.model import Cadence, Interval, LupusError, RuleSpec, Series, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROUP: Final = "lupus.rules"
"""The entry-point group of rule kinds: the name is the kind, the object makes a `Rule` from the parameters."""

MOST: Final = 1000.0
"""The largest score: how far out a point is stops meaning anything long before."""

# Known without reading any package's metadata, which costs more than judging a project.
_OWN: Final = {
    "threshold": "lupus.judge.threshold:ThresholdRule",
    "recent_average": "lupus.judge.recent_average:RecentAverageRule",
    "trend_change": "lupus.judge.trend_change:TrendChangeRule",
    "periodic": "lupus.judge.periodic:PeriodicRule",
    "flatline": "lupus.judge.flatline:FlatlineRule",
    "validity": "lupus.judge.validity:ValidityRule",
}


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """What a rule looks at: S series over T intervals, oldest first, to be judged at A positions.

    `values` (S, T) float64 is NaN where there is no value; `baseline` (S, T) is the same without what
    belongs to no baseline (excluded and immature points); `n` (S, T) int64 counts the rows behind a
    value, 0 when unknown. `units` (S,) are the series' units. `at` (A,) are ascending positions. The `intervals` (T,)
    and their `cadence` are for rules that know the calendar. For position t a rule may use
    ``values[:, t]``, ``n[:, t]`` and columns before t; nothing else.
    """

    values: NDArray[np.float64]
    baseline: NDArray[np.float64]
    n: NDArray[np.int64]
    units: NDArray[np.str_]
    season: int
    at: NDArray[np.intp]
    intervals: tuple[Interval, ...] = ()
    cadence: Cadence | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """A rule's answer, arrays of shape (S, A), NaN for "none".

    A value below `lower` or above `upper` is an anomaly. `score` is the distance from expectation in
    half bands: 1 is the edge. Where `seen` is less than `needed` the rule knows too little to judge.
    `seasonal` says that the expectation rests on the same season (weekday, hour) more than on the level.

    `tested` is what the band is about when that is not the value itself, such as the level of the last two weeks; NaN
    there is never outside. `drawn` is False when the band is of another kind than the values, such as a number of
    intervals, and belongs on no chart of them. `remarks` has sentences for (row, column) that are no anomalies.
    """

    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    score: NDArray[np.float64]
    seen: NDArray[np.int64]
    needed: int
    seasonal: NDArray[np.bool_]
    tested: NDArray[np.float64] | None = None
    drawn: bool = True
    remarks: Mapping[tuple[int, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One point that left its band, for the rule to put into words. `record` is ``the lowest in 60 days`` or ``""``.

    `tested` is what left the band: the value, unless the rule is about something else.
    """

    series: Series
    interval: Interval
    cadence: Cadence
    value: float
    expected: float | None
    lower: float | None
    upper: float | None
    seasonal: bool
    record: str
    tested: float


class Rule(Protocol):
    """A kind of rule with its parameters. Made by the object behind its entry point, called with the parameters."""

    @property
    def least_severity(self) -> Severity:
        """The severity that its anomalies have at least."""
        ...

    def lookback(self, season: int) -> int:
        """The number of intervals before a point that can change what it says of the point."""
        ...

    def assess(self, matrix: Matrix) -> Assessment:
        """Bands and scores of all series at ``matrix.at``."""
        ...

    def sentence(self, anomaly: Anomaly) -> str:
        """One plain sentence with numbers and units."""
        ...


def rule_for(spec: RuleSpec) -> Rule:
    """The rule that `spec` describes; raises `LupusError` for an unknown kind or parameters that do not fit.

    >>> rule_for(RuleSpec("few nulls", "threshold", parameters={"max": 0.1})).lookback(7)
    0
    """
    make = _kind(spec.kind, spec.name)
    try:
        return cast("Rule", make(dict(spec.parameters)))
    except (TypeError, ValueError) as error:
        raise LupusError(f"rule {spec.name!r} ({spec.kind}): {error}; correct its parameters") from error


def _kind(kind: str, name: str) -> Any:
    if kind in _OWN:
        module, _, attribute = _OWN[kind].partition(":")
        return getattr(import_module(module), attribute)
    others = _installed()
    if kind not in others:
        known = sorted({*_OWN, *others})
        close = get_close_matches(kind, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
        raise LupusError(f"rule {name!r}: there is no rule kind {kind!r}; {advice}")
    return others[kind].load()


@cache
def _installed() -> Mapping[str, Any]:
    return {point.name: point for point in entry_points(group=GROUP)}
