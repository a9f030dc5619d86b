"""What people do to incidents: which change is possible when, what it makes of the incident, and how it is undone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any, Final

from lupus.model import (
    ChangeKind,
    ConflictError,
    EventKind,
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Outcome,
    Resolution,
    event_id,
)

_OPEN, _ACKNOWLEDGED, _MUTED, _RESOLVED = IncidentState

TRANSITIONS: Final[Mapping[tuple[IncidentState, ChangeKind], frozenset[IncidentState]]] = {
    (_OPEN, ChangeKind.ACKNOWLEDGE): frozenset({_ACKNOWLEDGED}),
    (_OPEN, ChangeKind.ASSIGN): frozenset({_OPEN}),
    (_OPEN, ChangeKind.COMMENT): frozenset({_OPEN}),
    (_OPEN, ChangeKind.MUTE): frozenset({_MUTED}),
    (_OPEN, ChangeKind.RESOLVE): frozenset({_RESOLVED}),
    (_ACKNOWLEDGED, ChangeKind.ACKNOWLEDGE): frozenset({_ACKNOWLEDGED}),
    (_ACKNOWLEDGED, ChangeKind.ASSIGN): frozenset({_ACKNOWLEDGED}),
    (_ACKNOWLEDGED, ChangeKind.COMMENT): frozenset({_ACKNOWLEDGED}),
    (_ACKNOWLEDGED, ChangeKind.MUTE): frozenset({_MUTED}),
    (_ACKNOWLEDGED, ChangeKind.RESOLVE): frozenset({_RESOLVED}),
    # Taken in hand, but still silent; it is acknowledged when the silence ends.
    (_MUTED, ChangeKind.ACKNOWLEDGE): frozenset({_MUTED}),
    (_MUTED, ChangeKind.ASSIGN): frozenset({_MUTED}),
    (_MUTED, ChangeKind.COMMENT): frozenset({_MUTED}),
    (_MUTED, ChangeKind.MUTE): frozenset({_MUTED}),
    (_MUTED, ChangeKind.UNMUTE): frozenset({_OPEN, _ACKNOWLEDGED}),
    (_MUTED, ChangeKind.RESOLVE): frozenset({_RESOLVED}),
    # Who acknowledges what somebody has just resolved is noted, and changes nothing.
    (_RESOLVED, ChangeKind.ACKNOWLEDGE): frozenset({_RESOLVED}),
    (_RESOLVED, ChangeKind.ASSIGN): frozenset({_RESOLVED}),
    (_RESOLVED, ChangeKind.COMMENT): frozenset({_RESOLVED}),
    (_RESOLVED, ChangeKind.RESOLVE): frozenset({_RESOLVED}),
    (_RESOLVED, ChangeKind.REOPEN): frozenset({_OPEN, _ACKNOWLEDGED, _MUTED}),
}
"""The states that a change may lead to. What is missing is refused; `undo` may lead back to any state."""

_FACTS: Final = (
    "acknowledged_by",
    "assignee",
    "muted_until",
    "muted_score",
    "kept_open",
    "outcome",
    "resolution",
    "comment",
)
_INSTEAD: Final = {
    ChangeKind.MUTE: "reopen it first",
    ChangeKind.UNMUTE: "only a muted one can be",
    ChangeKind.REOPEN: "only a resolved one can be",
}
_EVENTS: Final = {
    ChangeKind.ACKNOWLEDGE: EventKind.ACKNOWLEDGED,
    ChangeKind.ASSIGN: EventKind.ASSIGNED,
    ChangeKind.COMMENT: EventKind.COMMENTED,
    ChangeKind.MUTE: EventKind.MUTED,
    ChangeKind.UNMUTE: EventKind.UNMUTED,
    ChangeKind.RESOLVE: EventKind.JUDGED,
    ChangeKind.REOPEN: EventKind.KEPT_OPEN,
    ChangeKind.UNDO: EventKind.UNDONE,
}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(T[0-9:Z+-]+)?")


def state_of(incident: Incident, *, muted: bool) -> IncidentState:
    """The state that follows from what is known of `incident`; `muted` says whether its silence lasts still."""
    if incident.resolution is not None:
        return IncidentState.RESOLVED
    if muted:
        return IncidentState.MUTED
    return IncidentState.ACKNOWLEDGED if incident.acknowledged_by else IncidentState.OPEN


def apply_change(
    incident: Incident, change: IncidentChange, events: Sequence[IncidentEvent], *, by: str, at: datetime
) -> tuple[Incident, IncidentEvent]:
    """`incident` after the person `by` did `change` at the time `at` (UTC), and the event that says so.

    `events` is its timeline so far, oldest first, which says what `undo` takes back. Raises `ConflictError` when the
    change is not possible in the state that the incident is in, and `ValueError` when it is not fully said. Pure.
    """
    _check(incident, change)
    if change.kind is ChangeKind.UNDO:
        return _undo(incident, events, by=by, at=at)
    if (incident.state, change.kind) not in TRANSITIONS:
        raise ConflictError(
            f"incident {incident.id} is {standing(incident)}, so it cannot be {_done(change)}: {_INSTEAD[change.kind]}"
        )
    after = replace(incident, by=by, **_new_facts(incident, change, by))
    if change.comment:
        after = replace(after, comment=change.comment)
    after = _with_state(after)
    return after, _event(incident, after, change, by=by, at=at)


def refusal(
    incident: Incident, change: IncidentChange, error: ConflictError, *, by: str, at: datetime
) -> IncidentEvent:
    """The event that tells of a change that came too late: who else wanted what is of interest."""
    return IncidentEvent(
        id=event_id(incident.id, EventKind.REFUSED, f"{at.isoformat()} {by} {change.kind}"),
        project=incident.project,
        incident=incident.id,
        kind=EventKind.REFUSED,
        text=f"{by} wanted it {_done(change)}; refused: {error}",
        by=by,
        at=at,
        details={"change": change.kind.value, "version": incident.version},
    )


def _check(incident: Incident, change: IncidentChange) -> None:
    match change.kind:
        case ChangeKind.MUTE:
            if not change.until and not change.until_doubles:
                raise ValueError("say until when it is muted: a date, or until the score doubles")
            if change.until and not _DATE.fullmatch(change.until):
                raise ValueError(f"{change.until!r} is no interval; write it like {incident.last.key!r}")
            if change.until_doubles and _score(incident) is None:
                raise ValueError("it has no score that could double; mute it until a date")
        case ChangeKind.COMMENT:
            if not change.comment.strip():
                raise ValueError("the comment is empty")


def _new_facts(incident: Incident, change: IncidentChange, by: str) -> dict[str, Any]:
    match change.kind:
        case ChangeKind.ACKNOWLEDGE:
            return {"acknowledged_by": by, "assignee": incident.assignee or by}
        case ChangeKind.ASSIGN:
            return {"assignee": change.assignee}
        case ChangeKind.MUTE:
            score = _score(incident) if change.until_doubles else None
            return {"muted_until": change.until, "muted_score": None if score is None else 2 * score}
        case ChangeKind.UNMUTE:
            return {"muted_until": "", "muted_score": None}
        case ChangeKind.RESOLVE:
            return {"resolution": Resolution.PERSON, "outcome": change.outcome, "kept_open": False}
        case ChangeKind.REOPEN:
            # What has been clean for long enough would be resolved again by the next run.
            return {"resolution": None, "outcome": None, "kept_open": incident.resolution is Resolution.CLEAN}
        case _:
            return {}


def _undo(
    incident: Incident, events: Sequence[IncidentEvent], *, by: str, at: datetime
) -> tuple[Incident, IncidentEvent]:
    taken_back = {event.details.get("undoes") for event in events}
    done = [one for one in events if one.kind.is_human and "before" in one.details and one.id not in taken_back]
    # Not by the clock: those of two machines may differ.
    last = max(done, key=lambda one: int(one.details["version"]), default=None)
    if last is None:
        raise ConflictError(f"nobody has changed incident {incident.id}, so there is nothing to undo")
    restored = {name: _parsed(name, value) for name, value in last.details["before"].items()}
    after = _with_state(replace(incident, by=by, **restored))
    return after, IncidentEvent(
        id=event_id(incident.id, EventKind.UNDONE, str(incident.version + 1)),
        project=incident.project,
        incident=incident.id,
        kind=EventKind.UNDONE,
        text=f"{by} took back: {last.text}",
        by=by,
        at=at,
        details={"undoes": last.id, "version": incident.version + 1},
    )


def _with_state(incident: Incident) -> Incident:
    muted = bool(incident.muted_until) or incident.muted_score is not None
    return replace(incident, state=state_of(incident, muted=muted))


def _event(before: Incident, after: Incident, change: IncidentChange, *, by: str, at: datetime) -> IncidentEvent:
    changed = [name for name in _FACTS if getattr(before, name) != getattr(after, name)]
    details: dict[str, Any] = {
        "change": change.kind.value,
        "version": before.version + 1,
        "before": {name: _written(getattr(before, name)) for name in changed},
    }
    if change.comment:
        details["comment"] = change.comment
    kind = _EVENTS[change.kind]
    text = f"{by} {_said(before, change, after)}"
    return IncidentEvent(
        id=event_id(before.id, kind, str(before.version + 1)),
        project=before.project,
        incident=before.id,
        kind=kind,
        text=f"{text}: {change.comment}" if change.comment else text,
        by=by,
        at=at,
        details=details,
    )


def _said(before: Incident, change: IncidentChange, after: Incident) -> str:
    match change.kind:
        case ChangeKind.ACKNOWLEDGE:
            return "acknowledged it" if before.active else "acknowledged it, after it was resolved"
        case ChangeKind.ASSIGN:
            return f"assigned it to {after.assignee}" if after.assignee else "assigned it to nobody"
        case ChangeKind.COMMENT:
            return "commented"
        case ChangeKind.MUTE:
            ends = [f"until {after.muted_until}"] if after.muted_until else []
            if after.muted_score is not None:
                ends.append(f"until its score reaches {after.muted_score:.1f}")
            return f"muted it {' or '.join(ends)}"
        case ChangeKind.UNMUTE:
            return "unmuted it"
        case ChangeKind.RESOLVE:
            return f"resolved it as {_words(after.outcome)}" if after.outcome else "resolved it"
        case _:
            return "reopened it"


def _done(change: IncidentChange) -> str:
    """The change as a participle: ``resolved as expected``."""
    done = {
        ChangeKind.ACKNOWLEDGE: "acknowledged",
        ChangeKind.ASSIGN: "assigned",
        ChangeKind.COMMENT: "commented on",
        ChangeKind.MUTE: "muted",
        ChangeKind.UNMUTE: "unmuted",
        ChangeKind.RESOLVE: "resolved",
        ChangeKind.REOPEN: "reopened",
        ChangeKind.UNDO: "as it was before",
    }[change.kind]
    return f"{done} as {_words(change.outcome)}" if change.outcome else done


def standing(incident: Incident) -> str:
    """What is so of the incident now, in words: ``resolved as expected (last changed by vera)``."""
    said = incident.state.value
    if incident.outcome:
        said += f" as {_words(incident.outcome)}"
    return f"{said} (last changed by {incident.by})" if incident.by else said


def _words(outcome: Outcome | None) -> str:
    return "" if outcome is None else outcome.value.replace("_", " ")


def _score(incident: Incident) -> float | None:
    scores = [one.verdict.score for one in incident.findings]
    return max((score for score in scores if score is not None and isfinite(score)), default=None)


def _written(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


def _parsed(name: str, value: Any) -> Any:
    kinds: dict[str, type[StrEnum]] = {"outcome": Outcome, "resolution": Resolution}
    return kinds[name](value) if name in kinds and value is not None else value
