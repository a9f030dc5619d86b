# ruff: noqa: ARG001
"""Requests for retraining, and the answers of people to those that wait for approval."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from lupus.ui.access import VisitorDep
from lupus.ui.errors import CONFLICT
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.common import Answer
from lupus.ui.schemas.incidents import RetrainAnswerQuestion
from lupus.ui.schemas.projects import RetrainingOut

router = APIRouter(prefix="/retrainings", tags=["retraining"])
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-zA-Z_-]+$", description="The id of a request.")]


class Retrainings(Answer):
    """Requests for retraining."""

    rows: list[RetrainingOut] = Field(description="Newest first.")


@router.get("", summary="Requests for retraining", response_model=Retrainings)
def get_retrainings(visitor: VisitorDep, project: Annotated[str | None, Query(max_length=64)] = None) -> Retrainings:
    """Of projects that the user may read."""
    raise unfinished()


@router.post("/{id}:approve", summary="Approve", response_model=RetrainingOut, responses=CONFLICT)
def post_approval(visitor: VisitorDep, id: Id, question: RetrainAnswerQuestion) -> RetrainingOut:
    """Let the retraining begin. Needs the right to trigger the project's Dag."""
    raise unfinished()


@router.post("/{id}:refuse", summary="Refuse", response_model=RetrainingOut, responses=CONFLICT)
def post_refusal(visitor: VisitorDep, id: Id, question: RetrainAnswerQuestion) -> RetrainingOut:
    """Say no. Needs the right to trigger the project's Dag."""
    raise unfinished()
