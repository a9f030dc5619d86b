"""Answers: the rows of a plan's query, as Profiles, Histograms and category counts by item."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lupus.measure.metrics import Profile
from lupus.measure.plan import Answer
from lupus.measure.states import Moments


@dataclass(slots=True)
class Answers:
    """What the query said, by item number; segments by (segment number, label, item number)."""

    profiles: dict[int, Profile] = field(default_factory=dict)
    bins: dict[int, dict[int, int]] = field(default_factory=dict)
    categories: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    distinct: dict[int, tuple[int, int]] = field(default_factory=dict)
    segments: dict[tuple[int, str | None], dict[int, Profile]] = field(default_factory=dict)
    keys: tuple[int, int] = (0, 0)


def read_answers(rows: Iterable[tuple[Any, ...]]) -> Answers:
    """The `rows` of `lupus.measure.plan.build`, sorted into `Answers`."""
    found = Answers()
    for answer, item, label, numbers, quantiles in rows:
        if answer >= Answer.SEGMENT:
            of_label = found.segments.setdefault((answer - Answer.SEGMENT, label), {})
            of_label[item] = _profile(numbers, quantiles)
        elif answer == Answer.HISTOGRAM:
            found.bins.setdefault(item, {})[int(numbers[0])] = int(numbers[1])
        elif answer == Answer.PROFILE:
            found.profiles[item] = _profile(numbers, quantiles)
        elif answer == Answer.CATEGORY:
            found.categories.setdefault(item, []).append((label, int(numbers[0])))
        elif answer == Answer.DISTINCT:
            found.distinct[item] = (int(numbers[0]), int(numbers[1]))
        elif answer == Answer.KEYS and numbers[0] is not None:
            found.keys = (int(numbers[0]), int(numbers[1]))
    return found


def _profile(numbers: list[float | None], quantiles: list[float] | None) -> Profile:
    rows, present, nan, count, zeros, mean, m2, low, high, *distinct = numbers
    moments = Moments(
        int(rows or 0),
        int(present or 0),
        int(nan or 0),  # a sum over no rows is null
        int(count or 0),
        int(zeros or 0),
        mean or 0.0,
        m2 or 0.0,
        math.inf if low is None else low,
        -math.inf if high is None else high,
    )
    return Profile(
        moments,
        int(distinct[0] or 0) if distinct and count else None,
        tuple(quantiles) if count and quantiles else None,
    )
