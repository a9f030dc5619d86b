"""Who is told: the routes of a project and of the installation, by destination."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lupus.act.sinks import OUTBOX, is_reachable
from lupus.model import Connections, Finding, Project, Route, Routing, Series, SeriesKey, is_meant

SLACK_ROUTE = "alerts.slack"


@dataclass(frozen=True, slots=True)
class Addressee:
    """A destination, and the routes that lead there. `instead_of` are those that it stands in for."""

    destination: str
    routes: tuple[Route, ...]
    instead_of: tuple[str, ...] = ()


def routes_of(project: Project, routing: Routing) -> tuple[Route, ...]:
    """Every route that is about `project`: its channel, its own routes, and those of the installation.

    A project that names nobody takes the installation's default, and without one the outbox.
    """
    own = list(project.alerts.routes)
    slack = project.alerts.slack
    if slack is not None:
        to = f"slack:{slack.connection}:{slack.channel}"
        own.insert(0, Route((to,), mention=slack.mention, name=SLACK_ROUTE))
    if not own:
        own = [Route(routing.default or (OUTBOX,), name="default" if routing.default else "nobody is named")]
    shared = [
        route
        for route in routing.routes
        if (route.projects is None or is_meant(route.projects, project.name))
        and (route.owners is None or is_meant(route.owners, project.owner))
    ]
    return (*own, *shared)


def addressees(project: Project, routing: Routing, connections: Connections) -> tuple[Addressee, ...]:
    """The destinations of the project's incidents, each once, in the order in which they are named.

    The outbox stands in for one whose connection is not defined: what cannot be sent is kept.
    """
    routes: dict[str, list[Route]] = {}
    replaced: dict[str, list[str]] = {}
    for route in routes_of(project, routing):
        for named in route.to:
            used = named if is_reachable(named, connections) else OUTBOX
            routes.setdefault(used, []).append(route)
            if used != named and named not in replaced.setdefault(used, []):
                replaced[used].append(named)
    return tuple(Addressee(to, tuple(own), tuple(replaced.get(to, ()))) for to, own in routes.items())


def seen_by(
    route: Route, findings: Iterable[Finding], series: Mapping[SeriesKey, Series], known: dict[SeriesKey, bool]
) -> Sequence[Finding]:
    """Those of `findings` that the route is about. `known` remembers its answers."""
    if route.where.is_any:
        return list(findings)
    seen = []
    for finding in findings:
        key = finding.verdict.series
        meant = known.get(key)
        if meant is None:
            meant = known[key] = route.where.matches(series[key] if key in series else Series(key, ""))
        if meant:
            seen.append(finding)
    return seen
