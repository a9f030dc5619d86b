"""Comparison: whether a model is better than another, before and after retraining or side by side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from lupus.model.interval import Interval
from lupus.model.series import SeriesKey


class Better(StrEnum):
    """Which values of a metric are the better ones."""

    LOWER = "lower"
    HIGHER = "higher"
    NEAR_ZERO = "near_zero"


class ComparisonVerdict(StrEnum):
    """What a comparison found."""

    IMPROVED = "improved"
    NO_CHANGE = "no_change"
    WORSE = "worse"
    NOT_ENOUGH_DATA = "not_enough_data"


class ComparisonKind(StrEnum):
    """What is compared with what."""

    RETRAINING = "retraining"  # the intervals before a retraining with those after it
    INTERVAL = "interval"  # two versions within one interval
    WINDOW = "window"  # two versions over a window of intervals


@dataclass(frozen=True, slots=True)
class Sample:
    """One side of a comparison: its `name`, how many intervals, their keys from `first` to `last`, the median value."""

    name: str
    intervals: int = 0
    first: str = ""
    last: str = ""
    median: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`after` against `before` on the metric `series`, as the run of `interval` saw it.

    `subject` is the id of the retrain request, or ``champion > challenger``. `shift` is how much higher the values of
    `after` are, in the metric's unit, with its 95 % confidence interval from `low` to `high`; `effect` is from -1 to 1,
    positive where `after` is better; `p_value` is two-sided. All are None where there is not enough data.
    """

    id: str
    project: str
    interval: Interval
    kind: ComparisonKind
    subject: str
    series: SeriesKey
    better: Better
    verdict: ComparisonVerdict
    before: Sample
    after: Sample
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    effect: float | None = None
    p_value: float | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class VersionShare:
    """How many rows of an interval's predictions a model version made, and their share."""

    version: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class ModelChange:
    """At `interval` the model's `version` was new, or began to make most predictions (then `leads`).

    `share` is its share of the interval's predictions; `before` the version that made most of them until then.
    """

    project: str
    interval: Interval
    version: str
    share: float
    leads: bool
    before: str = ""


def comparison_id(project: str, kind: ComparisonKind, subject: str, series: SeriesKey, interval: Interval) -> str:
    """The id of a comparison: the same on every rerun. That of a retraining does not depend on the interval."""
    when = "" if kind is ComparisonKind.RETRAINING else interval.key
    text = "\x1f".join((project, kind, subject, str(series), when))
    return blake2b(text.encode(), digest_size=8).hexdigest()
