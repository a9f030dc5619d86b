"""What is wrong upstream of a project, and what that holds here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lupus.model import Incident, Interval, Project, StoreError
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import IncidentChanges, UpstreamCause


def read_upstream(workspace: Workspace, project: Project) -> list[Incident]:
    """The incidents of the projects directly upstream."""
    return [incident for name in project.upstream for incident in workspace.store.incidents(name)]


def with_causes(changes: IncidentChanges, before: Sequence[Incident], upstream: Sequence[Incident]) -> IncidentChanges:
    """`changes` with the upstream causes of the incidents that are active or have just changed."""
    from lupus.act import with_upstream

    saved = {one.id for one in changes.save}
    known = {one.id: one for one in before}
    after = tuple(with_upstream(one, upstream) if one.active or one.id in saved else one for one in changes.incidents)
    return replace(
        changes,
        incidents=after,
        save=tuple(one for one in after if one.id in saved or known.get(one.id, one).upstream != one.upstream),
    )


def held_by(
    project: Project, incidents: Sequence[Incident], upstream: Sequence[Incident], interval: Interval
) -> frozenset[str]:
    """The ids of those of `incidents` that the upstream ones hold in the run of `interval`."""
    from lupus.act import is_held

    if not project.upstream:
        return frozenset()
    return frozenset(one.id for one in incidents if is_held(one, upstream, interval))


def open_sentences(upstream: Sequence[Incident], interval: Interval) -> list[str]:
    """A sentence for every incident upstream that is not over in the run of `interval`."""
    from lupus.act import is_open_at

    return [
        f"{one.project} has an incident since {one.first.key}: {one.title}"
        for one in sorted(upstream, key=lambda one: one.first)
        if one.first.start < interval.end and is_open_at(one, interval.start)
    ]


def because_of(workspace: Workspace, incidents: Sequence[Incident], upstream: Sequence[Incident]) -> dict[str, str]:
    """A sentence about its causes upstream, for every active incident that has any."""
    return {
        one.id: "; ".join(cause.sentence for cause in causes_upstream(workspace, one, upstream))
        for one in incidents
        if one.upstream and one.active
    }


def causes_upstream(
    workspace: Workspace, incident: Incident, known_already: Sequence[Incident] = ()
) -> tuple[UpstreamCause, ...]:
    """Where `incident` probably comes from, however far upstream. One read for each incident not `known_already`."""
    from lupus.act import upstream_causes

    known = {one.id: one for one in known_already}
    seen: set[str] = set()
    wanted = list(incident.upstream)
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            known.setdefault(name, known[name] if name in known else workspace.store.incident(name))
        except StoreError:  # it is no more: a rerun did not find it again
            continue
        wanted += known[name].upstream
    return upstream_causes(incident, known)
