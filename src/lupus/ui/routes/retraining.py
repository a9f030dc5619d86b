"""Requests for retraining, and the answers of people to those that wait for approval."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from lupus.model import ComparisonKind, ConflictError, LupusError, StoreError
from lupus.ui.access import Visitor, VisitorDep
from lupus.ui.answers import json_answer
from lupus.ui.audit import record
from lupus.ui.errors import CONFLICT, RefusedError
from lupus.ui.project import retraining
from lupus.ui.schemas.common import Answer
from lupus.ui.schemas.incidents import RetrainAnswerQuestion
from lupus.ui.schemas.projects import RetrainingOut
from lupus.ui.service import Service, ServiceDep

router = APIRouter(prefix="/retrainings", tags=["retraining"])
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-zA-Z_-]+$", description="The id of a request.")]


class Retrainings(Answer):
    """Requests for retraining."""

    rows: list[RetrainingOut] = Field(description="Newest first.")


@router.get("", summary="Requests for retraining", response_model=Retrainings)
def get_retrainings(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    project: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Of projects that the user may read."""
    stands = service.stands(visitor) if project is None else [service.stand(visitor, project)]
    rows = []
    for stand in stands:
        requests = service.store.retrain_requests(stand.name)
        if not requests:
            continue
        verdicts = verdicts_of(service, stand.name)
        may_answer = visitor.may_trigger(stand.name)
        rows += [retraining(one, may_answer=may_answer, verdict=verdicts.get(one.id, "")) for one in reversed(requests)]
    rows.sort(key=lambda one: one["key"], reverse=True)
    return json_answer(request, {"rows": rows})


@router.post("/{id}:approve", summary="Approve", response_model=RetrainingOut, responses=CONFLICT)
def post_approval(
    request: Request, visitor: VisitorDep, service: ServiceDep, id: Id, question: RetrainAnswerQuestion
) -> Response:
    """Let the retraining begin. Needs the right to trigger the project's Dag."""
    return json_answer(request, _answered(service, visitor, id, approve=True, note=question.note))


@router.post("/{id}:refuse", summary="Refuse", response_model=RetrainingOut, responses=CONFLICT)
def post_refusal(
    request: Request, visitor: VisitorDep, service: ServiceDep, id: Id, question: RetrainAnswerQuestion
) -> Response:
    """Say no. Needs the right to trigger the project's Dag."""
    return json_answer(request, _answered(service, visitor, id, approve=False, note=question.note))


def verdicts_of(service: Service, project: str) -> dict[str, str]:
    """By request what the comparison of before and after says."""
    found = service.store.comparisons(project, kind=ComparisonKind.RETRAINING)
    return {one.subject: str(one.verdict) for one in found}


def _answered(service: Service, visitor: Visitor, number: str, *, approve: bool, note: str) -> dict[str, Any]:
    from lupus.stages import answer_retrain, refuse_if_asked_in_airflow

    try:
        request = service.store.retrain_request(number)
    except StoreError as error:
        raise RefusedError.not_found("request for retraining") from error
    if request.project not in visitor.readable:
        raise RefusedError.not_found("request for retraining")
    visitor.trigger(request.project)
    try:
        refuse_if_asked_in_airflow(service.project(service.stand(visitor, request.project)))
        request = answer_retrain(service.workspace(), number, approve=approve, by=visitor.name, note=note)
    except ConflictError as error:
        current = retraining(service.store.retrain_request(number), may_answer=False)
        raise RefusedError.conflict(str(error), current) from error
    except LupusError as error:
        raise RefusedError.invalid(str(error)) from error
    action = "approve retraining" if approve else "refuse retraining"
    record(service, visitor, project=request.project, action=action, subject=number, details={"note": note})
    verdict = verdicts_of(service, request.project).get(number, "")
    return retraining(request, may_answer=True, verdict=verdict)
