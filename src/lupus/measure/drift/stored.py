"""From stored States to samples, and from drifts to points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from lupus.measure.drift.samples import Sample
from lupus.measure.states import Categories, Histogram, Moments
from lupus.model import StoredState

KINDS: Final = (Moments.kind, Histogram.kind, Categories.kind)
"""The kinds of States that samples are made of."""

Place = tuple[str, str, str]
"""Table, column and segment of a sample."""


def samples_of(states: Sequence[StoredState]) -> dict[Place, Sample]:
    """The samples of one interval by table, column and segment.

    Columns without known categories (free text), and numbers of which there is no histogram, have none.
    """
    by_place: dict[Place, dict[str, StoredState]] = {}
    rows: dict[tuple[str, str], int] = {}
    for state in states:
        by_place.setdefault((state.table, state.column, state.segment), {})[state.kind] = state
        if state.kind == Moments.kind:
            rows[state.table, state.segment] = int(state.payload["rows"])
    samples: dict[Place, Sample] = {}
    for place, found in by_place.items():
        sample = _sample(found, rows.get((place[0], place[2])))
        if sample is not None:
            samples[place] = sample
    return samples


def _sample(found: Mapping[str, StoredState], rows: int | None) -> Sample | None:
    if Categories.kind in found:
        categories = Categories.from_json(dict(found[Categories.kind].payload))
        return Sample.of_categories(categories, rows=rows) if categories.counts else None
    if Moments.kind not in found:
        return None
    moments = Moments.from_json(dict(found[Moments.kind].payload))
    histogram = found.get(Histogram.kind)
    if histogram is None:
        return Sample.of_numbers(moments, None)
    known = Histogram.from_json(dict(histogram.payload))
    return Sample.of_numbers(moments, replace(known, edges=_same(known.edges)))


@lru_cache(maxsize=4096)
def _same(edges: tuple[float, ...]) -> tuple[float, ...]:
    """Equal edges as one object: most of a year's are, and are compared again and again."""
    return edges
