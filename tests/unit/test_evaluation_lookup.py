"""Labels looked up by key against labels joined by the engine: the same evaluation, whoever joins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluations import ALL, Bench, product
from lupus.measure import Engine
from lupus.model import Task

APART = 10**9  # keys so far apart that no array has a place for each
PROJECT = product(Task.BINARY_CLASSIFICATION, segments=[("s",)], **ALL)
KEYS = st.lists(st.one_of(st.none(), st.integers(-6, 12)), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(threads=2) as one:
        yield one


def evaluated(engine: Engine, days: Sequence[Any], truths: Sequence[Any]) -> tuple[bool, dict[Any, Any]]:
    """Whether labels were looked up, and what was found."""
    before = len(engine.queries)
    with TemporaryDirectory() as folder:
        found = Bench(Path(folder), engine).days(PROJECT, days, truths, many_rows=1)
    keyed = {
        (one.interval, one.series.key.segment, one.series.key.metric): (one.value, one.n, one.maturity, one.failure)
        for one in found.points
    }
    return any("lupus_joined" in query for query in engine.queries[before:]), keyed


def apart(keys: Sequence[int]) -> list[int]:
    return [key * APART for key in keys]


@settings(max_examples=40, deadline=None)
@given(predicted=st.lists(KEYS, min_size=1, max_size=2), labelled=st.lists(KEYS, min_size=1, max_size=2))
def test_looked_up_is_joined(engine: Engine, predicted: list[Any], labelled: list[Any]) -> None:
    """With keys that are null, that have copies, that only one side has; on one day and on two."""
    answers = []
    for kind in (pa.int64(), pa.string()):  # texts are always joined
        days = [
            {
                "id": pa.array(keys, pa.int64()).cast(kind),
                "score": np.linspace(-0.1, 1.0, len(keys)),
                "s": [(None, "a", "b")[n % 3] for n in range(len(keys))],
            }
            for keys in predicted
        ]
        truths = [
            {
                "id": pa.array(keys, pa.int64()).cast(kind),
                "label": pa.array([(1, 0, None, 7, 1)[n % 5] for n in range(len(keys))], pa.int64()),
            }
            for keys in labelled
        ]
        answers.append(evaluated(engine, days, truths))
    (_, here), (looked_up, there) = answers
    assert not looked_up
    assert here.keys() == there.keys()
    for name, value in here.items():
        assert value == there[name], name


@pytest.mark.parametrize("segments", [[None, 1, 2], [None, 'a"', "b;"], ["", "x=y, z", None], [True, False, None]])
def test_segments_of_any_type_are_looked_up(engine: Engine, segments: list[Any]) -> None:
    """Texts by numbers that every day goes on with, others by their hash."""
    days, truths = [], []
    for number in range(3):
        ids, n = range(100 * number, 100 * number + 90), 90
        own = segments if isinstance(segments[1], int) else [*segments, f"only on {number}"]
        days.append({"id": [*ids], "score": np.linspace(0, 1, n), "s": [own[at % len(own)] for at in range(n)]})
        truths.append({"id": [*ids][::-1], "label": [at % 2 for at in range(n)]})
    looked_up, here = evaluated(engine, days, truths)
    far = [[one | {"id": pa.array(apart(one["id"]))} for one in some] for some in (days, truths)]
    joined, there = evaluated(engine, *far)
    assert (looked_up, joined) == (True, False)
    assert here == there
    assert len({segment for _, segment, _ in here}) == 1 + len(segments) + 3 * (not isinstance(segments[1], int))


@pytest.mark.parametrize("key", [pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint32()])
@pytest.mark.parametrize("label", [pa.bool_(), pa.int8(), pa.uint8(), pa.int64(), pa.float32(), pa.float64()])
def test_every_type_is_looked_up(engine: Engine, key: pa.DataType, label: pa.DataType) -> None:
    ids, n = pa.array(range(50), pa.int64()), 50
    day = {"id": ids.cast(key), "score": np.linspace(0, 1, n), "s": ["a"] * n}
    truth = {"id": ids.take(pa.array(range(49, 4, -1))), "label": pa.array([at % 2 for at in range(45)]).cast(label)}
    looked_up, here = evaluated(engine, [day], [truth])
    joined, there = evaluated(
        engine,
        [day | {"id": pa.array(apart(range(n)))}],
        [truth | {"id": pa.array(apart(range(49, 4, -1)))}],
    )
    assert (looked_up, joined) == (True, False)
    assert here == there


@pytest.mark.parametrize(
    ("day", "truth"),
    [
        ({"id": ["1", "2"]}, {"id": ["1", "2"]}),
        ({"id": pa.array([1, 2], pa.uint64())}, {}),
        ({"id": [1.0, 2.0]}, {}),
        ({}, {"label": ["1", "0"]}),
        ({}, {"id": [1, 1]}),
        ({}, {"id": [1, 10**6]}),
        ({"s": pa.array(["a", "b"]).dictionary_encode()}, {}),
    ],
)
def test_what_no_array_has_places_for_is_joined(engine: Engine, day: Any, truth: Any) -> None:
    looked_up, found = evaluated(
        engine,
        [{"id": [1, 2], "score": [0.9, 0.2], "s": ["a", "b"]} | day],
        [{"id": [1, 2], "label": [1, 0]} | truth],
    )
    assert not looked_up
    assert found
