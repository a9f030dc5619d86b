"""Rows by score: what all metrics of a binary classification are computed from, for many groups at once.

A few rows are summed up by their exact score. Of many, rows share a cell of the score's log-odds, `CELLS_PER_LOG_ODD`
to the unit, so that rare events are told apart as well as common ones; a cell never reaches over the threshold or over
a calibration bin, and carries the sums from which log loss, Brier score, calibration error and confusion are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CALIBRATION_BINS: Final = 10
CELLS_PER_LOG_ODD: Final = 512
LEAST_SCORE: Final = 1e-307
"""Scores below are taken for it: their logarithm would be that of a denormal number, or none."""
LEAST_GAP: Final = 5e-17
"""Likewise of 1 - score."""
CODE_OFFSET: Final = 1 << 20
"""Added to a cell's number to make it positive; ln(LEAST_SCORE) is about -707."""
_SMALL: Final = 1e-4
CODES: Final = 32
"""Codes per cell: two for each of up to 16 calibration bins; odd when the score reaches the threshold."""


@dataclass(frozen=True, slots=True)
class Side:
    """The rows of one label in every cell (C,): sums of weights, of squared weights, of scores and squared scores."""

    weight: Floats
    squares: Floats
    scores: Floats
    squared_scores: Floats

    def mean(self, otherwise: Floats) -> Floats:
        """The mean score, `otherwise` where there are no rows."""
        import numpy as np

        mean = np.divide(self.scores, self.weight, out=otherwise.copy(), where=self.weight > 0)
        clipped: Floats = np.clip(np.nan_to_num(mean), 0.0, 1.0)
        return clipped

    def loss(self, mean: Floats, *, positive: bool) -> Floats:
        """The sum of the log losses, from mean and variance.

        Of -ln x the mean is -ln of the mean, plus half the relative variance of x, up to the third power of a cell's
        width: 1e-10. Where 1 - score is so small that its variance is lost in rounding, rows are taken to be even.
        """
        import numpy as np

        even = 1 / (12 * CELLS_PER_LOG_ODD**2)
        chance = mean if positive else 1 - mean
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            variance = self.squared_scores / self.weight - mean * mean
            relative = np.where(chance > _SMALL, variance / (chance * chance), 0.0 if positive else even * mean**2)
        relative = np.clip(np.nan_to_num(relative), 0.0, 3 * even)
        total: Floats = self.weight * (losses(mean, positive=positive) + relative / 2)
        return total


@dataclass(frozen=True, slots=True)
class Cells:
    """Arrays (C,) over cells of ascending score; group g, never empty, is from ``starts[g]`` to the next start.

    `rows` are counted, all else is weighted. `negatives` and `positives` are sums of weights, `squares` and
    `positive_squares` sums of squared weights of all and of the positives; `low` and `high` the mean scores of the
    negatives and of the positives (any, where there are none); `loss` and `brier` sums of the losses, `yes` whether
    the scores reach the threshold, `bin` their calibration bin, and `tied` whether they are all the same.
    """

    starts: NDArray[np.intp]
    rows: Floats
    negatives: Floats
    positives: Floats
    squares: Floats
    positive_squares: Floats
    low: Floats
    high: Floats
    loss: Floats
    brier: Floats
    yes: NDArray[np.bool_]
    bin: NDArray[np.intp]
    tied: NDArray[np.bool_]

    @classmethod
    def of_scores(
        cls,
        starts: NDArray[np.intp],
        score: Floats,
        negatives: Floats,
        positives: Floats,
        *,
        threshold: float,
        rows: Floats | None = None,
        squares: Floats | None = None,
        positive_squares: Floats | None = None,
    ) -> Self:
        """Of rows summed up by exact score. Without `rows` and squares every row counts once."""
        import numpy as np

        both = negatives + positives
        return cls(
            starts=starts,
            rows=both if rows is None else rows,
            negatives=negatives,
            positives=positives,
            squares=both if squares is None else squares,
            positive_squares=positives if positive_squares is None else positive_squares,
            low=score,
            high=score,
            loss=positives * losses(score, positive=True) + negatives * losses(score, positive=False),
            brier=positives * (1 - score) ** 2 + negatives * score**2,
            yes=score >= threshold,
            bin=np.minimum((score * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1),
            tied=np.ones(len(score), dtype=bool),
        )

    @classmethod
    def of_sides(
        cls, starts: NDArray[np.intp], code: NDArray[np.int64], *, rows: Floats, negative: Side, positive: Side
    ) -> Self:
        """Of rows summed up by cell code, the negatives and the positives apart."""
        import numpy as np

        weight = negative.weight + positive.weight
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (negative.scores + positive.scores) / weight
            spread = (negative.squared_scores + positive.squared_scores) / weight - mean * mean
        low, high = negative.mean(mean), positive.mean(mean)
        brier = positive.weight - 2 * positive.scores + positive.squared_scores + negative.squared_scores
        return cls(
            starts=starts,
            rows=rows,
            negatives=negative.weight,
            positives=positive.weight,
            squares=negative.squares + positive.squares,
            positive_squares=positive.squares,
            low=low,
            high=high,
            loss=positive.loss(high, positive=True) + negative.loss(low, positive=False),
            brier=np.maximum(brier, 0.0),
            yes=code % 2 == 1,
            bin=code % CODES // 2,
            tied=~(spread > 1e-12 * mean * mean),
        )

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Cells of each group."""
        import numpy as np

        return np.diff(np.append(self.starts, len(self.rows)))

    def ahead(self) -> Floats:
        """How much more often than half a positive scores above a negative of the same cell, from -½ to ½.

        Where rows spread evenly over a cell, that is the distance of the two means in cells.
        """
        import numpy as np

        mean = (self.low + self.high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = (self.high - self.low) * CELLS_PER_LOG_ODD / (mean * (1 - mean))
        mixed = (self.negatives > 0) & (self.positives > 0) & ~self.tied & np.isfinite(apart)
        return np.where(mixed, np.clip(apart, -0.5, 0.5), 0.0)

    def group(self, number: int) -> Cells:
        """One group alone."""
        import numpy as np

        start = self.starts[number]
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.rows)
        names = [name for name in type(self).__slots__ if name != "starts"]
        return Cells(starts=np.zeros(1, dtype=np.intp), **{name: getattr(self, name)[start:end] for name in names})


def losses(score: Floats, *, positive: bool) -> Floats:
    """The log loss of one row, in nats; scores are clipped by the machine epsilon, as scikit-learn does."""
    import numpy as np

    epsilon = np.finfo(np.float64).eps
    clipped = np.clip(score, epsilon, 1 - epsilon)
    loss: Floats = -np.log(clipped) if positive else -np.log1p(-clipped)
    return loss


def place(score: Floats) -> Floats:
    """The log-odds of scores, in cells."""
    import numpy as np

    odds = np.log(np.maximum(score, LEAST_SCORE)) - np.log(np.maximum(1 - score, LEAST_GAP))
    places: Floats = odds * CELLS_PER_LOG_ODD
    return places
