"""Incidents as lists and pages show them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lupus.ui.spans import code, severity_code

if TYPE_CHECKING:
    from lupus.model import Finding, Incident, IncidentEvent, Series, SeriesKey

_FINDINGS = 500


def summary(row: Any, *, may_edit: bool) -> dict[str, Any]:
    """An `IncidentSummary` as plain values."""
    muted = row.muted_until
    if row.muted_score is not None:
        muted = f"{muted} or a score of {row.muted_score:.3g}" if muted else f"a score of {row.muted_score:.3g}"
    upstream = row.upstream if isinstance(row.upstream, list) else json.loads(row.upstream or "[]")
    return {
        "id": row.id,
        "project": row.project,
        "title": row.title,
        "state": row.state,
        "severity": severity_code(row.severity),
        "outcome": row.outcome,
        "first": row.first_key,
        "last": row.last_key,
        "findings": row.findings,
        "series": row.series,
        "cause": row.cause,
        "assignee": row.assignee,
        "muted_until": muted,
        "upstream": list(upstream),
        "version": row.writes,
        "worst": None if row.worst is None else f"{row.worst:016x}",
        "sentence": row.sentence or "",
        "may_edit": may_edit,
    }


def page(
    row: Any, incident: Incident, events: list[IncidentEvent], series: dict[SeriesKey, Series], *, may_edit: bool
) -> dict[str, Any]:
    """An `IncidentOut` as plain values."""
    findings = sorted(
        incident.findings,
        key=lambda one: (-(one.verdict.score or 0.0), one.verdict.interval.start, one.verdict.series),
    )
    return {
        "summary": summary(row, may_edit=may_edit),
        "comment": incident.comment,
        "findings": [_finding(one, series) for one in findings[:_FINDINGS]],
        "timeline": [_event(one) for one in events],
    }


def _finding(one: Finding, series: dict[SeriesKey, Series]) -> dict[str, Any]:
    verdict = one.verdict
    known = series.get(verdict.series)
    return {
        "id": verdict.series.slug,
        "found": one.found.key,
        "key": verdict.interval.key,
        "subject": verdict.series.subject,
        "metric": verdict.series.metric,
        "unit": known.unit if known else "",
        "group": known.group if known else "",
        "rule": verdict.rule,
        "status": code(verdict.status),
        "severity": severity_code(verdict.severity),
        "value": verdict.value,
        "expected": verdict.expected,
        "lower": verdict.lower,
        "upper": verdict.upper,
        "score": verdict.score,
        "sentence": verdict.sentence,
        "why": verdict.why,
    }


def _event(one: IncidentEvent) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "at": None if one.at is None or not one.by else one.at.isoformat(),
        "key": None if one.interval is None else one.interval.key,
        "by": one.by,
        "text": one.text,
        "details": dict(one.details),
    }
