"""Dependencies that several routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from lupus.ui.answers import Answers


def answers(request: Request) -> Answers:
    found: Answers = request.app.state.answers
    return found


AnswersDep = Annotated[Answers, Depends(answers)]
