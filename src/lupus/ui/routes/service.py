"""About the service: who asks, what is new, what needs attention, who did what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from lupus import __version__
from lupus.model import NoticeState
from lupus.ui.access import VisitorDep
from lupus.ui.answers import json_answer, tag
from lupus.ui.bundle import BUNDLE, bundle_digest
from lupus.ui.overview import delivery, group_runs
from lupus.ui.schemas.projects import Audit, Health, Latest, Me, StoreHealth
from lupus.ui.service import ServiceDep

router = APIRouter(tags=["service"])


@router.get("/me", summary="Who asks", response_model=Me)
def get_me(visitor: VisitorDep, service: ServiceDep) -> Me:
    """The user, how many projects they may read, and how the metric store is. Answers when the store is down."""
    state, detail = service.health(visitor.readable)
    return Me(
        id=visitor.id,
        name=visitor.name,
        version=__version__,
        bundle=bundle_digest() if BUNDLE.is_file() else "",
        projects=len(service.stands(visitor)) if state == "ok" else 0,
        store=StoreHealth.model_validate({"state": state, "detail": detail}),
    )


@router.get("/latest", summary="Has anything changed?", response_model=Latest)
def get_latest(request: Request, visitor: VisitorDep, service: ServiceDep) -> Response:
    """A cheap question for automatic refresh: reload only when `version` has changed."""
    stands = service.stands(visitor)
    version = tag("latest", *((one.name, one.touched) for one in stands))
    return json_answer(
        request,
        {
            "version": version[3:-1],
            "projects": {one.name: one.latest or None for one in stands},
            "open_incidents": service.views.open_incidents(stands),
        },
    )


@router.get("/health", summary="What needs attention", response_model=Health)
def get_health(request: Request, visitor: VisitorDep, service: ServiceDep) -> Response:
    """The store, messages that were not delivered, and projects whose newest run did not end well."""
    state, detail = service.health(visitor.readable)
    found: dict[str, Any] = {"store": {"state": state, "detail": detail}, "undelivered": [], "silent": []}
    if state != "ok":
        return json_answer(request, found)
    stands = service.stands(visitor)
    _, _, runs = service.views.overview(stands, intervals=1)
    for one in stands:
        grouped = group_runs(runs.get(one.id, ()))
        if not grouped or grouped[0]["status"] == "failed":
            found["silent"].append(one.name)
    names = {one.name for one in stands}
    waiting = [
        notice
        for state in (NoticeState.FAILED, NoticeState.PENDING)
        for notice in service.store.notices(state=state)
        if notice.project in names and (notice.attempts or notice.state is NoticeState.FAILED)
    ]
    found["undelivered"] = [delivery(one) for one in waiting[:200]]
    return json_answer(request, found)


@router.get("/audit", summary="Who did what", response_model=Audit)
def get_audit(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    project: Annotated[str | None, Query(max_length=64, description="Only of this project.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """The newest entries of the audit log, of projects that the user may edit."""
    names = visitor.editable if project is None else {visitor.edit(project)}
    rows = [
        {
            "at": "" if one.at is None else one.at.isoformat(),
            "by": one.by,
            "project": one.project,
            "action": one.action,
            "subject": one.subject,
            "details": dict(one.details),
        }
        for one in service.views.audit(service.views.projects(names), limit=limit)
    ]
    return json_answer(request, {"rows": rows})
