# ruff: noqa: ARG001
"""Projects: the overview, one project, its matrix, one of its intervals."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from lupus.ui.access import VisitorDep
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.projects import Day, Matrix, ProjectOut, Projects

router = APIRouter(prefix="/projects", tags=["projects"])

ProjectName = Annotated[str, Path(max_length=64, description="The name of a project.", examples=["flights"])]
To = Annotated[str | None, Query(max_length=40, description="The last day, included; the newest when left out.")]


@router.get("", summary="All projects, worst first", response_model=Projects)
def get_projects(
    request: Request,
    visitor: VisitorDep,
    days: Annotated[int, Query(ge=1, le=400, description="Length of the strips.")] = 30,
) -> Response:
    """All projects that the user may read: the verdict of the newest interval, the last days, open incidents."""
    raise unfinished()


@router.get("/{project}", summary="One project", response_model=ProjectOut)
def get_project(request: Request, visitor: VisitorDep, project: ProjectName) -> Response:
    """What it watches, its rules, runs, open incidents, model versions, retrainings and file."""
    raise unfinished()


@router.get("/{project}/matrix", summary="Groups by days", response_model=Matrix)
def get_matrix(
    request: Request,
    visitor: VisitorDep,
    project: ProjectName,
    days: Annotated[int, Query(ge=1, le=400)] = 60,
    by: Literal["group", "table", "column"] = "group",
    to: To = None,
) -> Response:
    """The worst verdict of each group, table or column in each interval."""
    raise unfinished()


@router.get("/{project}/days/{day}", summary="One interval", response_model=Day)
def get_day(
    request: Request,
    visitor: VisitorDep,
    project: ProjectName,
    day: Annotated[str, Path(max_length=40, description="The key of an interval, or `latest`.")],
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """Every metric of one interval with its verdict, anomalies first: what a Dag run found."""
    raise unfinished()
