"""Drift: which distances are measured, from which baselines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Distance(StrEnum):
    """How far two distributions are apart: the names of the drift metrics."""

    PSI = "psi"
    JS = "js"
    HELLINGER = "hellinger"
    TV = "tv"
    CRAMERS_V = "cramers_v"
    LINF = "linf"
    KS = "ks"
    WASSERSTEIN = "wasserstein"


class Baseline(StrEnum):
    """What the rows of an interval are compared with. Never with rows of the interval itself, or of a later one."""

    REFERENCE = "reference"
    TRAILING = "trailing"
    WEEKDAY = "weekday"


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """Which `metrics` (distances) of which `columns` (shell patterns) from which baselines are measured.

    `against` has names of `Baseline`, and of segments like ``country=JP`` that others are compared with. The reference
    are the `intervals` intervals from `first`, or all from there to `last` (UTC instants, exclusive); without a
    `first`, from the interval in which the column was measured first. The trailing window has `trailing` intervals,
    and the same weekdays are those of the last `weeks` weeks. Sides with fewer than `min_rows` rows are not compared.
    Divergences are over at most `bins` bins.
    """

    metrics: tuple[Distance, ...] = (Distance.JS,)
    against: tuple[str, ...] = (Baseline.REFERENCE.value,)
    first: datetime | None = None
    last: datetime | None = None
    intervals: int = 28
    trailing: int = 28
    weeks: int = 8
    columns: tuple[str, ...] = ("*",)
    min_rows: int = 50
    bins: int = 20

    @staticmethod
    def series(metric: str, against: str) -> str:
        """The metric name of a series: the distance's own from the reference, else followed by @ and the baseline.

        >>> DriftPolicy.series("js", "reference"), DriftPolicy.series("js", "trailing")
        ('js', 'js@trailing')
        """
        return metric if against == Baseline.REFERENCE else f"{metric}@{against}"
