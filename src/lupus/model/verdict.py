"""Rules' answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from lupus.model.interval import Interval
from lupus.model.series import Series, SeriesKey


class Status(StrEnum):
    """What a rule says of a point."""

    OK = "ok"
    WARN = "warn"
    ANOMALY = "anomaly"
    NO_DATA = "no_data"
    ERROR = "error"
    IMMATURE = "immature"

    @property
    def is_finding(self) -> bool:
        """Whether it belongs into an incident: an anomaly, absent data, or a metric that broke."""
        return self in (Status.ANOMALY, Status.NO_DATA, Status.ERROR)


class Severity(StrEnum):
    """How bad, in four steps that compare: ``Severity.LOW.rank < Severity.HIGH.rank``."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return tuple(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one point.

    `score` measures the distance from expectation in the rule's own noise units: 1 is the edge of
    the band, comparable across rules. `sentence` is one plain sentence with numbers and units.
    `severity` is None unless the status is a finding or `warn`.
    """

    series: SeriesKey
    interval: Interval
    rule: str
    status: Status
    value: float | None
    sentence: str
    severity: Severity | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Selector:
    """Which series a rule, route or policy is about: shell patterns, None for any.

    >>> Selector(metric="null_*").matches(Series(SeriesKey("p", "data", "x", "null_ratio"), "input"))
    True
    """

    group: str | None = None
    table: str | None = None
    column: str | None = None
    metric: str | None = None
    segment: str | None = None

    def matches(self, series: Series) -> bool:
        key = series.key
        pairs = (
            (self.group, series.group),
            (self.table, key.table),
            (self.column, key.column),
            (self.metric, key.metric),
            (self.segment, key.segment),
        )
        return all(pattern is None or fnmatchcase(text, pattern) for pattern, text in pairs)


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as configured: its `kind` (``threshold``, ``recent_average``, ...) with parameters, and where it applies.

    `severity` overrides the severity that the rule itself would give. Several rules may match a
    series: each gives a verdict.
    """

    name: str
    kind: str
    where: Selector = Selector()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None
