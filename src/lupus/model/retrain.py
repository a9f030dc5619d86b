"""RetrainRequest: what `act` returns when the policy says so; only the Airflow room executes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from lupus.model.interval import Interval


class RetrainState(StrEnum):
    """Where a request stands. `blocked` ones carry the reason and start no cooldown."""

    REQUESTED = "requested"
    TRIGGERED = "triggered"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """A wish to run the Dag `dag` with `conf`, because of `reasons`; `note` says why it was blocked or failed."""

    id: str
    project: str
    interval: Interval
    dag: str
    state: RetrainState
    reasons: tuple[str, ...]
    conf: Mapping[str, Any]
    incident: str = ""
    note: str = ""


def retrain_id(project: str, interval: Interval) -> str:
    """The id of the request of `project` at `interval`: the same on every rerun, and the Dag run's name."""
    return blake2b(f"retrain\x1f{project}\x1f{interval.key}".encode(), digest_size=8).hexdigest()
