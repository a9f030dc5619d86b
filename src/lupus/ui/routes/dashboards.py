# ruff: noqa: ARG001
"""Dashboards that people make for themselves, or share with all who may read a project."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from lupus.ui.access import VisitorDep
from lupus.ui.errors import CONFLICT
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.dashboards import DashboardOut, DashboardQuestion, Dashboards

router = APIRouter(prefix="/dashboards", tags=["dashboards"])
SlugPath = Annotated[str, Path(max_length=80, pattern=r"^[a-z0-9][a-z0-9-]*$", description="The dashboard's slug.")]


@router.get("", summary="All dashboards", response_model=Dashboards)
def get_dashboards(visitor: VisitorDep) -> Dashboards:
    """The user's own, those shared with projects they may read, and a generated one per project."""
    raise unfinished()


@router.post("", summary="Make a dashboard", response_model=DashboardOut, status_code=201, responses=CONFLICT)
def post_dashboard(visitor: VisitorDep, question: DashboardQuestion) -> DashboardOut:
    """Private, or shared with a project (needs the right to edit it)."""
    raise unfinished()


@router.get("/{slug}", summary="One dashboard", response_model=DashboardOut)
def get_dashboard(visitor: VisitorDep, slug: SlugPath) -> DashboardOut:
    """Each widget is checked against the user's rights; those that they may not see are left out and counted."""
    raise unfinished()


@router.put("/{slug}", summary="Replace a dashboard", response_model=DashboardOut, responses=CONFLICT)
def put_dashboard(visitor: VisitorDep, slug: SlugPath, question: DashboardQuestion) -> DashboardOut:
    """Needs `version`, the one that was edited: when somebody was faster the answer is 409 with theirs."""
    raise unfinished()


@router.delete("/{slug}", summary="Remove a dashboard", status_code=204, responses=CONFLICT)
def delete_dashboard(
    visitor: VisitorDep, slug: SlugPath, version: Annotated[int, Query(ge=1, description="The version seen.")]
) -> None:
    """Its owner may, or who may edit the project that it is shared with."""
    raise unfinished()
