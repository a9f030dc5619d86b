# ruff: noqa: ARG001
"""The rule workbench: a proposal beside today's rule."""

from __future__ import annotations

from fastapi import APIRouter, Response

from lupus.ui.access import VisitorDep
from lupus.ui.routes.unfinished import unfinished
from lupus.ui.schemas.rules import BacktestOut, BacktestQuestion

router = APIRouter(tags=["rules"])


@router.post(
    "/rules:backtest",
    summary="Try a rule",
    response_model=BacktestOut,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/Progress"}}},
            "description": "One series: the answer. All series: a stream of events, each with a `Progress` as data.",
        }
    },
)
def post_backtest(visitor: VisitorDep, question: BacktestQuestion) -> Response:
    """What a proposal would have flagged over the past, beside what today's rule does. Nothing is stored."""
    raise unfinished()
