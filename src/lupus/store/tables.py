"""The tables of the metric store. Migrations in `lupus.store.migrations` make the same; a test compares them.

Names can be text of any length, which no index can hold, so keys are 63-bit hashes of names (`hash_id`). `start` is the
interval's start in seconds since 1970 (UTC). Rows of one run lie together: points and verdicts are keyed by (project,
interval, series), as runs write and judges read them. Charts read along a series: an index of each of the two holds, by
(series, interval), all that a chart draws, so that its columns come from a few neighbouring pages and no table.

`stamp` columns (and `touched`) are random numbers that change whenever the rows they speak for change. They let a
process keep what it read and see at once that another process wrote; they are no content, and neither
is `writes`, which counts the writes of a row.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Table,
    text,
)

from lupus.store.text import Json, Words

metadata: Final = MetaData()

IS_FINDING: Final = "finding = 1"
"""Written out, because SQLite uses a partial index only for a condition with the very same constants."""

WALL_CLOCK: Final = frozenset(
    {"delivered_us", "executed_us", "started_us", "finished_us", "changed_us", "at_us"}
    | {"next_try_us", "leased_until_us", "ready_us"}
)
"""Columns with microseconds since 1970 by the wall clock; nothing else depends on when a run was made."""

STAMPS: Final = frozenset({"stamp", "touched", "writes"})


def hash_id(*parts: str) -> int:
    """A stable 63-bit hash of names.

    >>> hash_id("a", "b") == hash_id("a", "b") != hash_id("ab", "")
    True
    """
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(joined, digest_size=8).digest(), "big") >> 1


def _key(name: str, kind: Any = BigInteger) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _number(name: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False)


def _words(name: str) -> Column[Any]:
    return Column(name, Words, nullable=False)


projects: Final = Table(
    "projects",
    metadata,
    _key("id"),
    _words("name"),
    _words("owner"),
    _words("cadence"),
    Column("about", Json, nullable=False),  # what the project's file says, for who has no such file
    _number("stamp"),  # of the project's series
    _number("touched"),  # a stamp of whatever is stored of the project
    sqlite_with_rowid=False,
)

intervals: Final = Table(
    "intervals",
    metadata,
    _key("project_id"),
    _key("start"),
    _number("end"),
    _words("key"),
    _number("stamp"),  # of the interval's points and States
    sqlite_with_rowid=False,
)

series: Final = Table(
    "series",
    metadata,
    _key("id"),
    _number("project_id"),
    _words("table"),
    _words("column"),
    _words("metric"),
    _words("segment"),
    _words("group"),
    _words("unit"),
    Column("tags", Json, nullable=False),
    _words("scope"),
    Index("series_by_project", "project_id"),
    sqlite_with_rowid=False,
)

listings: Final = Table(
    "listings",  # the names of a project's series in columns: see `lupus.store.listings`
    metadata,
    _key("project_id"),
    Column("words", Json, nullable=False),
    Column("codes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

points: Final = Table(
    "points",
    metadata,
    _key("project_id"),
    _key("start"),
    Column("series_id", BigInteger, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("value", Double),
    _number("n"),
    Column("maturity", Double),
    Column("low", Double),
    Column("high", Double),
    Column("failure", Words),
    Column("reason", Words),
    Index("points_by_series", "series_id", "start", "value"),
    sqlite_with_rowid=False,
)


def _verdict_columns() -> tuple[Column[Any], ...]:
    return (
        _words("status"),
        Column("value", Double),
        _words("sentence"),
        Column("severity", Words),
        Column("expected", Double),
        Column("lower", Double),
        Column("upper", Double),
        Column("score", Double),
        Column("why", Words),
    )


verdicts: Final = Table(
    "verdicts",
    metadata,
    _key("project_id"),
    _key("start"),
    Column("series_id", BigInteger, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    _key("rule_id"),
    _words("rule"),
    _number("finding"),
    *_verdict_columns(),
    Index(
        "verdicts_findings",
        "finding",  # first, or SQLite thinks no more of this index than of the primary key
        "project_id",
        "start",
        sqlite_where=text(IS_FINDING),
        postgresql_where=text(IS_FINDING),
    ),
    Index("verdicts_by_series", "series_id", "start", "status", "lower", "upper", "score"),
    sqlite_with_rowid=False,
)

states: Final = Table(
    "states",
    metadata,
    _key("project_id"),
    _key("start"),
    _key("id"),
    _words("table"),
    _words("column"),
    _words("segment"),
    _words("kind"),
    _words("scope"),
    Column("payload", Json, nullable=False),
)

refs: Final = Table(
    "refs",
    metadata,
    _key("project_id"),
    _key("id"),
    _words("table"),
    _words("column"),
    _number("version"),
    _words("since"),
    Column("payload", Json, nullable=False),
)

validations: Final = Table(
    "validations",
    metadata,
    _key("project_id"),
    _key("start"),
    _key("table_id"),
    _words("table"),
    _words("suite"),
)

outcomes: Final = Table(
    "outcomes",
    metadata,
    _key("project_id"),
    _key("start"),
    _key("table_id"),
    _key("position"),
    _words("id"),
    _words("expectation"),
    _words("column"),
    _words("severity"),
    Column("success", Boolean, nullable=False),
    Column("unexpected_ratio", Double),
    _words("reason"),
    Column("details", Json, nullable=False),
    ForeignKeyConstraint(
        ["project_id", "start", "table_id"],
        ["validations.project_id", "validations.start", "validations.table_id"],
        ondelete="CASCADE",
    ),
)

incidents: Final = Table(
    "incidents",
    metadata,
    _key("id", Words),
    _number("project_id"),
    _words("state"),
    _words("severity"),
    _number("first"),
    _number("last"),
    _words("title"),
    _words("cause"),
    _number("clean"),
    Column("resolution", Words),
    Column("outcome", Words),
    _words("acknowledged_by"),
    _words("assignee"),
    _words("muted_until"),
    Column("muted_score", Double),
    Column("kept_open", Boolean, nullable=False),
    _words("comment"),
    _words("by"),
    Column("upstream", Json, nullable=False),
    _number("writes"),
    Index("incidents_by_project", "project_id", "last"),
)

findings: Final = Table(
    "findings",
    metadata,
    Column("incident_id", Words, ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True),
    _key("position"),
    _number("found"),
    Column("series_id", BigInteger, ForeignKey("series.id"), nullable=False),
    _number("start"),
    _words("rule"),
    *_verdict_columns(),
)

exclusions: Final = Table(
    "exclusions",
    metadata,
    _key("id", Words),
    _number("project_id"),
    _words("reason"),
    Column("begins", BigInteger),  # None: since ever
    _number("ends"),
    Column("table", Words),  # None: any, as below
    Column("column", Words),
    Column("metric", Words),
    Column("segment", Words),
    Column("counts_since", BigInteger),  # None unless it is a restart
    _words("source"),
    _words("note"),
    Index("exclusions_by_project", "project_id", "ends"),
    Index("exclusions_by_source", "source"),
)

# Not bound to the incident's row: what people did is kept when an incident goes and comes back.
incident_events: Final = Table(
    "incident_events",
    metadata,
    _key("id", Words),
    _number("project_id"),
    _words("incident"),
    _words("kind"),
    _words("text"),
    Column("start", BigInteger),
    _words("by"),
    Column("details", Json, nullable=False),
    Column("at_us", BigInteger),
    Index("incident_events_by_incident", "incident"),
)

notices: Final = Table(
    "notices",
    metadata,
    _key("id", Words),
    _number("project_id"),
    _number("start"),
    _words("incident"),
    _words("destination"),
    _words("reason"),
    _words("state"),
    Column("message", Json, nullable=False),
    _words("receipt"),
    _words("error"),
    _number("attempts"),
    Column("delivered_us", BigInteger),
    Column("next_try_us", BigInteger),
    Index("notices_by_project", "project_id", "start"),
    Index("notices_by_incident", "incident"),
)

posts: Final = Table(
    "posts",
    metadata,
    _key("incident", Words),
    _key("destination", Words),
    _number("project_id"),
    _number("start"),
    _words("channel"),
    _words("ts"),
    _words("shown"),
    _words("begun"),
    _words("file"),
    _words("file_of"),
    _number("writes"),
    Column("sealed", Boolean, nullable=False),
    Index("posts_by_project", "project_id"),
)

destinations: Final = Table(
    "destinations",
    metadata,
    _key("destination", Words),
    _words("lease"),
    Column("leased_until_us", BigInteger),
    Column("ready_us", BigInteger),
)

retrain_requests: Final = Table(
    "retrain_requests",
    metadata,
    _key("id", Words),
    _number("project_id"),
    _number("start"),
    _words("dag"),
    _words("state"),
    Column("reasons", Json, nullable=False),
    Column("conf", Json, nullable=False),
    _words("incident"),
    _words("note"),
    Column("series", Json, nullable=False),
    _words("better"),
    _words("by"),
    Column("executed_us", BigInteger),
    Index("retrain_requests_by_project", "project_id", "start"),
)

comparisons: Final = Table(
    "comparisons",
    metadata,
    _key("id", Words),
    _number("project_id"),
    _number("start"),
    _words("kind"),
    _words("subject"),
    Column("series", Json, nullable=False),
    _words("better"),
    _words("verdict"),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),
    Column("shift", Double),
    Column("low", Double),
    Column("high", Double),
    Column("effect", Double),
    Column("p_value", Double),
    _words("sentence"),
    Index("comparisons_by_project", "project_id", "start"),
)

model_versions: Final = Table(
    "model_versions",
    metadata,
    _key("project_id"),
    _key("start"),
    _key("position"),
    _words("version"),
    _number("rows"),
    Column("share", Double, nullable=False),
)

runs: Final = Table(
    "runs",
    metadata,
    _key("project_id"),
    _key("start"),
    _key("stage", Words),
    _words("status"),
    _words("detail"),
    Column("started_us", BigInteger),
    Column("finished_us", BigInteger),
)

tallies: Final = Table(
    "tallies",  # how many series of a column had which verdict at an interval, each by its worst
    metadata,
    _key("project_id"),
    _key("start"),
    _key("cell"),  # a hash of the names below
    _words("scope"),
    _words("group"),
    _words("table"),
    _words("column"),
    _number("immature"),
    _number("ok"),
    _number("warn"),
    _number("no_data"),
    _number("error"),
    _number("anomaly"),
    Column("score", Double),  # the highest
    sqlite_with_rowid=False,
)

latest: Final = Table(
    "latest",  # the newest verdict of each series that is not immature: see `lupus.store.newest`
    metadata,
    _key("project_id"),
    Column("verdicts", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

annotated: Final = Table(
    "annotations",
    metadata,
    _key("id", Words),
    _number("project_id"),
    Column("series_id", BigInteger),  # None: of the whole project
    _number("start"),
    _number("last"),  # the start of the last interval that it speaks of
    _words("text"),
    _words("by"),
    Column("changed_us", BigInteger),
    Index("annotations_by_project", "project_id", "start"),
)

dashboards: Final = Table(
    "dashboards",
    metadata,
    _key("id", Words),
    Column("project_id", BigInteger),  # None: its owner's own
    _words("title"),
    _words("owner"),
    _number("version"),
    Column("body", Json, nullable=False),
    Column("changed_us", BigInteger),
)

audit: Final = Table(
    "audit",  # who did what in the Web UI or through its API
    metadata,
    _key("id", Words),
    _number("project_id"),
    _words("by"),
    _words("action"),
    _words("subject"),
    Column("details", Json, nullable=False),
    Column("at_us", BigInteger),
    Index("audit_by_project", "project_id", "at_us"),
)
