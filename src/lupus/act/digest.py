"""What quiet hours held back, in one message at their end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

from lupus.act.story import NEWS
from lupus.act.text import shorten
from lupus.model import Incident, Interval, Notice, NoticeState, Project, Reason, Told

_MOST_LINES = 20


def decide_digests(
    project: Project,
    interval: Interval,
    notices: Iterable[Notice],
    past: Sequence[Told],
    incidents: Mapping[str, Incident],
) -> tuple[Notice, ...]:
    """One message per destination and end of quiet hours that `notices` are held until.

    It tells of all that is held until then, also by earlier runs (`past`), as it stands now. The same digest of every
    run: its id follows from the project, the destination and the hour.
    """
    told = [Told(n.id, n.incident, n.interval, n.destination, n.reason, n.state, n.next_try) for n in notices]
    held: dict[tuple[str, datetime], dict[str, None]] = {
        (one.destination, one.next_try): {}
        for one in told
        if one.reason is Reason.QUIET_HOURS and one.next_try is not None
    }
    for one in (*(one for one in past if one.interval != interval), *told):
        if one.reason is Reason.QUIET_HOURS and one.next_try is not None and (one.destination, one.next_try) in held:
            held[one.destination, one.next_try][one.incident] = None
    return tuple(
        Notice(
            id=_digest_id(project.name, destination, until),
            project=project.name,
            incident="",
            interval=interval,
            destination=destination,
            reason=Reason.DIGEST,
            state=NoticeState.PENDING,
            message={"text": _text(project, [incidents[one] for one in names if one in incidents])},
            next_try=until,
        )
        for (destination, until), names in held.items()
    )


def _digest_id(project: str, destination: str, until: datetime) -> str:
    text = f"digest\x1f{project}\x1f{destination}\x1f{until.timestamp():.0f}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _text(project: Project, incidents: Sequence[Incident]) -> str:
    """One line per incident, the worst first."""
    order = sorted(incidents, key=lambda one: (-one.severity.rank, one.first))
    count = f"{len(order):,} incident{'s' if len(order) != 1 else ''}"
    lines = [f"{shorten(project.name, 120)}: {count} in the quiet hours"]
    for one in order[:_MOST_LINES]:
        state = NEWS["resolved"] if not one.active else one.state.value
        lines.append(f"• {one.severity.value}, {state}: {shorten(one.title, 300)} (since {shorten(one.first.key, 40)})")
    if len(order) > _MOST_LINES:
        lines.append(f"• and {len(order) - _MOST_LINES:,} more")
    return "\n".join(lines)
