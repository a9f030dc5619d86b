"""What incidents of upstream projects have to do with those of this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lupus.model import Incident, Interval, Reason, Resolution


@dataclass(frozen=True, slots=True)
class UpstreamCause:
    """Where an incident probably comes from: another project's `incident`, at the far end of the `chain`.

    `chain` names the projects from there to the one that suffers; `since` is an interval's key.
    """

    incident: str
    project: str
    title: str
    since: str
    chain: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Plain words.

        >>> UpstreamCause("1f", "weather", "Null ratio of wind", "2013-03-08", ("weather", "sky", "flights")).sentence
        'Probably caused by weather, since 2013-03-08: Null ratio of wind (weather <- sky <- flights)'
        """
        chain = f" ({' <- '.join(self.chain)})" if len(self.chain) > 2 else ""
        return f"Probably caused by {self.project}, since {self.since}: {self.title}{chain}"


def with_upstream(incident: Incident, upstream: Iterable[Incident]) -> Incident:
    """`incident` with the ids of those of the `upstream` projects' incidents that probably caused it.

    Those that lasted when it began, or began with it: a cause comes before its effect, and what begins upstream
    while this one lasts already did not cause it.
    """
    causes = [one for one in upstream if one.first.start < incident.first.end and is_open_at(one, incident.first.start)]
    ids = tuple(one.id for one in sorted(causes, key=lambda one: (one.first.start, one.id)))
    return incident if ids == incident.upstream else replace(incident, upstream=ids)


def is_held(incident: Incident, upstream: Iterable[Incident], interval: Interval) -> bool:
    """Whether a cause of `incident` among the `upstream` incidents is not over yet in the run of `interval`."""
    return any(one.id in incident.upstream and is_open_at(one, interval.start) for one in upstream)


def held_reason(reason: Reason | None, *, held: bool, untold: bool, news: bool) -> Reason | None:
    """Why there is a notice, or none, of an incident with a cause upstream.

    While it is `held`, nothing is sent but the end of what was told before. What was never told (`untold`) is told in
    full once nothing holds it and the run found it still there (`news`); its end then is no news either.
    """
    if reason is None:
        return None
    if held and (untold or reason is not Reason.RESOLVED):
        return Reason.UPSTREAM if reason.sends else reason
    if not untold:
        return reason
    if reason is Reason.RESOLVED:
        return Reason.UPSTREAM
    return Reason.FIRST if news and reason in (Reason.GREW, Reason.REPEAT, Reason.WORSE) else reason


def is_open_at(incident: Incident, at: datetime) -> bool:
    """Whether `incident`, which has begun, is not over at `at`: a run of an old interval finds what it found then."""
    if incident.active:
        return True
    length: timedelta = incident.last.end - incident.last.start
    clean = max(incident.clean, 1) if incident.resolution is Resolution.CLEAN else incident.clean
    return at < incident.last.end + (clean - 1) * length


def upstream_causes(incident: Incident, known: Mapping[str, Incident]) -> tuple[UpstreamCause, ...]:
    """Where `incident` probably comes from, by following `Incident.upstream` as far as it goes.

    `known` has incidents by id. A project upstream that has no incident of its own ends a chain: what it hands on was
    found sound.
    """
    return tuple(_causes(incident, known, (incident.project,), frozenset({incident.id})))


def _causes(
    incident: Incident, known: Mapping[str, Incident], chain: Sequence[str], seen: frozenset[str]
) -> Iterable[UpstreamCause]:
    for name in incident.upstream:
        cause = known.get(name)
        if cause is None or name in seen:
            continue
        longer = (cause.project, *chain)
        farther = list(_causes(cause, known, longer, seen | {name}))
        yield from farther or [UpstreamCause(cause.id, cause.project, cause.title, cause.first.key, longer)]
