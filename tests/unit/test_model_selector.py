"""Which series a selector is about."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus.model import Selector, Series, SeriesKey


def series(metric: str = "mean", segment: str = "", column: str = "x", group: str = "input") -> Series:
    return Series(SeriesKey("p", "data", column, metric, segment), group)


@pytest.mark.parametrize(
    ("patterns", "meant", "not_meant"),
    [
        (("rows",), ["rows"], ["row", "rows2", "ROWS", "rows\n", ""]),
        (("rows", "share:*"), ["rows", "share:", "share:a\nb"], ["shares", "share"]),
        (("*", "!p0*"), ["p95", "", "xp01"], ["p01", "p05", "p0"]),
        (("!p0*",), ["p95", ""], ["p01"]),
        (("!p0*", "!min"), ["p95", "minimum"], ["p01", "min"]),
        (("!p05", "p*"), ["p01"], ["p05", "min"]),
        (("p[0-9][0-9]", "!p[!9]?"), ["p95"], ["p05", "p9"]),
        (("a|b",), ["a|b"], ["a", "b"]),
        (("",), [""], ["a"]),
        (("!",), ["a"], [""]),
    ],
)
def test_patterns(patterns: tuple[str, ...], meant: list[str], not_meant: list[str]) -> None:
    where = Selector(metric=patterns)
    assert [text for text in meant + not_meant if where.matches(series(text))] == meant


def test_every_part_that_is_given_must_match() -> None:
    where = Selector(group=("input", "target"), metric=("mean",), segment=("!",))
    assert where.matches(series(segment="a=b"))
    assert not where.matches(series())
    assert not where.matches(series(segment="a=b", group="prediction"))
    assert not where.matches(series(segment="a=b", metric="std"))
    assert Selector().matches(series())


@pytest.mark.parametrize("patterns", ["rows", (), ["rows"]])
def test_what_is_no_tuple_of_patterns_is_refused(patterns: Any) -> None:
    with pytest.raises(ValueError, match="metric must be a tuple of at least one pattern"):
        Selector(metric=patterns)


PATTERNS = st.lists(st.text("ab*?[!]-|.\n", max_size=5), min_size=1, max_size=4).map(tuple)


@given(PATTERNS, st.text("ab[]-|.!\n", max_size=5))
def test_matching_is_that_of_fnmatch_one_by_one(patterns: tuple[str, ...], text: str) -> None:
    wanted = [pattern for pattern in patterns if pattern[:1] != "!"]
    barred = [pattern[1:] for pattern in patterns if pattern[:1] == "!"]
    expected = (not wanted or any(fnmatchcase(text, one) for one in wanted)) and not any(
        fnmatchcase(text, one) for one in barred
    )
    assert Selector(column=patterns).matches(series(column=text)) == expected
