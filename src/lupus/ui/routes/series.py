# ruff: noqa: ARG001
"""Series: many at once, one with all that its chart shows, its reasons, as CSV and PNG; metrics pushed from outside."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from lupus.ui.access import VisitorDep
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.common import SERIES_ID
from lupus.ui.schemas.series import Aggregation, Batch, BatchQuestion, Pushed, PushQuestion, SeriesOut, WhyOut

router = APIRouter(tags=["series"])

Id = Annotated[str, Path(pattern=SERIES_ID, description="The id of a series.", examples=["0b1f6f7c2d3a4e5f"])]
From = Annotated[str | None, Query(alias="from", max_length=40, description="The first day, included.")]
To = Annotated[str | None, Query(max_length=40, description="The last day, included; the newest when left out.")]
Days = Annotated[int | None, Query(ge=1, le=4000, description="Days back from `to`, when there is no `from`.")]


@router.post("/series:batch", summary="Columns of many series", response_model=Batch)
def post_batch(visitor: VisitorDep, question: BatchQuestion) -> Response:
    """Values, bands, verdicts and scores of up to 200 series in one query.

    Ids that do not exist or may not be read are left out. More than a million points are refused with 413.
    """
    raise unfinished()


@router.get("/series/{id}.csv", summary="One series as CSV", responses={200: {"content": {"text/csv": {}}}})
def get_series_csv(visitor: VisitorDep, id: Id, start: From = None, to: To = None, days: Days = None) -> Response:
    """One line per interval with value, band, verdict and sentence; exact numbers."""
    raise unfinished()


@router.get("/series/{id}.png", summary="One series as a picture", responses={200: {"content": {"image/png": {}}}})
def get_series_png(
    visitor: VisitorDep,
    id: Id,
    start: From = None,
    to: To = None,
    days: Days = None,
    theme: Literal["light", "dark"] = "light",
    width: Annotated[int, Query(ge=200, le=2000, description="In pixels.")] = 720,
    height: Annotated[int, Query(ge=120, le=1200, description="In pixels.")] = 320,
) -> Response:
    """The chart that Slack shows."""
    raise unfinished()


@router.get("/series/{id}/why", summary="Why it moved", response_model=WhyOut)
def get_why(
    visitor: VisitorDep,
    id: Id,
    day: Annotated[str | None, Query(max_length=40, description="The interval; the newest when left out.")] = None,
) -> WhyOut:
    """Contributions by segment, what else moved in the same interval, the rules that judge it."""
    raise unfinished()


@router.get("/series/{id}", summary="One series", response_model=SeriesOut)
def get_series(
    request: Request,
    visitor: VisitorDep,
    id: Id,
    start: From = None,
    to: To = None,
    days: Days = None,
    agg: Aggregation = "auto",
) -> Response:
    """One series with bands as judged, sentences, exclusions, events and its siblings in other segments."""
    raise unfinished()


@router.post("/metrics", summary="Push metrics", response_model=Pushed, status_code=201)
def post_metrics(visitor: VisitorDep, question: PushQuestion) -> Pushed:
    """Store metrics that were made elsewhere, like `lupus.log_metrics`. Pushing a name again replaces its value.

    Needs the right to edit the project's Dag.
    """
    raise unfinished()
