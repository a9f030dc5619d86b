"""What belongs to no baseline: by hand, why a point does not, and what the judgement of an incident would change."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from lupus.model import (
    Exclusion,
    ExclusionReason,
    History,
    Incident,
    Interval,
    LupusError,
    Outcome,
    Project,
    SeriesKey,
    Verdict,
    exclusions_of,
    format_value,
)
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORST: Final = 5
_WORDS: Final = {
    ExclusionReason.FIXED: "left out: a fault, incident {source}",
    ExclusionReason.EXPECTED: "left out: expected, incident {source}",
    ExclusionReason.MUTED: "left out: muted, incident {source}",
    ExclusionReason.INVALID: "left out: {source} failed critical validation ({note})",
    ExclusionReason.NEW_NORMAL: "left out from {since} on: before the new normal, incident {source}",
    ExclusionReason.LEVEL_ACCEPTED: "left out from {since} on: before an accepted level ({source})",
    ExclusionReason.BEFORE_START: "left out: {note}",
    ExclusionReason.LEFT_OUT: "left out by {source}{because}",
    ExclusionReason.KEPT: "kept by {source}{because}",
}


@dataclass(frozen=True, slots=True)
class Band:
    """The band of a series' next point, as a rule gives it; None where it has none on that side, or none at all."""

    expected: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class BandChange:
    """The next `before` and `after` band of a series by a rule."""

    series: SeriesKey
    unit: str
    rule: str
    before: Band
    after: Band

    @property
    def change_ratio(self) -> float | None:
        """How much wider the band gets: 0.1 is a tenth wider, -0.1 narrower; None when a side is open or unknown."""
        widths = []
        for band in (self.before, self.after):
            if band.lower is None or band.upper is None or band.upper <= band.lower:
                return None
            widths.append(band.upper - band.lower)
        return widths[1] / widths[0] - 1

    def __str__(self) -> str:
        before, after = _band_text(self.before, self.unit), _band_text(self.after, self.unit)
        of = f"{self.series}: the next band of {self.rule}"
        if before == after:
            return f"{of} stays {before}"
        ratio = self.change_ratio
        wider = "" if ratio is None else f", {100 * abs(ratio):.0f} % {'wider' if ratio > 0 else 'narrower'}"
        return f"{of} becomes {after}, instead of {before}{wider}"


@dataclass(frozen=True, slots=True)
class OutcomeEffect:
    """What it does to the baselines to judge an incident so.

    `points` of `series` many series at `intervals` many intervals are left out; with `restart` everything before the
    incident is instead. `bands` are those of the incident's worst series.
    """

    incident: str
    outcome: Outcome
    points: int
    intervals: int
    series: int
    restart: bool
    bands: tuple[BandChange, ...]

    @property
    def sentence(self) -> str:
        """One plain sentence.

        >>> OutcomeEffect("a", Outcome.FIXED, 80, 6, 14, False, ()).sentence
        'leaves 80 points of 14 series at 6 intervals out of the baselines'
        """
        if self.restart:
            return f"the baselines of {self.series:,} series begin anew with the incident"
        if self.points:
            return (
                f"leaves {self.points:,} points of {self.series:,} series at {self.intervals:,} intervals "
                "out of the baselines"
            )
        return f"all points stay in the baselines of {self.series:,} series, and count against the rules"


def effect_of_outcome(
    workspace: Workspace, incident_id: str, outcome: Outcome, *, project: Project | None = None
) -> OutcomeEffect:
    """What would change if the incident were judged so: what is left out, and the next bands of its worst series.

    The bands are those of the interval after the newest run, with the exclusions as they are and as they would be.
    `project` is read from the projects' folder when it is not given. Raises `StoreError` when there is no such
    incident, `LupusError` when its project cannot be read.
    """
    incident = workspace.store.incident(incident_id)
    project = project or _project(workspace, incident.project)
    judged = replace(incident, outcome=outcome)
    wanted = exclusions_of(judged)
    points = {
        (finding.verdict.series, finding.verdict.interval)
        for finding in incident.findings
        if any(one.about(finding.verdict.series) and one.covers(finding.verdict.interval.start) for one in wanted)
    }
    return OutcomeEffect(
        incident.id,
        outcome,
        points=len(points),
        intervals=len({interval for _, interval in points}),
        series=len({finding.verdict.series for finding in incident.findings}),
        restart=any(one.restart for one in wanted),
        bands=_bands(workspace, project, incident, wanted),
    )


def leave_out(
    workspace: Workspace,
    project: Project,
    first: Interval,
    last: Interval,
    *,
    by: str,
    note: str = "",
    keep: bool = False,
    table: str | None = None,
    column: str | None = None,
    metric: str | None = None,
    segment: str | None = None,
) -> Exclusion:
    """Leave the points of the series named (None is any) from `first` to `last` out of the baselines, by hand.

    With `keep` they are in the baselines instead, whatever else leaves them out. What was said of them stays. Raises
    `LupusError` when `last` is before `first`, or no stored series is meant.
    """
    if last < first:
        raise LupusError(f"{last} is before {first}")
    reason = ExclusionReason.KEPT if keep else ExclusionReason.LEFT_OUT
    one = Exclusion(project.name, reason, first.start, last.end, table, column, metric, segment, source=by, note=note)
    if not any(one.about(key) for key in workspace.store.series(project.name)):
        raise LupusError(f"no stored series of {project.name} is meant; lupus metrics {project.name} shows them")
    workspace.store.add_exclusion(one)
    return one


def why_left_out(exclusions: Iterable[Exclusion], key: SeriesKey, interval: Interval) -> tuple[Exclusion, ...]:
    """Which of `exclusions` are about the point of `key` at `interval`; none when a person keeps it."""
    about = [one for one in exclusions if one.covers(interval.start) and one.about(key)]
    return () if any(one.reason is ExclusionReason.KEPT for one in about) else tuple(about)


def exclusion_words(exclusion: Exclusion, project: Project) -> str:
    """``left out: a fault, incident 3bf3679055``."""
    since = "" if exclusion.since is None else str(project.cadence.containing(exclusion.since))
    because = f": {exclusion.note}" if exclusion.note else ""
    return _WORDS[exclusion.reason].format(source=exclusion.source, note=exclusion.note, since=since, because=because)


def exclusion_json(exclusion: Exclusion, project: Project) -> dict[str, Any]:
    """An exclusion as plain JSON values; `first` is null for all up to `last`, and `since` unless it is a restart."""
    cadence = project.cadence
    parts = (exclusion.table, exclusion.column, exclusion.metric, exclusion.segment)
    named = [part for part in parts if part]
    return {
        "id": exclusion.id,
        "reason": str(exclusion.reason),
        "first": None if exclusion.start is None else cadence.containing(exclusion.start).key,
        "last": cadence.containing(exclusion.end - timedelta(seconds=1)).key,
        "since": None if exclusion.since is None else cadence.containing(exclusion.since).key,
        "table": exclusion.table,
        "column": exclusion.column,
        "metric": exclusion.metric,
        "segment": exclusion.segment,
        "what": " ".join(named) if named else "everything",
        "source": exclusion.source,
        "note": exclusion.note,
    }


def _project(workspace: Workspace, name: str) -> Project:
    from lupus.config import load_projects

    for loaded in load_projects(workspace.settings.projects, environ=os.environ, only=name):
        if loaded.project is not None:
            return loaded.project
    raise LupusError(f"the file of project {name} cannot be read; lupus check tells what is wrong with it")


def _bands(
    workspace: Workspace, project: Project, incident: Incident, wanted: Sequence[Exclusion]
) -> tuple[BandChange, ...]:
    import numpy as np

    from lupus.act import worst
    from lupus.store import exclude

    keys = [finding.verdict.series for finding in worst(incident, _WORST)]
    history = _to_the_next(workspace, project)
    rows = {one.key: row for row, one in enumerate(history.series)}
    keys = [key for key in keys if key in rows]
    known = workspace.store.exclusions(project.name, first=history.intervals[0], last=history.intervals[-1])
    others = [one for one in known if one.source != incident.id]
    of = np.zeros(len(history.series), dtype=np.bool_)
    of[[rows[key] for key in keys]] = True
    before = _next_bands(project, exclude(history, known), of)
    after = _next_bands(project, exclude(history, [*others, *wanted]), of)
    found = []
    for key in keys:
        for rule in [rule for series, rule in before if series == key]:
            now = after.get((key, rule))
            one = BandChange(key, history.series[rows[key]].unit, rule, _band(before[key, rule]), _band(now))
            if one.before != Band(None, None, None) or one.after != Band(None, None, None):
                found.append(one)
    return tuple(found)


def _to_the_next(workspace: Workspace, project: Project) -> History:
    """The history of what the rules look at for the interval after the newest run, with its last values again there."""
    import numpy as np

    from lupus.judge import lookback

    runs = [run.interval for run in workspace.store.runs(project.name)]
    if not runs:
        raise LupusError(f"nothing is stored for {project.name}; lupus run {project.name} --day … fills the store")
    ahead = project.cadence.next(max(runs))
    first = max(min(runs), project.cadence.shift(ahead, -min(lookback(project.rules, project.cadence), len(runs))))
    history = workspace.store.history(project.name, tuple(project.cadence.between(first, ahead)))
    values, n = history.values.copy(), history.n.copy()
    places = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(values.shape[1])), axis=1)[:, -1]
    values[:, -1], n[:, -1] = values[np.arange(len(values)), places], n[np.arange(len(values)), places]
    return replace(history, values=values, n=n)


def _next_bands(project: Project, history: History, of: NDArray[np.bool_]) -> dict[tuple[SeriesKey, str], Verdict]:
    from lupus.judge import judge

    last = len(history.intervals) - 1
    found = judge(history, project.rules, project.cadence, at=[last], mature_at=0.0, of=of)
    return {(one.series, one.rule): one for one in found}


def _band(verdict: Verdict | None) -> Band:
    return Band(None, None, None) if verdict is None else Band(verdict.expected, verdict.lower, verdict.upper)


def _band_text(band: Band, unit: str) -> str:
    if band.lower is None and band.upper is None:
        return "unknown (too little history)"
    ends = ["…" if end is None else format_value(end, unit) for end in (band.lower, band.upper)]
    return " to ".join(ends)
