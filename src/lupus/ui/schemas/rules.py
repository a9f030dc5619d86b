"""The rule workbench."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lupus.ui.schemas.common import Answer, Axis, Key, Number, Question, SeriesId, SeverityCode, StatusCode


class BacktestQuestion(Question):
    """A proposal for a rule of a project, tried on one series or on all of them."""

    project: str
    rule: str = Field(description="The name of a rule of the project.")
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        max_length=50,
        description="Those to change; the rest stays.",
        examples=[{"sensitivity": 5}],
    )
    severity: Literal["low", "medium", "high", "critical"] | None = None
    series: SeriesId | None = Field(
        default=None, description="One series: an answer at once. Left out: all series, as a stream of progress."
    )
    start: Key | None = Field(default=None, alias="from")
    to: Key | None = None


class Flag(Answer):
    """A finding that the proposal gains or loses."""

    id: SeriesId
    key: Key
    subject: str
    metric: str
    status: StatusCode
    severity: SeverityCode
    score: Number
    sentence: str
    incident: str = Field(description="The incident that holds it; empty for none.")
    outcome: str = Field(description="What people said of that incident; empty for nothing.")


class Side(Answer):
    """What one version of the rule says of one series. All columns run along the axis."""

    v: list[StatusCode]
    expected: list[Number]
    lo: list[Number]
    hi: list[Number]
    sc: list[Number]


class Tally(Answer):
    """What a version of the rule comes to."""

    findings: int
    incidents: int
    per_month: float
    confirmed: int = Field(description="Incidents judged as real.")
    caught: int = Field(description="Of those, how many it finds.")
    refused: int = Field(description="Incidents judged expected or false alarms.")
    cried: int = Field(description="Of those, how many it finds all the same.")


class BacktestOut(Answer):
    """Today's rule beside the proposal."""

    project: str
    rule: str
    parameters: dict[str, Any] = Field(description="Of the proposal, complete.")
    axis: Axis
    y: list[Number] = Field(description="The values of the series; empty for all series.")
    today: Side | None = Field(description="Null for all series.")
    proposal: Side | None
    today_tally: Tally
    proposal_tally: Tally
    gained: list[Flag] = Field(description="At most 200.")
    lost: list[Flag] = Field(description="At most 200.")
    gained_total: int
    lost_total: int
    diff: str = Field(description="What to write into the project's file, as a unified diff.")


class Progress(Answer):
    """A line of the stream of a whole project: `done` of `of`, and at the end `result` or `problem`."""

    done: int
    of: int
    result: BacktestOut | None = None
    problem: str = ""
