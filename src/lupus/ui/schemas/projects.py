"""Answers about projects and about the service itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lupus.ui.schemas.common import Answer, Axis, Instant, Key, Number, Rights, SeriesId, SeverityCode, StatusCode
from lupus.ui.schemas.incidents import IncidentSummary

StoreState = Literal["ok", "down", "old", "new", "empty"]


class StoreHealth(Answer):
    """How the metric store is."""

    state: StoreState = Field(description="empty: nothing was measured yet. old and new: of the schema.")
    detail: str = Field(description="What is wrong and what to do, for people; empty when all is well.")


class Me(Answer):
    """Who asks, and what they meet."""

    id: str
    name: str
    version: str = Field(description="Lupus' version; a tab that sees it change should offer to reload.")
    bundle: str = Field(description="The hash of the front end that this server has; empty without one.")
    projects: int = Field(description="How many projects with data the user may read.")
    store: StoreHealth


class StageRunOut(Answer):
    """The last time that a stage ran over an interval."""

    stage: str
    status: str
    detail: str
    started_at: Instant | None
    finished_at: Instant | None


class RunOut(Answer):
    """The stages that ran over one interval."""

    key: Key
    status: str = Field(description="ok, running or failed: the worst of its stages.")
    finished_at: Instant | None
    stages: list[StageRunOut]


class Strip(Answer):
    """The worst verdict of each of the last intervals, oldest first."""

    keys: list[Key]
    status: list[StatusCode]
    findings: list[int] = Field(description="How many series have a finding.")


class ProjectRow(Answer):
    """One line of the overview."""

    name: str
    dag_id: str = Field(examples=["lupus__flights"])
    owner: str
    description: str
    cadence: str
    timezone: str
    tags: list[str]
    latest: Key | None = Field(description="The newest interval that ran; null when none did.")
    status: StatusCode
    findings: int = Field(description="How many series have a finding in the newest interval.")
    strip: Strip
    open_incidents: int
    worst_severity: SeverityCode = Field(description="Of the open incidents.")
    labels_to: Key | None = Field(description="The newest interval whose labels are mature; null without labels.")
    last_run: RunOut | None
    series: int
    may_edit: bool


class Projects(Answer):
    """All projects that the user may read, worst first."""

    projects: list[ProjectRow]


class TableOut(Answer):
    """A table that a project watches."""

    name: str
    role: str
    source: str = Field(description="files, sql or python.")


class RuleOut(Answer):
    """A rule of a project."""

    name: str
    kind: str
    where: dict[str, list[str]]
    parameters: dict[str, Any]
    severity: str | None


class ModelVersionOut(Answer):
    """A version of the model, as the predictions name it."""

    version: str
    first: Key
    last: Key
    share: Number = Field(description="Its share of the predictions of its last interval.")


class RetrainingOut(Answer):
    """A request for retraining, and what became of it."""

    id: str
    project: str
    key: Key
    dag: str
    state: str
    reasons: list[str]
    incident: str
    note: str
    verdict: str = Field(description="improved, no_change, worse, not_enough_data, or empty while not known.")
    may_answer: bool = Field(description="Whether it waits for an approval that this user may give.")


class ProjectOut(Answer):
    """A project: what it watches, its rules, runs, open incidents, model versions and file."""

    name: str
    dag_id: str
    owner: str
    description: str
    cadence: str
    timezone: str
    task: str
    tags: list[str]
    upstream: list[str]
    tables: list[TableOut]
    rules: list[RuleOut]
    runs: list[RunOut] = Field(description="Of the newest intervals, newest first.")
    incidents: list[IncidentSummary] = Field(description="Those that are open, newest first.")
    versions: list[ModelVersionOut]
    retrainings: list[RetrainingOut]
    yaml: str = Field(description="The project's file as it was written; variables are not resolved.")
    rights: Rights


class MatrixRow(Answer):
    """One row of the matrix. Columns run along the axis."""

    group: str
    table: str = Field(description="Empty when rows are groups.")
    column: str = Field(description="Empty unless rows are columns.")
    series: int
    status: list[StatusCode]
    findings: list[int]
    score: list[Number] = Field(description="The highest score; 1 is the edge of the band.")
    immature: list[int] = Field(description="How many series wait for labels.")


class Matrix(Answer):
    """Metric groups (or tables, or columns) by intervals: the worst verdict of each cell."""

    axis: Axis
    by: Literal["group", "table", "column"]
    rows: list[MatrixRow]


class DayRow(Answer):
    """One series in one interval."""

    id: SeriesId
    group: str
    table: str
    column: str
    metric: str
    segment: str
    unit: str
    value: Number
    expected: Number
    lower: Number
    upper: Number
    score: Number
    status: StatusCode
    severity: SeverityCode
    rule: str
    sentence: str
    failure: str = Field(description="Why there is no value; empty when there is one.")


class Day(Answer):
    """What was measured and judged in one interval, anomalies first."""

    project: str
    key: Key
    previous: Key | None
    next: Key | None
    run: RunOut | None
    total: int = Field(description="How many series there are; `rows` may hold fewer.")
    rows: list[DayRow]


class Latest(Answer):
    """A cheap question: has anything changed? Reload only when `version` differs from the one you have."""

    version: str
    projects: dict[str, Key | None] = Field(description="The newest interval of each project.")
    open_incidents: int


class Delivery(Answer):
    """A message that was not delivered."""

    id: str
    project: str
    key: Key
    incident: str
    destination: str
    reason: str
    state: str
    attempts: int
    error: str


class Health(Answer):
    """What needs somebody's attention, like `lupus doctor`."""

    store: StoreHealth
    undelivered: list[Delivery]
    silent: list[str] = Field(description="Projects whose newest run did not end well or is missing.")


class AuditRow(Answer):
    """Who did what."""

    at: Instant
    by: str
    project: str
    action: str
    subject: str
    details: dict[str, Any]


class Audit(Answer):
    """The newest entries of the audit log, newest first."""

    rows: list[AuditRow]
