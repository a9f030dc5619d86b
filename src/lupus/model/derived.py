"""Derivations: the columns that Lupus computes for every row of a slice, beside those that its source has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SqlDerivation:
    """One SQL expression in DuckDB's dialect over the columns of its row (see `lupus.model.expression`)."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class PythonDerivation:
    """A callable ``module:function``: a record batch of `columns` (empty: all that are kept) to an array.

    A struct array, a record batch or a table gives a column ``{name}_{field}`` per field.
    """

    name: str
    callable: str
    columns: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaFiles:
    """Where media are: in `column`, as bytes, or as paths of files below `folder` (local, or any fsspec URL).

    Without a `folder` no path is followed: a path comes from the data, and must not choose what is read.
    `connection` names credentials for a remote file system; files above `max_bytes` are not read.
    """

    column: str
    folder: str = ""
    connection: str = ""
    max_bytes: int = 50_000_000


@dataclass(frozen=True, slots=True)
class ImageDerivation:
    """Brightness, contrast and size of the images in a column; none larger than `max_pixels` is decoded."""

    name: str
    files: MediaFiles
    max_pixels: int = 50_000_000


@dataclass(frozen=True, slots=True)
class AudioDerivation:
    """Length, volume and silence of the WAV clips in a column; what is below `silence_dbfs` is silent."""

    name: str
    files: MediaFiles
    silence_dbfs: float = -50.0


Derivation = SqlDerivation | PythonDerivation | ImageDerivation | AudioDerivation
