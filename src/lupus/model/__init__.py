"""The nouns: frozen, slotted dataclasses with no behaviour beyond their own arithmetic."""

from lupus.model.connection import Connection, Connections
from lupus.model.errors import (
    ConfigError,
    ConnectionNotUsableError,
    DeliveryError,
    ExtractError,
    LupusError,
    MeasureError,
    Problem,
    StageError,
    StoreError,
    ValidationError,
)
from lupus.model.history import History
from lupus.model.incident import Finding, Incident, IncidentState, Outcome, incident_id
from lupus.model.interval import Cadence, CadenceKind, Interval
from lupus.model.metric import Failure, FailureKind, MetricPoint
from lupus.model.notice import Notice, NoticeState, Reason, notice_id
from lupus.model.project import (
    Alerts,
    FileFormat,
    FileSource,
    MetricsPolicy,
    Project,
    PythonSource,
    Ready,
    RetrainPolicy,
    RetrainWhen,
    Role,
    Schedule,
    SlackRoute,
    Source,
    SqlSource,
    Table,
    Task,
)
from lupus.model.retrain import RetrainRequest, RetrainState, retrain_id
from lupus.model.rules import RULE_PARAMETERS, RecentAverageParameters, ThresholdParameters
from lupus.model.run import RunReport, Stage
from lupus.model.series import WHOLE, Group, Series, SeriesKey, segment_name
from lupus.model.snapshot import Snapshot, SnapshotStatus
from lupus.model.state import Reference, State, StoredState
from lupus.model.units import format_value
from lupus.model.validation import ExpectationOutcome, ExpectationSeverity, Validation
from lupus.model.verdict import RuleSpec, Selector, Severity, Status, Verdict

__all__ = [
    "RULE_PARAMETERS",
    "WHOLE",
    "Alerts",
    "Cadence",
    "CadenceKind",
    "ConfigError",
    "Connection",
    "ConnectionNotUsableError",
    "Connections",
    "DeliveryError",
    "ExpectationOutcome",
    "ExpectationSeverity",
    "ExtractError",
    "Failure",
    "FailureKind",
    "FileFormat",
    "FileSource",
    "Finding",
    "Group",
    "History",
    "Incident",
    "IncidentState",
    "Interval",
    "LupusError",
    "MeasureError",
    "MetricPoint",
    "MetricsPolicy",
    "Notice",
    "NoticeState",
    "Outcome",
    "Problem",
    "Project",
    "PythonSource",
    "Ready",
    "Reason",
    "RecentAverageParameters",
    "Reference",
    "RetrainPolicy",
    "RetrainRequest",
    "RetrainState",
    "RetrainWhen",
    "Role",
    "RuleSpec",
    "RunReport",
    "Schedule",
    "Selector",
    "Series",
    "SeriesKey",
    "Severity",
    "SlackRoute",
    "Snapshot",
    "SnapshotStatus",
    "Source",
    "SqlSource",
    "Stage",
    "StageError",
    "State",
    "Status",
    "StoreError",
    "StoredState",
    "Table",
    "Task",
    "ThresholdParameters",
    "Validation",
    "ValidationError",
    "Verdict",
    "format_value",
    "incident_id",
    "notice_id",
    "retrain_id",
    "segment_name",
]
