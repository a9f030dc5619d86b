"""Extraction of one table: read, cut, write, and decide whether the slice is there."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lupus.extract.clip import clip
from lupus.extract.derive import Derived, inputs_of
from lupus.extract.snapshots import Spool, commit, folder_of, spooled
from lupus.extract.source import Slice, find_reader, first_line
from lupus.extract.window import window_of
from lupus.model import (
    Cadence,
    CadenceKind,
    Connections,
    ExtractError,
    FileSource,
    Interval,
    LupusError,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    Source,
    SqlSource,
    Table,
)

if TYPE_CHECKING:
    import pyarrow as pa

_LOOK_AGAIN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The slice is not there yet: look again at `until`, give up at `deadline` (both UTC)."""

    table: str
    until: datetime
    deadline: datetime
    reason: str


def extract_table(
    project: Project,
    table: Table,
    interval: Interval,
    *,
    root: Path,
    connections: Connections,
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> Snapshot | Waiting:
    """Reads the slice of `table` at `interval` and writes it below `root` as an immutable snapshot.

    A slice with fewer rows than ``ready.min_rows`` is waited for until ``ready.by`` (`Waiting`, nothing is
    written) and from then on is a snapshot with status NO_DATA, whose few rows are kept for inspection.
    `now` is an aware instant. `progress` is called with the rows written so far. Raises `ExtractError` when
    the source cannot be read; an earlier snapshot of the slice is then still there. Of a table that is measured in
    place no row is read: its snapshot has no file.
    """
    wanted = slice_of(project, table, interval)
    if table.in_place:
        return _in_place(project, wanted, root=root, connections=connections, now=now)
    folder = folder_of(root, project.name, interval)
    derived = Derived(wanted, connections)
    # Closed at once when something fails half way, so that no cursor stays open on the server.
    with (
        closing(guarded(table.source, wanted, connections)) as batches,
        spooled(derived.added(clip(batches, wanted)), folder, table.name, progress, without=derived.partial) as spool,
    ):
        there = spool.path is not None and spool.rows >= table.ready.min_rows
        reason = "" if there else _too_few(table, interval, spool.rows)
        if not there and (waiting := _waiting(project, table, interval, reason, now=now)) is not None:
            return waiting
        status = SnapshotStatus.OK if there else SnapshotStatus.NO_DATA
        kept = spool if status is SnapshotStatus.OK or spool.rows else Spool(None, 0, spool.schema, "")
        return commit(
            root,
            project.name,
            table.name,
            interval,
            status=status,
            reason=reason,
            source=_described(table.source),
            spool=kept,
            failures=tuple(derived.failed.items()),
            seen=now if there else None,
        )


def _in_place(
    project: Project, wanted: Slice, *, root: Path, connections: Connections, now: datetime
) -> Snapshot | Waiting:
    """Whether the slice is there, and what it looks like, without a copy of it."""
    from lupus.extract.in_place import placed

    table, interval = wanted.table, wanted.window.interval
    with placed(wanted, connections) as found:
        rows, fingerprint = found.fingerprint()
    there = rows >= table.ready.min_rows
    reason = "" if there else _too_few(table, interval, rows)
    if not there and (waiting := _waiting(project, table, interval, reason, now=now)) is not None:
        return waiting
    return commit(
        root,
        project.name,
        table.name,
        interval,
        status=SnapshotStatus.OK if there else SnapshotStatus.NO_DATA,
        reason=reason,
        source=_described(table.source),
        spool=Spool(None, rows, found.schema, fingerprint),
        failures=found.failures,
        in_place=True,
        seen=now if there else None,
    )


def _waiting(project: Project, table: Table, interval: Interval, reason: str, *, now: datetime) -> Waiting | None:
    """Until when a slice that is not there is waited for; None when it no longer is."""
    deadline = _deadline(project, table, interval)
    if deadline is None or now >= deadline:
        return None
    return Waiting(table.name, min(deadline, now.astimezone(UTC) + _LOOK_AGAIN), deadline, reason)


def failed_snapshot(project: Project, table: Table, interval: Interval, *, root: Path, reason: str) -> Snapshot:
    """Records that the slice could not be read, for `reason`, and returns that snapshot (status FAILED, no rows)."""
    return commit(
        root,
        project.name,
        table.name,
        interval,
        status=SnapshotStatus.FAILED,
        reason=reason,
        source=_described(table.source),
        spool=Spool(None, 0, (), ""),
    )


def sample_source(source: Source, connections: Connections, *, rows: int, name: str = "sample") -> pa.Table:
    """The first `rows` rows of `source`, of whatever time, in canonical types. Raises `ExtractError`.

    For drafting a project: nothing is known of the table yet.
    """
    import pyarrow as pa

    from lupus.extract.arrow import canonical, fitted, merged

    cadence = Cadence(CadenceKind.DAILY)
    interval = cadence.containing(datetime.now(UTC))
    wanted = Slice(name, Table(name, Role.OTHER, source), cadence, window_of(cadence, interval, "UTC"))
    parts: list[pa.Table] = []
    with closing(guarded(source, wanted, connections)) as batches:
        for batch in batches:
            parts.append(pa.Table.from_batches([canonical(batch)]))
            if sum(part.num_rows for part in parts) >= rows:
                break
    if not parts:
        raise ExtractError(f"{_described(source)}: there is nothing to read")
    schema = functools.reduce(merged, (part.schema for part in parts))
    sample: pa.Table = pa.concat_tables([fitted(part, schema) for part in parts]).slice(0, rows)
    return sample


def slice_of(project: Project, table: Table, interval: Interval) -> Slice:
    """What is wanted of `table` at `interval`."""
    return Slice(
        project=project.name,
        table=table,
        cadence=project.cadence,
        window=window_of(project.cadence, interval, table.timezone),
        # A list of columns must not take away what joins, evaluates and cuts the table.
        wanted=frozenset((*table.columns, *table.named_columns, *project.segment_columns))
        if table.columns
        else frozenset(),
        inputs=inputs_of(table.derived),
    )


def guarded(source: Source, wanted: Slice, connections: Connections) -> Generator[pa.RecordBatch]:
    """The reader's batches; whatever goes wrong in it comes out as an `ExtractError`."""
    problem = ""
    try:
        yield from find_reader(source)(source, wanted, connections)
    except ExtractError:
        raise
    except LupusError as error:
        problem = f"{wanted}: {error}"
    except Exception as error:
        problem = (
            f"{wanted}: the {type(source).__name__} reader failed with {type(error).__name__}: {first_line(error)}"
        )
    if problem:
        # Outside of the handler, so that nothing the driver said (it may hold a password) is chained to it.
        raise ExtractError(problem)


def _deadline(project: Project, table: Table, interval: Interval) -> datetime | None:
    if table.ready.by is None:
        return None
    day = interval.end.astimezone(project.cadence.zone).date()
    return datetime.combine(day, table.ready.by, tzinfo=project.cadence.zone).astimezone(UTC)


def _too_few(table: Table, interval: Interval, rows: int) -> str:
    there = "no rows" if not rows else "1 row" if rows == 1 else f"{rows} rows"
    least = f"; at least {table.ready.min_rows} are expected" if table.ready.min_rows > 1 else ""
    return f"{table.name} has {there} for {interval.key}{least}"


def _described(source: Source) -> str:
    """Where the rows came from, without anything that may be secret."""
    match source:
        case FileSource():
            # user:password@ and ?token= may stand in a URL
            return f"files {re.sub(r'//[^/@]*@', '//', source.path).partition('?')[0]}"
        case SqlSource():
            return f"sql {source.connection}: {source.table or 'query'}"
        case _:
            return f"python {source.callable}"
