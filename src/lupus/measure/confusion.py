"""Decisions against labels: the four counts from which rates, and gaps between groups, are made."""

from __future__ import annotations

from dataclasses import dataclass

from lupus.model import Interval


@dataclass(frozen=True, slots=True)
class Confusion:
    """True positives, false positives, false negatives, true negatives at the threshold: rows, or sums of weights.

    >>> (Confusion(1, 0, 2, 3) + Confusion(4, 1, 0, 0)).tp
    5
    """

    tp: float
    fp: float
    fn: float
    tn: float

    @property
    def total(self) -> float:
        return self.tp + self.fp + self.fn + self.tn

    def __add__(self, other: Confusion, /) -> Confusion:
        return Confusion(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)


@dataclass(frozen=True, slots=True)
class SegmentConfusion:
    """The `confusion` of one interval where every column of `parts` has its value; () is the whole.

    `n` is the number of evaluated rows, `maturity` the share of the predictions whose label has arrived.
    Segments below the least number of rows are left out.
    """

    interval: Interval
    parts: tuple[tuple[str, str], ...]
    confusion: Confusion
    n: int
    maturity: float
