"""Regression: sums of errors, which merge, and the metrics from them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Self

from lupus.measure.binary import EvaluationMetric

METRICS: Final = (
    EvaluationMetric("mae", ""),
    EvaluationMetric("rmse", ""),
    EvaluationMetric("mape", "", "all labels are 0"),
    EvaluationMetric("smape", ""),
    EvaluationMetric("r2", "", "the labels do not vary"),
    EvaluationMetric("bias", ""),
)


@dataclass(frozen=True, slots=True)
class RegressionErrors:
    """Sums of errors (prediction minus label) of `n` rows.

    `absolute`, `squared` and `signed` are sums of the error; `relative` sums |error / label| over the
    `nonzero` rows whose label is not 0; `symmetric` sums 2 |error| / (|label| + |prediction|), 0 where both
    are 0; `mean` and `m2` are the labels' mean and sum of squared distances from it.

    >>> RegressionErrors.of([(3.0, 2.0), (5.0, 6.0)]).metrics()["mae"]
    1.0
    """

    kind: ClassVar[str] = "regression_errors"
    n: int
    absolute: float
    squared: float
    signed: float
    nonzero: int
    relative: float
    symmetric: float
    mean: float
    m2: float

    @classmethod
    def of(cls, pairs: list[tuple[float, float]]) -> Self:
        """The State of a few (prediction, label) pairs."""
        errors = [(score - label, score, label) for score, label in pairs]
        labels = [label for _, label in pairs]
        mean = math.fsum(labels) / len(labels) if labels else 0.0
        return cls(
            n=len(pairs),
            absolute=math.fsum(abs(error) for error, _, _ in errors),
            squared=math.fsum(error * error for error, _, _ in errors),
            signed=math.fsum(error for error, _, _ in errors),
            nonzero=sum(label != 0 for label in labels),
            relative=math.fsum(abs(error / label) for error, _, label in errors if label),
            symmetric=math.fsum(2 * abs(e) / (abs(s) + abs(y)) for e, s, y in errors if s or y),
            mean=mean,
            m2=math.fsum((label - mean) ** 2 for label in labels),
        )

    def metrics(self) -> dict[str, float]:
        """Every metric that exists for these rows, by name.

        MAE, RMSE, bias and the coefficient of determination R² (1 - Σe²/Σ(y - ȳ)²) as in any textbook; MAPE
        leaves out labels of 0; sMAPE is Makridakis's (1993), between 0 and 2.
        """
        if not self.n:
            return {}
        found = {
            "mae": self.absolute / self.n,
            "rmse": math.sqrt(self.squared / self.n),
            "smape": self.symmetric / self.n,
            "bias": self.signed / self.n,
        }
        if self.nonzero:
            found["mape"] = self.relative / self.nonzero
        # A constant that no double can hold exactly leaves a little rounding behind.
        if self.m2 > self.n * (1e-15 * abs(self.mean)) ** 2:
            found["r2"] = 1 - self.squared / self.m2
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def __add__(self, other: Self, /) -> Self:
        n = self.n + other.n
        share = other.n / n if n else 0.0
        apart = other.mean - self.mean
        return type(self)(
            n=n,
            absolute=self.absolute + other.absolute,
            squared=self.squared + other.squared,
            signed=self.signed + other.signed,
            nonzero=self.nonzero + other.nonzero,
            relative=self.relative + other.relative,
            symmetric=self.symmetric + other.symmetric,
            mean=self.mean + apart * share,
            m2=self.m2 + other.m2 + apart * apart * self.n * share,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**payload)
