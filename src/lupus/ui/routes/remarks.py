# ruff: noqa: ARG001
"""What people write on charts: remarks, and intervals that they take out of baselines."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from lupus.ui.access import VisitorDep
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.series import AnnotationOut, AnnotationQuestion, Exclusion, ExclusionQuestion

router = APIRouter(tags=["annotations"])
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-zA-Z_-]+$")]


@router.post("/annotations", summary="Annotate", response_model=AnnotationOut, status_code=201)
def post_annotation(visitor: VisitorDep, question: AnnotationQuestion) -> AnnotationOut:
    """A remark on a series or a project. Needs the right to edit the project's Dag."""
    raise unfinished()


@router.delete("/annotations/{id}", summary="Remove a remark", status_code=204)
def delete_annotation(visitor: VisitorDep, id: Id) -> None:
    """Needs the right to edit the project's Dag."""
    raise unfinished()


@router.post("/exclusions", summary="Take intervals out of a baseline", response_model=Exclusion, status_code=201)
def post_exclusion(visitor: VisitorDep, question: ExclusionQuestion) -> Exclusion:
    """The next bands are made without these intervals. Needs the right to edit the project's Dag."""
    raise unfinished()


@router.delete("/exclusions/{id}", summary="Put intervals back", status_code=204)
def delete_exclusion(visitor: VisitorDep, id: Id) -> None:
    """Only what a person took out. Needs the right to edit the project's Dag."""
    raise unfinished()
