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
    sensitivity: float = 5.0
    direction: Literal["both", "up", "down"] = "both"
    season_aware: bool = True

    def __post_init__(self) -> None:
        if not 3 <= self.min_history <= self.window:
            raise ValueError(f"min_history must be between 3 and window ({self.window}), got {self.min_history}")
        if self.sensitivity <= 0:
            raise ValueError(f"sensitivity must be positive, got {self.sensitivity:g}")


RULE_PARAMETERS: Final = {"threshold": ThresholdParameters, "recent_average": RecentAverageParameters}
"""The parameter class of each rule kind that ships with Lupus."""
