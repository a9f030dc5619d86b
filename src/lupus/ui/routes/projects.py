"""Projects: the overview, one project, its matrix, one of its intervals."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from lupus.ui.access import VisitorDep
from lupus.ui.answers import tag
from lupus.ui.day import day_answer
from lupus.ui.overview import matrix, project_rows
from lupus.ui.project import project_answer
from lupus.ui.routes.shared import AnswersDep
from lupus.ui.schemas.projects import Day, Matrix, ProjectOut, Projects
from lupus.ui.service import ServiceDep
from lupus.ui.spans import span

router = APIRouter(prefix="/projects", tags=["projects"])

ProjectName = Annotated[str, Path(max_length=64, description="The name of a project.", examples=["flights"])]
To = Annotated[str | None, Query(max_length=40, description="The last day, included; the newest when left out.")]


@router.get("", summary="All projects, worst first", response_model=Projects)
def get_projects(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    answers: AnswersDep,
    days: Annotated[int, Query(ge=1, le=400, description="Length of the strips, in intervals.")] = 30,
) -> Response:
    """All projects that the user may read: the verdict of the newest interval, the last days, open incidents."""
    stands = service.stands(visitor)
    entity = tag("projects", days, *((one.name, one.touched, one.name in visitor.editable) for one in stands))
    return answers.give(
        request,
        entity,
        lambda: {"projects": project_rows(visitor, stands, *service.views.overview(stands, intervals=days))},
    )


@router.get("/{project}", summary="One project", response_model=ProjectOut)
def get_project(
    request: Request, visitor: VisitorDep, service: ServiceDep, answers: AnswersDep, project: ProjectName
) -> Response:
    """What it watches, its rules, runs, open incidents, model versions, retrainings and file."""
    stand = service.stand(visitor, project)
    rights = (project in visitor.editable, visitor.may_trigger(project))
    entity = tag("project", stand.name, stand.touched, *rights)
    return answers.give(request, entity, lambda: project_answer(service, stand, *rights))


@router.get("/{project}/matrix", summary="Groups by days", response_model=Matrix)
def get_matrix(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    answers: AnswersDep,
    project: ProjectName,
    days: Annotated[int, Query(ge=1, le=400)] = 60,
    by: Literal["group", "table", "column"] = "group",
    to: To = None,
) -> Response:
    """The worst verdict of each group, table or column in each interval."""
    stand = service.stand(visitor, project)
    asked = span([stand], None, to, days)

    def make() -> object:
        cells = service.views.matrix(stand, since=asked.since, until=asked.until, by=by)
        cells = [one for one in cells if asked.holds(one.key)]
        return matrix(stand, by, cells, {one.start: one.key for one in cells})

    return answers.give(request, tag("matrix", stand.name, stand.touched, days, by, to), make)


@router.get("/{project}/days/{day}", summary="One interval", response_model=Day)
def get_day(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    answers: AnswersDep,
    project: ProjectName,
    day: Annotated[str, Path(max_length=40, description="The key of an interval, or `latest`.")],
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """Every metric of one interval with its verdict, anomalies first: what a Dag run found."""
    stand = service.stand(visitor, project)
    key = stand.latest if day == "latest" else day
    entity = tag("day", stand.name, stand.touched, key, limit)
    return answers.give(request, entity, lambda: day_answer(service, stand, key, limit))
