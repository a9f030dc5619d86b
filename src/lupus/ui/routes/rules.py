"""The rule workbench: a proposal beside today's rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from lupus.model import Interval, Project, Severity
from lupus.ui.access import VisitorDep
from lupus.ui.answers import json_answer
from lupus.ui.errors import RefusedError
from lupus.ui.schemas.rules import BacktestOut, BacktestQuestion
from lupus.ui.service import ServiceDep
from lupus.ui.workbench import answer, stream

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
def post_backtest(request: Request, visitor: VisitorDep, service: ServiceDep, question: BacktestQuestion) -> Response:
    """What a proposal would have flagged over the past, beside what today's rule does. Nothing is stored."""
    from lupus.stages.workbench import try_rule

    stand = service.stand(visitor, question.project)
    key = None
    if question.series is not None:
        found = service.series(visitor, question.series)
        if found.project.name != stand.name:
            raise RefusedError.not_found("series")
        key = found.series.key
    project, text = service.project_file(stand)
    if not any(one.name == question.rule for one in project.rules):
        raise RefusedError.not_found("rule")
    first, last = _interval(project, question.start), _interval(project, question.to)
    workspace = service.workspace()

    def work(progress: Callable[[int, int], None]) -> dict[str, Any]:
        trial = try_rule(
            workspace,
            project,
            question.rule,
            question.parameters,
            severity=None if question.severity is None else Severity(question.severity),
            series=key,
            first=first,
            last=last,
            progress=progress,
            text=text,
        )
        return answer(service, stand, trial, single=key is not None)

    if key is None:
        return StreamingResponse(stream(work), media_type="text/event-stream")
    return json_answer(request, work(lambda _done, _of: None))


def _interval(project: Project, text: str | None) -> Interval | None:
    if text is None:
        return None
    try:
        return project.cadence.parse(text)
    except (ValueError, OverflowError) as error:
        raise RefusedError.invalid(str(error)) from error
