"""Who is told of what, and when not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from lupus.model.verdict import Selector, Severity

_ANY = Selector()


@dataclass(frozen=True, slots=True)
class Route:
    """Tells the destinations `to` of incidents with findings of `where` and of at least `severity`.

    `mention` is who is called there. `projects` and `owners` are shell patterns, None for any: in the installation's
    file a route is about several projects. `name` says where the route is written.
    """

    to: tuple[str, ...]
    where: Selector = _ANY
    severity: Severity = Severity.LOW
    mention: str = ""
    projects: tuple[str, ...] | None = None
    owners: tuple[str, ...] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `begin` to `end` (local times in `timezone`; over midnight where `end` is not later) nobody is disturbed.

    Incidents of at least `wake_for` are told all the same. What is held back is told in one message at the end.
    """

    begin: time
    end: time
    timezone: str
    wake_for: Severity = Severity.CRITICAL

    def ends_after(self, at: datetime) -> datetime | None:
        """When the quiet hours that the aware instant `at` lies in end; None when it lies in none.

        >>> from datetime import UTC
        >>> night = QuietHours(time(22), time(7), "Europe/Berlin")
        >>> night.ends_after(datetime(2026, 1, 5, 23, 30, tzinfo=UTC)).isoformat()
        '2026-01-06T07:00:00+01:00'
        >>> night.ends_after(datetime(2026, 1, 5, 12, tzinfo=UTC)) is None
        True
        """
        zone = ZoneInfo(self.timezone)
        local = at.astimezone(zone)
        for day in (local.date() - timedelta(days=1), local.date()):
            begins = datetime.combine(day, self.begin, tzinfo=zone)
            over_midnight = timedelta(days=1) if self.end <= self.begin else timedelta(0)
            ends = datetime.combine(day + over_midnight, self.end, tzinfo=zone)
            if begins <= local < ends:
                return ends
        return None


@dataclass(frozen=True, slots=True)
class Routing:
    """What the installation says for all its projects: `routes` that come on top of a project's own.

    `default` are the destinations of a project that names none itself. `quiet_hours` are those of projects without
    their own; its `timezone` is "" for each project's own zone.
    """

    routes: tuple[Route, ...] = ()
    default: tuple[str, ...] = ()
    quiet_hours: QuietHours | None = None
