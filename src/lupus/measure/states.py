"""The States of a column: what is kept of its rows, merges over days, and gives the metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from lupus.model import MeasureError


@dataclass(frozen=True, slots=True)
class Moments:
    """Counts and first three moments of a column.

    `rows` are all rows, `present` those that are not null, `nan` and `infinite` those of the present ones
    that are no number; `count` are the rest, of which `zeros` are 0, `negatives` below 0, and `mean`, `m2` and
    `m3` (the sums of squared and of cubed distances from the mean), `low` and `high` are meant. Merged after
    Pébay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
    moments", Sandia report SAND2008-6212 (2008).

    >>> (Moments.of([1.0, 2.0]) + Moments.of([6.0])).mean
    3.0
    """

    kind: ClassVar[str] = "moments"
    rows: int
    present: int
    nan: int = 0
    count: int = 0
    zeros: int = 0
    negatives: int = 0
    mean: float = 0.0
    m2: float = 0.0
    m3: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of(cls, values: list[float]) -> Self:
        """The State of a few finite numbers."""
        mean = math.fsum(values) / len(values) if values else 0.0
        return cls(
            rows=len(values),
            present=len(values),
            count=len(values),
            zeros=sum(value == 0 for value in values),
            negatives=sum(value < 0 for value in values),
            mean=mean,
            m2=math.fsum((value - mean) ** 2 for value in values),
            m3=math.fsum((value - mean) ** 3 for value in values),
            low=min(values, default=math.inf),
            high=max(values, default=-math.inf),
        )

    @classmethod
    def from_sums(cls, *, rows: int, present: int, count: int, center: float, sums: Mapping[str, float]) -> Self:
        """The State from sums of the distances from `center` (s1), their squares (s2) and cubes (s3).

        Sums that are not given are taken as 0, so only what is made of those that are given means anything.
        """
        first, second, third = (sums.get(name, 0.0) / count if count else 0.0 for name in ("s1", "s2", "s3"))
        spread = max(second - first * first, 0.0)
        return cls(
            rows=rows,
            present=present,
            nan=int(sums.get("nan", 0)),
            count=count,
            zeros=int(sums.get("zeros", 0)),
            negatives=int(sums.get("negatives", 0)),
            mean=center + first if count else 0.0,
            m2=count * spread,
            m3=count * (third - 3 * first * spread - first**3),
            low=sums.get("low", math.inf) if count else math.inf,
            high=sums.get("high", -math.inf) if count else -math.inf,
        )

    @property
    def infinite(self) -> int:
        return self.present - self.nan - self.count

    def __add__(self, other: Self, /) -> Self:
        count = self.count + other.count
        apart = other.mean - self.mean
        share = other.count / count if count else 0.0
        rest = 1.0 - share
        return type(self)(
            rows=self.rows + other.rows,
            present=self.present + other.present,
            nan=self.nan + other.nan,
            count=count,
            zeros=self.zeros + other.zeros,
            negatives=self.negatives + other.negatives,
            mean=self.mean + apart * share,
            m2=self.m2 + other.m2 + apart * apart * self.count * share,
            m3=self.m3
            + other.m3
            + apart**3 * self.count * share * (rest - share)
            + 3.0 * apart * (rest * other.m2 - share * self.m2),
            low=min(self.low, other.low),
            high=max(self.high, other.high),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `low` and `high` are None where there are no numbers."""
        return {
            "rows": self.rows,
            "present": self.present,
            "nan": self.nan,
            "count": self.count,
            "zeros": self.zeros,
            "negatives": self.negatives,
            "mean": self.mean,
            "m2": self.m2,
            "m3": self.m3,
            "low": self.low if self.count else None,
            "high": self.high if self.count else None,
        }

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        low, high = payload["low"], payload["high"]
        return cls(
            **{
                **payload,
                "low": math.inf if low is None else low,
                "high": -math.inf if high is None else high,
            }
        )


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts over fixed `edges` (strictly increasing).

    `counts` has ``len(edges) + 1`` entries: first what lies below all edges, last what lies at or above the
    last one; bin i between holds ``edges[i - 1] <= value < edges[i]``. `beyond` are the sums of the distances of what
    lies below from the first edge, and of what lies above from the last one.

    >>> Histogram((0.0, 1.0), (2, 0, 1), (5.0, 0.5)) + Histogram((0.0, 1.0), (0, 3, 1), (0.0, 2.0))
    Histogram(edges=(0.0, 1.0), counts=(2, 3, 2), beyond=(5.0, 2.5))
    """

    kind: ClassVar[str] = "histogram"
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    beyond: tuple[float, float]

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges need {len(self.edges) + 1} counts, got {len(self.counts)}")

    def __add__(self, other: Self, /) -> Self:
        if self.edges != other.edges:
            raise MeasureError("histograms over different edges do not merge; measure both with one reference")
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        below, above = (a + b for a, b in zip(self.beyond, other.beyond, strict=True))
        return type(self)(self.edges, counts, (below, above))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"edges": list(self.edges), "counts": list(self.counts), "beyond": list(self.beyond)}

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        below, above = payload["beyond"]
        return cls(tuple(payload["edges"]), tuple(payload["counts"]), (below, above))


@dataclass(frozen=True, slots=True)
class Categories:
    """Rows by category, over a fixed list of categories; all else that is not null is `other`."""

    kind: ClassVar[str] = "categories"
    counts: dict[str, int] = field(hash=False)
    other: int

    @property
    def total(self) -> int:
        return sum(self.counts.values()) + self.other

    def __add__(self, other: Self, /) -> Self:
        if self.counts.keys() != other.counts.keys():
            raise MeasureError("category counts over different lists do not merge; measure both with one reference")
        merged = {name: count + other.counts[name] for name, count in self.counts.items()}
        return type(self)(merged, self.other + other.other)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"counts": dict(self.counts), "other": self.other}

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(dict(payload["counts"]), payload["other"])
