"""The Rule protocol: what a rule is given, what it answers, and how kinds of rules are found."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from lupus.model import Cadence, Interval, LupusError, RuleSpec, Series, Severity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lupus.judge.kept import Kept, Windows

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
    "sudden_variance": "lupus.judge.sudden_variance:SuddenVarianceRule",
    "new_category": "lupus.judge.new_category:NewCategoryRule",
    "drift": "lupus.judge.drift:DriftRule",
    "missing": "lupus.judge.missing:MissingRule",
}
_COMPOSITES: Final = {
    "all": "lupus.judge.composite:AllRule",
    "any": "lupus.judge.composite:AnyRule",
    "for": "lupus.judge.composite:ForRule",
}


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """What a rule looks at: S series over T intervals, oldest first, to be judged at A positions.

    `values` (S, T) float64 is NaN where there is no value; `baseline` (S, T) is the same without what
    belongs to no baseline (excluded and immature points); `n` (S, T) int64 counts the rows behind a
    value, 0 when unknown. `units` (S,) are the series' units. `at` (A,) are ascending positions. The `intervals` (T,)
    and their `cadence` are for rules that know the calendar. `low` and `high` (S, T) are the ends of the 95 %
    confidence intervals, NaN where there is none; None when there are none at all. `waiting` (S, T) marks values that
    are not judged yet, None when there is none. `series` (S,) say what the rows are, and `project` is the matrix of all
    series of the project, of which these are some. `since` (S, T) is the first column that the baseline of a point may
    hold where baselines were restarted (`judge.restarts` sees to it), None when none was. `kept` is what the rule
    computed the last time, if anything is kept. For position t a rule may use ``values[:, t]``, ``n[:, t]`` and
    columns before t; nothing else.
    """

    values: NDArray[np.float64]
    baseline: NDArray[np.float64]
    n: NDArray[np.int64]
    units: NDArray[np.str_]
    season: int
    at: NDArray[np.intp]
    intervals: tuple[Interval, ...] = ()
    cadence: Cadence | None = None
    series: tuple[Series, ...] = ()
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    waiting: NDArray[np.bool_] | None = None
    since: NDArray[np.int64] | None = None
    project: Matrix | None = None
    kept: Kept | None = None

    def rows(self, rows: NDArray[np.intp], at: NDArray[np.intp] | None = None) -> Matrix:
        """These `rows` of the matrix, to be judged `at` other positions if given."""
        if rows.size == self.values.shape[0]:  # all of them, so nothing is copied
            return replace(self, at=self.at if at is None else at, project=self.project or self)
        return replace(
            self,
            values=self.values[rows],
            baseline=self.baseline[rows],
            n=self.n[rows],
            units=self.units[rows],
            at=self.at if at is None else at,
            series=tuple(self.series[row] for row in rows.tolist()),
            low=None if self.low is None else self.low[rows],
            high=None if self.high is None else self.high[rows],
            waiting=None if self.waiting is None else self.waiting[rows],
            since=None if self.since is None else self.since[rows],
            project=self.project or self,
        )

    def windows(self, name: Hashable, values: NDArray[np.float64], rows: slice, columns: slice) -> Windows:
        """The moving windows of `values`, which are of these rows and columns, for what the rule calls `name`."""
        from lupus.judge.kept import Windows

        if self.kept is None:
            return Windows(values.shape)
        return self.kept.windows(name, values, self.series[rows], self.intervals[columns])

    def interval(self, at: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The low and high ends (S, A) of the confidence intervals at positions `at`."""
        import numpy as np

        none = np.full((self.values.shape[0], len(at)), np.nan)
        return (none if self.low is None else self.low[:, at], none if self.high is None else self.high[:, at])


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """A rule's answer, arrays of shape (S, A), NaN for "none".

    A value below `lower` or above `upper` is an anomaly. `score` is the distance from expectation in
    half bands: 1 is the edge. Where `seen` is less than `needed` the rule knows too little to judge.
    `seasonal` says that the expectation rests on the same season (weekday, hour) more than on the level.

    `tested` is what the band is about when that is not the value itself, such as the level of the last two weeks; NaN
    there is never outside. `drawn` is False when the band is of another kind than the values, such as a number of
    intervals, and belongs on no chart of them. `remarks` has sentences for (row, column) that are no anomalies,
    `absent` those for points that have no value and no failure but ought to have one. `accepted` has the position in
    the matrix at which a level began that is accepted at (row, column) as the new one. `says` words an anomaly at (row,
    column) in place of the rule's `sentence`.
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
    absent: Mapping[tuple[int, int], str] = field(default_factory=dict)
    accepted: Mapping[tuple[int, int], int] = field(default_factory=dict)
    says: Callable[[int, int, Anomaly], str] | None = None

    @classmethod
    def empty(
        cls,
        matrix: Matrix,
        *,
        needed: int,
        tested: bool = True,
        remarks: Mapping[tuple[int, int], str] | None = None,
        absent: Mapping[tuple[int, int], str] | None = None,
        drawn: bool = True,
    ) -> Assessment:
        """An answer about `matrix` without any band, to be filled in; with `tested` nothing is outside yet."""
        import numpy as np

        shape = (matrix.values.shape[0], len(matrix.at))
        expected, lower, upper, score = (np.full(shape, np.nan) for _ in range(4))
        return cls(
            expected,
            lower,
            upper,
            score,
            seen=np.zeros(shape, dtype=np.int64),
            needed=needed,
            seasonal=np.zeros(shape, dtype=bool),
            tested=np.full(shape, np.nan) if tested else None,
            drawn=drawn,
            remarks={} if remarks is None else remarks,
            absent={} if absent is None else absent,
        )


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
    """A kind of rule with its parameters. Made by the object behind its entry point, called with the parameters.

    A rule may also have a `tail` (`judge.chance.Tail`): what it finds is then controlled across the series of an
    interval at the rate that its `parameters.false_discoveries` names. One with ``restarts = False`` keeps its baseline
    where those of others begin anew.
    """

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


def rule_for(spec: RuleSpec, among: Sequence[RuleSpec] = ()) -> Rule:
    """The rule that `spec` describes, with the rules `among` that it names, if it is a composite.

    Raises `LupusError` for an unknown kind, parameters that do not fit, a name that no rule has, and rules that name
    each other in a circle.

    >>> rule_for(RuleSpec("few nulls", "threshold", parameters={"max": 0.1})).lookback(7)
    0
    """
    return _made(spec, {one.name: one for one in among}, ())


def _made(spec: RuleSpec, among: Mapping[str, RuleSpec], within: tuple[str, ...]) -> Rule:
    make = _kind(spec.kind, spec.name)
    try:
        if spec.kind not in _COMPOSITES:
            return cast("Rule", make(dict(spec.parameters)))
        if spec.name in within:
            raise LupusError(
                f"rule {spec.name!r} names itself: {' > '.join((*within, spec.name))}; take one of them out"
            )
        parts = []
        for name in parts_of(spec):
            if name not in among:
                raise LupusError(f"rule {spec.name!r}: {_no_such(name, 'rule', among)}")
            parts.append((among[name], _made(among[name], among, (*within, spec.name))))
        return cast("Rule", make(dict(spec.parameters), parts))
    except (TypeError, ValueError) as error:
        raise LupusError(f"rule {spec.name!r} ({spec.kind}): {error}; correct its parameters") from error


def parts_of(spec: RuleSpec) -> tuple[str, ...]:
    """The names of the rules that a composite rule is about; none for any other.

    >>> parts_of(RuleSpec("twice", "for", parameters={"rule": "recent_average"}))
    ('recent_average',)
    """
    if spec.kind == "for":
        return (str(spec.parameters["rule"]),) if "rule" in spec.parameters else ()
    named = spec.parameters.get("rules", ()) if spec.kind in _COMPOSITES else ()
    return () if isinstance(named, str) else tuple(named)


def _no_such(name: str, what: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1)
    advice = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
    return f"there is no {what} {name!r}; {advice}"


def _kind(kind: str, name: str) -> Any:
    own = _OWN.get(kind) or _COMPOSITES.get(kind)
    if own is not None:
        module, _, attribute = own.partition(":")
        return getattr(import_module(module), attribute)
    others = _installed()
    if kind not in others:
        raise LupusError(f"rule {name!r}: {_no_such(kind, 'rule kind', sorted({*_OWN, *_COMPOSITES, *others}))}")
    return others[kind].load()


@cache
def _installed() -> Mapping[str, Any]:
    return {point.name: point for point in entry_points(group=GROUP)}
