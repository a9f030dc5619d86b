"""Validation: the outcome of a Great Expectations suite on a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lupus.model.interval import Interval


class ExpectationSeverity(StrEnum):
    """How bad it is when an expectation is not met: `critical` blocks evaluation and retraining."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class ExpectationOutcome:
    """One expectation's outcome.

    `id` is stable over days (a column or table with the expectation's type, and a number when one
    type stands twice). `unexpected_ratio` is the share (0 to 1) of rows that break it, None where
    the expectation does not count rows. `reason` is empty on success.
    """

    id: str
    expectation: str
    column: str
    severity: ExpectationSeverity
    success: bool
    unexpected_ratio: float | None
    reason: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Validation:
    """The outcome of one suite on one snapshot, expectation by expectation."""

    project: str
    table: str
    interval: Interval
    suite: str
    outcomes: tuple[ExpectationOutcome, ...]

    @property
    def success_ratio(self) -> float:
        """The share (0 to 1) of expectations met; 1 for an empty suite."""
        if not self.outcomes:
            return 1.0
        return sum(outcome.success for outcome in self.outcomes) / len(self.outcomes)

    @property
    def critical_failures(self) -> tuple[ExpectationOutcome, ...]:
        return tuple(
            outcome
            for outcome in self.outcomes
            if not outcome.success and outcome.severity is ExpectationSeverity.CRITICAL
        )
