"""Snapshots on disk: Parquet and manifest, written so that a reader sees the old or the new one, never a mixture.

    {root}/{project}/{interval}/{table}.{first digits of the hash}.parquet
    {root}/{project}/{interval}/{table}.json

The manifest names the Parquet file, so replacing the manifest is the one step that makes a new snapshot
visible; the Parquet file is in place before, and what the manifest no longer names is removed after. A file
lock orders writers of the same slice. Row groups have a fixed size, so that equal rows in equal order give
equal bytes, whatever batches they came in. Nothing waits for the disk (fsync): a slice that a power cut
damages is extracted again, and waiting was half of the time of a small one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import uuid4

from lupus.extract.arrow import fitted, merged
from lupus.model import ExtractError, Interval, Snapshot, SnapshotStatus

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS: Final = 65_536
_FORMAT: Final = 3
_LONGEST: Final = 120
_ABANDONED_SECONDS: Final = 6 * 3600


@dataclass(frozen=True, slots=True)
class Spool:
    """Rows written to a temporary Parquet file that is not yet anybody's snapshot. No batch at all: `path` is None."""

    path: Path | None
    rows: int
    schema: tuple[tuple[str, str], ...]
    content_hash: str


def folder_of(root: Path, project: str, interval: Interval) -> Path:
    """The folder of all snapshots of `project` at `interval`. No name leads out of `root`."""
    return root / _safe(project) / _safe(interval.key.replace(":", "-"))


def load_snapshot(root: Path, project: str, table: str, interval: Interval) -> Snapshot | None:
    """The snapshot of that slice, None when there is none or it is damaged (then extract it again)."""
    folder = folder_of(root, project, interval)
    try:
        manifest = json.loads((folder / f"{_safe(table)}.json").read_text(encoding="utf-8"))
        known = (manifest["format"], manifest["interval"]["start"], manifest["interval"]["end"])
        if known != (_FORMAT, interval.start.isoformat(), interval.end.isoformat()):
            return None
        path = folder / Path(manifest["path"]).name if manifest["path"] else None
        if path is not None and path.stat().st_size != manifest["bytes"]:
            return None
        return Snapshot(
            project=project,
            table=table,
            interval=interval,
            status=SnapshotStatus(manifest["status"]),
            path=path,
            rows=manifest["rows"],
            schema=tuple((name, type_) for name, type_ in manifest["schema"]),
            content_hash=manifest["content_hash"],
            reason=manifest["reason"],
            failures=tuple((name, reason) for name, reason in manifest["failures"]),
            in_place=manifest["in_place"],
            arrived=datetime.fromisoformat(manifest["arrived"]) if manifest["arrived"] else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def spooled(
    batches: Iterable[pa.RecordBatch],
    folder: Path,
    table: str,
    progress: Callable[[int], None] | None = None,
    *,
    without: Collection[str] = (),
) -> Iterator[Spool]:
    """Writes `batches` to a temporary file in `folder`; it is gone afterwards unless `commit` took it.

    The columns that `without` holds when all batches are there are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drafts: list[Path] = []

    def draft() -> Path:
        drafts.append(folder / f".{_safe(table)}.{uuid4().hex}.tmp")
        return drafts[-1]

    try:
        yield _spool(batches, draft, progress, without)
    finally:
        for path in drafts:
            path.unlink(missing_ok=True)


def commit(
    root: Path,
    project: str,
    table: str,
    interval: Interval,
    *,
    status: SnapshotStatus,
    reason: str,
    source: str,
    spool: Spool,
    failures: tuple[tuple[str, str], ...] = (),
    in_place: bool = False,
    seen: datetime | None = None,
) -> Snapshot:
    """Makes `spool` the snapshot of that slice, in one atomic step, and returns it.

    `seen` is when a slice with status OK was read. It arrived then, unless a snapshot from before says that it was
    there already.
    """
    before = load_snapshot(root, project, table, interval) if seen is not None else None
    arrived = before.arrived if before is not None and before.arrived is not None else seen
    folder = folder_of(root, project, interval)
    folder.mkdir(parents=True, exist_ok=True)
    name = _safe(table)
    path = folder / f"{name}.{spool.content_hash[:16]}.parquet" if spool.path else None
    manifest = {
        "format": _FORMAT,
        "project": project,
        "table": table,
        "interval": {
            "key": interval.key,
            "start": interval.start.isoformat(),
            "end": interval.end.isoformat(),
        },
        "status": status.value,
        "reason": reason,
        "rows": spool.rows,
        "schema": spool.schema,
        "content_hash": spool.content_hash,
        "bytes": spool.path.stat().st_size if spool.path else 0,
        "path": path.name if path else "",
        "source": source,
        "failures": failures,
        "in_place": in_place,
        "arrived": arrived.astimezone(UTC).isoformat() if arrived is not None else "",
    }
    with _locked(folder / f".{name}.lock"):
        if spool.path and path:
            os.replace(spool.path, path)  # noqa: PTH105 - its atomicity is the point
        _replace_text(folder / f"{name}.json", json.dumps(manifest, indent=1, ensure_ascii=False))
        _sweep(folder, name, keep=path)
    return Snapshot(
        project=project,
        table=table,
        interval=interval,
        status=status,
        path=path,
        rows=spool.rows,
        schema=spool.schema,
        content_hash=spool.content_hash,
        reason=reason,
        failures=failures,
        in_place=in_place,
        arrived=arrived,
    )


EMPTY: Final = Spool(None, 0, (), "")
"""The spool of a slice of which nothing is there, not even its columns."""


def _spool(
    batches: Iterable[pa.RecordBatch],
    draft: Callable[[], Path],
    progress: Callable[[int], None] | None,
    without: Collection[str],
) -> Spool:
    import pyarrow as pa

    writer: _Writer | None = None
    waiting: list[pa.Table] = []
    held = rows = 0
    try:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            if writer is None:
                writer = _Writer(draft(), table.schema)
            if not writer.schema.equals(table.schema):
                schema = merged(writer.schema, table.schema)
                if not schema.equals(writer.schema):
                    writer = writer.changed(draft(), schema)
                    waiting = [fitted(earlier, schema) for earlier in waiting]
                table = fitted(table, schema)
            waiting.append(table)
            held += table.num_rows
            rows += table.num_rows
            if progress is not None and table.num_rows:
                progress(rows)
            while held >= ROW_GROUP_ROWS:
                whole = pa.concat_tables(waiting)
                writer.write(whole.slice(0, ROW_GROUP_ROWS))
                waiting = [whole.slice(ROW_GROUP_ROWS)]
                held -= ROW_GROUP_ROWS
        if writer is None:
            return EMPTY
        if held or not rows:
            writer.write(pa.concat_tables(waiting))
        left = pa.schema([one for one in writer.schema if one.name not in without])
        if not len(left):
            raise ExtractError(f"no column is left: {', '.join(without)} could not be derived, and there is no other")
        if len(left) < len(writer.schema):
            writer = writer.changed(draft(), left)
    finally:
        if writer is not None:
            writer.close()
    with writer.path.open("rb") as file:
        content_hash = hashlib.file_digest(file, "sha256").hexdigest()
    schema_pairs = tuple((field.name, str(field.type)) for field in writer.schema)
    return Spool(writer.path, rows, schema_pairs, content_hash)


class _Writer:
    """A Parquet file in the making, one row group per `write`."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self.schema = schema
        self._file: Any = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        self._file.write_table(table.combine_chunks(), row_group_size=ROW_GROUP_ROWS)

    def close(self) -> None:
        self._file.close()

    def changed(self, path: Path, schema: pa.Schema) -> _Writer:
        """A writer that holds the same rows under `schema`: a later batch did not fit it, or a column failed."""
        import pyarrow.parquet as pq

        self.close()
        other = _Writer(path, schema)
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                earlier: pa.Table = file.read_row_group(group)
                other.write(fitted(earlier, schema))
        return other


def _safe(name: str) -> str:
    """`name` as a file name: injective, without separators, dots or control characters.

    >>> _safe("../etc"), _safe("flights")
    ('%2E%2E%2Fetc', 'flights')
    """
    text = quote(name, safe="").replace(".", "%2E") or "%"
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + hashlib.sha256(name.encode()).hexdigest()[:16]
    return text


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel gives it back when the process dies
        yield


def _replace_text(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.stem}.{uuid4().hex}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)  # noqa: PTH105 - its atomicity is the point
    finally:
        draft.unlink(missing_ok=True)


def _sweep(folder: Path, name: str, *, keep: Path | None) -> None:
    """Removes what no manifest names: older contents, and what killed writers left half a day ago."""
    content = re.compile(rf"{re.escape(name)}\.[0-9a-f]{{16}}\.parquet")
    draft = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{32}}\.tmp")
    for path in folder.iterdir():
        with suppress(OSError):
            old = content.fullmatch(path.name) and path != keep
            if old or (draft.fullmatch(path.name) and time.time() - path.stat().st_mtime > _ABANDONED_SECONDS):
                path.unlink()
