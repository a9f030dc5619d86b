"""The catalogue that the explorer searches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from lupus.ui.access import VisitorDep
from lupus.ui.answers import tag
from lupus.ui.catalogue import catalogue
from lupus.ui.routes.shared import AnswersDep
from lupus.ui.schemas.series import Catalog
from lupus.ui.service import ServiceDep

router = APIRouter(tags=["series"])


@router.get("/catalog", summary="Every series", response_model=Catalog)
def get_catalog(
    request: Request,
    visitor: VisitorDep,
    service: ServiceDep,
    answers: AnswersDep,
    day: Annotated[
        str | None, Query(max_length=40, description="The verdicts of this day; the newest ones when left out.")
    ] = None,
) -> Response:
    """Every series that the user may read, as dictionaries and columns. Ask once per run; a 304 costs one query."""
    stands = service.stands(visitor)
    entity = tag("catalog", day, *((one.name, one.touched) for one in stands))

    def make() -> bytes:
        found = service.views.catalog(stands, day=day)
        return catalogue(stands, *found, version=entity[3:-1], newest=day is None)

    return answers.give(request, entity, make)
