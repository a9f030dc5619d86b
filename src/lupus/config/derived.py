"""Derived columns in a project file: their shape, what they must agree on, and their way to the nouns."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from lupus.config.document import Document, Path
from lupus.config.fields import Callable_, ColumnName, Names, Text
from lupus.model import Derivation, PythonDerivation, SqlDerivation, parse_expression


class _Derived(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SqlDerivedFile(_Derived):
    """A column computed from the other columns of its row by a SQL expression."""

    tag: ClassVar = "<expression>"
    sql: Text = Field(
        description="One expression in DuckDB's dialect over the columns of the row: no query, no aggregate, nothing "
        "that gives another value at every run.",
        examples=["dep_delay / 60.0", "CASE WHEN amount > 1000 THEN 'large' ELSE 'small' END"],
    )


class PythonDerivedFile(_Derived):
    """A column, or several, computed by a Python function from Arrow record batches."""

    tag: ClassVar = "<function>"
    python: Callable_ = Field(
        description="module:function, called with a pyarrow RecordBatch and the arguments; it returns an array with a "
        "value per row, or a StructArray or RecordBatch, which gives a column NAME_FIELD per field.",
        examples=["shop.features:brightness"],
    )
    columns: Names = Field(
        default=(), description="The columns in the batch, also excluded ones; all that are kept when left out."
    )
    arguments: dict[str, Any] = Field(default_factory=dict, description="Keyword arguments of the function.")


OTHER_DERIVED: Final = ("python",)


def _tag(value: object) -> str:
    for key, tag in (("python", PythonDerivedFile.tag),):
        if (isinstance(value, dict) and key in value) or hasattr(value, key):
            return tag
    return SqlDerivedFile.tag


DerivedField = Annotated[
    Annotated[SqlDerivedFile, Tag(SqlDerivedFile.tag)] | Annotated[PythonDerivedFile, Tag(PythonDerivedFile.tag)],
    Discriminator(_tag),
]
DerivedFields = dict[ColumnName, DerivedField]


def check_derived(
    derived: Mapping[str, DerivedField], document: Document, path: Path, *, time: str, listed: tuple[str, ...]
) -> None:
    """Report expressions that are none, and names that are taken."""
    for name, file in derived.items():
        here: Path = (*path, "derived", name)
        if isinstance(file, SqlDerivedFile):
            try:
                parse_expression(file.sql)
            except ValueError as error:
                secret = document.is_secret((*here, "sql"))
                what, _, hint = str(error).partition("; ")
                if secret:
                    what, hint = "its expression is not usable", "write one expression in DuckDB's dialect"
                document.report((*here, "sql"), f"'{name}' cannot be derived: {what}", hint)
        if name == time:
            hint = "rows are cut by it before anything is derived; name a column of the source"
            document.report(here, f"the time column '{name}' cannot be derived", hint, at_key=True)
        elif name in listed:
            hint = "take it out of columns and exclude: they are about the source; a derived column is always kept"
            document.report(here, f"'{name}' is derived and named among the source's columns", hint, at_key=True)


def build_derived(derived: Mapping[str, DerivedField], folder: pathlib.Path) -> tuple[Derivation, ...]:  # noqa: ARG001
    """The derivations, in the file's order."""
    return tuple(_build(name, file) for name, file in derived.items())


def _build(name: str, file: DerivedField) -> Derivation:
    if isinstance(file, PythonDerivedFile):
        return PythonDerivation(name, file.python, file.columns, dict(file.arguments))
    return SqlDerivation(name, file.sql)


def gives(derived: Mapping[str, DerivedField], column: str) -> bool:
    """Whether `column` is a derived one, or may be one of several that a derivation gives."""
    return column in derived or any(
        column.startswith(f"{name}_") for name, file in derived.items() if not isinstance(file, SqlDerivedFile)
    )
