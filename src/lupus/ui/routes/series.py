"""Series: many at once, one with all that its chart shows, its reasons, as CSV and PNG; metrics pushed from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from lupus.model import LupusError
from lupus.ui import charts
from lupus.ui.access import VisitorDep
from lupus.ui.answers import json_answer, tag
from lupus.ui.audit import record
from lupus.ui.errors import ERRORS, RefusedError
from lupus.ui.reasons import why_answer
from lupus.ui.routes.shared import AnswersDep
from lupus.ui.schemas.common import SERIES_ID
from lupus.ui.schemas.series import Aggregation, Batch, BatchQuestion, Pushed, PushQuestion, SeriesOut, WhyOut
from lupus.ui.service import ServiceDep
from lupus.ui.spans import cadence_of, span
from lupus.ui.surroundings import surroundings

router = APIRouter(tags=["series"])

Id = Annotated[str, Path(pattern=SERIES_ID, description="The id of a series.", examples=["0b1f6f7c2d3a4e5f"])]
From = Annotated[str | None, Query(alias="from", max_length=40, description="The first day, included.")]
To = Annotated[str | None, Query(max_length=40, description="The last day, included; the newest when left out.")]
Days = Annotated[int | None, Query(ge=1, le=4000, description="Days back from `to`, when there is no `from`.")]
_TOO_LARGE: dict[int | str, dict[str, Any]] = {
    413: {"model": ERRORS[404]["model"], "description": "More than a million points."}
}


@router.post("/series:batch", summary="Columns of many series", response_model=Batch, responses=_TOO_LARGE)
def post_batch(request: Request, visitor: VisitorDep, service: ServiceDep, question: BatchQuestion) -> Response:
    """Values, bands, verdicts and scores of up to 200 series in one query.

    Ids that do not exist or may not be read are left out. More than a million points are refused with 413.
    """
    stands = service.stands(visitor)
    asked = span(stands, question.start, question.to, question.days)
    ids = list(dict.fromkeys(number for number in (int(one, 16) for one in question.ids) if number < 1 << 63))
    return json_answer(request, charts.batch(service.views, stands, ids, asked, question.agg))


@router.get(
    "/series/{id}.csv",
    summary="One series as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **_TOO_LARGE},
)
def get_series_csv(
    visitor: VisitorDep, service: ServiceDep, id: Id, start: From = None, to: To = None, days: Days = None
) -> Response:
    """One line per interval with value, band, verdict and sentence; exact numbers."""
    found = service.series(visitor, id)
    asked = span([found.project], start, to, days, default=4000)
    charts.bound(service.views, [found.project], 1, asked)
    judged = service.views.judged(found.id, found.project, since=asked.since, until=asked.until)
    text = charts.as_csv(found.series, [row for row in judged if asked.holds(row.key)])
    headers = {"content-disposition": f'attachment; filename="lupus-{id}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/series/{id}.png",
    summary="One series as a picture",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_series_png(
    visitor: VisitorDep,
    service: ServiceDep,
    id: Id,
    start: From = None,
    to: To = None,
    days: Days = None,
    theme: Literal["light", "dark"] = "light",
    width: Annotated[int, Query(ge=200, le=2000, description="In pixels.")] = 720,
    height: Annotated[int, Query(ge=120, le=1200, description="In pixels.")] = 320,
) -> Response:
    """The chart that Slack shows."""
    from lupus.stages.charts import series_chart

    found = service.series(visitor, id)
    asked = span([found.project], start, to, days, default=60)
    judged = service.views.judged(found.id, found.project, since=asked.since, until=asked.until)
    judged = [row for row in judged if asked.holds(row.key)][-1000:]
    cadence = cadence_of(found.project)
    last = None
    if judged and cadence is not None:
        last = cadence.containing(datetime.fromtimestamp(judged[-1].start, UTC))
    picture = None
    if judged:
        picture = series_chart(
            service.workspace(),
            found.series.key,
            until=last,
            intervals=len(judged),
            unit=found.series.unit,
            theme=theme,
            width=width,
            height=height,
        )
    if picture is None:
        raise RefusedError(404, "not_found", "nothing is stored of these days")
    return Response(picture, media_type="image/png")


@router.get("/series/{id}/why", summary="Why it moved", response_model=WhyOut)
def get_why(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    id: Id,
    day: Annotated[str | None, Query(max_length=40, description="The interval; the newest when left out.")] = None,
) -> Response:
    """Contributions by segment, what else moved in the same interval, the rules that judge it."""
    found = service.series(visitor, id)
    return json_answer(request, why_answer(service, found, day or found.project.latest))


@router.get("/series/{id}", summary="One series", response_model=SeriesOut, responses=_TOO_LARGE)
def get_series(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    answers: AnswersDep,
    id: Id,
    start: From = None,
    to: To = None,
    days: Days = None,
    agg: Aggregation = "auto",
) -> Response:
    """One series with bands as judged, sentences, exclusions, events and its siblings in other segments."""
    found = service.series(visitor, id)
    stand = found.project
    asked = span([stand], start, to, days)

    def make() -> object:
        columns, judged, _ = charts.one(service.views, stand, found.id, asked, agg)
        newest = charts.newest_verdict(judged)
        return {
            "info": charts.info(stand, found.id, found.series),
            "sentence": newest.sentence if newest else "",
            **columns,
            **surroundings(service, found, asked),
        }

    return answers.give(request, tag("series", id, stand.touched, start, to, days, agg), make)


@router.post("/metrics", summary="Push metrics", response_model=Pushed, status_code=201)
def post_metrics(visitor: VisitorDep, service: ServiceDep, question: PushQuestion) -> Pushed:
    """Store metrics that were made elsewhere, like `lupus.log_metrics`. Pushing a name again replaces its value.

    Needs the right to edit the project's Dag.
    """
    from lupus.stages import push_metrics

    visitor.edit(question.project)
    stand = service.stand(visitor, question.project)
    cadence = cadence_of(stand)
    if cadence is None:
        raise LupusError(f"no run of {stand.name} has told its cadence yet; let it run once")
    try:
        interval = cadence.parse(question.day)
    except (ValueError, OverflowError) as error:
        raise RefusedError.invalid(f"day: {error}") from error
    points = push_metrics(
        service.workspace(),
        stand.name,
        question.metrics,
        interval,
        group=question.group,
        unit=question.unit,
        tags=question.tags,
    )
    record(service, visitor, project=stand.name, action="push metrics", subject=interval.key, details=question.metrics)
    keys = [point.series.key for point in points]
    return Pushed(project=stand.name, key=interval.key, ids={key.metric: key.slug for key in keys})
