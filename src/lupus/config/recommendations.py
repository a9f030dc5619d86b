"""Recommendations in a project file: their shape, what they must agree on, and their way to the nouns."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from lupus.config.document import Document, Path
from lupus.config.fields import Names, Text, Whole, closest
from lupus.model import Catalogue, Popularity, Recommendations


class _Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CatalogueFile(_Mapping):
    """The items that could be recommended: a number, or a table of this project with a row per item."""

    size: Whole | None = Field(default=None, ge=1, description="How many items there are.")
    table: str = Field(default="", description="The table of this project that has a row per item.")
    item: str = Field(default="", description="Column of that table with the item.", examples=["item_id"])
    category: str = Field(
        default="",
        description="Column of that table: two items of a list are alike when it is the same (intra_list_diversity).",
        examples=["genre"],
    )
    vector: str = Field(
        default="",
        description="Column of that table with a list of numbers, in place of a category: two items are as alike as "
        "the cosine of their angle.",
        examples=["embedding"],
    )


class PopularityFile(_Mapping):
    """How popular items are, for novelty."""

    table: Text = Field(description="The table of this project that tells: interactions, or the catalogue.")
    item: Text = Field(description="Column of that table with the item.", examples=["clicked_item"])
    count: str = Field(
        default="",
        description="Column of that table with an item's interactions; left out, a row is one interaction.",
        examples=["views"],
    )


class RecommendationsFile(_Mapping):
    """Lists of items in the prediction table: a list per row (items), or an item per row (item and user)."""

    user: Names = Field(
        default=(),
        description="The column or columns that say whom a list is for; the query when left out. Needed where a row "
        "holds one item.",
        examples=["user_id"],
    )
    items: str = Field(default="", description="Column with a list of items per row.", examples=["recommended"])
    item: str = Field(
        default="",
        description="Column with one item per row; the rest of the key when left out.",
        examples=["item_id"],
    )
    catalogue: CatalogueFile | None = Field(
        default=None, description="The items that could be recommended, for catalogue_coverage and gini."
    )
    popularity: PopularityFile | None = Field(default=None, description="How popular items are, for novelty.")


def build_recommendations(
    file: RecommendationsFile | None, *, key: tuple[str, ...], query: tuple[str, ...]
) -> Recommendations | None:
    """The lists that the file describes; what it leaves out is taken from `key` and `query`."""
    if file is None:
        return None
    rest = [column for column in key if column not in query] if query and not file.items else []
    catalogue = None if file.catalogue is None else Catalogue(**dict(file.catalogue))
    popularity = None if file.popularity is None else Popularity(**dict(file.popularity))
    item = file.item or (rest[0] if len(rest) == 1 else "")
    return Recommendations(file.user or query, file.items, item, catalogue, popularity)


def check_recommendations(
    file: RecommendationsFile,
    document: Document,
    path: Path,
    *,
    key: tuple[str, ...],
    query: tuple[str, ...],
    tables: Iterable[str] | None,
) -> None:
    """Report what does not fit together; `tables` are the names of the project's tables, None when unknown."""
    path = (*path, "recommendations")
    built = build_recommendations(file, key=key, query=query)
    if file.items and file.item:
        document.report((*path, "item"), "there are both 'items' and 'item'", "remove one of them", at_key=True)
    elif built is not None and not built.column:
        hint = "name the column with a list per row as items, or the one with an item per row as item"
        document.report(path, "the recommendations need 'items' or 'item'", hint, at_key=True)
    elif built is not None and built.item and not built.user:
        hint = "name the column that says whom a list is for, or items where a row holds a whole list"
        document.report(path, "the recommendations need 'user', because a row holds one item", hint, at_key=True)
    if (catalogue := file.catalogue) is not None:
        here: Path = (*path, "catalogue")
        if (catalogue.size is None) == (not catalogue.table):
            hint = "give it one of them"
            both = "both a size and a table" if catalogue.table else "neither a size nor a table"
            document.report(here, f"the catalogue has {both}", hint, at_key=True)
        elif catalogue.table and not catalogue.item:
            document.report(here, "the catalogue needs 'item'", "name the table's column with the item", at_key=True)
        elif not catalogue.table and (catalogue.item or catalogue.category or catalogue.vector):
            hint = "name the table that has the column"
            document.report(here, "the catalogue names a column but no table", hint, at_key=True)
        elif catalogue.category and catalogue.vector:
            hint = "remove one of them: items are alike by either"
            document.report((*here, "vector"), "the catalogue has both a category and a vector", hint, at_key=True)
    if tables is None:
        return
    known = list(tables)
    for place, part in (("catalogue", file.catalogue), ("popularity", file.popularity)):
        if part is not None and part.table and part.table not in known:
            at: Path = (*path, place, "table")
            near = None if document.is_secret(at) else closest(part.table, known)
            hint = f"did you mean {near!r}?" if near else f"the tables are {', '.join(known)}"
            document.report(at, f"there is no table {document.shown(at, part.table)}", hint)
