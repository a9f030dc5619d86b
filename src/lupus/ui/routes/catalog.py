# ruff: noqa: ARG001
"""The catalogue that the explorer searches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from lupus.ui.access import VisitorDep
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.series import Catalog

router = APIRouter(tags=["series"])


@router.get("/catalog", summary="Every series", response_model=Catalog)
def get_catalog(
    request: Request,
    visitor: VisitorDep,
    day: Annotated[
        str | None, Query(max_length=40, description="The verdicts of this day; the newest ones when left out.")
    ] = None,
) -> Response:
    """Every series that the user may read, as dictionaries and columns. Ask once per run; a 304 costs one query."""
    raise unfinished()
