"""Source ``files``: Parquet, CSV and JSON lines, local or at any fsspec URL, read by DuckDB."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lupus.extract.source import Slice, first_line, scrub, secrets_of
from lupus.model import Connection, Connections, ExtractError, FileFormat, FileSource, Interval

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_INTERVAL: Final = re.compile(r"\{interval(?::([^{}]*))?\}")
_PARTITION: Final = re.compile(r"/([^/=]+)=[^/]*(?=/)")
_PANDAS_INDEX: Final = re.compile(r"__index_level_\d+__")
_ROWS: Final = "source_rows"


def read_files(source: FileSource, wanted: Slice, connections: Connections) -> Iterator[pa.RecordBatch]:
    """Yields the slice of all matching files, in the order of their names; nothing when there is none.

    Types of CSV and JSON columns are found from all values of a file; a column of mixed types is text.
    Folders like ``day=2026-01-31/`` give a column ``day``. The index that pandas writes into Parquet is left out.
    """
    import duckdb

    connection = connections.get(source.connection) if source.connection else Connection("")
    secrets = secrets_of(connection)
    path = expand(source.path, wanted.window.interval, wanted)
    problem = ""
    session = None
    try:
        filesystem, files = _matching(path, connection, source.format)
        if not files:
            return
        # Parallel reading would hold a row group per thread; a slice is small and other tasks want the cores.
        session = duckdb.connect(config={"autoinstall_known_extensions": False})
        session.execute("SET TimeZone = 'UTC'")
        if filesystem is not None:
            session.register_filesystem(filesystem)
        try:
            yield from _rows(session, files, source.format, wanted)
        except duckdb.Error as error:
            problem = _blame(session, files, source.format, error)
    except ExtractError:
        raise
    except ImportError as error:
        problem = f"cannot reach {path!r}: {first_line(error)}; install the fsspec driver of that file system"
    except Exception as error:
        problem = f"cannot read {path!r}: {type(error).__name__}: {first_line(error)}"
    finally:
        if session is not None:
            session.close()
    if problem:
        raise ExtractError(scrub(f"{wanted}: {problem}", secrets))


def expand(path: str, interval: Interval, wanted: Slice) -> str:
    """`path` with ``{interval}`` as the interval's key, ``{interval:%Y/%m/%d}`` as its local start in that format."""
    local: datetime = interval.start.astimezone(wanted.cadence.zone)
    return _INTERVAL.sub(lambda found: local.strftime(found[1]) if found[1] else interval.key, path)


def _matching(path: str, connection: Connection, format_: FileFormat) -> tuple[Any, list[str]]:
    """The file system to register (None for local files) and the matching files, sorted by name."""
    import fsspec

    filesystem, pattern = fsspec.core.url_to_fs(path, **connection.extra)
    if glob.has_magic(pattern):
        found = filesystem.glob(pattern, detail=True)
    elif filesystem.exists(pattern):
        found = {pattern: filesystem.info(pattern)}
    else:
        found = {}
    if not glob.has_magic(pattern) and any(info.get("type") == "directory" for info in found.values()):
        raise ExtractError(f"{path!r} is a folder; write {path.rstrip('/')}/*.{format_.value} for the files in it")
    local = isinstance(filesystem, fsspec.implementations.local.LocalFileSystem)
    files = []
    for name, info in sorted(found.items()):
        # A text file without a byte has no rows yet, not even a header. (A Parquet file like that is broken.)
        if info.get("type") == "directory" or (info.get("size") == 0 and format_ is not FileFormat.PARQUET):
            continue
        files.append(name if local else filesystem.unstrip_protocol(name))
    return (None if local else filesystem), files


def _rows(
    session: duckdb.DuckDBPyConnection, files: list[str], format_: FileFormat, wanted: Slice
) -> Iterator[pa.RecordBatch]:
    from lupus.extract.duckdb_database import stream_slice

    _open(session, files, format_).create_view(_ROWS, replace=True)
    yield from stream_slice(session, _ROWS, wanted)


def _open(session: duckdb.DuckDBPyConnection, files: list[str], format_: FileFormat) -> duckdb.DuckDBPyRelation:
    import duckdb

    # A file's name is a name: its brackets and stars match nothing else.
    names: Any = [glob.escape(file) if glob.has_magic(file) else file for file in files]
    options: dict[str, Any] = {"union_by_name": True, "hive_partitioning": _partitioned(files)}
    match format_:
        case FileFormat.PARQUET:
            rows = session.read_parquet(names, **options)
            index = [duckdb.ColumnExpression(name) for name in rows.columns if _PANDAS_INDEX.fullmatch(name)]
            return rows.select(duckdb.StarExpression(exclude=index)) if index else rows
        case FileFormat.CSV:
            return session.read_csv(names, header=True, sample_size=-1, **options)
        case FileFormat.JSONL:
            return session.read_json(names, format="newline_delimited", sample_size=-1, **options)


def _partitioned(files: list[str]) -> bool:
    """Whether all files lie in folders like ``day=2026-01-31`` of the same names."""
    names = {tuple(_PARTITION.findall(file)) for file in files}
    return len(names) == 1 and names != {()}


def _blame(session: duckdb.DuckDBPyConnection, files: list[str], format_: FileFormat, error: Exception) -> str:
    """Which of the files is broken, and how."""
    import duckdb

    for file in files:
        try:
            reader = _open(session, [file], format_).to_arrow_reader()
            for _ in reader:
                pass
        except duckdb.Error as own:
            return f"the {format_.value} file {file!r} cannot be read: {first_line(own)}; write it again, or remove it"
    return f"the {format_.value} files {files[0]!r} ... do not fit together: {first_line(error)}"
