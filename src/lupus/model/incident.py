"""Incident: anomalies of one project that belong together, and what people make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from lupus.model.interval import Interval
from lupus.model.verdict import Severity, Verdict


class IncidentState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """A person's judgement of an incident, with a stated effect on the baselines."""

    FIXED = "fixed"  # a real fault: its points are excluded
    EXPECTED = "expected"  # a one-off: its points are excluded
    NEW_NORMAL = "new_normal"  # included; the baseline restarts there
    FALSE_ALARM = "false_alarm"  # included


class Resolution(StrEnum):
    """Why an incident is resolved."""

    CLEAN = "clean"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict that belongs to an incident, and the interval whose run found it.

    `found` is later than the verdict's own interval when labels came late.
    """

    found: Interval
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings of one project that share time and cause, found by the runs from `first` to `last` interval.

    `findings` holds every finding, oldest first, `cause` says in words what they share, `severity` is the worst
    one's, raised when it has lasted (`Alerts.escalate_after`). `clean` counts the clean runs since `last`.
    `upstream` are the ids of the incidents of other projects that probably caused it and hold its messages.

    What people decided: `acknowledged_by` and `assignee` are names; it is muted until the end of the interval with
    the key `muted_until`, and until a score reaches `muted_score` (whichever comes first); `kept_open` says
    that being clean does not resolve it. `by` changed it last, `comment` is the newest one. `resolution` is
    set while the state is `resolved`, and only then. `version` grows with every write: whoever shows an incident and
    changes it later names the version that was seen.
    """

    id: str
    project: str
    state: IncidentState
    severity: Severity
    first: Interval
    last: Interval
    findings: tuple[Finding, ...]
    title: str
    cause: str = ""
    clean: int = 0
    resolution: Resolution | None = None
    outcome: Outcome | None = None
    acknowledged_by: str = ""
    assignee: str = ""
    muted_until: str = ""
    muted_score: float | None = None
    kept_open: bool = False
    comment: str = ""
    by: str = ""
    upstream: tuple[str, ...] = ()
    version: int = field(default=0, compare=False)

    @property
    def active(self) -> bool:
        return self.state is not IncidentState.RESOLVED

    @property
    def closed(self) -> bool:
        """Whether a person resolved it: then it takes no findings of later intervals."""
        return self.resolution is Resolution.PERSON


class ChangeKind(StrEnum):
    """What a person can do to an incident."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    COMMENT = "comment"
    MUTE = "mute"
    UNMUTE = "unmute"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """What a person wants done to an incident. Every kind may carry a `comment`.

    `mute` needs `until` (an interval's key), or `until_doubles`, or both; `assign` an `assignee` ("" for
    nobody); `resolve` may carry the person's judgement (`outcome`); `undo` takes back the last change that was not
    taken back.
    """

    kind: ChangeKind
    comment: str = ""
    assignee: str = ""
    until: str = ""
    until_doubles: bool = False
    outcome: Outcome | None = None


class EventKind(StrEnum):
    """What happened to an incident. Those from `ACKNOWLEDGED` to `REFUSED` were done by people."""

    OPENED = "opened"
    GREW = "grew"
    WORSE = "worse"
    CALMED = "calmed"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    MUTED = "muted"
    UNMUTED = "unmuted"
    JUDGED = "judged"
    KEPT_OPEN = "kept_open"
    UNDONE = "undone"
    REFUSED = "refused"
    NOTICE = "notice"
    UPSTREAM = "upstream"
    RETRAIN = "retrain"
    MERGED = "merged"

    @property
    def is_human(self) -> bool:
        kinds = tuple(EventKind)
        return kinds.index(EventKind.ACKNOWLEDGED) <= kinds.index(self) <= kinds.index(EventKind.REFUSED)


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One line of an incident's timeline.

    `interval` is that of the run which made it; None for what people did, which has `by`. `at` is the wall clock's
    time (UTC) at which it was first written: a rerun leaves it. `text` is one plain sentence, `details` plain JSON.
    """

    id: str
    project: str
    incident: str
    kind: EventKind
    text: str
    interval: Interval | None = None
    by: str = ""
    at: datetime | None = field(default=None, compare=False)
    details: Mapping[str, Any] = field(default_factory=dict)


def incident_id(project: str, first: Interval) -> str:
    """The id of the incident of `project` that begins at `first`: short, stable, the same on every rerun."""
    return blake2b(f"{project}\x1f{first.key}".encode(), digest_size=5).hexdigest()


def event_id(incident: str, kind: EventKind, when: str) -> str:
    """The id of an event: the same on every rerun. `when` is an interval's key, or the version that a change made."""
    return blake2b(f"{incident}\x1f{kind}\x1f{when}".encode(), digest_size=16).hexdigest()
