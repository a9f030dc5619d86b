"""Snapshot: the extracted slice of one table for one interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from lupus.model.interval import Interval


class SnapshotStatus(StrEnum):
    """What became of an extraction."""

    OK = "ok"
    NO_DATA = "no_data"  # the deadline passed and the slice was not there, or too small
    FAILED = "failed"  # the source could not be read


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One table's slice for one Interval, as an immutable Parquet file, or the reason why there is none.

    `path` is None unless `status` is OK or the (too small) slice was kept for inspection. `schema`
    holds (column, Arrow type) pairs. `content_hash` is equal for equal rows in equal order. `failures` are the
    derived columns that could not be computed and are not in the file, with the reason for each. A slice that is
    measured `in_place`, where its table lies, has no file; its hash tells rows, columns and how many values each has.
    `arrived` (UTC) is when the slice was first seen whole; None when it never was.
    """

    project: str
    table: str
    interval: Interval
    status: SnapshotStatus
    path: Path | None
    rows: int
    schema: tuple[tuple[str, str], ...]
    content_hash: str
    reason: str = ""
    failures: tuple[tuple[str, str], ...] = ()
    in_place: bool = False
    arrived: datetime | None = None

    @property
    def usable(self) -> bool:
        return self.status is SnapshotStatus.OK and (self.path is not None or self.in_place)
