"""Project: one monitored ML product, as its YAML file says, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from lupus.model.derived import Derivation, SqlDerivation
from lupus.model.drift import DriftPolicy
from lupus.model.estimates import EstimatesPolicy, MultivariatePolicy
from lupus.model.interval import Cadence
from lupus.model.recommendations import Recommendations
from lupus.model.retrain import Approval
from lupus.model.routing import QuietHours, Route
from lupus.model.verdict import RuleSpec, Selector, Severity


class Task(StrEnum):
    """What the model does; decides which evaluation metrics there are."""

    BINARY_CLASSIFICATION = "binary_classification"
    MULTICLASS_CLASSIFICATION = "multiclass_classification"
    REGRESSION = "regression"
    RANKING = "ranking"


class Role(StrEnum):
    """What a table is to the product. Any number of tables may be `other`."""

    DATA = "data"
    PREDICTION = "prediction"
    GROUND_TRUTH = "ground_truth"
    OTHER = "other"


class FileFormat(StrEnum):
    """File formats that the `files` source reads."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class FileSource:
    """Files at a local path or any fsspec URL. `path` may hold a glob and ``{interval}``, the interval's key.

    `connection` names credentials for remote file systems (its extra fields become fsspec options).
    """

    path: str
    format: FileFormat
    connection: str = ""


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A table (``table`` or ``schema.table``), or a `query` with bound parameters, in a named connection.

    A query may use ``:start``, ``:end`` (UTC instants), ``:start_date``, ``:end_date`` (business dates,
    end exclusive) and ``:interval`` (the key). Exactly one of `table` and `query` is set.
    """

    connection: str
    table: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class PythonSource:
    """A callable ``module:function``, called with the `Interval`; returns an Arrow table or batches, or a frame."""

    callable: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Source = FileSource | SqlSource | PythonSource


@dataclass(frozen=True, slots=True)
class Ready:
    """When a slice counts as there: at least `min_rows` rows; waited for until the local time `by` on
    the day the interval ends (None: not waited for at all).
    """

    min_rows: int = 1
    by: time | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One role, and where its slice for an Interval lies.

    `time` is the column that says which interval a row belongs to ("" only where the source itself
    slices: a query with parameters, a path with ``{interval}``, a callable). Date columns are
    business dates; naive timestamps are in `timezone`. `key` identifies a row for joins. `score` is
    the model's output (a probability, the predicted value or class, or what items are ranked by), `label`
    the truth, `weight` what a row counts, `version` the column with the model's version. `scores` are
    (class, column with its probability) of a multiclass task; `quantiles` (level, column) and the interval
    from `lower` to `upper` those of a regression; `query` the key columns whose items are ranked together,
    and `rank` an item's position (1 is first) in place of a score. `arrives_within` is how long labels are waited for.
    `expectations` is the suite's path below the expectations folder, "" for none. `exclude` names
    columns that are neither extracted nor measured; an empty `columns` means all. `derived` columns are computed
    in this order, each from those of the source, also excluded ones, and those derived before.
    `patterns` are regular expressions by text column; the share of the values that match is measured.
    `recommendations` says that a prediction is a list of items. A table that is measured `in_place` is not copied: its
    database is asked, and only aggregates leave it.
    """

    name: str
    role: Role
    source: Source
    time: str = ""
    timezone: str = "UTC"
    key: tuple[str, ...] = ()
    score: str = ""
    scores: tuple[tuple[str, str], ...] = ()
    quantiles: tuple[tuple[float, str], ...] = ()
    lower: str = ""
    upper: str = ""
    query: tuple[str, ...] = ()
    rank: str = ""
    label: str = ""
    weight: str = ""
    version: str = ""
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    arrives_within: timedelta = timedelta(0)
    expectations: str = ""
    ready: Ready = Ready()
    derived: tuple[Derivation, ...] = ()
    recommendations: Recommendations | None = None
    in_place: bool = False

    def derives(self, column: str) -> bool:
        """Whether `column` is a derived one, or may be one of several that a derivation gives."""
        return any(
            column == one.name or (not isinstance(one, SqlDerivation) and column.startswith(f"{one.name}_"))
            for one in self.derived
        )

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Every column that the project file gives a meaning, each once."""
        single = (self.time, self.score, self.lower, self.upper, self.rank, self.label, self.weight, self.version)
        pairs = (column for pairs in (self.scores, self.quantiles) for _, column in pairs)
        lists = self.recommendations
        listed = (*lists.user, lists.column) if lists else ()
        return tuple(dict.fromkeys(name for name in (*self.key, *self.query, *single, *pairs, *listed) if name))


@dataclass(frozen=True, slots=True)
class FairnessPolicy:
    """Which of the project's segments are protected groups, whose decisions and errors are compared.

    Groups with fewer than `min_rows` rows behind a rate are left out of its comparison.
    """

    segments: tuple[tuple[str, ...], ...] = ()
    min_rows: int = 30


@dataclass(frozen=True, slots=True)
class SqlMetric:
    """A metric that a `query` gives for an interval, with the parameters of a `SqlSource`'s.

    The number is in the column `value` ("": the only one that is named for nothing else), the number of rows behind
    it in `n` ("": not known). The values of `segment` (one column or two) name a row's segment, the value of `names`
    is put behind the metric's name: ``orders:refunded``.
    """

    name: str
    connection: str
    query: str
    group: str = "business"
    unit: str = ""
    value: str = ""
    n: str = ""
    segment: tuple[str, ...] = ()
    names: str = ""


@dataclass(frozen=True, slots=True)
class MetricsPolicy:
    """Which metrics are computed. `include` and `exclude` are shell patterns on metric names.

    `segment_metrics` (patterns) are those computed per segment as well. `quantiles` are in (0, 1);
    `bins` is the number of histogram bins; `top` the number of categories followed by share; with
    `segment_states` moments and histograms of segments are kept as well;
    `min_segment_rows` the rows below which a segment's metrics are not computed; categories with
    fewer than `min_category_rows` rows are folded into "other"; `threshold` turns scores into
    decisions; `k` are the lengths at which rankings are cut; `mature_at` is the maturity from which an
    evaluation is judged before its window closes.
    `fairness` names the segments that are compared as protected groups. `sql` are metrics that queries give.
    `estimates` is about performance before labels come, `multivariate` about drift of all columns together, `drift`
    about drift of each.
    """

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    segment_metrics: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    bins: int = 20
    top: int = 5
    segment_states: bool = False
    min_segment_rows: int = 30
    min_category_rows: int = 5
    threshold: float = 0.5
    k: tuple[int, ...] = (10,)
    mature_at: float = 0.9
    fairness: FairnessPolicy = FairnessPolicy()
    sql: tuple[SqlMetric, ...] = ()
    estimates: EstimatesPolicy = field(default_factory=EstimatesPolicy)
    multivariate: MultivariatePolicy = field(default_factory=MultivariatePolicy)
    drift: DriftPolicy = field(default_factory=DriftPolicy)


@dataclass(frozen=True, slots=True)
class SlackRoute:
    """Where the project's Slack messages go. Without a usable connection they go to the outbox file."""

    connection: str
    channel: str
    mention: str = ""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Which findings open an incident, and where notices go.

    An incident takes findings of at least `min_severity`, and for `join_within` intervals after its first all that
    begins; it resolves after `resolve_after` clean intervals, and opens again when the same comes back within
    `reopen_within` intervals from there. With every `escalate_after` intervals that it lasts its severity rises by
    one step; of one that stays open a reminder is sent after `remind_after` (None: never).

    `slack` and `routes` say who is told; `responders` are the ids of the Slack users and user groups who may press the
    buttons of messages, where not everybody may. Backfills, and runs of intervals that ended more than `news_for` ago,
    tell nobody unless `backfills` is set.
    """

    slack: SlackRoute | None = None
    min_severity: Severity = Severity.MEDIUM
    resolve_after: int = 2
    reopen_within: int = 2
    join_within: int = 1
    escalate_after: int | None = None
    remind_after: int | None = None
    routes: tuple[Route, ...] = ()
    quiet_hours: QuietHours | None = None
    responders: tuple[str, ...] = ()
    news_for: timedelta = timedelta(days=3)
    backfills: bool = False


@dataclass(frozen=True, slots=True)
class RetrainWhen:
    """The findings that ask for retraining.

    At least `severity`, of `where`, in `for_intervals` of the last `within` intervals.
    """

    where: Selector
    severity: Severity = Severity.HIGH
    for_intervals: int = 1
    within: int = 1


@dataclass(frozen=True, slots=True)
class RetrainPolicy:
    """When Lupus triggers which Dag.

    Never twice within `cooldown`, at most `budget` times a calendar month (None: as often as that allows), never on
    critically invalid data or while an upstream project has an incident, and not before `min_matured` intervals with
    `min_matured_rows` labelled rows in all have matured. With an `approval`, a person has to agree within
    `approve_within`. `compare_after` is after how many matured intervals the new model is compared with the old one.
    """

    dag: str
    when: RetrainWhen
    cooldown: timedelta
    conf: Mapping[str, Any] = field(default_factory=dict)
    budget: int | None = None
    min_matured: int = 0
    min_matured_rows: int = 0
    approval: Approval = Approval.NONE
    approve_within: timedelta = timedelta(days=2)
    compare_after: int = 14


@dataclass(frozen=True, slots=True)
class ComparePolicy:
    """Two versions of the model, scored side by side, that are compared on `metric`.

    Over each interval, and over the last `window` intervals that have matured.
    """

    champion: str
    challenger: str
    metric: str
    window: int = 28


@dataclass(frozen=True, slots=True)
class Schedule:
    """How Airflow runs the project: `catchup` runs missed intervals, `retries` is per task.

    When an interval's run is not done `deadline` after the interval's end, the owner is told (None: not told).
    """

    catchup: bool = False
    retries: int = 2
    retry_delay: timedelta = timedelta(minutes=5)
    max_active_runs: int = 1
    deadline: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """One monitored ML product. `start` and `end` are UTC instants; no interval outside is measured.

    `upstream` names the projects that this one depends on: an incident of theirs holds those of this one.
    Each of `segments` is one column, or two that are crossed, whose values are measured separately as well.
    `variables` has the text as written (``${VAR}``) wherever the file takes a value from the environment,
    so that the project can be shown without it.
    """

    name: str
    owner: str
    cadence: Cadence
    start: datetime
    tables: tuple[Table, ...]
    end: datetime | None = None
    description: str = ""
    task: Task | None = None
    segments: tuple[tuple[str, ...], ...] = ()
    metrics: MetricsPolicy = MetricsPolicy()
    rules: tuple[RuleSpec, ...] = ()
    alerts: Alerts = Alerts()
    retrain: RetrainPolicy | None = None
    compare: ComparePolicy | None = None
    upstream: tuple[str, ...] = ()
    schedule: Schedule = Schedule()
    tags: tuple[str, ...] = ()
    path: Path | None = None
    variables: Mapping[tuple[str | int, ...], str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def segment_columns(self) -> tuple[str, ...]:
        """Every column that some segment needs, each once."""
        return tuple(dict.fromkeys(column for columns in self.segments for column in columns))

    def table(self, name: str) -> Table:
        """The table called `name`; `KeyError` when there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def of_role(self, role: Role) -> Table | None:
        """The table with `role`, or None. Only `other` may stand more than once."""
        return next((table for table in self.tables if table.role is role), None)
