"""Names of segments: whatever the columns and values are called, no two segments share a name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lupus.model import segment_name, segment_parts

TEXT = st.text(st.sampled_from("ab,=\\\n(é "), max_size=5)
PARTS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=2).map(tuple)


@given(PARTS)
def test_a_name_is_read_back_whatever_it_is_made_of(parts: tuple[tuple[str, str], ...]) -> None:
    assert segment_parts(segment_name(*parts)) == parts


def test_two_columns_stand_in_the_order_given() -> None:
    assert segment_name(("origin", "JFK"), ("carrier", "AA")) == "origin=JFK,carrier=AA"
    assert segment_name(("origin", "JFK,carrier=AA")) != "origin=JFK,carrier=AA"
    assert segment_parts("") == ()
