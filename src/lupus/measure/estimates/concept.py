"""Concept drift: how far P(y|x) of rows is from the reference's, whatever became of P(x)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.estimates.metric import NORMAL_95, Estimate, EstimateMetric
from lupus.measure.learners import Columns, Encoder, Family, LinearModel, fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONCEPT_DRIFT: Final = EstimateMetric("concept_drift", "")
ROWS_PER_COEFFICIENT: Final = 2


@dataclass(frozen=True, slots=True)
class ConceptModel:
    """What the reference says of labels: E(y|x) by prediction and features, and how sure it is of it.

    A logistic regression for labels of 0 and 1; for numbers a linear regression of label minus prediction.
    """

    kind: ClassVar[str] = "concept_model"
    encoder: Encoder
    model: LinearModel
    labels: int

    @classmethod
    def fitted(cls, rows: Columns, prediction: Floats, label: Floats, *, binary: bool, least: int = 5) -> Self:
        """The model of `rows`, which hold the prediction as one of their numbers; finite predictions and labels."""
        encoder = Encoder.fitted(rows, least=least)
        family = Family.BINOMIAL if binary else Family.GAUSSIAN
        model = fit(encoder.encode(rows), label if binary else label - prediction, family)
        return cls(encoder, model, len(label))

    @property
    def fewest(self) -> int:
        """Rows below which no drift can be told from noise."""
        return ROWS_PER_COEFFICIENT * self.encoder.width

    def drift(self, rows: Columns, prediction: Floats, label: Floats) -> Estimate:
        """Root mean square, over `rows`, of the change of E(y|x) since the reference, in the label's unit.

        For labels of 0 and 1 that is the distance of two probabilities: 0.1 means that at the x of these rows the
        probability of a positive label is typically ten points from what it was. It is the posterior drift of Webb et
        al. (2016, "Characterizing Concept Drift"), with the L2 distance and the current P(x) as weights, which makes
        it the root of the reliability term of the Brier score (Murphy 1973) with the reference's P(y|x) for a forecast.

        Residuals of the labels from the reference's E(y|x) are projected on the features. Squared, the projection is
        too large by the noise of the labels: what each row explains of itself is left out (the bias correction of
        Ferro and Fricker 2012, leave-out as in Kline, Saggio and Sølvsten 2020), and so is the uncertainty of the
        reference. What is left may be negative and is then 0. The 95 % interval is that of the quadratic form.
        """
        design = self.encoder.encode(rows)
        expected = self.model.predict(design)
        residual = label - expected
        if self.model.family is Family.GAUSSIAN:
            residual = residual - prediction
        basis = _orthonormal(design)
        n, rank = basis.shape
        leverage = (basis * basis).sum(axis=1)
        noise = residual * residual
        along = basis.T @ residual
        # How the reference's own uncertainty shows in the projection.
        unsure = basis.T @ (self.model.slope(design)[:, None] * (design @ self.model.root))
        free = max(n - rank, 1)
        square = float(along @ along - leverage @ noise - (unsure * unsure).sum()) / free
        spread = basis.T @ (basis * noise[:, None])
        pairs = float((spread * spread).sum() - (leverage * leverage) @ (noise * noise))
        explained = basis @ along - leverage * residual
        linear = max(float(noise @ (explained * explained)) - pairs, 0.0)
        mixed = float((unsure * (spread @ unsure)).sum())
        doubted = max(float(((along @ unsure) ** 2).sum()) - mixed, 0.0)
        own = float(((unsure.T @ unsure) ** 2).sum())
        variance = 2 * pairs + 4 * linear + 4 * mixed + 4 * doubted + 2 * own
        half = NORMAL_95 * math.sqrt(max(variance, 0.0)) / free
        return Estimate(*(math.sqrt(max(one, 0.0)) for one in (square, square - half, square + half)))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"encoder": self.encoder.to_json(), "model": self.model.to_json(), "labels": self.labels}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(Encoder.from_json(payload["encoder"]), LinearModel.from_json(payload["model"]), payload["labels"])


def _orthonormal(design: Floats) -> Floats:
    """An orthonormal basis (n, rank) of the columns of `design`."""
    import numpy as np

    values, vectors = np.linalg.eigh(design.T @ design)
    kept = values > max(float(values[-1]), 0.0) * 1e-10
    basis: Floats = design @ (vectors[:, kept] / np.sqrt(values[kept]))
    return basis
