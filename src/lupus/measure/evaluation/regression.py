"""Regression: sums of errors, which merge, and the metrics from them with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Final, Self

from lupus.measure.evaluation.answers import Place, sorted_out
from lupus.measure.evaluation.metric import Estimate, EvaluationMetric, Found
from lupus.measure.evaluation.shape import Shape

METRICS: Final = (
    EvaluationMetric("mae", ""),
    EvaluationMetric("rmse", ""),
    EvaluationMetric("mape", "", "all labels are 0"),
    EvaluationMetric("smape", ""),
    EvaluationMetric("r2", "", "the labels do not vary"),
    EvaluationMetric("bias", ""),
)
_LARGE: Final = 1e60
"""Labels beyond this are left out of fourth moments, which would overflow."""
_Z: Final = 1.959963984540054


def metrics_of(shape_levels: tuple[float, ...], *, interval: bool) -> tuple[EvaluationMetric, ...]:
    """The metrics of a regression with predicted quantiles of these levels, and with a prediction interval."""
    absent = "the column with the quantile is missing or holds no numbers"
    found = [*METRICS, *(EvaluationMetric(pinball_name(level), "", absent) for level in shape_levels)]
    if interval:
        absent = "the columns with the interval are missing or hold no numbers"
        found += [
            EvaluationMetric("interval_coverage", "ratio", absent),
            EvaluationMetric("interval_width", "", absent),
        ]
    return tuple(found)


def pinball_name(level: float) -> str:
    """The metric name of the pinball loss at a quantile's level.

    >>> pinball_name(0.9)
    'pinball@0.9'
    """
    return f"pinball@{level!r}"


@dataclass(frozen=True, slots=True)
class Mean:
    """Sums of a value that only `n` rows have: their weight, the value's sum and the sum of its squares."""

    n: int = 0
    weight: float = 0.0
    total: float = 0.0
    squared: float = 0.0

    def __add__(self, other: Mean, /) -> Mean:
        return Mean(
            self.n + other.n, self.weight + other.weight, self.total + other.total, self.squared + other.squared
        )

    def estimate(self, effective: float = 1.0) -> Estimate | None:
        """The weighted mean; `effective` is the effective number of rows per row."""
        if not self.weight > 0:
            return None
        mean = self.total / self.weight
        variance = max(self.squared / self.weight - mean * mean, 0.0)
        return _around(mean, variance, self.n * effective, self.n)


@dataclass(frozen=True, slots=True)
class RegressionErrors:
    """Sums of errors (prediction minus label) of `n` rows, weighted by row weights that sum up to `weight`.

    `squares` sums the squared weights. `absolute`, `squared`, `signed` and `fourth` are sums of the error's powers;
    `relative` sums |error / label| over the `nonzero` weight of rows whose label is not 0, `relative2` its square;
    `symmetric` sums 2 |error| / (|label| + |prediction|), 0 where both are 0, `symmetric2` its square; `mean` and `m2`
    are the labels' mean and sum of squared distances from it; `third_label` and `fourth_label` sum powers of the label,
    `squared_label` and `squared_label2` squared error × label and × label² (only the interval of R² needs these four).
    `quantiles` has the pinball loss by level, `width` the prediction interval's width, `covered` the weight inside.

    >>> RegressionErrors.of([(3.0, 2.0), (5.0, 6.0)]).metrics()["mae"]
    1.0
    """

    kind: ClassVar[str] = "regression_errors"
    n: int = 0
    weight: float = 0.0
    squares: float = 0.0
    absolute: float = 0.0
    squared: float = 0.0
    signed: float = 0.0
    fourth: float = 0.0
    nonzero: float = 0.0
    relative: float = 0.0
    relative2: float = 0.0
    symmetric: float = 0.0
    symmetric2: float = 0.0
    mean: float = 0.0
    m2: float = 0.0
    third_label: float = 0.0
    fourth_label: float = 0.0
    squared_label: float = 0.0
    squared_label2: float = 0.0
    quantiles: dict[str, Mean] = field(default_factory=dict, hash=False)
    width: Mean | None = None
    covered: float = 0.0

    @classmethod
    def of(cls, pairs: list[tuple[float, float]]) -> Self:
        """The State of a few (prediction, label) pairs of weight 1."""
        errors = [(score - label, score, label) for score, label in pairs]
        labels = [label for _, label in pairs]
        mean = math.fsum(labels) / len(labels) if labels else 0.0
        relative = [abs(error / label) for error, _, label in errors if label]
        symmetric = [2 * abs(e) / (abs(s) + abs(y)) for e, s, y in errors if s or y]
        return cls(
            n=len(pairs),
            weight=float(len(pairs)),
            squares=float(len(pairs)),
            absolute=math.fsum(abs(error) for error, _, _ in errors),
            squared=math.fsum(error**2 for error, _, _ in errors),
            signed=math.fsum(error for error, _, _ in errors),
            fourth=math.fsum(error**4 for error, _, _ in errors),
            nonzero=float(len(relative)),
            relative=math.fsum(relative),
            relative2=math.fsum(one**2 for one in relative),
            symmetric=math.fsum(symmetric),
            symmetric2=math.fsum(one**2 for one in symmetric),
            mean=mean,
            m2=math.fsum((label - mean) ** 2 for label in labels),
            third_label=math.fsum(label**3 for label in labels),
            fourth_label=math.fsum(label**4 for label in labels),
            squared_label=math.fsum(error**2 * label for error, _, label in errors),
            squared_label2=math.fsum((error * label) ** 2 for error, _, label in errors),
        )

    def metrics(self) -> dict[str, float]:
        """Every metric that exists for these rows, by name."""
        return {name: one.value for name, one in self.estimates().items()}

    def estimates(self) -> dict[str, Estimate]:
        """Every metric that exists for these rows, with its 95 % confidence interval.

        MAE, RMSE, bias and the coefficient of determination R² (1 - Σe²/Σ(y - ȳ)²) as in any textbook; MAPE leaves
        out labels of 0; sMAPE is Makridakis's (1993), between 0 and 2; the pinball loss is Koenker and Bassett's
        (1978). Intervals: mean ± z standard errors, with Kish's effective sample size where rows have weights; of RMSE
        and R² by the delta method; of the coverage Wilson's.
        """
        if not self.weight > 0:
            return {}
        n, weight = self.n, self.weight
        effective = weight * weight / self.squares / n

        def mean(total: float, squared: float, of: float = weight) -> Estimate:
            value = total / of
            return _around(value, max(squared / of - value * value, 0.0), n * effective * of / weight, n)

        found: dict[str, Estimate | None] = {
            "mae": mean(self.absolute, self.squared),
            "bias": mean(self.signed, self.squared),
            "smape": mean(self.symmetric, self.symmetric2),
            "mape": mean(self.relative, self.relative2, self.nonzero) if self.nonzero else None,
            "rmse": self._rmse(mean(self.squared, self.fourth)),
            "r2": self._r2(n * effective),
        }
        found |= {f"pinball@{level}": one.estimate(effective) for level, one in self.quantiles.items()}
        if self.width is not None and self.width.weight > 0:
            found["interval_width"] = self.width.estimate(effective)
            share, size = self.covered / self.width.weight, self.width.n * effective
            found["interval_coverage"] = Estimate(share, self.width.n, *_wilson(share, size))
        return {name: one for name, one in found.items() if one is not None and math.isfinite(one.value)}

    def _rmse(self, squared: Estimate) -> Estimate:
        value = math.sqrt(squared.value)
        if squared.low is None or squared.high is None or not value:
            return Estimate(value, self.n)
        half = (squared.high - squared.value) / (2 * value)
        return Estimate(value, self.n, max(value - half, 0.0), value + half)

    def _r2(self, size: float) -> Estimate | None:
        # A constant that no double can hold exactly leaves a little rounding behind.
        if not self.m2 > self.weight * (1e-15 * abs(self.mean)) ** 2:
            return None
        weight, mean = self.weight, self.mean
        error, spread = self.squared / weight, self.m2 / weight
        value = 1 - error / spread
        if abs(mean) > _LARGE:
            return Estimate(value, self.n)
        # Moments about the mean: of the label to the fourth, and of squared error times squared label.
        label2 = spread + mean * mean
        fourth = self.fourth_label / weight - 4 * mean * self.third_label / weight + 6 * mean**2 * label2 - 3 * mean**4
        both = (self.squared_label2 - 2 * mean * self.squared_label) / weight + mean**2 * error
        ratio = error / spread
        variance = self.fourth / weight - error**2 - 2 * ratio * (both - error * spread)
        variance = (variance + ratio**2 * (fourth - spread**2)) / spread**2
        if not (math.isfinite(variance) and variance > 0):
            return Estimate(value, self.n)
        estimate = _around(value, variance, size, self.n)
        high = estimate.high
        return Estimate(value, self.n, estimate.low, None if high is None else min(high, 1.0))

    def __add__(self, other: Self, /) -> Self:
        weight = self.weight + other.weight
        share = other.weight / weight if weight else 0.0
        apart = other.mean - self.mean
        added = {
            one.name: getattr(self, one.name) + getattr(other, one.name)
            for one in fields(self)
            if one.name not in ("mean", "m2", "quantiles", "width")
        }
        levels, none = sorted({*self.quantiles, *other.quantiles}), Mean()
        return type(self)(
            **added,
            mean=self.mean + apart * share,
            m2=self.m2 + other.m2 + apart * apart * self.weight * share,
            quantiles={level: self.quantiles.get(level, none) + other.quantiles.get(level, none) for level in levels},
            width=(self.width or none) + (other.width or none) if self.width or other.width else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        width = payload["width"]
        quantiles = {level: Mean(**one) for level, one in payload["quantiles"].items()}
        return cls(**{**payload, "quantiles": quantiles, "width": None if width is None else Mean(**width)})


def read_regression(shape: Shape, arrays: Mapping[str, Any]) -> Iterator[tuple[Place, Found]]:
    """What was found of every interval and segment; only the whole has a State."""
    import numpy as np

    answers = sorted_out(arrays, len(shape.parts))
    columns = {
        name: np.ma.filled(values, np.nan if values.dtype.kind == "f" else 0)
        for name, values in arrays.items()
        if name not in ("a", "b")
    }
    states: dict[Place, RegressionErrors] = {}
    for group, row in zip(answers.group.tolist(), answers.take.tolist(), strict=True):
        place = answers.places[group]
        state = _state(shape, {name: values[row].item() for name, values in columns.items()})
        states[place] = states[place] + state if place in states else state
    for place in answers.places:
        if place not in answers.counts:
            continue
        known = states.get(place)
        estimates = known.estimates() if known else {}
        yield place, Found(answers.counts[place], estimates, None, known if place.part < 0 else None)


def _state(shape: Shape, row: Mapping[str, Any]) -> RegressionErrors:
    names = {one.name for one in fields(RegressionErrors)} & set(row)
    values: dict[str, Any] = {name: row[name] for name in names}
    if shape.weight:
        weight = values["weight"]
        mean = row["labels"] / weight if weight else 0.0
        values |= {"mean": mean, "m2": max(row["labels2"] - weight * mean * mean, 0.0)}
    else:
        values |= {"weight": float(row["n"]), "squares": float(row["n"])}
    values["quantiles"] = {repr(level): _mean_of(row, f"pinball{number}") for number, level in enumerate(shape.levels)}
    if shape.interval:
        values["width"] = _mean_of(row, "width")
    return RegressionErrors(**values)


def _mean_of(row: Mapping[str, Any], name: str) -> Mean:
    n = int(row[f"{name}_n"])
    return Mean(n, *((row[f"{name}_{part}"] if n else 0.0) for part in ("weight", "sum", "sum2")))


def _around(value: float, variance: float, size: float, n: int) -> Estimate:
    if not (size > 1 and math.isfinite(variance)):
        return Estimate(value, n)
    half = _Z * math.sqrt(variance / (size - 1))
    return Estimate(value, n, value - half, value + half)


def _wilson(share: float, n: float) -> tuple[float, float]:
    centre, scale = share + _Z * _Z / (2 * n), 1 + _Z * _Z / n
    half = _Z * math.sqrt(max(share * (1 - share), 0.0) / n + _Z * _Z / (4 * n * n))
    low, high = max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0)
    return (0.0 if share <= 0 else low), (1.0 if share >= 1 else high)
