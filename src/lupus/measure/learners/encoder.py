"""Columns of rows as numbers that a linear model can use: hat functions between quantiles, categories, missingness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KNOTS: Final = 5
MOST_CATEGORIES: Final = 12
_OUTER: Final = 0.02


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of a table, column by column: `numbers` (n,) float64 with NaN, `texts` (n,) of str and None."""

    numbers: Mapping[str, Floats] = field(default_factory=dict)
    texts: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return next((len(values) for values in (*self.numbers.values(), *self.texts.values())), 0)

    def taken(self, where: Any) -> Columns:
        """The rows at `where`, an index array, a mask or a slice."""
        return Columns(
            {name: values[where] for name, values in self.numbers.items()},
            {name: values[where] for name, values in self.texts.items()},
        )

    def and_those_of(self, other: Columns) -> Columns:
        """These rows and then `other`'s; a column that one side lacks is missing there."""
        import numpy as np

        def joined(mine: Mapping[str, Any], theirs: Mapping[str, Any], nothing: Any, dtype: Any) -> dict[str, Any]:
            names = dict.fromkeys((*mine, *theirs))
            absent = [np.full(one.rows, nothing, dtype=dtype) for one in (self, other)]
            return {
                name: np.concatenate([mine.get(name, absent[0]), theirs.get(name, absent[1])]).astype(dtype)
                for name in names
            }

        return Columns(
            joined(self.numbers, other.numbers, np.nan, np.float64), joined(self.texts, other.texts, None, object)
        )


@dataclass(frozen=True, slots=True)
class Encoder:
    """The design matrix of rows, as fixed on other rows.

    A number becomes hat functions (linear B-splines, de Boor 1978) over `knots`, the reference's quantiles, and is
    constant beyond the outer ones: no outlier has leverage. A text becomes an indicator of each of `categories` but
    the first, and one of every other category. Both get an indicator of missing values (for numbers also NaN and
    infinities). The first column is the intercept. A column that is absent altogether counts as missing.

    >>> import numpy as np
    >>> encoder = Encoder({"age": (20.0, 40.0)}, {})
    >>> encoder.encode(Columns({"age": np.array([20.0, 30.0, 90.0, np.nan])})).tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.5, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """

    knots: Mapping[str, tuple[float, ...]]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def fitted(cls, rows: Columns, *, least: int = 5, knots: int = KNOTS) -> Self:
        """The encoder of `rows`; a category of fewer than `least` rows, or of fewer than one in a hundred, is rare."""
        import numpy as np

        places: dict[str, tuple[float, ...]] = {}
        for name, values in rows.numbers.items():
            finite = values[np.isfinite(values)]
            few = np.unique(finite[: 50 * knots]) if finite.size else finite
            if finite.size and few.size <= knots:
                few = np.unique(finite)
            if few.size > knots:
                few = np.unique(np.quantile(finite, np.linspace(_OUTER, 1 - _OUTER, knots)))
            places[name] = tuple(few.tolist())
        kept: dict[str, tuple[str, ...]] = {}
        for name, texts in rows.texts.items():
            present = texts[~_absent(texts)]
            labels, counts = np.unique(present.astype(str), return_counts=True) if present.size else ((), ())
            found = sorted(zip(counts, labels, strict=True), key=lambda pair: (-pair[0], pair[1]))
            common = [str(label) for count, label in found if count >= max(least, len(present) / 100)]
            kept[name] = tuple(common[:MOST_CATEGORIES])
        return cls(places, kept)

    @property
    def width(self) -> int:
        """Columns of the design matrix."""
        numbers = sum(max(len(knots), 1) for knots in self.knots.values())
        return 1 + numbers + sum(max(len(names), 1) + 1 for names in self.categories.values())

    def encode(self, rows: Columns) -> Floats:
        """The design matrix (n, `width`) of `rows`."""
        import numpy as np

        n = rows.rows
        matrix = np.zeros((n, self.width))
        matrix[:, 0] = 1.0
        at = 1
        for name, knots in self.knots.items():
            values = rows.numbers.get(name)
            width = max(len(knots), 1)
            _hats(matrix[:, at : at + width], np.full(n, np.nan) if values is None else values, knots)
            at += width
        for name, categories in self.categories.items():
            texts = rows.texts.get(name)
            width = max(len(categories), 1) + 1
            _indicators(matrix[:, at : at + width], np.full(n, None) if texts is None else texts, categories)
            at += width
        return matrix

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, in which the order of the columns is kept."""
        return {
            "knots": [[name, list(one)] for name, one in self.knots.items()],
            "categories": [[name, list(one)] for name, one in self.categories.items()],
        }

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            {name: tuple(one) for name, one in payload["knots"]},
            {name: tuple(one) for name, one in payload["categories"]},
        )


def _hats(block: Floats, values: Floats, knots: tuple[float, ...]) -> None:
    """Fills the columns of one number: hats at all knots but the first, then missing."""
    import numpy as np

    missing = ~np.isfinite(values)
    block[:, -1] = missing
    if len(knots) < 2:
        return
    places = np.array(knots)
    held = np.where(missing, places[0], np.clip(values, places[0], places[-1]))
    left = np.clip(np.searchsorted(places, held, side="right") - 1, 0, len(knots) - 2)
    share = (held - places[left]) / (places[left + 1] - places[left])
    rows = np.arange(len(values))
    block[rows, left] += share  # the hat at knot k stands in column k - 1
    inner = left > 0
    block[rows[inner], left[inner] - 1] += 1.0 - share[inner]


def _indicators(block: Floats, texts: NDArray[np.object_], categories: tuple[str, ...]) -> None:
    """Fills the columns of one text: all categories but the first, then any other, then missing."""
    import numpy as np

    missing = _absent(texts)
    block[:, -1] = missing
    place = {name: number for number, name in enumerate(categories)}
    if not len(texts):
        return
    labels, codes = np.unique(np.where(missing, "", texts).astype(str), return_inverse=True)
    column = np.array([place.get(label, max(len(categories), 1)) for label in labels.tolist()])[codes]
    seen = np.flatnonzero(~missing & (column > 0))
    block[seen, column[seen] - 1] = 1.0


def _absent(texts: NDArray[np.object_]) -> NDArray[np.bool_]:
    import numpy as np

    return np.fromiter((text is None for text in texts), dtype=np.bool_, count=len(texts))
