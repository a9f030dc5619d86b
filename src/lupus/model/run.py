"""RunReport: what a run of one project over one interval did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lupus.model.incident import Incident
from lupus.model.interval import Interval
from lupus.model.metric import MetricPoint
from lupus.model.notice import Notice
from lupus.model.retrain import RetrainRequest
from lupus.model.snapshot import Snapshot
from lupus.model.validation import Validation
from lupus.model.verdict import Verdict


class Stage(StrEnum):
    """The stages of a run, in order."""

    EXTRACT = "extract"
    VALIDATE = "validate"
    MEASURE = "measure"
    JUDGE = "judge"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that one run extracted, measured, judged and decided."""

    project: str
    interval: Interval
    snapshots: tuple[Snapshot, ...] = ()
    validations: tuple[Validation, ...] = ()
    points: tuple[MetricPoint, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    incidents: tuple[Incident, ...] = ()
    notices: tuple[Notice, ...] = ()
    retrain: RetrainRequest | None = None
    failed: tuple[str, ...] = ()
    """Why stages failed, one sentence each; empty when all went well."""
