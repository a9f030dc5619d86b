"""What the views answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lupus.model import Series


@dataclass(frozen=True, slots=True)
class ProjectStand:
    """A project as the store knows it: `touched` changes with whatever is stored of it."""

    id: int
    name: str
    owner: str
    cadence: str
    about: Mapping[str, Any]
    touched: int
    latest: str
    latest_start: int | None


@dataclass(frozen=True, slots=True)
class Tallied:
    """How many series had which verdict at one interval (or in one row of it)."""

    start: int
    key: str
    immature: int = 0
    ok: int = 0
    warn: int = 0
    no_data: int = 0
    error: int = 0
    anomaly: int = 0
    score: float | None = None
    labels: int = 0
    labels_waiting: int = 0
    group: str = ""
    table: str = ""
    column: str = ""

    @property
    def series(self) -> int:
        return self.immature + self.ok + self.warn + self.no_data + self.error + self.anomaly

    @property
    def findings(self) -> int:
        return self.no_data + self.error + self.anomaly

    @property
    def status(self) -> str | None:
        """The worst; None where nothing was judged."""
        for name in ("anomaly", "error", "no_data", "warn", "ok", "immature"):
            if getattr(self, name):
                return name
        return None


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of many series along the same intervals. Lists of lists: one per series, one place per interval.

    Per place: value, and of the worst verdict status, lower, upper and score; None where there is none.
    """

    project: str
    starts: list[int]
    keys: list[str]
    ids: list[int]
    value: list[list[float | None]]
    status: list[list[str | None]]
    lower: list[list[float | None]]
    upper: list[list[float | None]]
    score: list[list[float | None]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One point of one series with the worst of its verdicts."""

    start: int
    key: str
    value: float | None
    n: int | None
    maturity: float | None
    low: float | None
    high: float | None
    failure: str
    status: str | None = None
    severity: str | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    score: float | None = None
    rule: str = ""
    sentence: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Sibling:
    """A series beside another one, with its newest verdict."""

    id: int
    segment: str
    status: str | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """A series with where it belongs."""

    id: int
    project: ProjectStand
    series: Series


@dataclass(frozen=True, slots=True)
class Annotation:
    """A person's remark. `series` is None when it is about the whole project."""

    id: str
    project: str
    series: int | None
    first: str
    last: str
    text: str
    by: str
    at: datetime | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard: its owner's own, or shared with all who may read `project`."""

    id: str
    project: str | None
    title: str
    owner: str
    version: int
    body: list[dict[str, Any]]
    at: datetime | None = field(compare=False, default=None)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what."""

    id: str
    project: str
    by: str
    action: str
    subject: str
    details: Mapping[str, Any]
    at: datetime | None
