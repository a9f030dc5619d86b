"""What people write on charts: remarks, and intervals that they take out of baselines."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path

from lupus.model import Exclusion as StoredExclusion
from lupus.model import ExclusionReason, Interval
from lupus.ui.access import Visitor, VisitorDep
from lupus.ui.audit import record
from lupus.ui.errors import RefusedError
from lupus.ui.schemas.series import AnnotationOut, AnnotationQuestion, Exclusion, ExclusionQuestion
from lupus.ui.service import Service, ServiceDep
from lupus.ui.spans import cadence_of
from lupus.ui.surroundings import by_hand, exclusion

router = APIRouter(tags=["annotations"])
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-zA-Z_-]+$")]


@router.post("/annotations", summary="Annotate", response_model=AnnotationOut, status_code=201)
def post_annotation(visitor: VisitorDep, service: ServiceDep, question: AnnotationQuestion) -> AnnotationOut:
    """A remark on a series or a project. Needs the right to edit the project's Dag."""
    from lupus.store.views.rows import Annotation

    visitor.edit(question.project)
    stand = service.stand(visitor, question.project)
    number = None
    if question.series is not None:
        found = service.series(visitor, question.series)
        if found.project.name != stand.name:
            raise RefusedError.not_found("series")
        number = found.id
    first, last = question.first, question.last or question.first
    start, end = service.views.find_interval(stand, first), service.views.find_interval(stand, last)
    if start is None or end is None or end < start:
        raise RefusedError.invalid(f"{stand.name} has run no intervals from {first} to {last}")
    made = Annotation(
        secrets.token_hex(8), stand.name, number, first, last, question.text, visitor.name, datetime.now(UTC)
    )
    service.views.annotate(made, start=start, last=end)
    record(service, visitor, project=stand.name, action="annotate", subject=made.id, details={"text": made.text})
    return AnnotationOut(
        id=made.id,
        project=made.project,
        series=question.series,
        first=made.first,
        last=made.last,
        text=made.text,
        by=made.by,
        at=None if made.at is None else made.at.isoformat(),
    )


@router.delete("/annotations/{id}", summary="Remove a remark", status_code=204)
def delete_annotation(visitor: VisitorDep, service: ServiceDep, id: Id) -> None:
    """Needs the right to edit the project's Dag."""
    found = service.views.annotation(id)
    if found is None or found.project not in visitor.readable:
        raise RefusedError.not_found("annotation")
    visitor.edit(found.project)
    service.views.remove_annotation(found)
    record(
        service, visitor, project=found.project, action="remove annotation", subject=id, details={"text": found.text}
    )


@router.post("/exclusions", summary="Take intervals out of a baseline", response_model=Exclusion, status_code=201)
def post_exclusion(visitor: VisitorDep, service: ServiceDep, question: ExclusionQuestion) -> Exclusion:
    """The next bands are made without these intervals. Needs the right to edit the project's Dag."""
    visitor.edit(question.project)
    stand = service.stand(visitor, question.project)
    first, last = _interval(service, visitor, stand.name, question.first), None
    last = first if question.last is None else _interval(service, visitor, stand.name, question.last)
    if last.start < first.start:
        raise RefusedError.invalid(f"{question.last} is before {question.first}")
    made = StoredExclusion(
        stand.name, ExclusionReason.LEFT_OUT, first.start, last.end, source=visitor.name, note=question.note
    )
    if question.series is not None:
        found = service.series(visitor, question.series)
        if found.project.name != stand.name:
            raise RefusedError.not_found("series")
        key = found.series.key
        made = StoredExclusion(
            stand.name, ExclusionReason.LEFT_OUT, first.start, last.end, key.table, key.column, key.metric, key.segment,
            source=visitor.name, note=question.note,
        )  # fmt: skip
    service.store.add_exclusion(made)
    details = question.model_dump(exclude_unset=True)
    record(service, visitor, project=stand.name, action="exclude", subject=made.id, details=details)
    return Exclusion.model_validate(exclusion(stand, made))


@router.delete("/exclusions/{id}", summary="Put intervals back", status_code=204)
def delete_exclusion(visitor: VisitorDep, service: ServiceDep, id: Id) -> None:
    """Only what a person took out. Needs the right to edit the project's Dag."""
    for stand in service.stands(visitor):
        found = by_hand(service.store.exclusions(stand.name), id)
        if found is not None:
            visitor.edit(stand.name)
            service.store.remove_exclusion(id)
            record(service, visitor, project=stand.name, action="put back", subject=id, details={"note": found.note})
            return
    raise RefusedError.not_found("exclusion")


def _interval(service: Service, visitor: Visitor, project: str, key: str) -> Interval:
    """The project's interval that `key` names."""
    cadence = cadence_of(service.stand(visitor, project))
    if cadence is None:
        raise RefusedError.invalid(f"no run of {project} has told its cadence yet; let it run once")
    try:
        return cadence.parse(key)
    except (ValueError, OverflowError) as error:
        raise RefusedError.invalid(str(error)) from error
