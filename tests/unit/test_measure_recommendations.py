"""Lists of recommendations against definitions written out in plain Python, on random and degenerate data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lupus.measure import Engine
from lupus.measure.exposure import ItemExposure, gini
from lupus.measure.recommendations import ListMeasures, measure_recommendations
from lupus.measure.vectors import list_diversity
from lupus.model import (
    Cadence,
    CadenceKind,
    Catalogue,
    FailureKind,
    MetricsPolicy,
    Popularity,
    Project,
    PythonSource,
    Recommendations,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
    segment_name,
)

DAILY = Cadence(CadenceKind.DAILY)
DAY = DAILY.parse("2026-01-05")
Lists = Mapping[str, Sequence[Any]]


def written(folder: Path, name: str, rows: Any) -> Snapshot:
    table = rows if isinstance(rows, pa.Table) else pa.table(rows)
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    schema = tuple((one.name, str(one.type)) for one in table.schema)
    return Snapshot("shop", name, DAY, SnapshotStatus.OK, path, table.num_rows, schema, name)


class Shop:
    """Measures lists in a folder of its own, with one engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = Engine(threads=1)

    def measure(
        self,
        rows: Any,
        spec: Recommendations,
        *,
        before: Any = None,
        policy: MetricsPolicy | None = None,
        segments: tuple[tuple[str, ...], ...] = (),
        **beside: Any,
    ) -> ListMeasures:
        table = Table("prediction", Role.PREDICTION, PythonSource("x:x"), recommendations=spec)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        project = Project("shop", "me", DAILY, start, (table,), segments=segments, metrics=policy or MetricsPolicy())
        snapshots = {name: written(self.folder, name, content) for name, content in beside.items()}
        snapshots["prediction"] = written(self.folder, "prediction", rows)
        previous = None if before is None else written(self.folder, "before", before)
        return measure_recommendations(project, table, snapshots, previous, engine=self.engine)

    def values(self, *arguments: Any, **more: Any) -> dict[str, float]:
        found = self.measure(*arguments, **more)
        assert not [point for point in found.points if point.failure], found.points
        return {point.series.key.metric: point.value for point in found.points if point.value is not None}

    def failures(self, *arguments: Any, **more: Any) -> dict[str, tuple[FailureKind, str]]:
        points = self.measure(*arguments, **more).points
        return {one.series.key.metric: (one.failure.kind, one.failure.reason) for one in points if one.failure}


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    made = Shop(tmp_path)
    yield made
    made.engine.close()


def lists_of(random: Random, *, users: int, items: int, longest: int = 8) -> dict[str, list[str]]:
    """Random lists, some with repeats, some short."""
    names = [f"i{number}" for number in range(items)]
    weights = [1 / (1 + number) for number in range(items)]
    return {f"u{user}": random.choices(names, weights, k=random.randrange(1, longest)) for user in range(users)}


def as_rows(lists: Lists) -> dict[str, list[Any]]:
    pairs = [(user, item) for user, items in lists.items() for item in items]
    return {"user": [user for user, _ in pairs], "item": [item for _, item in pairs]}


def as_lists(lists: Lists) -> pa.Table:
    return pa.table({"user": list(lists), "items": pa.array(list(lists.values()))})


ROWS = Recommendations(user=("user",), item="item")
COLUMN = Recommendations(user=("user",), items="items")


def plain_gini(counts: Sequence[float]) -> float:
    """Half the relative mean absolute difference: the definition."""
    n, mean = len(counts), sum(counts) / len(counts)
    return sum(abs(a - b) for a in counts for b in counts) / (2 * n * n * mean)


def by_definition(
    lists: Lists, before: Lists, catalogue: Mapping[str, str | None], clicks: Counter[str]
) -> dict[str, float]:
    """Every metric of `lists`, from its definition. `catalogue` has the category of each item."""
    slots = [item for items in lists.values() for item in items]
    found: dict[str, float] = {"lists": len(lists)}
    if not lists:
        return found
    found["list_length"] = len(slots) / len(lists)
    found["empty_list_ratio"] = sum(not items for items in lists.values()) / len(lists)
    if not slots:
        return found
    shown = Counter(slots)
    inside = [item for item in shown if item in catalogue]
    found["repeat_ratio"] = 1 - sum(len(set(items)) for items in lists.values()) / len(slots)
    found["catalogue_coverage"] = len(inside) / len(catalogue)
    found["unknown_item_ratio"] = sum(item not in catalogue for item in slots) / len(slots)
    found["gini"] = plain_gini([*shown.values(), *[0] * (len(catalogue) - len(inside))])
    universe = len(clicks) + sum(item not in clicks for item in shown)
    bits = [-math.log2((clicks[item] + 1) / (clicks.total() + universe)) for item in slots]
    found["novelty"] = sum(bits) / len(bits)
    per_list = []
    for items in lists.values():
        known = sorted(item for item in set(items) if catalogue.get(item))
        pairs = [catalogue[a] == catalogue[b] for a, b in combinations(known, 2)]
        if pairs:
            per_list.append(1 - sum(pairs) / len(pairs))
    if per_list:
        found["intra_list_diversity"] = sum(per_list) / len(per_list)
    both = [user for user in lists if before.get(user)]
    then = sum(len(set(lists[user])) for user in both)
    if then:
        found["reshown_ratio"] = sum(len(set(lists[user]) & set(before[user])) for user in both) / then
    return found


def found_of(
    shop: Shop, lists: Lists, before: Lists, catalogue: Mapping[str, str | None], clicks: Counter[str], *, form: str
) -> dict[str, float]:
    """What is measured of the same as `by_definition`, with lists as rows or in a column."""
    spec = Recommendations(
        user=("user",),
        items="items" if form == "lists" else "",
        item="item" if form == "rows" else "",
        catalogue=Catalogue(table="stock", item="id", category="colour"),
        popularity=Popularity("clicks", "clicked"),
    )
    shaped = as_lists if form == "lists" else as_rows
    points = shop.measure(
        shaped(lists),
        spec,
        before=shaped(before),
        stock={"id": list(catalogue), "colour": pa.array(catalogue.values(), pa.string())},
        clicks={"clicked": list(clicks.elements())},
    ).points
    return {one.series.key.metric: one.value for one in points if one.value is not None}


@pytest.mark.oracle(
    "lists", "list_length", "empty_list_ratio", "repeat_ratio", "catalogue_coverage", "unknown_item_ratio", "gini",
    "novelty", "intra_list_diversity", "reshown_ratio", by="Python", on="random",
)  # fmt: skip
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", ["rows", "lists"])
def test_every_metric_against_its_definition(seed: int, form: str, shop: Shop) -> None:
    random = Random(seed)
    lists = lists_of(random, users=60, items=40)
    before = lists_of(random, users=80, items=40)
    del before["u3"]
    colours = ["red", "green", "blue", None]
    catalogue = {f"i{number}": random.choice(colours) for number in range(5, 50)}
    clicks = Counter(random.choices([f"i{number}" for number in range(45)], k=300))
    if form == "lists":
        lists |= {"nothing": [], "nobody": []}
    expected = by_definition(lists, before, catalogue, clicks)
    if form == "rows":
        del expected["empty_list_ratio"]  # who has no row has no list
    assert found_of(shop, lists, before, catalogue, clicks, form=form) == pytest.approx(expected, abs=1e-12)


DEGENERATE: dict[str, tuple[Lists, Lists]] = {
    "one item for one user": ({"a": ["x"]}, {"a": ["x"]}),
    "the same list for all": ({"a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"]}, {"b": ["x"]}),
    "the same item again and again": ({"a": ["x"] * 9}, {"a": ["y"]}),
    "nothing in common": ({"a": ["x", "z"], "b": ["z"]}, {"a": ["y"], "b": ["y"]}),
    "unknown items alone": ({"a": ["?", "!"]}, {"b": ["?"]}),
    "empty lists alone": ({"a": [], "b": []}, {"a": ["x"]}),
    "some empty lists": ({"a": [], "b": ["x", "y"]}, {"a": ["x"], "b": []}),
}


@pytest.mark.oracle(
    "lists", "list_length", "empty_list_ratio", "repeat_ratio", "catalogue_coverage", "unknown_item_ratio", "gini",
    "novelty", "intra_list_diversity", "reshown_ratio", by="Python", on="degenerate",
)  # fmt: skip
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_lists_against_the_definitions(name: str, shop: Shop) -> None:
    lists, before = DEGENERATE[name]
    catalogue = {"x": "red", "y": "red", "z": "blue", "never": None}
    clicks = Counter({"x": 5, "?": 1})
    found = found_of(shop, lists, before, catalogue, clicks, form="lists")
    assert found == pytest.approx(by_definition(lists, before, catalogue, clicks), abs=1e-12)


FOLLOWED = MetricsPolicy(segment_metrics=("*",), min_segment_rows=3, min_category_rows=1)


@pytest.mark.oracle(
    "lists", "list_length", "empty_list_ratio", "repeat_ratio", "catalogue_coverage", "unknown_item_ratio", "gini",
    "novelty", "intra_list_diversity", "reshown_ratio", by="Python", on="random",
)  # fmt: skip
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("form", ["rows", "lists"])
def test_every_metric_of_segments_against_its_definition(seed: int, form: str, shop: Shop) -> None:
    """Where a user's items lie in two segments, each of them has a list of its own."""
    random = Random(seed)
    lists, before = (lists_of(random, users=60, items=20) for _ in range(2))
    catalogue = {f"i{number}": random.choice(["red", "green", None]) for number in range(5, 25)}
    clicks = Counter(random.choices(list(catalogue), k=100))
    countries, pages = ["it", "a,=b", None], [1, 2]
    shown: list[tuple[str, str | None, int, list[str]]] = []
    for user, items in lists.items():
        country, page = random.choice(countries), random.choice(pages)
        if form == "lists":
            shown.append((user, country, page, items))
        else:
            shown += [(user, country, random.choice(pages), [item]) for item in items]
    told = {"user": [row[0] for row in shown], "country": pa.array([row[1] for row in shown], pa.string())}
    told |= {"page": [row[2] for row in shown]}
    items_of = {"items": [row[3] for row in shown]} if form == "lists" else {"item": [row[3][0] for row in shown]}
    spec = Recommendations(
        user=("user",),
        items="items" if form == "lists" else "",
        item="item" if form == "rows" else "",
        catalogue=Catalogue(table="stock", item="id", category="colour"),
        popularity=Popularity("clicks", "clicked"),
    )
    points = shop.measure(
        pa.table(told | items_of),
        spec,
        before=(as_lists if form == "lists" else as_rows)(before),
        stock={"id": list(catalogue), "colour": pa.array(catalogue.values(), pa.string())},
        clicks={"clicked": list(clicks.elements())},
        segments=(("country",), ("country", "page"), ("absent",)),
        policy=FOLLOWED,
    ).points
    found: dict[str, dict[str, float]] = {}
    for one in points:
        assert one.value is not None
        found.setdefault(one.series.key.segment, {})[one.series.key.metric] = one.value
    expected: dict[str, dict[str, float]] = {}
    for country in (*countries, "everybody"):
        for page in (0, *pages):
            own: dict[str, list[str]] = {}
            for user, there, where, items in shown:
                if country in ("everybody", there) and page in (0, where):
                    own.setdefault(user, []).extend(items)
            values = by_definition(own, before, catalogue, clicks)
            if form == "rows":
                values.pop("empty_list_ratio", None)
            if country == "everybody":
                expected |= {"": values} if not page else {}
            elif len(own) >= 3:
                parts = [("country", "(null)" if country is None else country), ("page", str(page))]
                expected[segment_name(*parts[: 2 if page else 1])] = values
    assert len(found) > 5
    assert found == {segment: pytest.approx(values, abs=1e-12) for segment, values in expected.items()}


def test_lists_of_segments_are_measured_where_they_are_followed(shop: Shop) -> None:
    rows = as_lists({f"u{n}": ["x", "y"] for n in range(9)}).append_column("country", pa.array(["it"] * 7 + ["fr"] * 2))
    policy = MetricsPolicy(segment_metrics=("gini", "mean"), min_segment_rows=3)
    points = shop.measure(rows, COLUMN, segments=(("country",),), policy=policy).points
    told = {(one.series.key.segment, one.series.key.metric) for one in points if one.series.key.segment}
    assert told == {("country=it", "gini")}
    asked = len(shop.engine.queries)
    points = shop.measure(rows, COLUMN, segments=(("country",),)).points
    assert not [one for one in points if one.series.key.segment]
    assert len(shop.engine.queries) - asked == 3, "nobody asks what nobody follows"


def test_both_forms_say_the_same(shop: Shop) -> None:
    lists = lists_of(Random(1), users=30, items=9)
    rows, column = shop.values(as_rows(lists), ROWS), shop.values(as_lists(lists), COLUMN)
    assert column.pop("empty_list_ratio") == 0
    assert rows == pytest.approx(column)


def test_vectors(shop: Shop) -> None:
    random = np.random.default_rng(2)
    vectors = {f"i{number}": random.normal(size=6) for number in range(40)}
    lists = lists_of(Random(2), users=50, items=40)
    spec = Recommendations(user=("user",), items="items", catalogue=Catalogue(table="stock", item="id", vector="v"))
    stock = pa.table({"id": list(vectors), "v": pa.array([list(one) for one in vectors.values()])})
    found = shop.measure(as_lists(lists), spec, stock=stock)
    (point,) = (one for one in found.points if one.series.key.metric == "intra_list_diversity")
    expected = []
    for items in lists.values():
        pairs = list(combinations(sorted(set(items)), 2))
        cosines = [vectors[a] @ vectors[b] / np.linalg.norm(vectors[a]) / np.linalg.norm(vectors[b]) for a, b in pairs]
        if pairs:
            expected.append(1 - np.mean(cosines))
    assert point.value == pytest.approx(np.mean(expected))
    assert point.n == len(expected)
    half = 1.959964 * np.std(expected, ddof=1) / math.sqrt(len(expected))
    assert (point.low, point.high) == pytest.approx((np.mean(expected) - half, np.mean(expected) + half))


def test_vectors_of_segments(shop: Shop) -> None:
    random = np.random.default_rng(2)
    vectors = {f"i{number}": random.normal(size=6) for number in range(20)}
    lists = lists_of(Random(2), users=40, items=20)
    spec = Recommendations(user=("user",), items="items", catalogue=Catalogue(table="stock", item="id", vector="v"))
    stock = pa.table({"id": list(vectors), "v": pa.array([list(one) for one in vectors.values()])})
    rows = as_lists(lists).append_column("country", pa.array(["it", "fr"] * 20))
    points = shop.measure(rows, spec, stock=stock, segments=(("country",),), policy=FOLLOWED).points
    found = {one.series.key.segment: one for one in points if one.series.key.metric == "intra_list_diversity"}
    for segment, own in (("country=it", list(lists.values())[::2]), ("country=fr", list(lists.values())[1::2])):
        expected = []
        for items in own:
            unit = [vectors[item] / np.linalg.norm(vectors[item]) for item in sorted(set(items))]
            if len(unit) > 1:
                expected.append(1 - np.mean([a @ b for a, b in combinations(unit, 2)]))
        assert (found[segment].value, found[segment].n) == (pytest.approx(np.mean(expected)), len(expected))


def test_vectors_without_direction_or_of_another_length_are_left_out() -> None:
    ones = [[1.0, 0.0], [0.0, 0.0], [math.nan, 1.0], [1.0], [], [math.inf, 0.0], [0.0, 1.0], [None, 1.0]]
    assert list_diversity(["a"] * 8, list(range(8)), ones) == (1, 1.0, 0.0)
    assert list_diversity([], [], []) == (0, 0.0, 0.0)
    assert list_diversity([], [], [[1.0]]) == (0, 0.0, 0.0)
    assert list_diversity(["a", "b"], [0, 1], [[1.0], [1.0]]) == (0, 0.0, 0.0)
    assert list_diversity(["a"], [0], [[]]) == (0, 0.0, 0.0)


def test_many_lists_are_done_in_pieces() -> None:
    random = np.random.default_rng(8)
    vectors = random.normal(size=(50, 4))
    lists = np.repeat(np.arange(60_000), random.integers(1, 9, 60_000))
    places = random.integers(0, 50, len(lists))
    count, mean, spread = list_diversity(lists, places, vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    sums = np.zeros((60_000, 4))
    np.add.at(sums, lists, unit[places])
    n = np.bincount(lists)
    expected = 1 - ((sums**2).sum(axis=1) - n)[n > 1] / (n * (n - 1))[n > 1]
    assert (count, mean, spread) == (len(expected), pytest.approx(expected.mean()), pytest.approx(expected.std(ddof=1)))


@pytest.mark.parametrize("counts", [[1], [3, 3, 3], [1, 2, 3, 4], [100, 1, 1], [10**9, 1]])
@pytest.mark.parametrize("never", [0, 1, 7])
def test_gini_is_half_the_relative_mean_difference(counts: list[int], never: int) -> None:
    assert gini(np.array(counts), never=never) == pytest.approx(plain_gini([*counts, *[0] * never]), abs=1e-12)


def test_a_catalogue_of_a_known_size(shop: Shop) -> None:
    lists = {"a": ["x", "y"], "b": ["x"]}
    found = shop.values(as_lists(lists), Recommendations(items="items", catalogue=Catalogue(size=8)))
    assert found["catalogue_coverage"] == 0.25
    assert found["gini"] == pytest.approx(plain_gini([2, 1, 0, 0, 0, 0, 0, 0]))
    assert "unknown_item_ratio" not in found
    # More items than there should be: covered, and no item was never shown.
    found = shop.values(as_lists(lists), Recommendations(items="items", catalogue=Catalogue(size=1)))
    assert (found["catalogue_coverage"], found["gini"]) == (1.0, pytest.approx(plain_gini([2, 1])))


def test_empty_lists_nulls_and_numbers(shop: Shop) -> None:
    rows = pa.table({"items": pa.array([[1, 2, None, 2], [], None, [3]], pa.list_(pa.int64()))})
    stock = {"id": [1.0, 2.0, 9.0], "n": [None, 5.0, -3.0]}
    spec = Recommendations(
        items="items", catalogue=Catalogue(table="stock", item="id"), popularity=Popularity("stock", "id", "n")
    )
    found = shop.measure(rows, spec, stock=stock)
    values = {point.series.key.metric: point.value for point in found.points}
    assert values["lists"] == 4
    assert values["empty_list_ratio"] == 0.5
    assert values["list_length"] == 1.0
    assert values["repeat_ratio"] == 0.25
    assert values["catalogue_coverage"] == pytest.approx(2 / 3), "1 and 1.0 are one item"
    assert values["unknown_item_ratio"] == 0.25
    # Interactions: 0, 5 and (a negative one is none) 0; and item 3, of which nothing is known.
    expected = [-math.log2((clicks + 1) / (5 + 4)) for clicks in (0, 5, 5, 0)]
    assert values["novelty"] == pytest.approx(np.mean(expected))


def test_lists_for_nobody_and_lists_of_nothing(shop: Shop) -> None:
    nothing = pa.table({"items": pa.array([[], None], pa.list_(pa.string()))})
    assert shop.values(nothing, Recommendations(items="items")) == {
        "lists": 2,
        "list_length": 0,
        "empty_list_ratio": 1.0,
    }
    none = {"user": pa.array([], pa.string()), "item": pa.array([], pa.string())}
    assert shop.values(none, ROWS) == {"lists": 0}
    nobody = {"user": pa.array([None, None], pa.string()), "item": ["x", "y"]}
    assert shop.values(nobody, ROWS) == {"lists": 0}


def test_a_user_may_be_several_columns(shop: Shop) -> None:
    rows = {"user": ["a", "a", "a"], "page": [1, 1, 2], "item": ["x", "x", "x"]}
    found = shop.values(rows, Recommendations(user=("user", "page"), item="item"))
    assert (found["lists"], found["repeat_ratio"]) == (2, pytest.approx(1 / 3))


def test_a_first_day_has_nothing_to_compare_with(shop: Shop) -> None:
    lists = as_lists({"a": ["x"]})
    assert "reshown_ratio" not in shop.values(lists, COLUMN)
    assert "reshown_ratio" not in shop.values(lists, COLUMN, before=as_lists({"b": ["x"]})), "nobody was there before"
    assert shop.values(lists, COLUMN, before=as_lists({"a": ["x", "y"]}))["reshown_ratio"] == 1


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            Recommendations(items="itmes"),
            {"lists": (FailureKind.MISSING_COLUMN, "the column 'itmes' is not in the slice")},
        ),
        (
            Recommendations(items="user"),
            {"lists": (FailureKind.WRONG_TYPE, "the column 'user' must hold lists of items, and holds string")},
        ),
        (
            Recommendations(items="items", catalogue=Catalogue(table="gone", item="id", category="c")),
            {
                "catalogue_coverage": (FailureKind.UNDEFINED, "the table 'gone' has no rows for this interval"),
                "intra_list_diversity": (FailureKind.UNDEFINED, "the table 'gone' has no rows for this interval"),
            },
        ),
        (
            Recommendations(items="items", catalogue=Catalogue(table="stock", item="id", category="colr")),
            {
                "intra_list_diversity": (
                    FailureKind.MISSING_COLUMN,
                    "the column 'colr' is not in the slice of 'stock'",
                ),
            },
        ),
        (
            Recommendations(items="items", catalogue=Catalogue(table="stock", item="id", category="none")),
            {
                "intra_list_diversity": (
                    FailureKind.UNDEFINED,
                    "no list has two different items whose none is known",
                ),
            },
        ),
        (
            Recommendations(items="items", catalogue=Catalogue(table="stock", item="id", vector="id")),
            {"intra_list_diversity": (FailureKind.WRONG_TYPE, "the column 'id' must hold lists of numbers")},
        ),
        (
            Recommendations(items="items", popularity=Popularity("stock", "id", "id")),
            {"novelty": (FailureKind.WRONG_TYPE, "the column 'id' must hold numbers")},
        ),
        (
            Recommendations(items="items", popularity=Popularity("stock", "id", "zero")),
            {"novelty": (FailureKind.UNDEFINED, "no item has an interaction")},
        ),
    ],
)
def test_what_cannot_be_measured_fails_alone(
    spec: Recommendations, expected: dict[str, tuple[FailureKind, str]], shop: Shop
) -> None:
    lists = as_lists({"a": ["x", "y"], "b": ["x"]})
    stock = {"id": ["x", "y"], "none": pa.array([None, None], pa.string()), "zero": [0, 0]}
    assert shop.failures(lists, spec, stock=stock) == expected
    if "lists" not in expected:
        found = shop.measure(lists, spec, stock=stock)
        assert {"lists", "list_length", "repeat_ratio"} <= {point.series.key.metric for point in found.points}
        assert found.states


def test_names_with_sql_in_them(shop: Shop) -> None:
    nasty = "it\"em'); DROP TABLE x; --"
    rows = {nasty: ["x", "y", "x"], "us er": ["a", "a", "b"]}
    spec = Recommendations(user=("us er",), item=nasty, catalogue=Catalogue(table="stock", item=nasty))
    assert shop.values(rows, spec, stock={nasty: ["x", "z"]})["catalogue_coverage"] == 0.5


def test_segments_with_sql_in_their_names_and_values(shop: Shop) -> None:
    nasty = "s\"'); DROP TABLE x; --"
    rows = as_lists({f"u{n}": ["x", "y"] for n in range(4)}).append_column(nasty, pa.array([nasty] * 4))
    points = shop.measure(rows, COLUMN, segments=((nasty,),), policy=FOLLOWED).points
    found = {one.series.key.segment: one.value for one in points if one.series.key.metric == "lists"}
    assert found == {"": 4, segment_name((nasty, nasty)): 4}


def test_metrics_may_be_left_out(shop: Shop) -> None:
    policy = MetricsPolicy(include=("lists", "gini"))
    assert shop.values(as_lists({"a": ["x"]}), COLUMN, policy=policy).keys() == {"lists", "gini"}


def test_the_state_has_no_rare_items(shop: Shop) -> None:
    lists = {f"u{number}": ["often", f"rare{number}"] for number in range(20)} | {"v": [str(n) for n in range(4)]}
    (state,) = shop.measure(as_lists(lists), COLUMN).states
    assert (state.kind, state.column, state.payload) == (
        "item_exposure",
        "items",
        {"counts": {"often": 20}, "other": 24},
    )


COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50))
EXPOSURES = st.builds(ItemExposure, COUNTS, st.integers(0, 20))


@given(EXPOSURES, EXPOSURES, EXPOSURES)
def test_exposures_merge(a: ItemExposure, b: ItemExposure, c: ItemExposure) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + ItemExposure({}, 0) == a
    assert ItemExposure.from_json(a.to_json()) == a


@pytest.mark.merges("item_exposure")
@given(st.lists(st.sampled_from("abcdef")), st.lists(st.sampled_from("abcdef")))
def test_the_state_of_two_parts_is_the_state_of_all(left: list[str], right: list[str]) -> None:
    def state(items: list[str]) -> ItemExposure:
        return ItemExposure(dict(Counter(items)), 0)

    assert state(left) + state(right) == state(left + right)


@given(st.lists(EXPOSURES, min_size=1, max_size=5), st.integers(1, 9), st.integers(1, 5))
def test_what_capping_loses_is_bounded(days: list[ItemExposure], least: int, most: int) -> None:
    exact, stored = days[0], days[0].capped(least=least, most=most)
    for day in days[1:]:
        exact, stored = exact + day, stored + day.capped(least=least, most=most)
    assert stored.total == exact.total
    assert all(stored.counts[item] <= exact.counts[item] for item in stored.counts)
    whole = days[0]
    for day in days[1:]:
        whole += day.capped(least=least, most=100)
    first = days[0]
    assert all(exact.counts[i] - whole.counts.get(i, 0) <= (least - 1) * (len(days) - 1) for i in exact.counts), first
