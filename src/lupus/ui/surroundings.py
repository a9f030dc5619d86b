"""What stands around a series on its chart: events, exclusions, siblings, incidents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lupus.model import Exclusion, ExclusionReason
from lupus.ui.spans import Span, cadence_of, code

if TYPE_CHECKING:
    from lupus.model import Series
    from lupus.store.views.rows import Annotation, Found, ProjectStand
    from lupus.ui.service import Service

_BY_HAND = (ExclusionReason.LEFT_OUT, ExclusionReason.KEPT)


def surroundings(service: Service, found: Found, asked: Span) -> dict[str, Any]:
    """The parts of a `SeriesOut` that are no columns, as plain values."""
    stand = found.project
    siblings, annotations, incidents = service.views.surroundings(found.id, stand, found.series)
    store = service.store
    events = [
        {"kind": "model_version", "first": one.interval.key, "last": one.interval.key, "label": one.version}
        for one in store.model_changes(stand.name)
        if one.leads
    ]
    events += [
        {
            "kind": "retraining",
            "first": one.interval.key,
            "last": one.interval.key,
            "label": str(one.state).replace("_", " "),
            "id": one.id,
            "by": one.by,
        }
        for one in store.retrain_requests(stand.name)
    ]
    events += [_remark(one) for one in annotations]
    exclusions = [one for one in store.exclusions(stand.name) if one.about(found.series.key)]
    events += [
        {"kind": "new_level", "first": key, "last": key, "label": one.note or "new level accepted", "by": one.source}
        for one in exclusions
        if one.restart and (key := key_at(stand, one.end)) is not None
    ]
    return {
        "rules": [rule["name"] for rule in rules_of(stand, found.series)],
        "events": [_full(one) for one in events if asked.holds(one["last"]) or asked.holds(one["first"])],
        "exclusions": [
            shown
            for one in exclusions
            if not one.restart and (shown := exclusion(stand, one)) is not None and overlaps(shown, asked)
        ],
        "siblings": [
            {"id": f"{row.id:016x}", "segment": row.segment, "status": code(row.status), "score": row.score}
            for row in siblings
        ],
        "incidents": incidents,
    }


def rules_of(stand: ProjectStand, series: Series) -> list[dict[str, Any]]:
    """The project's rules that judge the series, as its file says."""
    from lupus.model import Selector

    found = []
    for rule in stand.about.get("rules", ()):
        where = Selector(**{name: tuple(patterns) for name, patterns in rule["where"].items()})
        if where.matches(series):
            found.append(dict(rule))
    return found


def key_at(stand: ProjectStand, at: datetime | None) -> str | None:
    """The key of the interval that holds `at`; its date where the cadence is not known."""
    if at is None:
        return None
    cadence = cadence_of(stand)
    return at.astimezone(UTC).date().isoformat() if cadence is None else cadence.containing(at).key


def exclusion(stand: ProjectStand, one: Exclusion) -> dict[str, Any] | None:
    """An `Exclusion` of the API as plain values."""
    last = key_at(stand, one.end - timedelta(microseconds=1))
    first = "" if one.start is None else key_at(stand, one.start)
    if last is None or first is None:
        return None
    return {
        "id": one.id if one.reason in _BY_HAND else "",
        "first": first,
        "last": last,
        "reason": str(one.reason),
        "source": one.source,
        "note": one.note,
    }


def overlaps(shown: dict[str, Any], asked: Span) -> bool:
    """Whether any part of what is shown lies within the days that are asked for."""
    return (asked.last is None or shown["first"][: len(asked.last)] <= asked.last) and (
        asked.first is None or shown["last"] >= asked.first
    )


def _remark(one: Annotation) -> dict[str, Any]:
    return {
        "kind": "annotation",
        "first": one.first,
        "last": one.last,
        "label": one.text,
        "id": one.id,
        "by": one.by,
        "at": None if one.at is None else one.at.isoformat(),
    }


def _full(event: dict[str, Any]) -> dict[str, Any]:
    return {"id": "", "by": "", "at": None, **event}


def by_hand(exclusions: Sequence[Exclusion], number: str) -> Exclusion | None:
    """The one with this id that a person made."""
    return next((one for one in exclusions if one.id == number and one.reason in _BY_HAND), None)
