"""Exclusion: what belongs to no baseline, since when, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise

from lupus.model.incident import Incident, IncidentState, Outcome
from lupus.model.interval import Interval
from lupus.model.series import SeriesKey


class ExclusionReason(StrEnum):
    """Why points are in no baseline, or are again."""

    FIXED = "fixed"  # findings of an incident that was a real fault
    EXPECTED = "expected"  # findings of an incident that was a one-off
    MUTED = "muted"  # findings of an incident, as long as people asked for silence
    INVALID = "invalid"  # a table that failed critical validation
    NEW_NORMAL = "new_normal"  # all before an incident that a person called the new normal
    LEVEL_ACCEPTED = "level_accepted"  # all before a new level that has lasted
    BEFORE_START = "before_start"  # all before the project's start
    LEFT_OUT = "left_out"  # by hand
    KEPT = "kept"  # by hand: in the baselines, whatever else leaves it out


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Points of a project that belong to no baseline: those of intervals that begin in ``[start, end)``.

    `start` is None for everything before `end`. `table`, `column`, `metric` and `segment` say which series; None is
    any. With `since` it is a restart: it counts for points from then on, and what is said of earlier ones stays as it
    was. `source` is the incident's id, the rule that accepted the level, or the person; `note` says more.
    """

    project: str
    reason: ExclusionReason
    start: datetime | None
    end: datetime
    table: str | None = None
    column: str | None = None
    metric: str | None = None
    segment: str | None = None
    since: datetime | None = None
    source: str = ""
    note: str = ""

    @property
    def id(self) -> str:
        """Short and stable: the same reason, source, series and beginning have the same id."""
        where = (self.table, self.column, self.metric, self.segment)
        begin = self.end if self.start is None else self.start
        parts = (self.project, self.reason, self.source, *(f"={one}" if one is not None else "*" for one in where))
        return blake2b("\x1f".join((*parts, begin.isoformat())).encode(), digest_size=8).hexdigest()

    @property
    def restart(self) -> bool:
        return self.since is not None

    def about(self, key: SeriesKey) -> bool:
        """Whether the series `key` is meant."""
        pairs = (
            (self.table, key.table),
            (self.column, key.column),
            (self.metric, key.metric),
            (self.segment, key.segment),
        )
        return all(wanted is None or wanted == name for wanted, name in pairs)

    def covers(self, start: datetime) -> bool:
        """Whether the interval that begins at `start` is meant."""
        return start < self.end and (self.start is None or self.start <= start)


def exclusions_of(incident: Incident) -> tuple[Exclusion, ...]:
    """What the judgement or the mute of `incident` leaves out of the baselines of its series.

    `fixed` and `expected`: the points of its findings. `new_normal`: everything before the incident, for points after
    it. `false_alarm`, or no judgement: nothing, but for the findings of the time in which it was muted.
    """
    if incident.outcome is Outcome.FALSE_ALARM:
        return ()
    if incident.outcome is Outcome.NEW_NORMAL:
        whole = Exclusion(
            incident.project,
            ExclusionReason.NEW_NORMAL,
            None,
            incident.first.start,
            since=incident.last.end,
            source=incident.id,
            note=incident.title,
        )
        keys = dict.fromkeys(finding.verdict.series for finding in incident.findings)
        return tuple(_of_series(whole, key) for key in sorted(keys))
    reason = ExclusionReason.MUTED if incident.outcome is None else ExclusionReason(incident.outcome.value)
    intervals: dict[SeriesKey, set[Interval]] = {}
    for finding in incident.findings:
        if incident.outcome is not None or _silent(incident, finding.verdict.interval):
            intervals.setdefault(finding.verdict.series, set()).add(finding.verdict.interval)
    found = []
    for key, own in sorted(intervals.items()):
        for first, last in _stretches(sorted(own)):
            one = Exclusion(incident.project, reason, first.start, last.end, source=incident.id, note=incident.title)
            found.append(_of_series(one, key))
    return tuple(found)


def _of_series(exclusion: Exclusion, key: SeriesKey) -> Exclusion:
    return replace(exclusion, table=key.table, column=key.column, metric=key.metric, segment=key.segment)


def _silent(incident: Incident, interval: Interval) -> bool:
    """Whether people had asked for silence at `interval`. Keys of a cadence are in the order of their time."""
    if incident.muted_until:
        return interval.key[: len(incident.muted_until)] <= incident.muted_until
    return incident.state is IncidentState.MUTED


def _stretches(intervals: Iterable[Interval]) -> list[tuple[Interval, Interval]]:
    """First and last of each run of intervals that follow each other without a gap."""
    ordered = list(intervals)
    breaks = [number for number, (one, other) in enumerate(pairwise(ordered), 1) if one.end != other.start]
    return [(ordered[first], ordered[last - 1]) for first, last in pairwise([0, *breaks, len(ordered)]) if last > first]
