"""The shape of a project file, in pydantic models: defaults, documentation and JSON Schema in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PlainValidator, Tag

from lupus.config.defaults import SEGMENT_METRICS
from lupus.config.derived import DerivedFields
from lupus.config.drift import DriftFile
from lupus.config.estimates import EstimatesFile, MultivariateFile
from lupus.config.fields import (
    Callable_,
    Clock,
    CutOffs,
    DagId,
    Duration,
    Instant,
    Level,
    Name,
    Names,
    Number,
    Pattern,
    Quantiles,
    Segments,
    SuitePath,
    Text,
    Whole,
    Zone,
    parse_cadence,
)
from lupus.config.recommendations import RecommendationsFile
from lupus.config.routing import QuietHoursFile, Responders, RouteFile
from lupus.config.rules import Rules, SelectorFile
from lupus.config.sql_metrics import SqlMetrics
from lupus.model import Alerts, Approval, CadenceKind, FileFormat, MetricsPolicy, Role, Severity, Task

_POLICY = MetricsPolicy()
_ALERTS = Alerts()


class _Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CronFile(_Mapping):
    """Ticks of a cron expression in the project's time zone; an interval lies between two ticks."""

    cron: str = Field(description="Five fields: minute, hour, day of month, month, day of week.")


CadenceField = Annotated[
    tuple[CadenceKind, str],
    PlainValidator(parse_cadence, json_schema_input_type=str | CronFile),
]


class FilesFile(_Mapping):
    """Parquet, CSV or JSON lines files, local or at any fsspec URL."""

    tag: ClassVar = "<files>"
    files: Text = Field(
        description="Path or URL. May hold a glob and {interval}, the interval's key, also as {interval:%Y/%m/%d}. "
        "A relative path is meant from the folder of this file.",
        examples=["predictions/{interval}/*.parquet", "s3://bucket/orders/*.csv"],
    )
    format: FileFormat | None = Field(default=None, description="File format; guessed from the suffix when left out.")
    connection: str = Field(default="", description="Connection with credentials of a remote file system.")


class SqlFile(_Mapping):
    """A table or a query of a database. Exactly one of table and query is given."""

    tag: ClassVar = "<sql>"
    connection: Text = Field(description="Name of the database's connection.", examples=["warehouse"])
    table: Text | None = Field(default=None, description="Table, or schema.table.", examples=["predictions"])
    query: Text | None = Field(
        default=None,
        description="Query in place of a table. May use :start, :end (UTC instants), :start_date, :end_date (dates, "
        "end exclusive) and :interval (the key).",
        examples=["SELECT * FROM orders WHERE placed >= :start AND placed < :end"],
    )


class PythonFile(_Mapping):
    """A Python function that returns an Arrow table, record batches or a pandas frame for an interval."""

    tag: ClassVar = "<python>"
    python: Callable_ = Field(
        description="module:function, called with the interval and the arguments.", examples=["shop.sources:orders"]
    )
    arguments: dict[str, Any] = Field(default_factory=dict, description="Keyword arguments of the function.")


def _source_tag(value: object) -> str:
    for key, tag in (("files", FilesFile.tag), ("python", PythonFile.tag)):
        if (isinstance(value, dict) and key in value) or hasattr(value, key):
            return tag
    return SqlFile.tag


SourceField = Annotated[
    Annotated[SqlFile, Tag(SqlFile.tag)]
    | Annotated[FilesFile, Tag(FilesFile.tag)]
    | Annotated[PythonFile, Tag(PythonFile.tag)],
    Discriminator(_source_tag),
]


class ReadyFile(_Mapping):
    """When the slice of an interval counts as there."""

    min_rows: Whole = Field(default=1, ge=0, description="Fewest rows that count as there.")
    by: Clock | None = Field(
        default=None,
        description="Time of day, on the day the interval ends in the project's time zone, until which the slice is "
        "waited for; left out, it is not waited for.",
        examples=["09:00"],
    )


class TableFile(_Mapping):
    """One table of the product, and where its rows of an interval are."""

    role: Role | None = Field(
        default=None,
        description="What the table is to the product. Left out: its name if that is a role, else other. "
        "Every role but other is there once.",
    )
    source: SourceField = Field(description="Where the rows are.")
    time: str = Field(
        default="",
        description="Column that says which interval a row belongs to. Only a query with parameters, a path with "
        "{interval} or a Python source can do without.",
        examples=["date", "created_at"],
    )
    timezone: Zone | None = Field(default=None, description="Zone of times without one; the project's when left out.")
    key: Names = Field(
        default=(), description="Column or columns that identify a row; predictions and truth join on it."
    )
    score: str = Field(
        default="",
        description="Column with the model's output: a probability, the predicted value or class, or what items are "
        "ranked by.",
    )
    scores: dict[str, Text] = Field(
        default_factory=dict,
        description="Columns with the probability of each class (multiclass_classification). Without score, the most "
        "probable class is the predicted one.",
        examples=["{cat: p_cat, dog: p_dog}"],
    )
    quantiles: dict[Level, Text] = Field(
        default_factory=dict,
        description="Columns with predicted quantiles, by their level (regression).",
        examples=["{0.1: p10, 0.9: p90}"],
    )
    lower: str = Field(default="", description="Column with the lower end of a prediction interval (regression).")
    upper: str = Field(default="", description="Column with the upper end of a prediction interval (regression).")
    query: Names = Field(
        default=(),
        description="The columns of the key whose rows are ranked together: a query, a user, a session (ranking).",
    )
    rank: str = Field(default="", description="Column with an item's position, 1 first, in place of a score (ranking).")
    label: str = Field(default="", description="Column with the truth: a class, a number, or an item's relevance.")
    weight: str = Field(
        default="",
        description="Column that says how much a row counts in the evaluation; of the predictions or of the truth.",
    )
    version: str = Field(default="", description="Column with the model's version.")
    columns: Names = Field(default=(), description="The only columns to read; all when left out.")
    exclude: Names = Field(default=(), description="Columns that are neither kept nor measured.")
    patterns: dict[str, Pattern] = Field(
        default_factory=dict,
        description="Regular expressions by text column; the share of the values in which one is found is measured.",
        examples=[{"email": "^[^@]+@[^@]+$"}],
    )
    arrives_within: Duration = Field(
        default=timedelta(0), description="How long after the interval labels may still arrive (ground truth only)."
    )
    expectations: SuitePath | None = Field(
        default=None,
        description="Great Expectations suite: a JSON file below the expectations folder.",
        examples=["flights/data.json"],
    )
    ready: ReadyFile = Field(default=ReadyFile(), description="When the slice of an interval counts as there.")
    derived: DerivedFields = Field(
        default_factory=dict,
        description="Columns that are computed for every row when the slice is read, by name; later ones may use those "
        "before them. A column that cannot be computed fails alone.",
    )
    recommendations: RecommendationsFile | None = Field(
        default=None, description="Says that the predictions are lists of recommended items (prediction only)."
    )
    in_place: bool = Field(
        default=False,
        description="Whether the table is measured where it lies, in the database of its connection, and not copied "
        "into a snapshot.",
    )


class FairnessFile(_Mapping):
    """Whose groups are compared: parity of decisions, and of errors when labels are there."""

    segments: Segments = Field(description="The protected ones of the project's segments.", examples=[["sex"]])
    min_rows: Whole = Field(
        default=_POLICY.fairness.min_rows,
        ge=1,
        description="Rows behind a group's rate below which the group is not compared.",
    )


class MetricsFile(_Mapping):
    """Which metrics are computed, and how."""

    include: Names = Field(default=_POLICY.include, description="Shell patterns of metric names to compute.")
    exclude: Names = Field(default=_POLICY.exclude, description="Shell patterns of metric names to leave out.")
    segment_metrics: Names = Field(
        default=SEGMENT_METRICS,
        description="Shell patterns of metric names that are computed for each segment as well.",
    )
    quantiles: Quantiles = Field(default=_POLICY.quantiles, description="Quantiles of numbers, each between 0 and 1.")
    bins: Whole = Field(default=_POLICY.bins, ge=2, le=1000, description="Bins of a histogram.")
    segment_states: bool = Field(
        default=_POLICY.segment_states,
        description="Whether moments and histograms of segments are kept as well, for quantiles and drift in segments.",
    )
    top: Whole = Field(default=_POLICY.top, ge=1, le=1000, description="Categories whose share is followed.")
    min_segment_rows: Whole = Field(
        default=_POLICY.min_segment_rows, ge=1, description="Rows below which a segment is not measured."
    )
    min_category_rows: Whole = Field(
        default=_POLICY.min_category_rows, ge=1, description='Rows below which a category is folded into "other".'
    )
    threshold: Number = Field(
        default=_POLICY.threshold, ge=0, le=1, description="Score from which a decision is positive (classification)."
    )
    k: CutOffs = Field(default=_POLICY.k, description="Lengths at which rankings are cut, as in ndcg@10.")
    mature_at: Number = Field(
        default=_POLICY.mature_at,
        gt=0,
        le=1,
        description="Share of the expected labels from which an evaluation is judged before its window closes.",
    )
    fairness: FairnessFile | None = Field(
        default=None, description="Which segments are protected groups, to be treated alike."
    )
    sql: SqlMetrics = Field(
        default_factory=dict, description="Metrics that SQL queries give, by name: business figures, latency, ..."
    )
    estimates: EstimatesFile = Field(
        default=EstimatesFile(), description="Performance before labels come, and concept drift."
    )
    multivariate: MultivariateFile = Field(
        default=MultivariateFile(), description="Drift of all columns of a table together."
    )
    drift: DriftFile = Field(default=DriftFile(), description="How far the rows are from earlier ones.")


class SlackFile(_Mapping):
    """Where Slack messages go. Without a usable connection they go to the outbox."""

    connection: Text = Field(default="slack", description="Name of the connection that holds the token.")
    channel: Text = Field(description="Channel, in quotes because # begins a comment.", examples=["#ml-flights"])
    mention: str = Field(
        default="", description="Who is mentioned when an incident is new.", examples=["@here", "<@U012AB>"]
    )


class AlertsFile(_Mapping):
    """Which findings open an incident, and where messages go."""

    slack: SlackFile | None = Field(default=None, description="The Slack channel for this project.")
    min_severity: Severity = Field(default=Severity.MEDIUM, description="The lowest severity that opens an incident.")
    resolve_after: Whole = Field(default=2, ge=1, description="Clean intervals after which an incident is resolved.")
    reopen_within: Whole = Field(
        default=_ALERTS.reopen_within,
        ge=0,
        le=1000,
        description="Intervals after that within which an incident opens again when the same comes back.",
    )
    join_within: Whole = Field(
        default=_ALERTS.join_within,
        ge=0,
        le=1000,
        description="Intervals after an incident's first in which whatever else begins belongs to it. "
        "What begins later is an incident of its own, unless they share a cause.",
    )
    escalate_after: Whole | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Intervals after which the severity of an incident that lasts rises by one step, and so on; "
        "never when left out.",
    )
    remind_after: Whole | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Intervals after the last message when an incident that is open still is told again; "
        "never when left out.",
    )
    routes: tuple[RouteFile, ...] = Field(default=(), description="Who is told as well, of which findings.")
    quiet_hours: QuietHoursFile | None = Field(default=None, description="When nobody is disturbed.")
    responders: Responders = Field(
        default=(),
        description="Slack users (<@U…>) and user groups (<!subteam^S…>) who may press the buttons of messages; "
        "left out, everybody in the channel may.",
        examples=[["<@U012AB3CD>", "<!subteam^S012AB3CD>"]],
    )
    news_for: Duration = Field(
        default=_ALERTS.news_for, description="How long after its end an interval is news. Older ones tell nobody."
    )
    backfills: bool = Field(
        default=False, description="Whether backfills and old intervals tell people of what they find as well."
    )


class WhenFile(SelectorFile):
    """The findings that ask for retraining."""

    severity: Severity = Field(default=Severity.HIGH, description="The lowest severity that counts.")
    for_: Whole = Field(default=1, alias="for", ge=1, le=1000, description="In how many intervals it must be found.")
    within: Whole | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="In how many of the last intervals they are looked for; the same as for.",
    )


class RetrainFile(_Mapping):
    """When which Dag is triggered; never on data that failed critical validation."""

    dag: DagId = Field(description="Id of the Dag that trains the model.")
    when: WhenFile = Field(description="The findings that ask for retraining.")
    cooldown: Duration = Field(default=timedelta(days=7), description="Shortest time between two retrainings.")
    budget: Whole | None = Field(
        default=None, ge=1, le=1000, description="Most retrainings in a calendar month; left out, no limit."
    )
    min_matured: Whole = Field(
        default=0, ge=0, le=100_000, description="Fewest intervals whose labels must have arrived before."
    )
    min_matured_rows: Whole = Field(default=0, ge=0, description="Fewest labelled rows in all of them together.")
    approval: Approval = Field(
        default=Approval.NONE,
        description="Who must agree: nobody, somebody in Airflow, or somebody in Slack, the UI or on the command line.",
    )
    approve_within: Duration = Field(
        default=timedelta(days=2), description="How long approval is waited for; then the request has timed out."
    )
    compare_after: Whole = Field(
        default=14,
        ge=4,
        le=60,
        description="After how many matured intervals of the new model it is compared with the one before.",
    )
    conf: dict[str, Any] = Field(default_factory=dict, description="Further conf for the Dag's run; plain JSON.")


class CompareFile(_Mapping):
    """Two versions of the model that score side by side, as a shadow or a canary; needs the predictions' version."""

    champion: Text = Field(description="The version that is in use.", examples=["v1"])
    challenger: Text = Field(description="The version that may follow it.", examples=["v2"])
    metric: str = Field(
        default="",
        description="What they are compared on. Left out: log_loss, rmse (regression) or the first ndcg (ranking).",
        examples=["roc_auc"],
    )
    window: Whole = Field(
        default=28, ge=4, le=60, description="Matured intervals over which they are compared beside each single one."
    )


class ScheduleFile(_Mapping):
    """How Airflow runs the project."""

    catchup: bool = Field(default=False, description="Whether intervals missed since start are run by themselves.")
    retries: Whole = Field(default=2, ge=0, le=100, description="Retries of a task.")
    retry_delay: Duration = Field(default=timedelta(minutes=5), description="Wait before a retry.")
    max_active_runs: Whole = Field(default=1, ge=1, le=1000, description="Runs of this project at the same time.")
    deadline: Duration | None = Field(
        default=None,
        description="How long after an interval's end its run must be done; else the owner is told; left out, not.",
        examples=["6h"],
    )


class ProjectFile(_Mapping):
    """One monitored ML product."""

    project: Name = Field(description="The product's name, unique in the folder.", examples=["flights"])
    owner: Text = Field(default="unknown", description="The team or person that answers for the product.")
    description: str = Field(default="", description="What the product does, in a sentence or two.")
    cadence: CadenceField = Field(
        default=(CadenceKind.DAILY, ""),
        description="How often it is measured: hourly, daily, weekly, or a cron expression.",
        examples=["daily", "0 6 * * 1-5"],
        json_schema_extra={"default": "daily"},
    )
    timezone: Zone = Field(default="UTC", description="Where the product's days begin and end.")
    start: Instant = Field(description="The first day (or time) that is measured.")
    end: Instant | None = Field(
        default=None, description="The last day that is measured, included; a time is excluded."
    )
    tables: dict[Name, TableFile] = Field(
        min_length=1, description="The product's tables by name; data, prediction and ground_truth name their role."
    )
    task: Task | None = Field(
        default=None, description="What the model does; decides which evaluation metrics there are."
    )
    segments: Segments = Field(
        default=(),
        description="Columns whose values are measured separately as well; two columns in a list are crossed.",
        examples=[["country", ["country", "device"]]],
    )
    metrics: MetricsFile = Field(default=MetricsFile(), description="Which metrics are computed, and how.")
    rules: Rules = Field(
        default_factory=dict,
        description="Anomaly rules by name, added to the default rules. "
        "A rule with the name of a default rule replaces it, on the same series unless it has a where; "
        "name: false removes it.",
    )
    alerts: AlertsFile = Field(
        default=AlertsFile(), description="Which findings open an incident, and where messages go."
    )
    retrain: RetrainFile | None = Field(default=None, description="When the model is retrained by itself.")
    compare: CompareFile | None = Field(default=None, description="Two versions of the model that are compared.")
    upstream: Names = Field(
        default=(),
        description="Projects whose tables or predictions this one uses, by name or as lupus://name. While one of them "
        "has an incident, incidents here are held.",
        examples=[["weather", "lupus://features"]],
    )
    schedule: ScheduleFile = Field(default=ScheduleFile(), description="How Airflow runs the project.")
    tags: Names = Field(default=(), description="Further tags of the Dag.")
