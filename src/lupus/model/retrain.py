"""RetrainRequest: what `act` returns when the policy says so; only the Airflow room executes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from lupus.model.comparison import Better
from lupus.model.interval import Interval
from lupus.model.series import SeriesKey


class Approval(StrEnum):
    """Who has to agree before a model is retrained."""

    NONE = "none"
    AIRFLOW = "airflow"
    SLACK = "slack"


class RetrainState(StrEnum):
    """Where a request stands. All but `blocked` ones start a cooldown; those that are not `alive` use up no budget."""

    REQUESTED = "requested"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    TRIGGERED = "triggered"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"

    @property
    def alive(self) -> bool:
        """Whether it may still be executed, or was."""
        return self not in (RetrainState.BLOCKED, RetrainState.REFUSED, RetrainState.TIMED_OUT)

    @property
    def settled(self) -> bool:
        """Whether a person or a run has had a say, so that no rerun of the interval may take it back."""
        return self not in (RetrainState.REQUESTED, RetrainState.AWAITING_APPROVAL, RetrainState.BLOCKED)


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """A wish to run the Dag `dag` with `conf`, because of `reasons`; `note` says why it was blocked or failed.

    `series` is the metric that asked for it, on which before and after are compared, and `better` which of its values
    are better; a person who asks names none. `by` is who asked for it by hand, approved or refused it.
    """

    id: str
    project: str
    interval: Interval
    dag: str
    state: RetrainState
    reasons: tuple[str, ...]
    conf: Mapping[str, Any]
    incident: str = ""
    note: str = ""
    series: SeriesKey | None = None
    better: Better = Better.LOWER
    by: str = ""


def retrain_id(project: str, interval: Interval) -> str:
    """The id of the request of `project` at `interval`: the same on every rerun, and the Dag run's name."""
    return blake2b(f"retrain\x1f{project}\x1f{interval.key}".encode(), digest_size=8).hexdigest()
