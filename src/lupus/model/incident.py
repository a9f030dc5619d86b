"""Incident: anomalies of one project that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

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


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict that belongs to an incident, and the interval whose run found it.

    `found` is later than the verdict's own interval when labels came late.
    """

    found: Interval
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings of one project, found by the runs from `first` to `last` interval.

    `findings` holds every finding of every run in it, oldest first. `clean` counts the clean
    runs since `last`. `muted_until` is an interval key.
    """

    id: str
    project: str
    state: IncidentState
    severity: Severity
    first: Interval
    last: Interval
    findings: tuple[Finding, ...]
    title: str
    clean: int = 0
    outcome: Outcome | None = None
    muted_until: str = ""
    comment: str = ""
    by: str = ""

    @property
    def active(self) -> bool:
        return self.state is not IncidentState.RESOLVED


def incident_id(project: str, first: Interval) -> str:
    """The id of the incident of `project` that begins at `first`: short, stable, the same on every rerun."""
    return blake2b(f"{project}\x1f{first.key}".encode(), digest_size=5).hexdigest()
