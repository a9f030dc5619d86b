"""The parameters of the rule kinds that ship with Lupus: their names, defaults and meaning in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdParameters:
    """Bounds, in the metric's unit, that a value must not leave. At least one of them is given."""

    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("a threshold rule needs min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentAverageParameters:
    """Deviation from the robust average of recent intervals.

    `window` intervals before the point (never the point itself) give the expectation, once there are
    `min_history` of them. The band is `sensitivity` noise units wide on each side; the noise unit is
    learned from the residuals of the window. `direction` limits it to one side. `season_aware` lets the same
    weekday (or hour) count for more where that predicts better.
    """

    window: int = 28
    min_history: int = 14
    sensitivity: float = 4.0
    direction: Literal["both", "up", "down"] = "both"
    season_aware: bool = True

    def __post_init__(self) -> None:
        if not 3 <= self.min_history <= self.window:
            raise ValueError(f"min_history must be between 3 and window ({self.window}), got {self.min_history}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendChangeParameters:
    """Change of the level that lasts: a shift, or a drift away from where the level was heading.

    The level of the last `recent` intervals is compared with the `window` intervals before them, from which it is
    expected, going on as steeply as they went. The band is `sensitivity` times their spread wide on each side. A
    change is told once; a level that lasts for `accept_after` intervals is accepted as the new one. `direction`
    limits the rule to one side.
    """

    recent: int = 14
    window: int = 56
    sensitivity: float = 3.0
    accept_after: int = 28
    direction: Literal["both", "up", "down"] = "both"

    def __post_init__(self) -> None:
        if not 3 <= self.recent <= self.window:
            raise ValueError(f"recent must be between 3 and window ({self.window}), got {self.recent}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")
        if self.accept_after < 1:
            raise ValueError(f"accept_after must be at least 1, got {self.accept_after}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicParameters:
    """Deviation from periodical change: by weekday or hour, by day of the month, by season of the year.

    The same weekday (hour) of the last `seasons` weeks (days) gives the expectation, with what `monthly` and `yearly`
    change explains where the history allows. `holidays` of a country (``US``, ``DE-BY``) are in no baseline, and
    `on_holidays` says whether they are judged. The band is `sensitivity` noise units wide on each side, on the side
    that `direction` says, once there are `min_history` intervals.
    """

    seasons: int = 8
    monthly: bool = True
    yearly: bool = False
    holidays: str = ""
    on_holidays: Literal["expected", "watched"] = "expected"
    min_history: int = 35
    sensitivity: float = 4.0
    direction: Literal["both", "up", "down"] = "both"

    def __post_init__(self) -> None:
        if self.seasons < 2:
            raise ValueError(f"seasons must be at least 2, got {self.seasons}")
        if not 3 <= self.min_history <= 56:
            raise ValueError(f"min_history must be between 3 and 56, got {self.min_history}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")


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


RULE_PARAMETERS: Final = {
    "threshold": ThresholdParameters,
    "recent_average": RecentAverageParameters,
    "periodic": PeriodicParameters,
    "trend_change": TrendChangeParameters,
    "flatline": FlatlineParameters,
    "validity": ValidityParameters,
}
"""The parameter class of each rule kind that ships with Lupus."""
