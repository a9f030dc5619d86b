"""How often items are shown: the State, and what follows from the counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ItemExposure:
    """Times that items were shown, by item; `other` are those of items that are not told apart.

    Merging adds. What is stored is `capped`: its total stays exact, and an item's count may lack fewer than `least`
    for every part that was merged (none, where it is among the `most` frequent of each part and not rare in any).

    >>> day = ItemExposure({"a": 7, "b": 5, "c": 1}, 0)
    >>> (day.capped(least=5, most=100) + day.capped(least=5, most=1)).total
    26
    """

    kind: ClassVar[str] = "item_exposure"
    counts: dict[str, int] = field(hash=False)
    other: int

    @property
    def total(self) -> int:
        return sum(self.counts.values()) + self.other

    def capped(self, *, least: int, most: int) -> Self:
        """The same without items that were shown fewer than `least` times, and with at most `most` items."""
        frequent = sorted((-count, item) for item, count in self.counts.items() if count >= least)[:most]
        kept = {item: -count for count, item in frequent}
        return type(self)(kept, self.total - sum(kept.values()))

    def __add__(self, other: Self, /) -> Self:
        counts = dict(self.counts)
        for item, count in other.counts.items():
            counts[item] = counts.get(item, 0) + count
        return type(self)(counts, self.other + other.other)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"counts": dict(self.counts), "other": self.other}

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(dict(payload["counts"]), payload["other"])


def gini(counts: NDArray[Any], *, never: int = 0) -> float:
    """Gini coefficient of `counts` (all positive) and of `never` items more that were not shown at all.

    0 when all are shown equally often, 1 − 1/n when one of n has everything: with x ascending and i from 1,
    Σ (2i − n − 1) x / (n Σ x) (Dixon et al., "Bootstrapping the Gini coefficient of inequality", 1987, without their
    correction for n); as a measure of popularity bias: Fleder and Hosanagar, "Blockbuster culture's next rise or
    fall" (2009).

    >>> import numpy as np
    >>> gini(np.array([5, 5])), gini(np.array([10]), never=3)
    (0.0, 0.75)
    """
    import numpy as np

    x = np.sort(counts.astype(np.float64))
    n = len(x) + never
    places = np.arange(never + 1, n + 1)
    return float(((2 * places - n - 1) * x).sum() / (n * x.sum()))


def self_information(shown: NDArray[Any], popularity: NDArray[Any], *, total: float, items: int) -> float:
    """Mean of −log2 p over what was shown, in bits: how unknown the items are (Zhou et al., "Solving the apparent
    diversity-accuracy dilemma", 2010; Castells, Vargas and Wang, "Novelty and diversity metrics", 2011).

    `shown` and `popularity` are an item's exposures and interactions. p = (popularity + 1) / (total + items): one
    interaction is added to each of all `items`, or an item without any would be infinitely new (Laplace).

    >>> import numpy as np
    >>> self_information(np.array([1, 1]), np.array([1, 5]), total=6, items=2)
    1.207518749639422
    """
    import numpy as np

    bits = -np.log2((popularity + 1) / (total + items))
    return float((shown * bits).sum() / shown.sum())
