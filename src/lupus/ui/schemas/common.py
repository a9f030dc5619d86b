"""What several answers share. Statuses are codes: places in ``ok, warn, anomaly, no_data, error, immature``."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from lupus.model import Severity, Status

STATUSES: Final = tuple(map(str, Status))
SEVERITIES: Final = tuple(map(str, Severity))
SERIES_ID: Final = r"^[0-9a-f]{16}$"
NAME: Final = r"^[a-z][a-z0-9_-]{0,63}$"

SeriesId = Annotated[
    str, Field(pattern=SERIES_ID, description="The stable id of a series.", examples=["0b1f6f7c2d3a4e5f"])
]
StatusCode = Annotated[
    int,
    Field(ge=-1, le=5, description="0 ok, 1 warn, 2 anomaly, 3 no_data, 4 error, 5 immature; -1 was not judged."),
]
SeverityCode = Annotated[int, Field(ge=-1, le=3, description="0 low, 1 medium, 2 high, 3 critical; -1 none.")]
Number = Annotated[float | None, Field(description="In the series' unit; null where there is none.")]
Key = Annotated[
    str,
    Field(
        max_length=40,
        description="The key of an interval: a business date (2013-12-05), an hour (2013-12-05T14Z) or a tick.",
        examples=["2013-12-05"],
    ),
]
Instant = Annotated[str, Field(description="An instant in UTC, ISO 8601.", examples=["2026-11-29T07:42:11+00:00"])]


class Answer(BaseModel):
    """An answer of the API."""

    model_config = ConfigDict(extra="forbid")


class Question(BaseModel):
    """What a request may hold. An unknown key is refused: it is a misspelling."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Refusal(Answer):
    """Why a request was refused. 403 and 404 look alike, so that nobody learns what exists."""

    detail: str = Field(description="What is wrong, and what to do next.", examples=["there is no such project"])
    code: str = Field(
        description="For programs: unauthenticated, not_found, conflict, invalid, not_allowed, csrf, too_large, "
        "store_down, store_old, store_new, store_empty, failed.",
        examples=["not_found"],
    )
    request_id: str = Field(description="Quote it to whoever reads the server's log.", examples=["6f1d2c9ab3e4"])
    current: Any = Field(default=None, description="Of a conflict: what is stored now.")


class Axis(Answer):
    """The intervals along which columns run, oldest first. Days are business dates and are never shifted."""

    project: str
    cadence: str = Field(description="hourly, daily, weekly or cron; week for an envelope of weeks.")
    timezone: str
    keys: list[Key]
    starts: list[int] = Field(description="The start of each interval, in seconds since 1970 (UTC).")


class SeriesInfo(Answer):
    """What a series is."""

    id: SeriesId
    project: str
    group: str = Field(examples=["input"])
    role: str = Field(description="The role of its table: data, prediction, ground_truth, other or empty.")
    table: str
    column: str = Field(description="Empty for a metric of the whole table.")
    metric: str = Field(examples=["null_ratio"])
    segment: str = Field(description="Empty for the whole.", examples=["origin=JFK"])
    unit: str = Field(description="Empty for the column's own; ratio, rows, ms, ...")
    tags: dict[str, str]


class Rights(Answer):
    """What the user may do with a project besides reading it."""

    edit: bool = Field(description="Act on incidents, annotate, share dashboards, push metrics.")
    trigger: bool = Field(description="Approve or refuse a retraining.")
