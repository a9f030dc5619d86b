"""Derived columns of media: each file is read, measured and forgotten; one that is broken is a row that says so."""

from __future__ import annotations

import posixpath
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.derive import Compute, NotDerivedError, column_named
from lupus.extract.source import first_line, scrub, secrets_of
from lupus.model import AudioDerivation, Connection, Connections, ImageDerivation, LupusError, MediaFiles

if TYPE_CHECKING:
    import pyarrow as pa

Measure = Callable[[bytes], Mapping[str, float | int | None]]
"""What is known of one file's content, by field. Whatever it raises means that the content is broken."""

_THREADS: Final = 4
"""Files that are read at once: reading waits, decoders let other threads run, and each holds an image in memory."""

_TYPES: Final = {
    ImageDerivation: {"brightness": float, "contrast": float, "width": int, "height": int},
    AudioDerivation: {"seconds": float, "rms_dbfs": float, "silence_ratio": float, "sample_rate": int, "channels": int},
}


class _UnreadableError(Exception):
    """One file is not there, too large, or not where it may be."""


def media_compute(derivation: ImageDerivation | AudioDerivation, connections: Connections) -> Compute:
    """A function from a batch to a struct per row: the fields of its kind, ``bytes``, and ``unreadable``.

    A null stays null in every field. Where ``unreadable`` is true the other fields are null (``bytes`` is the size
    as far as it is known).
    """
    measure = _measure_for(derivation)
    fields = _TYPES[type(derivation)]
    reader = _Reader(derivation.files, connections)

    def compute(batch: pa.RecordBatch) -> Any:
        import pyarrow as pa

        column = batch.column(column_named(derivation.files.column, batch.schema.names))
        read = reader.for_type(column.type)
        with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
            # Our own limits stand before decoding; what decoders remark about odd files is of no use here.
            warnings.simplefilter("ignore")
            rows = list(pool.map(lambda value: _row(value.as_py(), read, measure), column))
        types = {
            **{name: pa.float64() if type_ is float else pa.int64() for name, type_ in fields.items()},
            "bytes": pa.int64(),
            "unreadable": pa.bool_(),
        }
        return pa.array(rows, pa.struct(types))

    return compute


def _measure_for(derivation: ImageDerivation | AudioDerivation) -> Measure:
    if isinstance(derivation, AudioDerivation):
        from lupus.extract.audio import measure_wav

        return lambda content: measure_wav(content, silence_dbfs=derivation.silence_dbfs)
    try:
        from lupus.extract.image import measure_image
    except ImportError:
        raise NotDerivedError("images need Pillow; pip install 'lupus[media]' where the tasks run") from None
    return lambda content: measure_image(content, max_pixels=derivation.max_pixels)


def _row(value: Any, read: Callable[[Any], bytes], measure: Measure) -> dict[str, Any]:
    if value is None:
        return {}
    size = None
    try:
        content = read(value)
        size = len(content)
        return {**measure(content), "bytes": size, "unreadable": False}
    except Exception:
        # Decoders raise anything at all on broken content, and each file may be broken in its own way.
        return {"bytes": size, "unreadable": True}


class _Reader:
    """Reads the files of one column: bytes as they are, paths only below the folder."""

    def __init__(self, files: MediaFiles, connections: Connections) -> None:
        self._files = files
        self._connections = connections
        self._system: Any = None
        self._root = ""

    def for_type(self, type_: pa.DataType) -> Callable[[Any], bytes]:
        """How a value of the column's Arrow type is read."""
        import pyarrow as pa

        if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
            return self._bytes
        if not pa.types.is_string(type_) and not pa.types.is_null(type_):
            raise NotDerivedError(f"column {self._files.column!r} has type {type_}; it must hold bytes or paths")
        if pa.types.is_string(type_) and not self._files.folder:
            raise NotDerivedError(
                f"column {self._files.column!r} holds text; for paths say the folder below which files may be read, "
                "like folder: /srv/photos"
            )
        if self._system is None and self._files.folder:
            self._open()
        return self._file

    def _open(self) -> None:
        """Makes the folder's file system ready; `NotDerivedError` when it cannot be reached."""
        import fsspec

        connection, problem = Connection(""), ""
        try:
            if self._files.connection:
                connection = self._connections.get(self._files.connection)
            system, root = fsspec.core.url_to_fs(self._files.folder, **connection.extra)
            if _is_local(system):
                root = str(Path(root).resolve())
                if not Path(root).is_dir():
                    problem = f"there is no folder {self._files.folder!r}"
            self._system, self._root = system, root.rstrip("/")
        except LupusError as error:
            problem = str(error)
        except ImportError as error:
            problem = f"{first_line(error)}; install the fsspec driver of that file system"
        except Exception as error:
            problem = f"{self._files.folder!r} cannot be reached: {type(error).__name__}: {first_line(error)}"
        if problem:
            raise NotDerivedError(scrub(problem, secrets_of(connection)))

    def _bytes(self, content: bytes) -> bytes:
        if len(content) > self._files.max_bytes:
            raise _UnreadableError
        return content

    def _file(self, name: str) -> bytes:
        path = self._below(name)
        info = self._system.info(path)
        if info["type"] != "file" or info["size"] > self._files.max_bytes:
            raise _UnreadableError
        with self._system.open(path, "rb") as file:
            content: bytes = file.read(self._files.max_bytes + 1)
        return self._bytes(content)

    def _below(self, name: str) -> str:
        """The path of `name` if it lies below the folder, links followed; else `_UnreadableError`."""
        if "\0" in name:
            raise _UnreadableError
        if "://" in name:
            name = self._system._strip_protocol(name)
        path = posixpath.normpath(posixpath.join(self._root, name))
        if _is_local(self._system):
            path = str(Path(path).resolve())
        if not path.startswith(f"{self._root}/"):
            raise _UnreadableError
        return path


def _is_local(system: Any) -> bool:
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(system, LocalFileSystem)
