"""The queries over lists of recommendations, as Ibis expressions: each leaves counts of items or of lists.

The views have fixed names and columns, so that an expression depends on the `Shape` alone and no name of the data
gets into it. Their columns are declared as integers: values of any type then get the casts below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.points import NULL_LABEL

if TYPE_CHECKING:
    import ibis

NOW: Final = "lists_now"
BEFORE: Final = "lists_before"
CATALOGUE: Final = "lists_catalogue"
POPULARITY: Final = "lists_popularity"
APART: Final = "\x1f"
"""Between the values of several columns that name a user or a segment."""
MOST_ITEMS: Final = 1_000
"""Items whose exposures are kept one by one."""
MOST_LISTS: Final = 100_000
"""Lists whose vectors are compared; of more, this many that are chosen by a hash, the same at every run."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How lists are written: by how many columns a user is named, whether a row holds a whole list (`nested`) or an
    item, whether items are compared as `numbers` (1 is 1.0) or as text, and by how many columns a segment is named.

    Every query answers by ``segment``: the values of these columns, `APART` in between; "" where there are none.
    """

    users: int
    nested: bool
    numbers: bool
    segments: int = 0


def summary(shape: Shape) -> ibis.Table:
    """Lists (empty ones too), items in them, different items summed over lists, empty lists."""
    import ibis

    slots = _slots(shape, NOW)
    per_list = slots.group_by(["segment", "list"]).aggregate(size=slots.count(), kinds=slots.item.nunique())
    counted = per_list.group_by("segment").aggregate(
        filled=per_list.count(), slots=per_list["size"].sum(), kinds=per_list.kinds.sum()
    )
    if not shape.nested:
        return counted.select("segment", "filled", "slots", "kinds", empty=ibis.literal(0))
    rows = _rows(shape, NOW)
    rows = rows.select("items", segment=_segment(shape, rows))
    every = rows.group_by("segment").aggregate(
        lists=rows.count(), empty=(rows["items"].length().fill_null(0) == 0).sum()
    )
    counted = counted.rename(of="segment")
    both = every.left_join(counted, every.segment == counted.of)
    return both.select("segment", "lists", "slots", "kinds", "empty")


def exposures(shape: Shape, *, listed: bool, counted: bool, weighted: bool) -> ibis.Table:
    """A row per segment and item that was shown there: how often; whether it is in the catalogue; its interactions;
    whether it is not among the popular ones at all.
    """
    import ibis

    slots = _slots(shape, NOW)
    shown = slots.group_by(["segment", "item"]).aggregate(n=slots.count())
    known: Any = ibis.literal(value=True)
    if listed:
        items = _others(shape, CATALOGUE).select(listed="item").distinct()
        shown = shown.left_join(items, shown.item == items.listed)
        known = shown.listed.notnull()
    shown = shown.mutate(known=known).select("segment", "item", "n", "known")
    interactions: Any = ibis.null("float64")
    if counted:
        popular = _popularity(shape, weighted=weighted).rename(popular="item")
        shown = shown.left_join(popular, shown.item == popular.popular)
        interactions = shown.interactions
    return shown.select(
        "segment", "n", "known", interactions=interactions.fill_null(0.0), unheard=interactions.isnull()
    )


def top_items(shape: Shape) -> ibis.Table:
    """The most frequent items and how often they were shown."""
    slots = _slots(shape, NOW)
    shown = slots.group_by("item").aggregate(n=slots.count())
    return shown.order_by([shown.n.desc(), shown.item]).limit(MOST_ITEMS)


def catalogue_size(shape: Shape) -> ibis.Table:
    """One row: the different items of the catalogue."""
    items = _others(shape, CATALOGUE)
    return items.aggregate(size=items.item.nunique())


def popularity_total(shape: Shape, *, weighted: bool) -> ibis.Table:
    """One row: items, and interactions in all."""
    table = _popularity(shape, weighted=weighted)
    return table.aggregate(items=table.count(), interactions=table.interactions.sum())


def category_diversity(shape: Shape) -> ibis.Table:
    """Lists with two known items, mean and standard deviation of the share of pairs of two categories."""
    items = _described(shape, "int64", "string").rename(listed="item")
    slots = _slots(shape, NOW).select("segment", "list", "item").distinct()
    pairs = slots.inner_join(items, slots.item == items.listed).select("segment", "list", "alike")
    of_category = pairs.group_by(["segment", "list", "alike"]).aggregate(c=pairs.count().cast("float64"))
    c = of_category.c
    per_list = of_category.group_by(["segment", "list"]).aggregate(n=c.sum(), same=(c * (c - 1)).sum())
    per_list = per_list.filter(per_list.n > 1)
    value = 1 - per_list.same / (per_list.n * (per_list.n - 1))
    return per_list.group_by("segment").aggregate(
        lists=per_list.count(), mean=value.mean(), spread=value.std(how="sample")
    )


def vectors(shape: Shape) -> ibis.Table:
    """(place, vector) of the items of the catalogue that have one, the places counted from 0 in their order."""
    return _placed(shape).select("place", "alike").order_by("place")


def vector_places(shape: Shape) -> ibis.Table:
    """(segment, list, place) of the lists' different items: lists by number, those of one list together."""
    items = _placed(shape).select("place", listed="item")
    slots = _slots(shape, NOW).select("segment", "list", "item").distinct()
    pairs = slots.inner_join(items, slots.item == items.listed).select("segment", "list", "place")
    chosen = pairs.select("list").distinct().mutate(order=lambda t: t.list.hash())
    chosen = chosen.order_by(["order", "list"]).limit(MOST_LISTS).select(chosen="list")
    chosen = chosen.mutate(number=lambda t: t.chosen.dense_rank())
    placed = pairs.inner_join(chosen, pairs.list == chosen.chosen).select("segment", "number", "place")
    return placed.order_by(["number", "place"])


def reshown(shape: Shape) -> ibis.Table:
    """Pairs of users and items among users who have lists in both intervals; of these those in both.

    A user's list of the interval before counts whatever segment it was in.
    """
    now = _slots(shape, NOW).select("segment", "user", "item").distinct()
    then = _slots(replace(shape, segments=0), BEFORE).select("user", "item").distinct()
    known = then.select(known="user").distinct()
    here = now.inner_join(known, now.user == known.known).select("segment", "user", "item")
    then = then.rename(then_user="user", then_item="item")
    both = here.left_join(then, [here.user == then.then_user, here.item == then.then_item])
    return both.group_by("segment").aggregate(pairs=both.count(), again=both.then_user.count())


def _rows(shape: Shape, view: str) -> ibis.Table:
    import ibis

    users = {f"u{place}": "int64" for place in range(shape.users)}
    segments = {f"s{place}": "int64" for place in range(shape.segments)}
    items = "array<int64>" if shape.nested else "int64"
    return ibis.table({"slice": "int64"} | users | segments | {"items": items}, name=view)


def _segment(shape: Shape, rows: ibis.Table) -> ibis.Value:
    import ibis

    texts = [rows[f"s{place}"].cast("string").fill_null(NULL_LABEL) for place in range(shape.segments)]
    return _together(texts) if texts else ibis.literal("")


def _together(texts: Sequence[ibis.Value]) -> Any:
    import ibis

    whole: Any = texts[0]
    for one in texts[1:]:
        whole = whole + ibis.literal(APART) + one
    return whole


def _slots(shape: Shape, view: str) -> ibis.Table:
    """(segment, list, user, item) for every item of every list; null items, and rows of no user, are none.

    Where a user's items lie in several segments, each of these has a list of its own.
    """
    import ibis

    rows = _rows(shape, view)
    user = _together([rows[f"u{place}"].cast("string") for place in range(shape.users)] or [ibis.literal("")])
    segment = _segment(shape, rows)
    if shape.nested:
        slots = rows.select(list=ibis.row_number().cast("string"), user=user, segment=segment, item=rows["items"])
        slots = slots.select("segment", "list", "user", item=slots.item.unnest())
    else:
        own = _together([segment, user]) if shape.segments else user
        slots = rows.select(list=own, user=user, segment=segment, item=rows["items"])
        slots = slots.filter(lambda t: t.list.notnull())
    return _comparable(slots, shape)


def _others(shape: Shape, view: str, **columns: str) -> ibis.Table:
    import ibis

    return _comparable(ibis.table({"slice": "int64", "item": "int64"} | columns, name=view), shape)


def _comparable(rows: ibis.Table, shape: Shape) -> ibis.Table:
    item = rows.item.cast("float64" if shape.numbers else "string")
    return rows.mutate(item=item).filter(lambda t: t.item.notnull())


def _popularity(shape: Shape, *, weighted: bool) -> ibis.Table:
    if not weighted:
        rows = _others(shape, POPULARITY)
        return rows.group_by("item").aggregate(interactions=rows.count().cast("float64"))
    rows = _others(shape, POPULARITY, count="int64")
    # A negative or unknown number of interactions is none.
    weight = rows["count"].cast("float64").clip(lower=0.0).fill_null(0.0)
    return rows.group_by("item").aggregate(interactions=weight.sum())


def _described(shape: Shape, declared: str, wanted: str) -> ibis.Table:
    """(item, alike) of the items of the catalogue of which it is known, each once."""
    items = _others(shape, CATALOGUE, alike=declared)
    items = items.mutate(alike=items.alike.cast(wanted)).filter(lambda t: t.alike.notnull())
    return items.group_by("item").aggregate(alike=items.alike.min())


def _placed(shape: Shape) -> ibis.Table:
    import ibis

    items = _described(shape, "array<int64>", "array<float64>")
    return items.mutate(place=ibis.row_number().over(order_by=items.item))
