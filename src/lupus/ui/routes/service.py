# ruff: noqa: ARG001
"""About the service: who asks, what is new, what needs attention, who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from lupus.ui.access import VisitorDep
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.projects import Audit, Health, Latest, Me

router = APIRouter(tags=["service"])


@router.get("/me", summary="Who asks", response_model=Me)
def get_me(request: Request, visitor: VisitorDep) -> Me:
    """The user, how many projects they may read, and how the metric store is. Answers when the store is down."""
    raise unfinished()


@router.get("/latest", summary="Has anything changed?", response_model=Latest)
def get_latest(request: Request, visitor: VisitorDep) -> Response:
    """A cheap question for automatic refresh: reload only when `version` has changed."""
    raise unfinished()


@router.get("/health", summary="What needs attention", response_model=Health)
def get_health(visitor: VisitorDep) -> Health:
    """The store, messages that were not delivered, and projects that fell silent."""
    raise unfinished()


@router.get("/audit", summary="Who did what", response_model=Audit)
def get_audit(
    visitor: VisitorDep,
    project: Annotated[str | None, Query(description="Only of this project.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Audit:
    """The newest entries of the audit log, of projects that the user may edit."""
    raise unfinished()
