"""Direct loss estimation: how large a regression's errors are, learnt from rows whose labels are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.estimates.metric import Estimate, EstimateMetric, between
from lupus.measure.learners import Columns, Encoder, Family, LinearModel, fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METRICS: Final = (
    EstimateMetric("estimated_mae", "", "mae"),
    EstimateMetric("estimated_rmse", "", "rmse"),
)


@dataclass(frozen=True, slots=True)
class LossModel:
    """The expected |error| and error² of a prediction, given the prediction and the features.

    Quasi-Poisson regressions with a logarithmic link: losses are positive, their spread grows with their mean, and
    over the reference the fit's mean is the losses' own. `spread` are the losses' squared coefficients of variation
    around the fit, `between` the variances
    by which the means of the reference's intervals differ beyond what their rows' own losses explain.
    """

    kind: ClassVar[str] = "loss_model"
    encoder: Encoder
    absolute: LinearModel
    squared: LinearModel
    spread: tuple[float, float]
    between: tuple[float, float]
    scale: float
    labels: int

    @classmethod
    def fitted(
        cls, rows: Columns, prediction: Floats, label: Floats, *, interval: Floats | None = None, least: int = 5
    ) -> Self:
        """The model of `rows`, which hold the prediction as one of their numbers; finite predictions and labels.

        `interval` (n,) tells the rows' intervals apart.
        """
        import numpy as np

        error = np.abs(prediction - label)
        scale = float(np.sqrt(np.mean(error * error))) or 1.0
        encoder = Encoder.fitted(rows, least=least)
        design = encoder.encode(rows)
        models, spread, varying = [], [], []
        when = np.unique(np.zeros(len(label)) if interval is None else interval, return_inverse=True)[1]
        counts = np.bincount(when)
        for loss in (error / scale, (error / scale) ** 2):
            model = fit(design, loss, Family.POISSON)
            mean = np.maximum(model.predict(design), 1e-9)
            models.append(model)
            spread.append(float((((loss - mean) / mean) ** 2).mean()))
            errors = np.bincount(when, loss - mean) / counts
            varying.append(between(errors.tolist(), (spread[-1] * np.bincount(when, mean * mean) / counts**2).tolist()))
        return cls(encoder, models[0], models[1], (spread[0], spread[1]), (varying[0], varying[1]), scale, len(label))

    def estimates(self, rows: Columns) -> dict[str, Estimate]:
        """Mean absolute error and root mean squared error to be expected of `rows`, by name, in the label's unit.

        The loss model follows NannyML's direct loss estimation. The interval is where 95 % of the values that the real
        labels give will lie while errors depend on prediction and features as they did: the spread of the rows' own
        losses, the uncertainty of the fit, and the variance between intervals, by the delta method.
        """
        n = rows.rows
        if not n:
            return {}
        design = self.encoder.encode(rows)
        found = []
        models = (self.absolute, self.squared)
        for model, spread, varying in zip(models, self.spread, self.between, strict=True):
            mean = model.predict(design)
            own = spread * float((mean * mean).sum()) / n**2
            through = model.root.T @ (design.T @ mean / n)
            found.append((float(mean.mean()), own + float(through @ through) + varying))
        (absolute, first), (squared, second) = found
        root = math.sqrt(squared)
        mae = Estimate.around(absolute * self.scale, first * self.scale**2)
        rmse = Estimate.around(root * self.scale, second * self.scale**2 / (4 * squared) if squared else 0.0)
        return {"estimated_mae": mae, "estimated_rmse": rmse}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "encoder": self.encoder.to_json(),
            "absolute": self.absolute.to_json(),
            "squared": self.squared.to_json(),
            "spread": list(self.spread),
            "between": list(self.between),
            "scale": self.scale,
            "labels": self.labels,
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            Encoder.from_json(payload["encoder"]),
            LinearModel.from_json(payload["absolute"]),
            LinearModel.from_json(payload["squared"]),
            (payload["spread"][0], payload["spread"][1]),
            (payload["between"][0], payload["between"][1]),
            payload["scale"],
            payload["labels"],
        )
