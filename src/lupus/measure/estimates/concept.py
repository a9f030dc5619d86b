"""Concept drift: how far P(y|x) of rows is from the reference's, whatever became of P(x)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.estimates.metric import NORMAL_95, Estimate, EstimateMetric
from lupus.measure.learners import Columns, Encoder, Family, LinearModel, fit
from lupus.model import WHOLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONCEPT_DRIFT: Final = EstimateMetric("concept_drift", "")
ROWS_PER_COEFFICIENT: Final = 2
ROWS_TO_LEARN: Final = 10
"""Rows of the reference for each coefficient of what is learnt of a segment."""


@dataclass(frozen=True, slots=True)
class ConceptModel:
    """What the reference says of labels: E(y|x) by prediction and features, and how sure it is of it.

    A logistic regression for labels of 0 and 1; for numbers a linear regression of label minus prediction. It is of all
    rows. `segments` say in what each segment has always been different from that: linear regressions of its labels'
    residuals on what `model` expects and on the features, with every number as a straight line (`lines`).
    """

    kind: ClassVar[str] = "concept_model"
    encoder: Encoder
    model: LinearModel
    labels: int
    lines: Encoder
    segments: Mapping[str, LinearModel] = field(default_factory=dict)

    @classmethod
    def fitted(
        cls,
        rows: Columns,
        prediction: Floats,
        label: Floats,
        *,
        binary: bool,
        least: int = 5,
        segments: Mapping[str, NDArray[np.intp]] | None = None,
    ) -> Self:
        """The model of `rows`, which hold the prediction as one of their numbers; finite predictions and labels.

        `segments` say where the rows of each stand; those with too few for what is learnt of them are left out.
        """
        encoder = Encoder.fitted(rows, least=least)
        family = Family.BINOMIAL if binary else Family.GAUSSIAN
        design = encoder.encode(rows)
        target = label if binary else label - prediction
        model = fit(design, target, family)
        lines = Encoder.fitted(rows, least=least, knots=2)
        expected = model.predict(design)
        residual = target - expected
        own = {
            segment: fit(_straight(lines, rows.taken(where), expected[where]), residual[where], Family.GAUSSIAN)
            for segment, where in (segments or {}).items()
            if len(where) >= ROWS_TO_LEARN * (lines.width + 1)
        }
        return cls(encoder, model, len(label), lines, own)

    def fewest(self, segment: str = WHOLE) -> int:
        """Rows of a segment below which no drift can be told from noise."""
        width = self.encoder.width if segment == WHOLE else self.lines.width + 1
        return ROWS_PER_COEFFICIENT * width

    def drift(self, rows: Columns, prediction: Floats, label: Floats, segment: str = WHOLE) -> Estimate:
        """Root mean square, over `rows`, of the change of E(y|x) since the reference, in the label's unit.

        For labels of 0 and 1 that is the distance of two probabilities: 0.1 means that at the x of these rows the
        probability of a positive label is typically ten points from what it was. It is the posterior drift of Webb et
        al. (2016, "Characterizing Concept Drift"), with the L2 distance and the current P(x) as weights, which makes
        it the root of the reliability term of the Brier score (Murphy 1973) with the reference's P(y|x) for a forecast.

        Residuals of the labels from the reference's E(y|x) are projected on the features. Squared, the projection is
        too large by the noise of the labels: what each row explains of itself is left out (the bias correction of
        Ferro and Fricker 2012, leave-out as in Kline, Saggio and Sølvsten 2020), and so is the uncertainty of the
        reference. What is left may be negative and is then 0. The 95 % interval is that of the quadratic form.

        `rows` are of one `segment`, which must be one of the model's, or of all (`WHOLE`). A segment has fewer rows:
        its change is looked for along straight lines.
        """
        design = self.encoder.encode(rows)
        expected = self.model.predict(design)
        residual = label - expected
        if self.model.family is Family.GAUSSIAN:
            residual = residual - prediction
        # By what the reference's E(y|x) of each row may be wrong. What a segment's own model says, the other need not.
        if segment == WHOLE:
            doubt = self.model.slope(design)[:, None] * (design @ self.model.root)
        else:
            learnt, design = self.segments[segment], _straight(self.lines, rows, expected)
            residual = residual - learnt.predict(design)
            doubt = design @ learnt.root
        basis = _orthonormal(design)
        n, rank = basis.shape
        leverage = (basis * basis).sum(axis=1)
        noise = residual * residual
        along = basis.T @ residual
        # How the reference's own uncertainty shows in the projection.
        unsure = basis.T @ doubt
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
        return {
            "encoder": self.encoder.to_json(),
            "model": self.model.to_json(),
            "labels": self.labels,
            "lines": self.lines.to_json(),
            "segments": {name: own.to_json() for name, own in self.segments.items()},
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            Encoder.from_json(payload["encoder"]),
            LinearModel.from_json(payload["model"]),
            payload["labels"],
            Encoder.from_json(payload["lines"]),
            {name: LinearModel.from_json(own) for name, own in payload["segments"].items()},
        )


def _straight(lines: Encoder, rows: Columns, expected: Floats) -> Floats:
    """What a segment's own model sees of `rows`: a design matrix (n, width of `lines` + 1)."""
    import numpy as np

    return np.column_stack([lines.encode(rows), expected])


def _orthonormal(design: Floats) -> Floats:
    """An orthonormal basis (n, rank) of the columns of `design`."""
    import numpy as np

    values, vectors = np.linalg.eigh(design.T @ design)
    kept = values > max(float(values[-1]), 0.0) * 1e-10
    basis: Floats = design @ (vectors[:, kept] / np.sqrt(values[kept]))
    return basis
