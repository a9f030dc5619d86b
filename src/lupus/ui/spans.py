"""Which days are asked for, and the axis along which columns run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from lupus.model import Cadence, CadenceKind
from lupus.ui.errors import RefusedError
from lupus.ui.schemas.common import STATUSES

if TYPE_CHECKING:
    from lupus.store.views.rows import ProjectStand

DAY: Final = 86_400
ENVELOPE_DAYS: Final = 400
"""Longer spans are shown as an envelope of weeks."""
_ZONES: Final = 15 * 3600
"""No zone's midnight is further than this from that of UTC."""
_CODES: Final = {name: code for code, name in enumerate(STATUSES)}
_DAYS: Final = 90


def code(status: str | None) -> int:
    """The code of a status; -1 for none."""
    return -1 if status is None else _CODES[status]


def severity_code(severity: str | None) -> int:
    from lupus.ui.schemas.common import SEVERITIES

    return -1 if severity is None else SEVERITIES.index(severity)


@dataclass(frozen=True, slots=True)
class Span:
    """Days that are asked for: keys from `first` to `last`, and seconds within which their intervals start."""

    since: int
    until: int
    first: str | None
    last: str | None

    @property
    def days(self) -> int:
        return max(1, (self.until - self.since) // DAY)

    def holds(self, key: str) -> bool:
        """Whether the interval called `key` is meant. Keys of a cadence are in the order of their time."""
        return (self.first is None or key >= self.first) and (self.last is None or key[: len(self.last)] <= self.last)


def span(
    stands: Sequence[ProjectStand], first: str | None, last: str | None, days: int | None, *, default: int = _DAYS
) -> Span:
    """The days from `first` to `last`, both included; `days` back when there is no `first`. Refuses what is no day."""
    newest = max((one.latest_start for one in stands if one.latest_start is not None), default=0)
    until = newest if last is None else _midnight(last) + DAY + _ZONES
    if first is not None:
        return Span(_midnight(first) - _ZONES, until, first, last)
    length = days or default
    if last is None:
        # An hour of grace: days have 23 hours when the clocks change.
        return Span(until - length * DAY + DAY // 2, until, None, None)
    begin = (date.fromisoformat(last[:10]) - timedelta(days=length - 1)).isoformat()
    return Span(_midnight(begin) - _ZONES, until, begin, last)


def _midnight(text: str) -> int:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        raise RefusedError.invalid(f"{text[:40]!r} is no day; write it like 2026-11-29") from None
    if not 1971 <= day.year <= 9000:
        raise RefusedError.invalid(f"{text[:40]!r} is too far away")
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def cadence_of(stand: ProjectStand) -> Cadence | None:
    """The project's cadence; None as long as no run has stored what its file says."""
    try:
        kind = CadenceKind(stand.cadence)
        zone = str(stand.about.get("timezone") or "UTC")
        ZoneInfo(zone)
    except (ValueError, KeyError, OSError):
        return None
    return Cadence(kind, zone, str(stand.about.get("cron") or ""))


def fill(stand: ProjectStand, starts: Sequence[int], keys: Sequence[str]) -> tuple[list[int], list[str], list[int]]:
    """The axis without holes: starts, keys, and for each place that of the interval given, -1 for a missing one.

    An interval that never ran has a place too, so that a chart shows a gap and not a bridge.
    """
    cadence = cadence_of(stand)
    if len(starts) < 2 or cadence is None or cadence.kind is CadenceKind.CRON:
        return list(starts), list(keys), list(range(len(starts)))
    place = {start: number for number, start in enumerate(starts)}
    step = {CadenceKind.HOURLY: 3600, CadenceKind.DAILY: DAY, CadenceKind.WEEKLY: 7 * DAY}[cadence.kind]
    full: list[int] = []
    for one, after in zip(starts, (*starts[1:], None), strict=True):
        full.append(one)
        if after is not None and after - one > step * 1.5 and (after - one) // step < 10_000:
            current = cadence.next(cadence.containing(datetime.fromtimestamp(one, UTC)))
            while (start := int(current.start.timestamp())) < after:
                full.append(start)
                current = cadence.next(current)
    made = [keys[place[one]] if one in place else _key(cadence, one) for one in full]
    return full, made, [place.get(one, -1) for one in full]


def _key(cadence: Cadence, start: int) -> str:
    return cadence.containing(datetime.fromtimestamp(start, UTC)).key


def axis(stand: ProjectStand, starts: list[int], keys: list[str], *, cadence: str = "") -> dict[str, Any]:
    """An `Axis` as plain values."""
    return {
        "project": stand.name,
        "cadence": cadence or stand.cadence,
        "timezone": str(stand.about.get("timezone") or "UTC"),
        "keys": keys,
        "starts": starts,
    }
