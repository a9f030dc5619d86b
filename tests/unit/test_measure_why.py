"""Splits of a change: exact, the same whatever segments are called, and by published worked examples."""

from __future__ import annotations

from math import fsum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus.measure import REST, Piece, Split, clause, split_average, split_count, with_rest
from lupus.model import Failure, FailureKind

NAME = st.sampled_from(["a", "b", "c", "d=é,", "(null)"])
VALUE = st.floats(-1e6, 1e6)
PIECES = st.dictionaries(NAME, st.builds(Piece, st.integers(1, 10**6), VALUE), min_size=1)
COUNTS = st.dictionaries(NAME, st.integers(0, 10**6), min_size=1)


def scale_of(*groups: dict[str, Piece]) -> float:
    return max(1.0, *(abs(piece.value) for pieces in groups for piece in pieces.values()))


@given(PIECES, PIECES)
def test_the_parts_of_an_average_sum_to_its_change(before: dict[str, Piece], after: dict[str, Piece]) -> None:
    found = split_average(before, after)
    assert isinstance(found, Split)
    scale = scale_of(before, after)
    assert found.before == pytest.approx(
        np.average([one.value for one in before.values()], weights=[one.n for one in before.values()]), abs=1e-9 * scale
    )
    assert fsum(part.total for part in found.parts) == pytest.approx(found.change, abs=1e-9 * scale)
    assert found.mix + found.within == pytest.approx(found.change, abs=1e-9 * scale)
    assert fsum(part.share_before for part in found.parts) == pytest.approx(1)
    assert fsum(part.share_after for part in found.parts) == pytest.approx(1)
    assert {part.segment for part in found.parts} == before.keys() | after.keys()


@given(PIECES, PIECES)
def test_mix_and_within_are_kitagawas(before: dict[str, Piece], after: dict[str, Piece]) -> None:
    """Σ Δw·m̄ and Σ w̄·Δm, not centred, straight from the paper; a segment that is new or gone has no Δm."""
    found = split_average(before, after)
    assert isinstance(found, Split)
    n0, n1 = (fsum(piece.n for piece in pieces.values()) for pieces in (before, after))
    mix = within = 0.0
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        w0, w1 = (old.n / n0 if old else 0.0), (new.n / n1 if new else 0.0)
        m0 = old.value if old else new.value  # type: ignore[union-attr]
        m1 = new.value if new else m0
        mix += (w1 - w0) * (m0 + m1) / 2
        within += (w0 + w1) / 2 * (m1 - m0)
    assert found.mix == pytest.approx(mix, abs=1e-9 * scale_of(before, after))
    assert found.within == pytest.approx(within, abs=1e-9 * scale_of(before, after))


@given(PIECES, PIECES, st.permutations(["a", "b", "c", "d=é,", "(null)"]))
def test_what_segments_are_called_changes_nothing(
    before: dict[str, Piece], after: dict[str, Piece], names: list[str]
) -> None:
    called = dict(zip(["a", "b", "c", "d=é,", "(null)"], names, strict=True))
    one = split_average(before, after)
    other = split_average(*({called[name]: piece for name, piece in side.items()} for side in (before, after)))
    assert isinstance(one, Split)
    assert isinstance(other, Split)
    assert (one.before, one.after) == pytest.approx((other.before, other.after), abs=1e-9 * scale_of(before, after))
    mine = {called[part.segment]: (part.mix, part.within) for part in one.parts}
    theirs = {part.segment: (part.mix, part.within) for part in other.parts}
    for name, numbers in mine.items():
        assert numbers == pytest.approx(theirs[name], abs=1e-9 * scale_of(before, after))


@given(PIECES, PIECES, st.integers(2, 50))
def test_more_of_the_same_rows_changes_nothing(before: dict[str, Piece], after: dict[str, Piece], times: int) -> None:
    one = split_average(before, after)
    other = split_average(before, {name: Piece(times * piece.n, piece.value) for name, piece in after.items()})
    assert isinstance(one, Split)
    assert isinstance(other, Split)
    assert other.mix == pytest.approx(one.mix, abs=1e-9 * scale_of(before, after))
    assert other.within == pytest.approx(one.within, abs=1e-9 * scale_of(before, after))


@given(COUNTS, COUNTS)
def test_the_parts_of_a_count_sum_to_its_change(before: dict[str, int], after: dict[str, int]) -> None:
    found = split_count(before, after)
    if isinstance(found, Failure):
        assert not sum(before.values())
        assert not sum(after.values())
        return
    assert (found.before, found.after) == (sum(before.values()), sum(after.values()))
    assert fsum(part.total for part in found.parts) == found.change
    assert found.mix == 0


def test_a_worked_example_of_two_groups() -> None:
    """Shares 0.5/0.5 to 0.25/0.75, rates 10/20 to 10/30: composition (−.25·10 + .25·25), rates (.625·10)."""
    found = split_average({"x": Piece(100, 10), "y": Piece(100, 20)}, {"x": Piece(50, 10), "y": Piece(150, 30)})
    assert isinstance(found, Split)
    assert (found.before, found.after) == (15, 25)
    assert (found.mix, found.within) == pytest.approx((3.75, 6.25))
    assert sum(found.power(part) for part in found.parts) == pytest.approx(1)


def test_simpsons_paradox_is_told_apart() -> None:
    """Every segment gets better and the whole gets worse: the mix says why."""
    found = split_average(
        {"easy": Piece(90, 0.9), "hard": Piece(10, 0.3)}, {"easy": Piece(50, 0.95), "hard": Piece(50, 0.4)}
    )
    assert isinstance(found, Split)
    assert found.change < 0 < found.within
    assert found.mix < found.change


def test_one_segment_new_ones_and_lost_ones() -> None:
    alone = split_average({"a": Piece(10, 1.0)}, {"a": Piece(99, 3.0)})
    assert isinstance(alone, Split)
    assert (alone.mix, alone.within) == (0, 2)
    swapped = split_average({"a": Piece(10, 1.0)}, {"b": Piece(10, 3.0)})
    assert isinstance(swapped, Split)
    assert (swapped.change, swapped.mix, swapped.within) == (2, 2, 0)
    gone = next(part for part in swapped.parts if part.segment == "a")
    assert (gone.after, gone.share_after, gone.mix) == (None, 0, 1)
    # No rows is the same as not being there.
    assert split_average({"a": Piece(10, 1.0), "b": Piece(0, 7.0)}, {"b": Piece(10, 3.0)}) == swapped


@pytest.mark.parametrize("nothing", [{}, {"a": Piece(0, 1.0)}])
def test_without_rows_there_is_nothing_to_split(nothing: dict[str, Piece]) -> None:
    for pair in ((nothing, {"a": Piece(1, 1.0)}), ({"a": Piece(1, 1.0)}, nothing)):
        found = split_average(*pair)
        assert isinstance(found, Failure)
        assert found.kind is FailureKind.NO_DATA


@given(PIECES, st.integers(0, 1000), VALUE)
def test_pieces_and_rest_are_the_whole(pieces: dict[str, Piece], more: int, value: float) -> None:
    everything = [*pieces.values(), Piece(more, value)]
    rows = sum(one.n for one in everything)
    whole = Piece(rows, fsum(one.n * one.value for one in everything) / rows)
    found = with_rest(pieces, whole)
    assert isinstance(found, dict)
    assert fsum(one.n for one in found.values()) == pytest.approx(whole.n, rel=1e-5)
    if REST in found:
        assert fsum(one.n * one.value for one in found.values()) / rows == pytest.approx(
            whole.value, abs=1e-6 * scale_of(pieces, {"": whole, "more": Piece(more, value)})
        )


@pytest.mark.parametrize(
    ("pieces", "whole", "ratio"),
    [
        ({"a": Piece(50, 0.2), "b": Piece(50, 0.4)}, Piece(100, 0.6), False),  # a median, say
        ({"a": Piece(80, 0.2), "b": Piece(50, 0.4)}, Piece(100, 0.3), False),  # rows that count twice
        ({"a": Piece(50, 0.2)}, Piece(60, 0.9), True),  # the rest would be a ratio above 1
    ],
)
def test_what_is_no_average_of_its_segments_is_not_split(pieces: dict[str, Piece], whole: Piece, ratio: bool) -> None:
    assert isinstance(with_rest(pieces, whole, ratio=ratio), Failure)


def of(before: dict[str, Any], after: dict[str, Any]) -> dict[tuple[str, ...], Split]:
    found = split_average({k: Piece(*v) for k, v in before.items()}, {k: Piece(*v) for k, v in after.items()})
    assert isinstance(found, Split)
    return {("c",): found}


def test_the_clause_names_a_segment_that_stands_out() -> None:
    even = {f"c={name}": (100, 1.0) for name in "abcd"}
    assert clause(of(even, even | {"c=b": (100, 2.0)})) == "mostly c=b: all of the change"
    assert clause(of(even, even | {"c=b": (100, 2.0), "c=d": (100, 1.4)})) == "mostly c=b: 71 % of the change"


def test_the_clause_tells_mix_from_within() -> None:
    before = {"c=a": (180, 1.0), "c=b": (20, 5.0)}
    said = clause(of(before, {"c=a": (120, 1.0), "c=b": (80, 5.0)}))
    assert said == "mostly more c=b (10 % → 40 % of the rows): 75 % of the change"


@pytest.mark.parametrize(
    "after",
    [
        {"c=a": (900, 2.0), "c=b": (50, 2.0), "c=c": (50, 2.0)},  # all alike: most of the change where most rows are
        {"c=a": (900, 1.0), "c=b": (50, 1.0), "c=c": (50, 1.0)},  # no change
        {"c=a": (900, 1.0), "c=b": (50, 2.0), "c=c": (50, 0.0)},  # no change of the total
    ],
)
def test_no_clause_where_no_segment_stands_out(after: dict[str, Any]) -> None:
    assert clause(of({"c=a": (900, 1.0), "c=b": (50, 1.0), "c=c": (50, 1.0)}, after)) == ""


def test_the_rest_is_never_named() -> None:
    found = split_count({"c=a": 100, REST: 100}, {"c=a": 100, REST: 10})
    assert isinstance(found, Split)
    assert clause({("c",): found}) == ""
