# ruff: noqa: ARG001
"""Incidents: the inbox, one incident, what people do with it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from lupus.ui.access import VisitorDep
from lupus.ui.errors import CONFLICT
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.incidents import (
    IncidentChangeQuestion,
    IncidentOut,
    Incidents,
    Preview,
    PreviewQuestion,
)

router = APIRouter(prefix="/incidents", tags=["incidents"])
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-zA-Z_-]+$", description="The id of an incident.")]


@router.get("", summary="Incidents", response_model=Incidents)
def get_incidents(
    request: Request,
    visitor: VisitorDep,
    state: Annotated[
        Literal["active", "open", "acknowledged", "muted", "resolved", "all"],
        Query(description="active: every state but resolved."),
    ] = "active",
    project: Annotated[str | None, Query(max_length=64)] = None,
    assignee: Annotated[str | None, Query(max_length=200, description="A user's id, or `me`.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Incidents of projects that the user may read, worst and newest first."""
    raise unfinished()


@router.get("/{id}", summary="One incident", response_model=IncidentOut)
def get_incident(request: Request, visitor: VisitorDep, id: Id) -> Response:
    """Its findings, worst first, and its timeline: detections, people, messages, runs."""
    raise unfinished()


@router.patch("/{id}", summary="Act on an incident", response_model=IncidentOut, responses=CONFLICT)
def patch_incident(visitor: VisitorDep, id: Id, question: IncidentChangeQuestion) -> IncidentOut:
    """Acknowledge, mute, assign, comment, resolve, reopen, undo. Needs the right to edit the project's Dag."""
    raise unfinished()


@router.post("/{id}:preview", summary="What an outcome would do", response_model=Preview)
def post_preview(visitor: VisitorDep, id: Id, question: PreviewQuestion) -> Preview:
    """The effect of an outcome on the baselines, before it is saved."""
    raise unfinished()
