"""What would be told to whom, and why: the routes tried on an incident that might be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from lupus.model import Project, Reason, Route, Series, Severity
from lupus.stages.act import quiet_hours
from lupus.stages.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RouteAnswer:
    """What a route does with an incident. `reason` is why its destination is told, or not; None: it is about others.

    `name` says where the route is written, `destination` where the message really goes, `why` is a sentence.
    """

    name: str
    destination: str
    reason: Reason | None
    why: str
    mention: str = ""


def try_routes(
    workspace: Workspace, project: Project, probe: Series, *, severity: Severity, at: datetime
) -> tuple[RouteAnswer, ...]:
    """What every route would do with a new incident of the series `probe` and `severity` at the time `at` (aware).

    Nothing is sent or stored. Raises `ConfigError` when the installation's file is broken.
    """
    from lupus.act import is_reachable, routes_of

    routing = workspace.routing
    mine = routes_of(project, routing)
    answers = [
        RouteAnswer(route.name, named, None, _others(route))
        for route in routing.routes
        if route not in mine
        for named in route.to
    ]
    quiet = quiet_hours(project, routing)
    until = quiet.ends_after(at) if quiet is not None else None
    held = until is not None and quiet is not None and severity.rank < quiet.wake_for.rank
    told = []
    for route in mine:
        for named in route.to:
            usable = is_reachable(named, workspace.connections)
            instead = "" if usable else f"; its connection is not defined, so the outbox stands in for {named}"
            to = named if usable else "outbox"
            if not route.where.matches(probe):
                told.append(RouteAnswer(route.name, to, None, f"it is about {_about(route)}"))
            elif severity.rank < route.severity.rank:
                why = f"it asks for severity {route.severity} or higher"
                told.append(RouteAnswer(route.name, to, Reason.BELOW_SEVERITY, why))
            elif held and until is not None and quiet is not None:
                why = f"quiet hours until {until:%H:%M} {quiet.timezone}; told then, in the digest{instead}"
                told.append(RouteAnswer(route.name, to, Reason.QUIET_HOURS, why))
            else:
                told.append(RouteAnswer(route.name, to, Reason.FIRST, f"it matches{instead}", route.mention))
    return (*told, *answers)


def _about(route: Route) -> str:
    """``group evaluation, segment country=*``."""
    parts = ((member.name, getattr(route.where, member.name)) for member in fields(route.where))
    return ", ".join(f"{name} {' or '.join(patterns)}" for name, patterns in parts if patterns is not None)


def _others(route: Route) -> str:
    parts = (("projects", route.projects), ("owners", route.owners))
    return "it is about " + " and ".join(f"{name} {' or '.join(own)}" for name, own in parts if own is not None)
