"""From the author's dates and paths to instants and absolute paths, and back."""

from __future__ import annotations

import os.path
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from lupus.model import FileFormat

_SUFFIXES: Final = {
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
    ".csv": FileFormat.CSV,
    ".csv.gz": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".jsonl.gz": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".ndjson.gz": FileFormat.JSONL,
}


def bounds(start: date, end: date | None, timezone: str) -> tuple[datetime, datetime | None]:
    """The project's first instant, and the first one after it, in UTC. An `end` date is the last day, included."""
    zone = ZoneInfo(timezone)
    if end is not None and not isinstance(end, datetime):
        end = end + timedelta(days=1)
    return _instant(start, zone), None if end is None else _instant(end, zone)


def written(instant: datetime, timezone: str, *, last_day: bool = False) -> date | str:
    """`instant` as `bounds` reads it: a date where it is a local midnight (with `last_day`, the day before)."""
    zone = ZoneInfo(timezone)
    local = instant.astimezone(zone)
    if _instant(local.date(), zone) != instant:
        return local.isoformat()
    return local.date() - timedelta(days=1) if last_day else local.date()


def guess_format(path: str) -> FileFormat | None:
    """The file format that the path's suffix tells."""
    lowered = path.lower()
    return next((found for suffix, found in _SUFFIXES.items() if lowered.endswith(suffix)), None)


def absolute(path: str, folder: Path) -> str:
    """`path` below `folder` unless it is absolute or a URL."""
    return path if "://" in path else os.path.abspath(folder / path)  # noqa: PTH100 - resolve() follows links


def _instant(day: date, zone: ZoneInfo) -> datetime:
    if not isinstance(day, datetime):
        day = datetime.combine(day, time())
    return (day if day.tzinfo else day.replace(tzinfo=zone)).astimezone(UTC)
