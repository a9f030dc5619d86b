"""Dashboards: a grid of twelve columns with widgets."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from lupus.ui.schemas.common import Answer, Instant, Question, SeriesId

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]


MOST_SERIES: Final = 8
"""On one chart."""


class Place(Question):
    """Where a widget lies, in grid cells from the upper left."""

    x: int = Field(default=0, ge=0, le=11)
    y: int = Field(default=0, ge=0, le=10_000)
    w: int = Field(default=6, ge=1, le=12)
    h: int = Field(default=4, ge=1, le=100)


class _Widget(Question):
    id: str = Field(min_length=1, max_length=40, description="Unique on its dashboard.")
    title: str = Field(default="", max_length=200)
    place: Place = Place()


class ChartWidget(_Widget):
    """One chart of one or more series."""

    kind: Literal["chart"]
    series: list[SeriesId] = Field(min_length=1, max_length=MOST_SERIES)
    days: int = Field(default=90, ge=1, le=4000)


class WallWidget(_Widget):
    """A wall of small charts: a query of the explorer that is asked anew each time."""

    kind: Literal["wall"]
    query: str = Field(default="", max_length=2000)
    limit: int = Field(default=24, ge=1, le=200)
    days: int = Field(default=90, ge=1, le=4000)


class MatrixWidget(_Widget):
    """The matrix of a project."""

    kind: Literal["matrix"]
    project: str = Field(max_length=64)
    by: Literal["group", "table", "column"] = "group"
    days: int = Field(default=30, ge=1, le=400)


class NumberWidget(_Widget):
    """The newest value of one series, with its verdict."""

    kind: Literal["number"]
    series: SeriesId


class IncidentsWidget(_Widget):
    """A list of incidents."""

    kind: Literal["incidents"]
    project: str = Field(default="", max_length=64, description="Empty for all.")
    state: str = Field(default="open", max_length=40)
    limit: int = Field(default=10, ge=1, le=100)


class MarkdownWidget(_Widget):
    """A text. Raw HTML in it is shown as text."""

    kind: Literal["markdown"]
    text: str = Field(max_length=20_000)


Widget = Annotated[
    ChartWidget | WallWidget | MatrixWidget | NumberWidget | IncidentsWidget | MarkdownWidget,
    Field(discriminator="kind"),
]


class DashboardQuestion(Question):
    """A dashboard to be made or to be replaced."""

    title: str = Field(min_length=1, max_length=200)
    project: str | None = Field(
        default=None,
        description="Share it with all who may read this project (needs the right to edit it); null: private.",
    )
    widgets: list[Widget] = Field(default_factory=list, max_length=200)
    version: int | None = Field(default=None, ge=1, description="Of a replacement: the version that was edited.")
    slug: Slug | None = Field(default=None, description="Of a new one; made from the title when left out.")


class DashboardRow(Answer):
    """A dashboard in a list."""

    slug: str
    title: str
    owner: str
    project: str | None
    version: int
    widgets: int
    changed_at: Instant | None
    generated: bool = Field(description="Made by Lupus for a project, and always up to date; save a copy to change it.")
    may_edit: bool


class Dashboards(Answer):
    """The user's own dashboards, those shared with projects they may read, and a generated one per project."""

    rows: list[DashboardRow]


class DashboardOut(DashboardRow):
    """A dashboard. Of widgets of projects that the user may not read only the places are left."""

    body: list[Widget]
    hidden: list[Place] = Field(description="Where widgets lie that the user may not see.")
    narrowed: dict[str, int] = Field(description="By a chart's id: how many of its series the user may not see.")
