"""What is told to whom after a run, with the reason for every message and for every silence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from lupus.act.incidents import as_of, came_back, escalated, is_muted
from lupus.act.ranking import worst_severity
from lupus.act.routing import Addressee, seen_by
from lupus.act.story import Links, tell
from lupus.act.upstream import held_reason
from lupus.model import (
    Finding,
    Incident,
    Interval,
    Notice,
    NoticeState,
    Project,
    QuietHours,
    Reason,
    Route,
    Series,
    SeriesKey,
    Severity,
    Told,
    notice_id,
)

_NOTHING: Final[Mapping[str, str]] = {}
_NEWS: Final = frozenset({Reason.FIRST, Reason.WORSE, Reason.GREW, Reason.REOPENED, Reason.REPEAT})


@dataclass(frozen=True, slots=True)
class Occasion:
    """What else than the incidents decides whether something is told.

    `past` is what was decided before, in any run. `held` are the ids of incidents that an upstream project's incident
    holds. `old` says that the run is of no news, for it is a backfill or of an old interval. `quiet_until` is the end
    of the `quiet` hours that it is made in. `levels` are the newest values of what had been found.
    """

    past: Sequence[Told] = ()
    held: Collection[str] = ()
    old: bool = False
    quiet: QuietHours | None = None
    quiet_until: datetime | None = None
    levels: Mapping[SeriesKey, float] = field(default_factory=dict)


def decide_notices(
    project: Project,
    interval: Interval,
    before: Sequence[Incident],
    after: Sequence[Incident],
    *,
    to: Sequence[Addressee],
    links: Links,
    series: Mapping[SeriesKey, Series],
    occasion: Occasion,
    because: Mapping[str, str] = _NOTHING,
) -> tuple[Notice, ...]:
    """The notices of the run of `interval`: at most one per incident and destination, each with its reason.

    `before` and `after` are the project's incidents around `update_incidents`. The decision looks only at what was
    found up to `interval` and decided in runs of earlier intervals, so a rerun, even of an old interval, decides the
    same.

    A destination sees of an incident what its routes are about. When the run added to that, it is told that it is new
    (`FIRST`), that its severity rose (`WORSE`), that it came back after it had been resolved (`REOPENED`), or that
    another column or metric group joined, or that labels which came late tell more of what had been resolved (`GREW`);
    all else is a `REPEAT`, which is not sent. What was never told, for whatever reason, is told as new when that reason
    is gone. While a person has it in hand (`ACKNOWLEDGED`), only a rise in severity is sent; while it is `MUTED`,
    nothing. An incident that this run resolved is told of once (`RESOLVED`), where it was told of before; one that a
    person resolved is not. `because` says of incidents where they probably come from.
    """
    known = {incident.id: incident for incident in before}
    past: dict[tuple[str, str], list[Told]] = {}
    for one in occasion.past:
        past.setdefault((one.incident, one.destination), []).append(one)
    notices = []
    for incident in after:
        seen = as_of(project, incident, interval, series)
        if seen is None:
            continue
        case = _Case(project, interval, incident, seen, known.get(incident.id), series)
        if not case.now and not case.resolves:
            continue
        for addressee in to:
            identity = notice_id(incident.id, interval, addressee.destination)
            decided = past.get((incident.id, addressee.destination), ())
            reason, mention = _decide(case, addressee, decided, identity, occasion)
            if reason is None:
                continue
            story = tell(
                project,
                seen,
                interval,
                reason,
                series=series,
                links=links,
                mention=mention,
                because=because.get(incident.id, ""),
                levels=occasion.levels,
            )
            notices.append(
                Notice(
                    id=identity,
                    project=project.name,
                    incident=incident.id,
                    interval=interval,
                    destination=addressee.destination,
                    reason=reason,
                    state=NoticeState.PENDING if reason.sends else NoticeState.NOT_SENT,
                    message=story.as_message(),
                    next_try=_held_until(decided, identity, occasion) if reason is Reason.QUIET_HOURS else None,
                )
            )
    return tuple(notices)


@dataclass
class _Case:
    """An incident as the run of `interval` knows it (`seen`), and what every destination asks about it."""

    project: Project
    interval: Interval
    incident: Incident
    seen: Incident
    before: Incident | None
    series: Mapping[SeriesKey, Series]
    matched: dict[Route, dict[SeriesKey, bool]] = field(default_factory=dict)

    @cached_property
    def now(self) -> list[Finding]:
        return [one for one in self.seen.findings if one.found.start == self.interval.start]

    @cached_property
    def earlier(self) -> list[Finding]:
        return [one for one in self.seen.findings if one.found.start < self.interval.start]

    @cached_property
    def muted(self) -> bool:
        return is_muted(self.incident, self.interval, self.project.cadence)

    @cached_property
    def resolves(self) -> bool:
        """Whether this run is the one that makes the incident clean for long enough."""
        if self.now or self.incident.kept_open or (self.incident.closed and self.seen is self.incident):
            return False
        due = self.project.cadence.shift(self.seen.last, max(1, self.project.alerts.resolve_after))
        # Where the run at which it was due never came, the next one tells it.
        open_before = self.before is not None and self.before.active and not self.incident.active
        return self.interval.start == due.start or (self.interval.start > due.start and open_before)

    @cached_property
    def reopens(self) -> bool | None:
        """Whether it is back; None when it had been resolved, and more is known of it now."""
        return came_back(self.project, self.earlier[-1].found, self.now)

    def seen_by(self, route: Route, findings: Sequence[Finding]) -> Sequence[Finding]:
        return seen_by(route, findings, self.series, self.matched.setdefault(route, {}))

    def severity(self, findings: Sequence[Finding]) -> Severity:
        """The severity of `findings`, which are not empty, with how long it has lasted."""
        return escalated(self.project, worst_severity(findings), self.seen.first, findings[-1].found)


def _decide(
    case: _Case, addressee: Addressee, decided: Sequence[Told], identity: str, occasion: Occasion
) -> tuple[Reason | None, str]:
    """The reason for the notice to `addressee` (None: nothing to say), and who is called."""
    reasons = [(_by_route(case, route), route) for route in addressee.routes]
    sending = [(reason, route) for reason, route in reasons if reason is not None and reason.sends]
    silent = [reason for reason, _ in reasons if reason is not None]
    if not silent:
        return None, ""
    reason = sending[0][0] if sending else silent[0]
    called = sorted((route for _, route in sending if route.mention), key=lambda route: -route.severity.rank)
    mention = called[0].mention if called else ""
    return _in_time(case, reason, decided, identity, occasion), mention


def _by_route(case: _Case, route: Route) -> Reason | None:
    """What is new of the part of the incident that the route is about."""
    now, earlier = case.seen_by(route, case.now), case.seen_by(route, case.earlier)
    if not now:
        if not earlier or not case.resolves:
            return None
        return Reason.RESOLVED if case.severity(earlier).rank >= route.severity.rank else Reason.BELOW_SEVERITY
    severity = case.severity([*earlier, *now])
    known = case.severity(earlier) if earlier else None
    if severity.rank < route.severity.rank:
        return Reason.BELOW_SEVERITY
    if known is None or known.rank < route.severity.rank:
        return Reason.FIRST
    if case.reopens:
        return Reason.REOPENED
    worse = severity.rank > known.rank
    if case.incident.acknowledged_by:
        # A person knows of it: that it lasts is no news, only that it is found to be worse.
        worse = worst_severity(now).rank > worst_severity(earlier).rank
    if worse:
        return Reason.WORSE
    if case.reopens is None:
        return Reason.GREW
    return Reason.GREW if areas(now, case.series) - areas(earlier, case.series) else Reason.REPEAT


def _in_time(case: _Case, reason: Reason, decided: Sequence[Told], identity: str, occasion: Occasion) -> Reason | None:
    """`reason`, or what keeps it from being told now."""
    earlier = [one for one in decided if one.interval.start < case.interval.start]
    told = any(one.reason.sends or one.reason is Reason.QUIET_HOURS for one in earlier)
    held = case.incident.id in occasion.held
    if case.muted:
        return Reason.MUTED
    if reason is Reason.RESOLVED and not told and not held:
        return earlier[-1].reason if earlier else None  # what was silent begins and ends in silence
    if reason in (Reason.GREW, Reason.REPEAT) and case.incident.acknowledged_by:
        return Reason.ACKNOWLEDGED
    if reason is Reason.BELOW_SEVERITY:
        return reason
    final = held_reason(reason, held=held, untold=not told, news=reason in _NEWS and bool(case.now))
    if final is Reason.REPEAT and _remind(case, earlier):
        final = Reason.REMINDER
    if final is None or not final.sends:
        return final
    mine = next((one for one in decided if one.id == identity), None)
    if occasion.old and not (mine is not None and mine.reason.sends):
        return Reason.BACKFILL
    wakes = occasion.quiet is not None and case.severity(case.seen.findings).rank >= occasion.quiet.wake_for.rank
    if mine is not None and mine.reason is Reason.QUIET_HOURS and not wakes:
        return Reason.QUIET_HOURS  # the digest tells it, or has told it
    if occasion.quiet_until is not None and not wakes and not (mine is not None and mine.state is NoticeState.SENT):
        return Reason.QUIET_HOURS
    return final


def _remind(case: _Case, earlier: Sequence[Told]) -> bool:
    """Whether an incident that nobody has in hand is told again: long after the last time, or after a silence."""
    if earlier and earlier[-1].reason is Reason.MUTED:
        return True
    steps = case.project.alerts.remind_after
    told = [one.interval for one in earlier if one.reason.sends]
    if steps is None or not told:
        return False
    return case.project.cadence.shift(told[-1], steps).start <= case.interval.start


def _held_until(decided: Sequence[Told], identity: str, occasion: Occasion) -> datetime | None:
    mine = next((one for one in decided if one.id == identity and one.reason is Reason.QUIET_HOURS), None)
    return mine.next_try if mine is not None else occasion.quiet_until


def areas(findings: Sequence[Finding], series: Mapping[SeriesKey, Series]) -> set[tuple[str, str, str]]:
    """What is affected, coarsely: another segment or quantile of the same column is no news."""
    keys = {finding.verdict.series for finding in findings}
    return {(key.table, key.column, series[key].group if key in series else "") for key in keys}
