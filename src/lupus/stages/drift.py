"""Drift: how far this interval's rows are from the baselines, from the States that the store keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from lupus.model import (
    WHOLE,
    Baseline,
    Cadence,
    DriftPolicy,
    Failure,
    Interval,
    MetricPoint,
    Project,
    Selector,
    Series,
    SeriesKey,
    segment_parts,
)
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure.drift import Place, Sample

SCOPE: Final = "drift"

_BASELINES: Final = frozenset(Baseline)

_LEAST_SHARE: Final = 4
"""A baseline of which less than one in so many intervals are there says nothing yet."""


def measure_drift(workspace: Workspace, project: Project, interval: Interval) -> list[MetricPoint]:
    """Measure the drift of every column of `interval` whose States are stored, and replace what is stored of it.

    A baseline has only intervals before this one, and none that is excluded (see `Store.excluded_columns`), so that a
    rerun gives the same. As long as a quarter of them is not there, there are no points.
    """
    points = _points(workspace, project, interval) if project.metrics.drift.metrics else []
    workspace.store.replace_points(project.name, interval, points, scope=SCOPE)
    return points


def drift_intervals(project: Project, interval: Interval, since: Iterable[Interval]) -> set[Interval]:
    """All intervals that the drift of `interval` may be measured from, for columns first measured in `since`."""
    starts = set(since) or {project.cadence.containing(project.start)}
    baselines = [one for one in project.metrics.drift.against if one in _BASELINES]
    return {one for name in baselines for start in starts for one in _baseline(project, interval, name, start)[0]}


def first_measured(workspace: Workspace, project: Project) -> dict[tuple[str, str], Interval]:
    """By table and column, the interval in which what the column is counted over was fixed (its newest version).

    Columns of zeros and ones are counted over those: for them the first one of the table stands under (table, `WHOLE`),
    and that of the project under (`WHOLE`, `WHOLE`).
    """
    found: dict[tuple[str, str], Interval] = {}
    keys: dict[str, Interval] = {}
    for one in workspace.store.references(project.name):
        since = keys.setdefault(one.since, project.cadence.parse(one.since))
        if one.column:
            found[one.table, one.column] = since
        for place in ((one.table, WHOLE), (WHOLE, WHOLE)):
            found[place] = min(found.get(place, since), since)
    return found


def _points(workspace: Workspace, project: Project, interval: Interval) -> list[MetricPoint]:
    from lupus.measure.drift import KINDS, compare, samples_of

    policy, store = project.metrics.drift, workspace.store
    since = first_measured(workspace, project)
    past = sorted(drift_intervals(project, interval, since.values()))
    found = store.decoded_states(project.name, [*past, interval], KINDS, samples_of)
    series = {place: _series(project, place) for place in found.get(interval, {})}
    current = {place: one for place, one in found.pop(interval, {}).items() if series[place]}
    if not current:
        return []
    days = _Days(project, interval, found, since, store.excluded_columns(project.name, past))
    sides = {
        (place, against): (before, sample)
        for against in policy.against
        for place, sample in current.items()
        if (before := days.before(place, sample, against, current)) is not None
    }
    points = []
    for ((place, against), metric), drift in compare(
        sides, [str(metric) for metric in policy.metrics], min_rows=policy.min_rows, bins=policy.bins
    ).items():
        one = series[place].get((metric, against))
        if one is None:
            continue
        if isinstance(drift, Failure):
            points.append(MetricPoint(one, interval, None, int(current[place].rows), drift))
        else:
            points.append(MetricPoint(one, interval, drift.value, drift.n, low=drift.low, high=drift.high))
    return points


@dataclass(frozen=True, slots=True)
class _Days:
    """The samples of the intervals before `interval`, and what is known of them."""

    project: Project
    interval: Interval
    samples: Mapping[Interval, Mapping[Place, Sample]]
    since: Mapping[tuple[str, str], Interval]
    excluded: set[tuple[Interval, str, str]]

    def before(self, place: Place, sample: Sample, against: str, current: Mapping[Place, Sample]) -> Sample | None:
        """What `sample` is compared with; None where there is nothing, or too little of it."""
        from lupus.measure.drift import aligned, merged

        table, column, segment = place
        if against not in _BASELINES:
            own, other = segment_parts(segment), segment_parts(against)
            alike = segment != against and [name for name, _ in own] == [name for name, _ in other]
            return current.get((table, column, against)) if alike else None
        places = ((table, column), (table, WHOLE), (WHOLE, WHOLE))
        since = next((self.since[one] for one in places if one in self.since), self.interval)
        intervals, planned = _baseline(self.project, self.interval, against, since)
        parts = [
            part
            for one in intervals
            if (part := self.samples.get(one, {}).get(place)) is not None
            and (one, table, column) not in self.excluded
            and (one, table, WHOLE) not in self.excluded
            and aligned(part, sample) is not None
        ]
        return merged(parts) if parts and len(parts) * _LEAST_SHARE >= planned else None


def _baseline(project: Project, interval: Interval, name: str, since: Interval) -> tuple[tuple[Interval, ...], int]:
    """The intervals of a baseline, oldest first, all before `interval`, and how many there are when it is complete."""
    policy, cadence = project.metrics.drift, project.cadence
    if name == Baseline.REFERENCE:
        first = cadence.containing(policy.first) if policy.first else since
        found = _from(cadence, first, policy.intervals, policy.last)
        return tuple(one for one in found if one < interval), len(found)
    if name == Baseline.TRAILING:
        return _back(cadence, interval, policy.trailing, project.start), policy.trailing
    local = interval.start.astimezone(cadence.zone)
    weeks = (cadence.containing(local - timedelta(weeks=week)) for week in range(policy.weeks, 0, -1))
    found = tuple(dict.fromkeys(one for one in weeks if project.start <= one.start and one < interval))
    return found, policy.weeks


@lru_cache(maxsize=512)
def _from(cadence: Cadence, first: Interval, number: int, last: datetime | None) -> tuple[Interval, ...]:
    """`number` intervals from `first`, or all up to the instant `last`."""
    found = [first]
    while len(found) < number if last is None else found[-1].end < last:
        found.append(cadence.next(found[-1]))
    return tuple(found)


@lru_cache(maxsize=8)
def _back(cadence: Cadence, interval: Interval, number: int, start: datetime) -> tuple[Interval, ...]:
    """Up to `number` intervals before `interval`, none that begins before `start`."""
    found: list[Interval] = []
    one = interval
    while len(found) < number and (one := cadence.previous(one)).start >= start:
        found.append(one)
    return tuple(reversed(found))


def _series(project: Project, place: Place) -> dict[tuple[str, str], Series]:
    """The series of a column by (distance, baseline); none when it is not to be compared."""
    from lupus.measure.columns import group_of
    from lupus.measure.drift import DRIFT_METRICS
    from lupus.measure.metrics import wanted, wanted_in_segments

    name, column, segment = place
    policy = project.metrics
    table = next((one for one in project.tables if one.name == name), None)
    # A new version of the model is news, no drift.
    if table is None or column == table.version:
        return {}
    group, chosen = group_of(table), Selector(column=policy.drift.columns)
    found = {}
    for metric in policy.drift.metrics:
        for against in policy.drift.against:
            key = SeriesKey(project.name, name, column, DriftPolicy.series(metric, against), segment)
            asked = wanted if segment == WHOLE or against not in _BASELINES else wanted_in_segments
            series = Series(key, group, DRIFT_METRICS[metric].unit, {"baseline": against})
            if asked(key.metric, policy) and chosen.matches(series):
                found[str(metric), against] = series
    return found
