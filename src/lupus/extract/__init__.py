"""Extract: source + Interval to `Snapshot`, a Parquet file that every later stage of the run reads.

Sources are functions found through the entry points in the group ``lupus.sources`` (see `SourceReader`).
A reader may yield more rows than the interval holds: one function clips every source to the interval,
so that an hour or a day means the same in every engine.
"""

from lupus.extract.arrow import duplicates, table_of
from lupus.extract.query import MOST_ROWS, read_query
from lupus.extract.sessions import shared_sessions
from lupus.extract.snapshots import load_snapshot
from lupus.extract.source import Slice, SourceReader
from lupus.extract.sql import check_connection
from lupus.extract.table import Waiting, extract_table, failed_snapshot, sample_source, slice_of
from lupus.extract.window import Window, window_of

__all__ = [
    "MOST_ROWS",
    "Slice",
    "SourceReader",
    "Waiting",
    "Window",
    "check_connection",
    "duplicates",
    "extract_table",
    "failed_snapshot",
    "load_snapshot",
    "read_query",
    "sample_source",
    "shared_sessions",
    "slice_of",
    "table_of",
    "window_of",
]
