"""The parameters of the rule kinds that ship with Lupus: their names, defaults and meaning in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A bound that follows the data: `factor` times what it refers to, and `plus` so much, in the metric's unit.

    It refers to another `metric` at the same interval (of the same table, column and segment where those are not
    given; with `latest` its newest value, however old, as for what is pushed after training), or to a `reference` of
    the series itself: the mean of its ``first`` so many `intervals`, or of the days from one date to another.
    """

    metric: str | None = None
    table: str | None = None
    column: str | None = None
    segment: str | None = None
    latest: bool = False
    reference: str | tuple[str, str] | None = None
    intervals: int = 28
    factor: float = 1.0
    plus: float = 0.0

    def __post_init__(self) -> None:
        if (self.metric is None) == (self.reference is None):
            raise ValueError("a bound is a number, or has either metric or reference")
        if self.intervals < 1:
            raise ValueError(f"intervals must be at least 1, got {self.intervals}")
        if self.reference is not None and self.reference != "first":
            if isinstance(self.reference, str) or len(self.reference) != 2:
                raise ValueError(f"reference must be first, or [first day, last day], got {self.reference!r}")
            # JSON has lists and texts only.
            first, last = (str(day) for day in self.reference)
            object.__setattr__(self, "reference", (first, last))
            if date.fromisoformat(first) > date.fromisoformat(last):
                raise ValueError(f"reference begins on {first}, after it ends on {last}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdParameters:
    """Bounds, in the metric's unit, that a value must not leave. At least one of them is given.

    A bound is a number, or follows another metric or the training reference (`Bound`): ``max: {metric: rows, table:
    data, factor: 1.2}``, ``min: {reference: first, intervals: 28, factor: 0.95}``, ``min: {reference: [2026-01-01,
    2026-02-28], plus: -0.02}``, ``min: {metric: val_auc, table: pushed, latest: true, plus: -0.03}``.
    """

    min: float | Bound | None = None
    max: float | Bound | None = None

    def __post_init__(self) -> None:
        for name in ("min", "max"):
            given = getattr(self, name)
            if isinstance(given, Mapping):
                object.__setattr__(self, name, Bound(**given))
        if self.min is None and self.max is None:
            raise ValueError("a threshold rule needs min or max")
        if isinstance(self.min, int | float) and isinstance(self.max, int | float) and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentAverageParameters:
    """Deviation from the robust average of recent intervals.

    `window` intervals before the point (never the point itself) give the expectation, once there are `min_history`
    of them. The band is `sensitivity` noise units wide on each side; the noise unit is learned from the residuals
    of the window. `direction` limits it to one side. `season_aware` lets the same weekday (or hour) count for more
    where that predicts better. Of what is found at one interval across the project's series, chance alone may have
    made the share `false_discoveries`; 1 tells everything.
    """

    window: int = 28
    min_history: int = 14
    sensitivity: float = 4.0
    direction: Literal["both", "up", "down"] = "both"
    season_aware: bool = True
    false_discoveries: float = 0.1

    def __post_init__(self) -> None:
        if not 3 <= self.min_history <= self.window:
            raise ValueError(f"min_history must be between 3 and window ({self.window}), got {self.min_history}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")
        _check_rate(self.false_discoveries)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendChangeParameters:
    """Change of the level that lasts: a shift, or a drift away from where the level was heading.

    The level of the last `recent` intervals is compared with the `window` intervals before them, from which it is
    expected, going on as steeply as they went. The band is `sensitivity` times their spread wide on each side. A
    change is told once; a level that lasts for `accept_after` intervals is accepted as the new one. `direction`
    limits the rule to one side. Of what is found at one interval across the project's series, chance alone may have
    made the share `false_discoveries`; 1 tells everything.
    """

    recent: int = 14
    window: int = 56
    sensitivity: float = 3.0
    accept_after: int = 28
    direction: Literal["both", "up", "down"] = "both"
    false_discoveries: float = 0.1

    def __post_init__(self) -> None:
        if not 3 <= self.recent <= self.window:
            raise ValueError(f"recent must be between 3 and window ({self.window}), got {self.recent}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")
        _check_rate(self.false_discoveries)
        if self.accept_after < 1:
            raise ValueError(f"accept_after must be at least 1, got {self.accept_after}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicParameters:
    """Deviation from periodical change: by weekday or hour, by day of the month, by season of the year.

    The same weekday (hour) of the last `seasons` weeks (days) gives the expectation, with what `monthly` and
    `yearly` change explains where the history allows. `holidays` of a country (``US``, ``DE-BY``) are in no
    baseline, and `on_holidays` says whether they are judged. The band is `sensitivity` noise units wide on each
    side, on the side that `direction` says, once there are `min_history` intervals. Of what is found at one
    interval across the project's series, chance alone may have made the share `false_discoveries`; 1 tells
    everything.
    """

    seasons: int = 8
    monthly: bool = True
    yearly: bool = False
    holidays: str = ""
    on_holidays: Literal["expected", "watched"] = "expected"
    min_history: int = 35
    sensitivity: float = 4.0
    direction: Literal["both", "up", "down"] = "both"
    false_discoveries: float = 0.1

    def __post_init__(self) -> None:
        if self.seasons < 2:
            raise ValueError(f"seasons must be at least 2, got {self.seasons}")
        if not 3 <= self.min_history <= 56:
            raise ValueError(f"min_history must be between 3 and 56, got {self.min_history}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")
        _check_rate(self.false_discoveries)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatlineParameters:
    """The same value again and again where values do not repeat: a feed that got stuck.

    Anomalous from the `length`-th equal value in a row, when at most `most_repeats` of the `window` values before
    them repeated their predecessor.
    """

    length: int = 4
    window: int = 91
    most_repeats: float = 0.02

    def __post_init__(self) -> None:
        if self.length < 2:
            raise ValueError(f"length must be at least 2, got {self.length}")
        if self.window < 20:
            raise ValueError(f"window must be at least 20, got {self.window}")
        if not 0 <= self.most_repeats < 1:
            raise ValueError(f"most_repeats must be at least 0 and below 1, got {self.most_repeats:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidityParameters:
    """Values that cannot be: a ratio outside of 0–1, a number of rows or a time below 0, as far as the unit says.

    `tolerance` is how far outside a value may be, for sums that were rounded.
    """

    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        if self.tolerance < 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuddenVarianceParameters:
    """Values that suddenly jump about more, or less, than they used to, around whatever level.

    The size of the changes from one interval to the next over the last `recent` intervals is compared with the
    `window` intervals before them. The band is `sensitivity` spreads of that size's own history wide on each side;
    a change is told once in `accept_after` intervals. `direction` up is for more, down for less variance. Of what
    is found at one interval across the project's series, chance alone may have made the share `false_discoveries`;
    1 tells everything.
    """

    recent: int = 7
    window: int = 56
    sensitivity: float = 3.0
    accept_after: int = 28
    direction: Literal["both", "up", "down"] = "both"
    false_discoveries: float = 0.1

    def __post_init__(self) -> None:
        if not 5 <= self.recent <= self.window:
            raise ValueError(f"recent must be between 5 and window ({self.window}), got {self.recent}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")
        _check_rate(self.false_discoveries)
        if self.accept_after < 1:
            raise ValueError(f"accept_after must be at least 1, got {self.accept_after}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCategoryParameters:
    """Something that was not there before: categories outside the reference, a new value's share, changed columns.

    For ratios of rows (`unseen_ratio`, ``share:...``) anomalous is what is surely above `max_share`, for counts
    (columns that are new, lost or retyped) anything above 0; in both cases also above what the last `window`
    intervals knew, so that it is told when it comes and when it grows, not every day. Ratios are judged once there are
    `min_history` intervals.
    """

    max_share: float = 0.01
    window: int = 28
    min_history: int = 7

    def __post_init__(self) -> None:
        if not 0 <= self.max_share < 1:
            raise ValueError(f"max_share must be at least 0 and below 1, got {self.max_share:g}")
        if not 1 <= self.min_history <= self.window:
            raise ValueError(f"min_history must be between 1 and window ({self.window}), got {self.min_history}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftParameters:
    """A distribution that is far from its reference: by its effect size, and surely so.

    Anomalous is a drift metric above its `limit`, and whose excess over `least` of that limit is not what samples of
    this size give by chance, with the share of false discoveries among all columns of the interval held at
    `false_discoveries`. Values from fewer than `min_rows` rows are not judged. Without `limit` each metric has the
    customary one.
    """

    limit: float | None = None
    least: float = 0.5
    min_rows: int = 200
    false_discoveries: float = 0.01

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit <= 0:
            raise ValueError(f"limit must be positive, got {self.limit:g}")
        if not 0 <= self.least <= 1:
            raise ValueError(f"least must be between 0 and 1, got {self.least:g}")
        if not 0 < self.false_discoveries < 1:
            raise ValueError(f"false_discoveries must be between 0 and 1, got {self.false_discoveries:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingParameters:
    """A value that ought to be there and is not, or rows of which most are missing.

    Absent: on this weekday (at this hour) the series had a value in at least `regular` of the last `seasons` weeks
    (days), and now it has none and nobody said why. Partial: rows below `least_share` of the median of those weeks.
    """

    seasons: int = 4
    regular: float = 0.9
    least_share: float = 0.5

    def __post_init__(self) -> None:
        if self.seasons < 2:
            raise ValueError(f"seasons must be at least 2, got {self.seasons}")
        if not 0 < self.regular <= 1:
            raise ValueError(f"regular must be above 0 and at most 1, got {self.regular:g}")
        if not 0 <= self.least_share < 1:
            raise ValueError(f"least_share must be at least 0 and below 1, got {self.least_share:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllParameters:
    """Anomalous is what every one of the `rules` finds at the same interval.

    The same thing is the same series, or any series of the `same` column, table or project: then each series counts
    in which one of the rules found something, when each other rule did as well. The named rules tell nothing by
    themselves any more; their findings are kept as warnings.
    """

    rules: tuple[str, ...]
    same: Literal["series", "column", "table", "project"] = "series"

    def __post_init__(self) -> None:
        _check_names(self.rules, least=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyParameters:
    """Anomalous is what at least one of the `rules` finds: several rules as one, with one severity.

    The named rules tell nothing by themselves any more; their findings are kept as warnings.
    """

    rules: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_names(self.rules, least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForParameters:
    """Anomalous is what the `rule` finds now and at `n` of the last `of` intervals, this one among them.

    The named rule tells nothing by itself any more; its findings are kept as warnings.
    """

    rule: str
    n: int = 2
    of: int = 3

    def __post_init__(self) -> None:
        if not 2 <= self.n <= self.of:
            raise ValueError(f"n must be between 2 and of ({self.of}), got {self.n}")


def _check_rate(rate: float) -> None:
    if not 0 < rate <= 1:
        raise ValueError(f"false_discoveries must be above 0 and at most 1, got {rate:g}")


def _check_names(rules: Any, *, least: int) -> None:
    # A text is a sequence of its letters: each would silently be a name.
    if isinstance(rules, str) or len(rules) < least:
        raise ValueError(f"rules must name at least {least}, as a list, got {rules!r}")


RULE_PARAMETERS: Final = {
    "threshold": ThresholdParameters,
    "recent_average": RecentAverageParameters,
    "periodic": PeriodicParameters,
    "trend_change": TrendChangeParameters,
    "flatline": FlatlineParameters,
    "validity": ValidityParameters,
    "sudden_variance": SuddenVarianceParameters,
    "new_category": NewCategoryParameters,
    "drift": DriftParameters,
    "missing": MissingParameters,
    "all": AllParameters,
    "any": AnyParameters,
    "for": ForParameters,
}
"""The parameter class of each rule kind that ships with Lupus."""
