"""What is told about retrainings: that one waits for approval, that one is blocked, and whether it helped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from lupus.act.text import shorten
from lupus.model import (
    Approval,
    Comparison,
    ComparisonKind,
    Interval,
    Notice,
    NoticeState,
    Project,
    Reason,
    RetrainRequest,
    RetrainState,
)

_SENTENCE = 600


def retrain_notices(  # noqa: PLR0917 - what is told, then where
    project: Project,
    interval: Interval,
    request: RetrainRequest | None,
    comparisons: Sequence[Comparison],
    requests: Mapping[str, RetrainRequest],
    destinations: Mapping[str, Sequence[str]],
    *,
    silence: Reason | None = None,
) -> tuple[Notice, ...]:
    """The notices of the run of `interval`: of its `request`, and of the retrainings it has compared.

    Each goes to where its incident was told: `destinations` by incident, "" for retrainings of no incident. `requests`
    are those that `comparisons` are about, by id. With a `silence` nothing is sent, for that reason.
    """
    told = [*_asked(project, request), *_compared(comparisons, requests)]
    return tuple(
        _notice(project, interval, incident, destination, about, text, silence)
        for about, incident, text in told
        for destination in destinations.get(incident) or destinations.get("", ())
    )


def _asked(project: Project, request: RetrainRequest | None) -> Iterator[tuple[str, str, str]]:
    if request is None or project.retrain is None or request.state is not RetrainState.AWAITING_APPROVAL:
        return
    where = {
        Approval.AIRFLOW: "answer the required action of its run in Airflow",
        Approval.SLACK: f"press Approve or Refuse above, or lupus retrain approve {request.id} (or refuse)",
    }.get(project.retrain.approval, "")
    why = shorten(request.reasons[0], _SENTENCE) if request.reasons else ""
    yield request.id, request.incident, f"Retraining by {request.dag} waits for approval: {where}. Because: {why}"


def _compared(
    comparisons: Sequence[Comparison], requests: Mapping[str, RetrainRequest]
) -> Iterator[tuple[str, str, str]]:
    for one in comparisons:
        request = requests.get(one.subject)
        if one.kind is ComparisonKind.RETRAINING and request is not None:
            text = f"Retraining of {request.interval.key}: {shorten(one.sentence, _SENTENCE)}"
            yield one.id, request.incident, text


def _notice(  # noqa: PLR0917 - the order of the columns
    project: Project, interval: Interval, incident: str, destination: str, about: str, text: str, silence: Reason | None
) -> Notice:
    name = blake2b(f"retrain\x1f{about}\x1f{destination}".encode(), digest_size=16).hexdigest()
    notice = Notice(
        id=name,
        project=project.name,
        incident=incident,
        interval=interval,
        destination=destination,
        reason=Reason.RETRAIN,
        state=NoticeState.PENDING,
        message={"text": f"{shorten(project.name, 120)}: {text}"},
    )
    return notice if silence is None else replace(notice, reason=silence, state=NoticeState.NOT_SENT)
