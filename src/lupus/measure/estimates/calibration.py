"""Calibration: which share of positives a score stands for, learnt from scores whose labels are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising map from scores to probabilities, linear between blocks of the isotonic regression.

    Block k holds the scores from ``low[k]`` to ``high[k]`` of the reference; ``rate[k]`` is the share of positives
    among its ``rows[k]`` rows. Isotonic, because it can mend any model that orders well, also one whose errors have
    no sigmoid's shape (Zadrozny and Elkan 2002), and with a thousand labels or more it is at least as good as Platt's
    sigmoid (Niculescu-Mizil and Caruana 2005); with fewer nothing is estimated. `between` are, by metric, the variances
    by which the reference's intervals differ beyond what their labels' draws explain.

    >>> import numpy as np
    >>> one = Calibration.fitted(np.array([0.1, 0.2, 0.9]), np.array([3.0, 9.0, 0.0]), np.array([1.0, 3.0, 4.0]))
    >>> one.rate, one.probabilities(np.array([0.0, 0.15, 0.55, 0.95])).round(3).tolist()
    ((0.25, 1.0), [0.25, 0.25, 0.625, 1.0])
    """

    kind: ClassVar[str] = "calibration"
    low: tuple[float, ...]
    high: tuple[float, ...]
    rate: tuple[float, ...]
    rows: tuple[float, ...]
    between: Mapping[str, float] = field(default_factory=dict, hash=False)

    @classmethod
    def fitted(cls, score: Floats, negatives: Floats, positives: Floats) -> Self:
        """The map of labels by score: `score` (C,) strictly ascending, with the labels at each; no score without one.

        The pool-adjacent-violators algorithm (Ayer et al. 1955), as SciPy has it.
        """
        import numpy as np
        from scipy.optimize import isotonic_regression

        both = negatives + positives
        found = isotonic_regression(positives / both, weights=both)
        first, last = found.blocks[:-1], found.blocks[1:] - 1
        rates = np.clip(found.x[first], 0.0, 1.0)
        return cls(
            tuple(score[first].tolist()),
            tuple(score[last].tolist()),
            tuple(rates.tolist()),
            tuple(np.add.reduceat(both, first).tolist()),
        )

    @property
    def labels(self) -> float:
        """Rows behind the map."""
        return sum(self.rows)

    def probabilities(self, score: Floats) -> Floats:
        """The probability (n,) of a positive label at each `score`; constant beyond the outer blocks."""
        import numpy as np

        places = np.column_stack([self.low, self.high]).ravel()
        values: Floats = np.interp(score, places, np.repeat(self.rate, 2))
        return values

    def variance_of(self, score: Floats, gradient: Floats) -> float:
        """The variance of ``sum(gradient * probabilities(score))`` that comes from the reference's finite size.

        A block's rate is a share of its rows, with one positive and one negative more (Laplace): the end blocks are
        often pure.
        """
        import numpy as np

        rows = np.array(self.rows)
        share = (np.array(self.rate) * rows + 1.0) / (rows + 2.0)
        between = (np.array(self.high[:-1]) + np.array(self.low[1:])) / 2
        total = np.bincount(np.searchsorted(between, score), gradient, minlength=len(rows))
        return float((share * (1.0 - share) / rows * total * total).sum())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        places = {name: list(getattr(self, name)) for name in ("low", "high", "rate", "rows")}
        return {**places, "between": dict(self.between)}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        low, high, rate, rows = (tuple(payload[name]) for name in ("low", "high", "rate", "rows"))
        return cls(low, high, rate, rows, dict(payload["between"]))
