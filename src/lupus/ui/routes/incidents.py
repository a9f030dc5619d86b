"""Incidents: the inbox, one incident, what people do with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from lupus.model import ChangeKind, ConflictError, IncidentChange, LupusError, Outcome
from lupus.ui.access import Visitor, VisitorDep
from lupus.ui.answers import json_answer, tag
from lupus.ui.audit import record
from lupus.ui.errors import CONFLICT, RefusedError
from lupus.ui.inbox import page, summary
from lupus.ui.project import retraining
from lupus.ui.routes.shared import AnswersDep
from lupus.ui.schemas.incidents import (
    IncidentChangeQuestion,
    IncidentOut,
    Incidents,
    Preview,
    PreviewQuestion,
    RetrainAnswerQuestion,
)
from lupus.ui.schemas.projects import RetrainingOut
from lupus.ui.service import Service, ServiceDep

router = APIRouter(prefix="/incidents", tags=["incidents"])
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-zA-Z_-]+$", description="The id of an incident.")]
_ACTIVE = ("open", "acknowledged", "muted")


@router.get("", summary="Incidents", response_model=Incidents)
def get_incidents(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    answers: AnswersDep,
    state: Annotated[
        Literal["active", "open", "acknowledged", "muted", "resolved", "all"],
        Query(description="active: every state but resolved."),
    ] = "active",
    project: Annotated[str | None, Query(max_length=64)] = None,
    assignee: Annotated[str | None, Query(max_length=200, description="A name, or `me`.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Incidents of projects that the user may read, worst and newest first."""
    stands = service.stands(visitor) if project is None else [service.stand(visitor, project)]
    states = {"active": _ACTIVE, "all": None}.get(state, (state,))
    # People are assigned by the names that others know them by, programs may use ids.
    who = None if assignee is None else [visitor.name, visitor.id] if assignee == "me" else [assignee]
    entity = tag(
        "incidents", state, who, limit, *((one.name, one.touched, one.name in visitor.editable) for one in stands)
    )

    def make() -> object:
        found = service.views.incidents(stands, states=states, assignees=who)
        rows = [summary(row, may_edit=row.project in visitor.editable) for row in found]
        rows.sort(key=lambda row: row["severity"], reverse=True)  # stable: newest first among equals
        rows.sort(key=lambda row: row["state"] == "resolved")
        return {"total": len(rows), "rows": rows[:limit]}

    return answers.give(request, entity, make)


@router.get("/{id}", summary="One incident", response_model=IncidentOut)
def get_incident(request: Request, visitor: VisitorDep, service: ServiceDep, id: Id) -> Response:
    """Its findings, worst first, and its timeline: detections, people, messages, runs."""
    return json_answer(request, _page(service, visitor, _row(service, visitor, id)))


@router.patch("/{id}", summary="Act on an incident", response_model=IncidentOut, responses=CONFLICT)
def patch_incident(
    request: Request, visitor: VisitorDep, service: ServiceDep, id: Id, question: IncidentChangeQuestion
) -> Response:
    """Acknowledge, mute, assign, comment, resolve, reopen, undo. Needs the right to edit the project's Dag."""
    from lupus.stages import change_incident

    row = _row(service, visitor, id)
    visitor.edit(row.project)
    change = IncidentChange(
        ChangeKind(question.action),
        comment=question.comment,
        assignee=question.assignee or "",
        until=question.until or "",
        until_doubles=question.until_doubled,
        outcome=None if question.outcome is None else Outcome(question.outcome),
    )
    try:
        change_incident(
            service.workspace(), id, change, by=visitor.name, at=datetime.now(UTC), version=question.version
        )
    except ConflictError as error:
        raise RefusedError.conflict(str(error), _page(service, visitor, _row(service, visitor, id))) from error
    except ValueError as error:
        raise RefusedError.invalid(str(error)) from error
    record(
        service,
        visitor,
        project=row.project,
        action=f"{question.action} incident",
        subject=id,
        details=question.model_dump(exclude_unset=True),
    )
    return json_answer(request, _page(service, visitor, _row(service, visitor, id)))


@router.post("/{id}:preview", summary="What an outcome would do", response_model=Preview)
def post_preview(
    request: Request, visitor: VisitorDep, service: ServiceDep, id: Id, question: PreviewQuestion
) -> Response:
    """The effect of an outcome on the baselines, before it is saved."""
    from lupus.stages import effect_of_outcome

    row = _row(service, visitor, id)
    project = service.project(service.stand(visitor, row.project))
    effect = effect_of_outcome(service.workspace(), id, Outcome(question.outcome), project=project)
    bands = [
        {
            "id": one.series.slug,
            "subject": one.series.subject,
            "metric": one.series.metric,
            "unit": one.unit,
            "lower_before": one.before.lower,
            "upper_before": one.before.upper,
            "lower_after": one.after.lower,
            "upper_after": one.after.upper,
        }
        for one in effect.bands
    ]
    return json_answer(
        request,
        {
            "outcome": question.outcome,
            "sentence": effect.sentence,
            "intervals": effect.intervals,
            "series": effect.series,
            "bands": bands,
        },
    )


def _row(service: Service, visitor: Visitor, number: str) -> Any:
    """The incident's row, if the visitor may read its project."""
    found = service.views.incidents(service.stands(visitor), ids=[number])
    if not found:
        raise RefusedError.not_found("incident")
    return found[0]


def _page(service: Service, visitor: Visitor, row: Any) -> dict[str, Any]:
    store = service.store
    incident, events = store.incident(row.id), store.incident_events(row.id)
    return page(row, incident, events, store.series(row.project), may_edit=row.project in visitor.editable)


@router.post("/{id}:retrain", summary="Ask for a retraining", response_model=RetrainingOut, responses=CONFLICT)
def post_retrain(
    request: Request, visitor: VisitorDep, service: ServiceDep, id: Id, question: RetrainAnswerQuestion
) -> Response:
    """The next run of the project executes it; one that waits for approval is approved. Needs the right to trigger."""
    from lupus.stages import ask_retrain

    row = _row(service, visitor, id)
    visitor.trigger(row.project)
    project = service.project(service.stand(visitor, row.project))
    try:
        asked = ask_retrain(service.workspace(), project, by=visitor.name, why=question.note, incident=id)
    except ConflictError as error:
        raise RefusedError.conflict(str(error)) from error
    except LupusError as error:
        raise RefusedError.invalid(str(error)) from error
    record(
        service, visitor, project=row.project, action="ask for retraining", subject=asked.id, details={"incident": id}
    )
    return json_answer(request, retraining(asked, may_answer=True))
