"""The State of a binary classification: labels by score, which merge over days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.evaluation.binary import binary_estimates, confusions
from lupus.measure.evaluation.cells import CALIBRATION_BINS, CELLS_PER_LOG_ODD, Cells, place
from lupus.model import MeasureError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Four = tuple[float, float, float, float]

STEPS: Final = 64
"""A cell's rows are told apart to a 64th of it, on average."""


@dataclass(frozen=True, slots=True)
class BinaryScores:
    """Labels by score, merged over days.

    `n` counts rows; all else is weighted. `cells` maps a cell of the score's log-odds (1/512 wide) to (negatives,
    positives, steps of the negatives, steps of the positives): how many 64ths of the cell they lie above its lower end,
    summed up. `squares` is the sum of squared weights; `confusion` is (tp, fp, fn, tn) at `threshold`; `calibration`
    has per bin the weight, the sum of scores and the positives. Log loss, Brier score, calibration error and decisions
    are exact; ROC AUC and PR AUC see every score to a 64th of a cell.
    """

    kind: ClassVar[str] = "binary_scores"
    threshold: float
    n: int
    cells: dict[int, Four]
    log_loss_sum: float
    brier_sum: float
    squares: float
    confusion: Four
    calibration: tuple[tuple[float, float, float], ...]

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, cells: Cells, *, threshold: float) -> Self:
        """The State of the one group that `cells` has."""
        import numpy as np

        if not len(cells.rows):
            return cls(threshold, 0, {}, 0.0, 0.0, 0.0, (0, 0, 0, 0), ((0, 0.0, 0),) * CALIBRATION_BINS)
        both = cells.negatives + cells.positives
        scores = cells.negatives * cells.low + cells.positives * cells.high
        low, high = place(cells.low), place(cells.high)
        mean = np.divide(scores, both, out=cells.low.copy(), where=(both > 0) & (cells.low != cells.high))
        cell = np.floor(place(mean)).astype(np.int64)
        steps = [np.clip(np.floor((at - cell) * STEPS), 0, STEPS - 1) for at in (low, high)]
        names, where = np.unique(cell, return_inverse=True)
        parts = (cells.negatives, cells.positives, cells.negatives * steps[0], cells.positives * steps[1])
        columns = [_plain(np.bincount(where, part, minlength=len(names))) for part in parts]
        bins = [_plain(np.bincount(cells.bin, part, minlength=CALIBRATION_BINS)) for part in (both, cells.positives)]
        summed = np.bincount(cells.bin, scores, minlength=CALIBRATION_BINS).tolist()
        (confusion,) = confusions(cells)
        return cls(
            threshold,
            round(float(cells.rows.sum())),
            dict(zip(names.tolist(), zip(*columns, strict=True), strict=True)),
            float(cells.loss.sum()),
            float(cells.brier.sum()),
            _number(float(cells.squares.sum())),
            tuple(map(_number, (confusion.tp, confusion.fp, confusion.fn, confusion.tn))),  # type: ignore[arg-type]
            tuple(zip(bins[0], summed, bins[1], strict=True)),
        )

    def metrics(self, cells: Cells | None = None) -> dict[str, float]:
        """The metrics of all rows together; those that do not exist are left out. `cells` are the State's, if known."""
        weight = math.fsum(self.confusion)
        if not weight:
            return {}
        tp, fp, fn, tn = self.confusion
        exact = {
            "log_loss": self.log_loss_sum / weight,
            "brier": self.brier_sum / weight,
            "ece": math.fsum(abs(pos - total) for _, total, pos in self.calibration) / weight,
            "accuracy": (tp + tn) / weight,
            "precision": _ratio(tp, tp + fp),
            "recall": _ratio(tp, tp + fn),
            "specificity": _ratio(tn, tn + fp),
            "f1": _ratio(2 * tp, 2 * tp + fp + fn),
            "mcc": _ratio(tp * tn - fp * fn, math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
            "lift": _ratio(tp * weight, (tp + fp) * (tp + fn)),
        }
        values = {
            name: float(column[0][0]) for name, column in binary_estimates(cells or self.cells_of_scores()).items()
        } | exact
        return {name: value for name, value in values.items() if math.isfinite(value)}

    def by_score(self, cells: Cells | None = None) -> tuple[Floats, Floats, Floats]:
        """(scores ascending, negatives, positives), (C,) each, one entry per cell: its mean score and its labels."""
        import numpy as np

        if not self.cells:
            return np.zeros(0), np.zeros(0), np.zeros(0)
        cells = cells or self.cells_of_scores()
        both = cells.negatives + cells.positives
        total = cells.negatives * cells.low + cells.positives * cells.high
        mean: Floats = np.divide(total, both, out=cells.low.copy(), where=both > 0)
        return mean, cells.negatives, cells.positives

    def cells_of_scores(self) -> Cells:
        """The cells as an evaluation has them; there is at least one."""
        import numpy as np

        ordered = sorted(self.cells.items())
        at = np.array([cell for cell, _ in ordered], dtype=np.float64)
        negatives, positives, low, high = np.array([numbers for _, numbers in ordered], dtype=np.float64).T
        ends = []
        for steps, weight in ((low, negatives), (high, positives)):
            inside = np.divide(steps, weight, out=np.zeros_like(at), where=weight > 0)
            inside = (at + (inside + 0.5) / STEPS) / CELLS_PER_LOG_ODD
            ends.append(np.exp(-np.logaddexp(0, -inside)))
        both, score = negatives + positives, np.where(negatives > 0, ends[0], ends[1])
        one = Cells.of_scores(
            np.zeros(1, dtype=np.intp), score, negatives, positives, threshold=self.threshold, squares=both
        )
        names = [name for name in Cells.__slots__ if name not in ("low", "high", "tied")]
        low, high = ends[0], np.where(positives > 0, ends[1], score)
        # One step of difference is not told from none, so equal scores stay tied.
        tied = (np.abs(high - score) <= score * (1 - score) / (STEPS * CELLS_PER_LOG_ODD) / 2) | (both <= 1)
        return Cells(**{name: getattr(one, name) for name in names}, low=score, high=high, tied=tied)

    def __add__(self, other: Self, /) -> Self:
        if self.threshold != other.threshold:
            raise MeasureError("scores decided at different thresholds do not merge; measure both with one threshold")
        cells = dict(self.cells)
        for cell, numbers in other.cells.items():
            mine = cells.get(cell)
            cells[cell] = numbers if mine is None else _added(mine, numbers)
        return type(self)(
            self.threshold,
            self.n + other.n,
            cells,
            self.log_loss_sum + other.log_loss_sum,
            self.brier_sum + other.brier_sum,
            self.squares + other.squares,
            _added(self.confusion, other.confusion),
            tuple(
                (a[0] + b[0], a[1] + b[1], a[2] + b[2])
                for a, b in zip(self.calibration, other.calibration, strict=True)
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; cells as five lists of one length."""
        ordered = sorted(self.cells.items())
        columns = [list(column) for column in zip(*(numbers for _, numbers in ordered), strict=True)] or [[]] * 4
        return {
            "threshold": self.threshold,
            "n": self.n,
            "cells": [cell for cell, _ in ordered],
            "negatives": columns[0],
            "positives": columns[1],
            "negative_steps": columns[2],
            "positive_steps": columns[3],
            "log_loss_sum": self.log_loss_sum,
            "brier_sum": self.brier_sum,
            "squares": self.squares,
            "confusion": list(self.confusion),
            "calibration": [list(each) for each in self.calibration],
        }

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        names = ("negatives", "positives", "negative_steps", "positive_steps")
        numbers = zip(*(payload[name] for name in names), strict=True)
        tp, fp, fn, tn = payload["confusion"]
        return cls(
            payload["threshold"],
            payload["n"],
            dict(zip(payload["cells"], numbers, strict=True)),
            payload["log_loss_sum"],
            payload["brier_sum"],
            payload["squares"],
            (tp, fp, fn, tn),
            tuple((weight, total, positive) for weight, total, positive in payload["calibration"]),
        )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _number(value: float) -> float:
    """Whole numbers as integers, which are shorter in JSON."""
    return int(value) if value.is_integer() else value


def _plain(values: NDArray[Any]) -> list[float]:
    return [_number(value) for value in values.tolist()]


def _added(a: Four, b: Four) -> Four:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])
