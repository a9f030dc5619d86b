"""Derived columns in a project file: their shape, what they must agree on, and their way to the nouns."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from lupus.config.document import Document, Path
from lupus.config.fields import Callable_, ColumnName, Names, Number, Text, Whole
from lupus.config.times import absolute
from lupus.model import (
    AudioDerivation,
    Derivation,
    ImageDerivation,
    MediaFiles,
    PythonDerivation,
    SqlDerivation,
    parse_expression,
)


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


class _MediaFile(_Derived):
    folder: Text | None = Field(
        default=None,
        description="Where the column holds paths: the folder, or URL, below which files may be read. A relative "
        "folder is meant from the folder of this file.",
        examples=["photos", "s3://bucket/photos"],
    )
    connection: str = Field(default="", description="Connection with credentials of a remote file system.")
    max_bytes: Whole = Field(default=50_000_000, ge=1, description="Size above which a file counts as unreadable.")


class ImageDerivedFile(_MediaFile):
    """Brightness, contrast and size of images, as NAME_brightness and so on. Needs the extra `media`."""

    tag: ClassVar = "<image>"
    image: Text = Field(description="Column with the images: bytes, or paths below folder.", examples=["photo"])
    max_pixels: Whole = Field(
        default=50_000_000,
        ge=1,
        le=150_000_000,
        description="Pixels above which an image counts as unreadable and is not decoded.",
    )


class AudioDerivedFile(_MediaFile):
    """Length, volume and silence of WAV clips, as NAME_seconds and so on."""

    tag: ClassVar = "<audio>"
    audio: Text = Field(description="Column with the clips: bytes, or paths below folder.", examples=["clip"])
    silence_dbfs: Number = Field(
        default=-50.0, ge=-120, le=0, description="Volume in dB of full scale below which 20 ms are silent."
    )


OTHER_DERIVED: Final = ("python", "image", "audio")
_TAGS: Final = {"python": PythonDerivedFile.tag, "image": ImageDerivedFile.tag, "audio": AudioDerivedFile.tag}


def _tag(value: object) -> str:
    for key, tag in _TAGS.items():
        if (isinstance(value, dict) and key in value) or hasattr(value, key):
            return tag
    return SqlDerivedFile.tag


DerivedField = Annotated[
    Annotated[SqlDerivedFile, Tag(SqlDerivedFile.tag)]
    | Annotated[PythonDerivedFile, Tag(PythonDerivedFile.tag)]
    | Annotated[ImageDerivedFile, Tag(ImageDerivedFile.tag)]
    | Annotated[AudioDerivedFile, Tag(AudioDerivedFile.tag)],
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
        if isinstance(file, _MediaFile) and file.connection and not file.folder:
            hint = "add folder: the URL below which files may be read, or remove connection"
            document.report((*here, "connection"), f"'{name}' has a connection but no folder", hint, at_key=True)
        if not isinstance(file, SqlDerivedFile):  # its name may be but the beginning of its columns' names
            continue
        if name == time:
            hint = "rows are cut by it before anything is derived; name a column of the source"
            document.report(here, f"the time column '{name}' cannot be derived", hint, at_key=True)
        elif name in listed:
            hint = "take it out of columns and exclude: they are about the source; a derived column is always kept"
            document.report(here, f"'{name}' is derived and named among the source's columns", hint, at_key=True)


def build_derived(derived: Mapping[str, DerivedField], folder: pathlib.Path) -> tuple[Derivation, ...]:
    """The derivations, in the file's order; relative folders are meant from `folder`."""
    return tuple(_build(name, file, folder) for name, file in derived.items())


def _build(name: str, file: DerivedField, folder: pathlib.Path) -> Derivation:
    if isinstance(file, SqlDerivedFile):
        return SqlDerivation(name, file.sql)
    if isinstance(file, PythonDerivedFile):
        return PythonDerivation(name, file.python, file.columns, dict(file.arguments))
    if isinstance(file, ImageDerivedFile):
        return ImageDerivation(name, _files(file, file.image, folder), file.max_pixels)
    return AudioDerivation(name, _files(file, file.audio, folder), file.silence_dbfs)


def _files(file: _MediaFile, column: str, folder: pathlib.Path) -> MediaFiles:
    below = absolute(file.folder, folder) if file.folder else ""
    return MediaFiles(column, below, file.connection, file.max_bytes)


def gives(derived: Mapping[str, DerivedField], column: str) -> bool:
    """Whether `column` is a derived one, or may be one of several that a derivation gives."""
    return column in derived or any(
        column.startswith(f"{name}_") for name, file in derived.items() if not isinstance(file, SqlDerivedFile)
    )
