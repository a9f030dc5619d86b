"""Questions and answers about incidents and retraining."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from lupus.ui.schemas.common import Answer, Instant, Key, Number, Question, SeriesId, SeverityCode, StatusCode

OutcomeName = Literal["fixed", "expected", "new_normal", "false_alarm"]
Action = Literal["acknowledge", "mute", "unmute", "assign", "comment", "resolve", "reopen", "undo"]


class IncidentSummary(Answer):
    """An incident in a list."""

    id: str
    project: str
    title: str
    state: str = Field(description="open, acknowledged, muted or resolved.")
    severity: SeverityCode
    outcome: str | None
    first: Key
    last: Key
    findings: int
    series: int
    cause: str = Field(description="What its findings share.")
    assignee: str
    muted_until: str
    upstream: list[str] = Field(description="Ids of the incidents that probably caused it.")
    version: int = Field(description="To be sent back with a change.")
    worst: SeriesId | None = Field(description="The series to show first.")
    sentence: str
    may_edit: bool


class Incidents(Answer):
    """Incidents, worst and newest first."""

    total: int
    rows: list[IncidentSummary]


class FindingOut(Answer):
    """One finding of an incident."""

    id: SeriesId
    found: Key = Field(description="The interval whose run found it.")
    key: Key = Field(description="The interval that it is about.")
    subject: str
    metric: str
    unit: str
    group: str
    rule: str
    status: StatusCode
    severity: SeverityCode
    value: Number
    expected: Number
    lower: Number
    upper: Number
    score: Number
    sentence: str
    why: str


class TimelineEntry(Answer):
    """Something that happened to an incident."""

    kind: str = Field(description="opened, grew, calmed, escalated, acknowledged, muted, judged, notice, run, ...")
    at: Instant | None = Field(description="By the wall clock; null for what a run did.")
    key: Key | None
    by: str
    text: str
    details: dict[str, Any]


class IncidentOut(Answer):
    """An incident with its findings and its timeline."""

    summary: IncidentSummary
    comment: str
    findings: list[FindingOut] = Field(description="Worst first; at most 500.")
    timeline: list[TimelineEntry] = Field(description="Oldest first.")


class IncidentChangeQuestion(Question):
    """What a person does with an incident. `version` is the one they saw; a stale one is refused with 409."""

    version: int = Field(ge=0)
    action: Action
    outcome: OutcomeName | None = Field(default=None, description="Of resolve.")
    until: Key | None = Field(default=None, description="Of mute: the last day that stays silent.")
    until_doubled: bool = Field(default=False, description="Of mute: ends as soon as the score has doubled.")
    assignee: str | None = Field(default=None, max_length=200, description="Of assign; empty for nobody.")
    comment: str = Field(default="", max_length=4000)

    @model_validator(mode="after")
    def _complete(self) -> IncidentChangeQuestion:
        if self.action == "mute" and not (self.until or self.until_doubled):
            raise ValueError("a mute needs an end: `until` a day, or `until_doubled`")
        if self.action == "comment" and not self.comment:
            raise ValueError("a comment needs a text")
        if self.action == "assign" and self.assignee is None:
            raise ValueError("assign needs an `assignee`, empty for nobody")
        return self


class PreviewQuestion(Question):
    """An outcome to look at before it is saved."""

    outcome: OutcomeName


class BandChange(Answer):
    """How the next band of one series would change."""

    id: SeriesId
    subject: str
    metric: str
    unit: str
    lower_before: Number
    upper_before: Number
    lower_after: Number
    upper_after: Number


class Preview(Answer):
    """The effect of an outcome on the baselines."""

    outcome: OutcomeName
    sentence: str = Field(examples=["excludes 6 days of 14 series; next bands change by up to 3 %"])
    intervals: int
    series: int
    bands: list[BandChange] = Field(description="Of the worst few series.")


class RetrainAnswerQuestion(Question):
    """The answer to a request for retraining."""

    note: str = Field(default="", max_length=2000)
