"""Why a total moved: its change from a baseline, split exactly over the segments that it is made of.

A total that is an average over rows is M = Σ w·m, with w a segment's share of the rows and m its own average. Its
change has two causes in every segment, which `split` tells apart:

    M₁ − M₀ = Σ Δw·(m̄ − M̄)  [mix: the segment has become more or less of the rows]
            + Σ w̄·Δm         [within: the segment itself has changed]

A bar is the mean of before and after: the symmetric form, in which no interaction is left over (Kitagawa 1955;
Oaxaca 1973 and Blinder 1973 for regressions). Σ Δw is 0, so that taking M̄ from m̄ changes no sum; it makes a
growing segment count for what it has beyond the average. A segment that is new or gone has only its mix. The parts
sum to the change, whatever the segments are called and however they are cut.

A count is the sum of its segments' counts: its change is the sum of their differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum
from typing import Final

from lupus.model import Failure, FailureKind

REST: Final = "(other)"
"""The rows that are in no measured segment: those of segments with too few rows."""

_TOLERANCE: Final = 1e-6  # of what averages over parts may differ by from the average over all
_MOSTLY: Final = 0.5  # of the change
_BEYOND: Final = 0.2  # more of the change than of the rows


@dataclass(frozen=True, slots=True)
class Piece:
    """`n` rows whose average is `value`."""

    n: float
    value: float


@dataclass(frozen=True, slots=True)
class Part:
    """What one segment did to the total. `before` and `after` are None where it had no rows."""

    segment: str
    before: Piece | None
    after: Piece | None
    share_before: float
    share_after: float
    mix: float
    within: float

    @property
    def total(self) -> float:
        return self.mix + self.within


@dataclass(frozen=True, slots=True)
class Split:
    """A total `before` and `after`, and the parts of its change, the largest first."""

    before: float
    after: float
    parts: tuple[Part, ...]

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def mix(self) -> float:
        return fsum(part.mix for part in self.parts)

    @property
    def within(self) -> float:
        return fsum(part.within for part in self.parts)

    def power(self, part: Part) -> float:
        """The share of the change that is `part`'s; below 0 when it goes the other way, 0 without a change."""
        return part.total / self.change if self.change else 0.0


def split_average(before: Mapping[str, Piece], after: Mapping[str, Piece]) -> Split | Failure:
    """The change of an average over all rows, by segment. Segments without rows may be left out.

    >>> found = split_average({"a": Piece(50, 1.0), "b": Piece(50, 3.0)}, {"a": Piece(20, 1.0), "b": Piece(80, 3.5)})
    >>> round(found.change, 9), round(found.mix, 9), round(found.within, 9)
    (1.0, 0.675, 0.325)
    >>> [(part.segment, round(part.mix, 4), round(part.within, 4)) for part in found.parts]
    [('b', 0.225, 0.325), ('a', 0.45, 0.0)]
    """
    rows_before, rows_after = (fsum(piece.n for piece in pieces.values()) for pieces in (before, after))
    if not rows_before or not rows_after:
        return Failure(FailureKind.NO_DATA, f"there are no rows {'before' if not rows_before else 'now'}")
    total_before = fsum(piece.n * piece.value for piece in before.values()) / rows_before
    total_after = fsum(piece.n * piece.value for piece in after.values()) / rows_after
    middle = (total_before + total_after) / 2
    parts = []
    for segment in before.keys() | after.keys():
        old, new = _some(before.get(segment)), _some(after.get(segment))
        if old is None and new is None:
            continue
        share_before = old.n / rows_before if old else 0.0
        share_after = new.n / rows_after if new else 0.0
        value_before = old.value if old else new.value if new else 0.0
        value_after = new.value if new else value_before
        mix = (share_after - share_before) * ((value_before + value_after) / 2 - middle)
        within = (share_before + share_after) / 2 * (value_after - value_before)
        parts.append(Part(segment, old, new, share_before, share_after, mix, within))
    return Split(total_before, total_after, _ordered(parts))


def split_count(before: Mapping[str, float], after: Mapping[str, float]) -> Split | Failure:
    """The change of a number of rows, by segment: plain differences, all of them within.

    >>> found = split_count({"a": 50, "b": 50}, {"a": 50, "b": 10, "c": 5})
    >>> found.change, [(part.segment, part.within) for part in found.parts]
    (-35.0, [('b', -40.0), ('c', 5.0), ('a', 0.0)])
    """
    all_before, all_after = fsum(before.values()), fsum(after.values())
    if not all_before and not all_after:
        return Failure(FailureKind.NO_DATA, "there are no rows, neither before nor now")
    parts = []
    for segment in before.keys() | after.keys():
        old, new = before.get(segment, 0.0), after.get(segment, 0.0)
        parts.append(
            Part(
                segment,
                Piece(old, old) if old else None,
                Piece(new, new) if new else None,
                old / all_before if all_before else 0.0,
                new / all_after if all_after else 0.0,
                0.0,
                float(new - old),
            )
        )
    return Split(all_before, all_after, _ordered(parts))


def with_rest(pieces: Mapping[str, Piece], whole: Piece, *, ratio: bool = False) -> dict[str, Piece] | Failure:
    """`pieces` and, as `REST`, what the `whole` has beyond them, so that together they are the whole.

    A failure when they cannot be parts of it: the metric is then no average over its rows, or the segments overlap.
    `ratio` says that no average can be outside of 0 to 1.

    >>> with_rest({"a": Piece(60, 2.0)}, Piece(80, 1.75))["(other)"]
    Piece(n=20.0, value=1.0)
    """
    rows = fsum(piece.n for piece in pieces.values())
    left = whole.n - rows
    weight = whole.n * whole.value - fsum(piece.n * piece.value for piece in pieces.values())
    scale = fsum(piece.n * abs(piece.value) for piece in pieces.values()) + abs(whole.n * whole.value)
    if abs(left) <= _TOLERANCE * whole.n:
        return dict(pieces) if abs(weight) <= _TOLERANCE * scale else _no_average()
    if left < 0 or (ratio and not -_TOLERANCE <= weight / left <= 1 + _TOLERANCE):
        return _no_average()
    return {**pieces, REST: Piece(left, weight / left)}


def clause(splits: Mapping[tuple[str, ...], Split]) -> str:
    """The one segment that made most of the change, in a few words; "" where none stands out.

    It stands out with half of the change, and a fifth more of the change than of the rows: that most of a
    change is where most of the rows are, says nothing. `splits` are of one change, by segment columns.
    """
    best, words = 0.0, ""
    for split in splits.values():
        for part in split.parts:
            power = split.power(part)
            beyond = power - max(part.share_before, part.share_after)
            if part.segment == REST or power < _MOSTLY or beyond < _BEYOND or beyond <= best:
                continue
            best, words = beyond, _said(part, power)
    return words


def _said(part: Part, power: float) -> str:
    share = "all" if power > 0.995 else f"{power:.0%}".replace("%", " %")
    if abs(part.mix) <= abs(part.within):
        return f"mostly {part.segment}: {share} of the change"
    shares = " → ".join(f"{one:.0%}".replace("%", " %") for one in (part.share_before, part.share_after))
    more = "more" if part.share_after > part.share_before else "less"
    return f"mostly {more} {part.segment} ({shares} of the rows): {share} of the change"


def _some(piece: Piece | None) -> Piece | None:
    return piece if piece is not None and piece.n else None


def _ordered(parts: list[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: (-abs(part.total), part.segment)))


def _no_average() -> Failure:
    return Failure(
        FailureKind.UNDEFINED, "the segments' values do not make up the whole's, so there is nothing to split"
    )
