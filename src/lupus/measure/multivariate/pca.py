"""PCA reconstruction error: whether columns still go together as they did."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from lupus.measure.estimates.metric import Estimate, EstimateMetric
from lupus.measure.learners import Columns
from lupus.model import WHOLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RECONSTRUCTION_ERROR: Final = EstimateMetric("pca_reconstruction_error", "")
EXPLAINED: Final = 0.65
MOST_CATEGORIES: Final = 50
_FARTHEST: Final = 20.0
_LEAST_MISSING_SCALE: Final = 0.05


@dataclass(frozen=True, slots=True)
class ReconstructionModel:
    """The principal components of a reference, and how well they give its own held-out rows back.

    Every row becomes a vector: numbers with the reference's mean for missing ones, texts as the share that their
    category had (0 for one that is rare or new), each followed by an indicator of missing values, all standardised by
    `centre` and `scale` (p,). `components` (k, p) explain 65 % of the variance. `errors` are, of the whole and
    of each segment, the mean Euclidean distance of held-out rows from their reconstruction, and its variance.
    """

    kind: ClassVar[str] = "pca_model"
    numbers: tuple[str, ...]
    shares: Mapping[str, Mapping[str, float]]
    fill: Floats
    centre: Floats
    scale: Floats
    components: Floats
    errors: Mapping[str, tuple[float, float]]
    rows: int

    @classmethod
    def fitted(cls, rows: Columns, *, least: int = 5, segments: Mapping[str, NDArray[np.intp]] | None = None) -> Self:
        """The model of `rows`: the even ones are fitted, the odd ones held out. At least four rows and one column.

        `segments` say where the rows of each stand.
        """
        import numpy as np

        shares = {name: _shares(texts, least) for name, texts in rows.texts.items()}
        numbers = tuple(rows.numbers)
        fill = np.array([_mean(values) for values in rows.numbers.values()])
        plain = _vectors(rows, numbers, shares, fill)
        centre, scale = plain.mean(axis=0), plain.std(axis=0)
        # What never varied counts by its change relative to its size; what was hardly ever missing not without bounds.
        still = scale <= 1e-12 * np.abs(centre)
        scale = np.where(still, np.where(centre == 0.0, 1.0, np.abs(centre)), scale)
        indicators = np.arange(plain.shape[1]) >= plain.shape[1] // 2
        scale = np.where(indicators, np.maximum(np.where(still, 0.0, scale), _LEAST_MISSING_SCALE), scale)
        standard = _standard(plain, centre, scale)
        values, vectors = np.linalg.eigh(np.cov(standard[::2], rowvar=False, ddof=0).reshape((plain.shape[1],) * 2))
        order = np.argsort(-values, kind="stable")
        explained = np.cumsum(np.maximum(values[order], 0.0))
        kept = int(np.searchsorted(explained, EXPLAINED * explained[-1])) + 1 if explained[-1] > 0 else 0
        components = vectors[:, order[:kept]].T
        # A component's sign is nobody's choice: the same rows give the same numbers everywhere.
        largest = components[np.arange(kept), np.abs(components).argmax(axis=1)]
        components = components * np.where(largest < 0, -1.0, 1.0)[:, None]
        distances = _distances(standard, components)
        errors = {WHOLE: _mean_of(distances[1::2])}
        errors |= _by_segment(distances, errors[WHOLE][0], segments or {})
        return cls(numbers, shares, fill, centre, scale, components, errors, rows.rows)

    def reconstruction_error(self, rows: Columns, segment: str = WHOLE) -> Estimate | None:
        """The mean distance of `rows` from their reconstruction, over the reference's own: 1 is no drift.

        As in NannyML, but for the ratio. It sees what no column shows by itself: two columns that no longer go
        together. The 95 % interval is that of a ratio of two means, from the spread of the rows' distances. None when
        the components give the held-out rows back exactly, or there is no row.

        `rows` are of one `segment`, which must be one of the model's, or of all (`WHOLE`), and are compared with the
        reference's of the same.
        """
        error, unsure = self.errors[segment]
        if not rows.rows or error <= 1e-12:
            return None
        plain = _vectors(rows, self.numbers, self.shares, self.fill)
        mean, variance = _mean_of(_distances(_standard(plain, self.centre, self.scale), self.components))
        ratio = mean / error
        return Estimate.around(ratio, (variance + ratio * ratio * unsure) / (error * error))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, in which the order of the columns is kept."""
        return {
            "numbers": list(self.numbers),
            "shares": [[name, dict(one)] for name, one in self.shares.items()],
            "fill": self.fill.tolist(),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "components": self.components.tolist(),
            "errors": {segment: list(error) for segment, error in self.errors.items()},
            "rows": self.rows,
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        import numpy as np

        width = len(payload["centre"])
        arrays = {name: np.array(payload[name], dtype=np.float64) for name in ("fill", "centre", "scale")}
        components = np.array(payload["components"], dtype=np.float64).reshape(-1, width)
        return cls(
            tuple(payload["numbers"]),
            dict(payload["shares"]),
            arrays["fill"],
            arrays["centre"],
            arrays["scale"],
            components,
            {segment: (error, variance) for segment, (error, variance) in payload["errors"].items()},
            payload["rows"],
        )


def _by_segment(
    distances: Floats, error: float, segments: Mapping[str, NDArray[np.intp]]
) -> dict[str, tuple[float, float]]:
    """What `error` is of each segment, and its variance.

    Of all rows, for nobody knows where a segment's fitted rows are; so much larger as it is of held-out rows.
    """
    fitted = float(distances.mean())
    by = error / fitted if fitted > 0 else 1.0
    means = {segment: _mean_of(distances[where]) for segment, where in segments.items()}
    return {segment: (mean * by, variance * by * by) for segment, (mean, variance) in means.items()}


def _mean_of(distances: Floats) -> tuple[float, float]:
    """The mean of distances, and its variance."""
    import numpy as np

    if not len(distances):
        return 0.0, 0.0
    return float(distances.mean()), float(np.var(distances)) / max(len(distances) - 1, 1)


def _mean(values: Floats) -> float:
    import numpy as np

    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else 0.0


def _shares(texts: NDArray[np.object_], least: int) -> dict[str, float]:
    """The share of each category that is not rare, of all rows."""
    counts: dict[str, int] = {}
    for text in texts.tolist():
        if text is not None:
            counts[text] = counts.get(text, 0) + 1
    kept = sorted((pair for pair in counts.items() if pair[1] >= least), key=lambda pair: (-pair[1], pair[0]))
    return {name: count / len(texts) for name, count in kept[:MOST_CATEGORIES]}


def _vectors(
    rows: Columns, numbers: tuple[str, ...], shares: Mapping[str, Mapping[str, float]], fill: Floats
) -> Floats:
    """The rows' numbers (n, p), first the values and then, in the same order, whether they are missing."""
    import numpy as np

    n = rows.rows
    values, missing = [], []
    for name, mean in zip(numbers, fill, strict=True):
        column = rows.numbers.get(name)
        column = np.full(n, np.nan) if column is None else column
        finite = np.isfinite(column)
        values.append(np.where(finite, column, mean))
        missing.append(~finite)
    for name, share in shares.items():
        texts = rows.texts.get(name)
        listed: list[Any] = [None] * n if texts is None else texts.tolist()
        values.append(np.array([share.get(text, 0.0) if text is not None else 0.0 for text in listed]))
        missing.append(np.array([text is None for text in listed]))
    return np.column_stack([*values, *missing]).astype(np.float64)


def _standard(plain: Floats, centre: Floats, scale: Floats) -> Floats:
    """Standardised and held within twenty scales, so that one absurd value does not drown all other rows."""
    import numpy as np

    return np.clip((plain - centre) / scale, -_FARTHEST, _FARTHEST)


def _distances(standard: Floats, components: Floats) -> Floats:
    import numpy as np

    lost = standard - (standard @ components.T) @ components
    distances: Floats = np.sqrt((lost * lost).sum(axis=1))
    return distances if math.isfinite(float(distances.sum())) else np.nan_to_num(distances, nan=0.0)
