"""Recommendations: what a prediction table of lists of items means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items that could be recommended: their number, or the `table` that has one row per `item`.

    At most one of `category` (a text: two items are alike when it is the same) and `vector` (a list of numbers: as
    alike as the cosine of their angle) says how alike items are.
    """

    size: int | None = None
    table: str = ""
    item: str = ""
    category: str = ""
    vector: str = ""


@dataclass(frozen=True, slots=True)
class Popularity:
    """How popular items are: the rows per `item` of a `table` of interactions, or the sum of its column `count`."""

    table: str
    item: str
    count: str = ""


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Lists of items in a prediction table.

    Either `items` is a column with a list per row, or `item` one with an item per row, and the rows with the same
    `user` are a list. A user is whatever a list is made for, and may be several columns.
    """

    user: tuple[str, ...] = ()
    items: str = ""
    item: str = ""
    catalogue: Catalogue | None = None
    popularity: Popularity | None = None

    @property
    def column(self) -> str:
        """The column that holds the items."""
        return self.items or self.item
