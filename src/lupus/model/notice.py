"""Notice: what is sent where, and why; or why it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from lupus.model.interval import Interval


class Reason(StrEnum):
    """Why a notice is sent, or (from `REPEAT` on) why it is not."""

    FIRST = "first"
    WORSE = "worse"
    GREW = "grew"
    REOPENED = "reopened"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    DIGEST = "digest"
    RETRAIN = "retrain"
    MISSING_RUN = "missing_run"
    REPEAT = "repeat"
    MUTED = "muted"
    ACKNOWLEDGED = "acknowledged"
    UPSTREAM = "upstream"
    QUIET_HOURS = "quiet_hours"
    BELOW_SEVERITY = "below_severity"
    BACKFILL = "backfill"

    @property
    def sends(self) -> bool:
        return self in _SENDS


_SENDS = frozenset(
    (
        Reason.FIRST,
        Reason.WORSE,
        Reason.GREW,
        Reason.REOPENED,
        Reason.REMINDER,
        Reason.RESOLVED,
        Reason.DIGEST,
        Reason.RETRAIN,
        Reason.MISSING_RUN,
    )
)


class NoticeState(StrEnum):
    """What became of a notice."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Notice:
    """One update of one incident to one destination at one interval.

    `destination` is a sink's kind with what the sink needs: ``slack:<connection>:<channel>``,
    ``slack_webhook:<connection>``, ``email:<connection>:<address>,<address>``, ``webhook:<connection>``, ``outbox``.
    `message` is what there is to tell, the same for every sink. `receipt` is what the sink answered (a message ts); a
    notice that is not sent has one when it was told quietly, in the thread of its incident's message. After `attempts`
    in vain the next is due at `next_try`; what quiet hours hold back is told then, in their digest. A digest is of no
    one incident: its `incident` is "".
    """

    id: str
    project: str
    incident: str
    interval: Interval
    destination: str
    reason: Reason
    state: NoticeState
    message: Mapping[str, Any]
    receipt: str = ""
    error: str = ""
    attempts: int = 0
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What was decided about an incident for a destination in the run of an interval: a `Notice` without its text."""

    id: str
    incident: str
    interval: Interval
    destination: str
    reason: Reason
    state: NoticeState
    next_try: datetime | None = None


def notice_id(incident: str, interval: Interval, destination: str) -> str:
    """The id of an incident's one update at an interval to a destination: the same on every rerun."""
    text = f"{incident}\x1f{interval.key}\x1f{destination}"
    return blake2b(text.encode(), digest_size=16).hexdigest()
