"""Rows of a slice told apart by the values of segment columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lupus.measure.metrics import wanted_in_segments
from lupus.measure.points import NULL_LABEL
from lupus.model import WHOLE, Project, segment_name

if TYPE_CHECKING:
    import ibis
    import numpy as np
    from numpy.typing import NDArray

Parts = tuple[tuple[int, ...], ...]
"""Which of the segment columns s0, s1, … make a segmentation, for each of them."""


def followed(project: Project, metrics: Iterable[str], columns: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """The project's segmentations by these `columns`, if any of the `metrics` is followed in segments."""
    if not any(wanted_in_segments(name, project.metrics) for name in metrics):
        return ()
    return tuple(part for part in project.segments if set(part) <= set(columns))


def columns_in(parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The columns that the segmentations `parts` are by, each once."""
    return tuple(dict.fromkeys(name for part in parts for name in part))


def large_segments(
    parts: Sequence[Sequence[str]], texts: Mapping[str, Any], *, least: int
) -> dict[str, NDArray[np.intp]]:
    """Where the rows of each segment with at least `least` of them stand, by its name; `texts` (n,) by column."""
    return {
        segment: where
        for part in parts
        for segment, where in by_values(part, [texts[name] for name in part]).items()
        if len(where) >= least
    }


def least_rows(project: Project) -> int:
    """The rows below which nothing is said of a segment."""
    policy = project.metrics
    return max(policy.min_segment_rows, policy.min_category_rows, 1)


def counted(rows: ibis.Table, parts: Parts, *more: str) -> ibis.Table:
    """The smallest ``score`` and the ``rows`` of each ``cell`` and each of the columns `more`.

    ``part`` is 0 for the whole and the place in `parts`, from 1, for a segment, which has its values in ``a``, ``b``.
    """
    import ibis

    found = []
    for number, part in enumerate(((), *parts)):
        labels = [f"s{column}" for column in part]
        one = rows.group_by([*labels, *more, "cell"]).aggregate(score=rows["score"].min(), rows=rows.count())
        values = [*(one[label] for label in labels), *(ibis.null("string"),) * 2]
        told = {"part": ibis.literal(number, "int16"), "a": values[0], "b": values[1]}
        found.append(one.select(*more, "cell", "score", "rows", **told))
    every = ibis.union(*found) if parts else found[0]
    return every.order_by(["part", "a", "b", *more, "cell"])


def by_segment(found: Mapping[str, Any], names: Sequence[Sequence[str]]) -> dict[str, NDArray[np.intp]]:
    """Where the rows of each segment are in the answer to `counted`, by its name; the whole is there in any case.

    `names` are the columns of each part.
    """
    import numpy as np

    part = np.ma.filled(np.ma.asarray(found["part"]), 0)
    where = {WHOLE: np.flatnonzero(part == 0)}
    for number, columns in enumerate(names, start=1):
        own = np.flatnonzero(part == number)
        labels = [found[name][own] for name, _ in zip("ab", columns, strict=False)]
        where |= {segment: own[at] for segment, at in by_values(columns, labels).items()}
    return where


def by_values(columns: Sequence[str], values: Sequence[Any]) -> dict[str, NDArray[np.intp]]:
    """Where each combination of `values`, an array of text per column, stands; by the segment's name, in order."""
    import numpy as np

    rows = list(zip(*(one.tolist() for one in values), strict=True))
    numbers: dict[tuple[Any, ...], int] = {}
    codes = np.array([numbers.setdefault(row, len(numbers)) for row in rows], np.intp)
    order = np.argsort(codes, kind="stable")
    pieces = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if rows else []
    named = {
        segment_name(
            *((name, NULL_LABEL if value is None else value) for name, value in zip(columns, row, strict=True))
        ): piece
        for row, piece in zip(numbers, pieces, strict=True)
    }
    return dict(sorted(named.items()))
