"""Questions and answers about series: the catalogue, batches, one series, its reasons, annotations."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lupus.ui.schemas.common import (
    Answer,
    Axis,
    Instant,
    Key,
    Number,
    Question,
    SeriesId,
    SeriesInfo,
    SeverityCode,
    StatusCode,
)

Aggregation = Literal["auto", "none", "week"]


class Catalog(Answer):
    """Every series that the user may read, as dictionaries and columns of equal length.

    A column named like a dictionary holds places in it. Sorted anomalies first: by status, then by score.
    """

    version: str
    statuses: list[str]
    severities: list[str]
    projects: list[str]
    groups: list[str]
    roles: list[str]
    tables: list[str]
    columns: list[str]
    metrics: list[str]
    segments: list[str]
    units: list[str]
    tags: list[str] = Field(description="Sets of tags as ``key=value`` joined by a comma.")
    days: list[Key]
    incidents: list[str] = Field(description="Ids of open incidents.")
    id: list[SeriesId]
    project: list[int]
    group: list[int]
    role: list[int]
    table: list[int]
    column: list[int]
    metric: list[int]
    segment: list[int]
    unit: list[int]
    tag: list[int]
    day: list[int] = Field(description="The place of the interval judged in `days`; -1 when never judged.")
    status: list[StatusCode]
    severity: list[SeverityCode]
    score: list[Number]
    value: list[Number]
    expected: list[Number]
    incident: list[int] = Field(description="The place in `incidents` of an open incident; -1 for none.")


class BatchQuestion(Question):
    """Which series over which days. Give `from` and `to`, or `days` back from the newest."""

    ids: list[SeriesId] = Field(min_length=1, max_length=200)
    start: Key | None = Field(default=None, alias="from", description="The first day, included.")
    to: Key | None = Field(default=None, description="The last day, included; the newest when left out.")
    days: int | None = Field(default=None, ge=1, le=4000, description="Days back from `to`; 90 when nothing is given.")
    agg: Aggregation = Field(default="auto", description="auto: an envelope of weeks above 400 days.")


class BatchSeries(Answer):
    """One series of a batch. All columns run along the axis."""

    axis: int = Field(description="The place of its axis in `axes`.")
    y: list[Number] = Field(description="Values; of an envelope the week's mean.")
    lo: list[Number] = Field(description="The band as it was judged; of an envelope the least value.")
    hi: list[Number] = Field(description="The band as it was judged; of an envelope the greatest value.")
    v: list[StatusCode]
    sc: list[Number] = Field(description="Scores; 1 is the edge of the band.")
    anomalies: list[tuple[int, float]] = Field(
        description="Of an envelope: every anomaly as (start in seconds, value), never thinned out."
    )


class Batch(Answer):
    """Columns of many series. Ids that do not exist or may not be read are left out."""

    axes: list[Axis]
    envelope: bool = Field(description="Whether the columns are weeks: `lo` and `hi` are extremes then, not a band.")
    s: dict[SeriesId, BatchSeries]


class Sentence(Answer):
    """What a rule said of one interval."""

    at: int = Field(description="The place on the axis.")
    rule: str
    status: StatusCode
    severity: SeverityCode
    score: Number
    text: str
    why: str = Field(description="The segment that made most of it; empty when none did.")


class Event(Answer):
    """Something that happened, to be marked on the chart."""

    kind: Literal["model_version", "retraining", "annotation", "new_level"]
    first: Key
    last: Key
    label: str
    id: str = Field(default="", description="Of an annotation or a request for retraining.")
    by: str = ""
    at: Instant | None = None


class Exclusion(Answer):
    """Intervals that are in no baseline, and why."""

    id: str = Field(description="Empty unless a person made it; only those can be removed.")
    first: Key
    last: Key
    reason: str
    source: str = Field(description="The incident, the table or the person behind it.")
    note: str


class Sibling(Answer):
    """The same metric of another segment."""

    id: SeriesId
    segment: str
    status: StatusCode
    score: Number


class SeriesOut(Answer):
    """One series with everything that its chart shows."""

    info: SeriesInfo
    axis: Axis
    envelope: bool
    sentence: str = Field(description="The newest verdict in one plain sentence.")
    y: list[Number]
    low: list[Number] = Field(description="The lower end of the value's 95 % confidence interval.")
    high: list[Number]
    n: list[int | None] = Field(description="Rows behind the value.")
    maturity: list[Number] = Field(description="Share of the expected labels that have arrived.")
    expected: list[Number]
    lo: list[Number] = Field(description="The band as judged on that day; of an envelope the least value.")
    hi: list[Number]
    v: list[StatusCode]
    sc: list[Number]
    anomalies: list[tuple[int, float]] = Field(description="As (start in seconds, value), never thinned out.")
    failures: dict[int, str] = Field(description="By place on the axis: why there is no value.")
    sentences: list[Sentence] = Field(description="Of every verdict that is not ok, and of the newest.")
    rules: list[str] = Field(description="The rules that judge this series.")
    events: list[Event]
    exclusions: list[Exclusion]
    siblings: list[Sibling]
    incidents: list[str] = Field(description="Ids of the incidents that hold a finding of this series, newest first.")


class Contribution(Answer):
    """What one segment adds to a change."""

    segment: str
    before: Number
    after: Number
    effect: Number = Field(description="In the metric's unit; effects of a split add up to its change.")
    share: Number = Field(description="Of the change.")


class SplitOut(Answer):
    """A change, split by segment columns."""

    columns: list[str]
    change: Number
    contributions: list[Contribution]


class MovedOut(Answer):
    """Another finding of the same interval."""

    id: SeriesId
    subject: str
    metric: str
    score: Number
    sentence: str


class WhyOut(Answer):
    """Why a value moved."""

    info: SeriesInfo
    key: Key
    clause: str
    baseline: list[Key] = Field(description="The intervals that it is compared with.")
    splits: list[SplitOut]
    problems: list[str] = Field(description="What could not be split, and what to do about it.")
    moved: list[MovedOut]
    rules: list[dict[str, Any]] = Field(description="The rules that judge it, with their parameters.")


class AnnotationQuestion(Question):
    """A remark on a project or a series, over one or more intervals."""

    project: str
    series: SeriesId | None = Field(default=None, description="Left out: the whole project.")
    first: Key
    last: Key | None = Field(default=None, description="`first` when left out.")
    text: str = Field(min_length=1, max_length=2000)


class AnnotationOut(Answer):
    """A remark as it is stored."""

    id: str
    project: str
    series: SeriesId | None
    first: Key
    last: Key
    text: str
    by: str
    at: Instant | None


class ExclusionQuestion(Question):
    """Intervals that a person takes out of a series' baseline."""

    project: str
    series: SeriesId | None = Field(default=None, description="Left out: every series of the project.")
    first: Key
    last: Key | None = Field(default=None, description="`first` when left out.")
    note: str = Field(default="", max_length=2000)


class PushQuestion(Question):
    """Metrics that were made elsewhere, for one interval of a project."""

    project: str = Field(examples=["flights"])
    day: Key = Field(description="An interval's key, a date, or an ISO 8601 time.")
    metrics: dict[str, float] = Field(
        min_length=1, max_length=1000, description="Finite numbers by name.", examples=[{"val_auc": 0.91}]
    )
    group: str = Field(default="training", min_length=1, max_length=64)
    unit: str = Field(default="", max_length=64)
    tags: dict[str, str] = Field(default_factory=dict, max_length=20)


class Pushed(Answer):
    """What was stored."""

    project: str
    key: Key
    ids: dict[str, SeriesId] = Field(description="The series of each metric.")
