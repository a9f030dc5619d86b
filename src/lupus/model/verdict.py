"""Rules' answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fnmatch import translate
from functools import cache, lru_cache
from typing import Any

from lupus.model.interval import Interval
from lupus.model.series import Series, SeriesKey

_Match = Callable[[str], re.Match[str] | None]


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

    @property
    def rank(self) -> int:
        """How bad, to find the worst of several: an anomaly is the worst, a point that waits for labels the least."""
        return _BADNESS.index(self)


_BADNESS = (Status.IMMATURE, Status.OK, Status.WARN, Status.NO_DATA, Status.ERROR, Status.ANOMALY)


class Severity(StrEnum):
    """How bad, in four steps that compare: ``Severity.LOW.rank < Severity.HIGH.rank``."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _RANK[self]


_RANK = {severity: number for number, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one point.

    `score` measures the distance from expectation in the rule's own noise units: 1 is the edge of
    the band, comparable across rules. `sentence` is one plain sentence with numbers and units.
    `severity` is None unless the status is a finding or `warn`. `why` names the segment that made most of an
    anomaly, "" where none did.
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
    why: str = ""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which series a rule, route or policy is about: for each part of a name shell patterns, None for any.

    A text is meant when one of the patterns matches it. A pattern that begins with "!" takes away from what the
    others match, or from everything where it stands alone, wherever it stands among them.

    >>> nulls = Series(SeriesKey("p", "data", "x", "null_ratio"), "input")
    >>> Selector(metric=("rows", "null_*")).matches(nulls)
    True
    >>> Selector(metric=("!null_*",)).matches(nulls)
    False
    """

    group: tuple[str, ...] | None = None
    table: tuple[str, ...] | None = None
    column: tuple[str, ...] | None = None
    metric: tuple[str, ...] | None = None
    segment: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for member in fields(self):
            patterns = getattr(self, member.name)
            # A text is a sequence of its letters: each would silently be a pattern.
            if patterns is not None and (not patterns or not isinstance(patterns, tuple)):
                raise ValueError(f"{member.name} must be a tuple of at least one pattern, or None, got {patterns!r}")

    @property
    def is_any(self) -> bool:
        """Whether every series is meant."""
        return all(getattr(self, member.name) is None for member in fields(self))

    def matches(self, series: Series) -> bool:
        # Asked by every rule of every series in every run: most selectors name one part or two, and no loop is needed.
        key = series.key
        return (
            (self.metric is None or is_meant(self.metric, key.metric))
            and (self.group is None or is_meant(self.group, series.group))
            and (self.column is None or is_meant(self.column, key.column))
            and (self.table is None or is_meant(self.table, key.table))
            and (self.segment is None or is_meant(self.segment, key.segment))
        )


@lru_cache(maxsize=65536)
def is_meant(patterns: tuple[str, ...], text: str) -> bool:
    """Whether `text` matches one of the shell `patterns`, and none of those that begin with "!"; see `Selector`."""
    wanted, barred = _compiled(patterns)
    return (wanted is None or wanted(text) is not None) and (barred is None or barred(text) is None)


# Every rule asks of thousands of series a day, with the same few patterns.
@cache
def _compiled(patterns: tuple[str, ...]) -> tuple[_Match | None, _Match | None]:
    """What matches one of `patterns`, and what one of those that begin with "!"; None where there are none."""
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    barred = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return _any(wanted), _any(barred)


def _any(patterns: list[str]) -> _Match | None:
    return re.compile("|".join(map(translate, patterns))).match if patterns else None


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
