"""Reports as JSON documents, for programs. One function per noun; the keys are the nouns' own field names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lupus.model import (
    Comparison,
    Incident,
    Interval,
    MetricPoint,
    Notice,
    RetrainRequest,
    RunReport,
    Snapshot,
    Validation,
    Verdict,
)


def report_json(report: RunReport) -> dict[str, Any]:
    """Everything that a run did, as plain JSON values."""
    return {
        "project": report.project,
        **_interval(report.interval),
        "snapshots": [_snapshot(snapshot) for snapshot in report.snapshots],
        "validations": [_validation(validation) for validation in report.validations],
        "points": [
            point_json(point) for point in sorted(report.points, key=lambda one: (one.interval, one.series.key))
        ],
        "verdicts": [verdict_json(verdict) for verdict in report.verdicts],
        "incidents": [incident_json(incident, ()) for incident in report.incidents],
        "notices": [_notice(notice) for notice in report.notices],
        "retrain": retrain_json(report.retrain) if report.retrain else None,
        "failed": list(report.failed),
    }


def point_json(point: MetricPoint) -> dict[str, Any]:
    """A metric point as plain JSON values; `value` is null when there is a `failure`."""
    key = point.series.key
    return {
        **_interval(point.interval),
        "table": key.table,
        "column": key.column,
        "metric": key.metric,
        "segment": key.segment,
        "group": point.series.group,
        "unit": point.series.unit,
        "value": point.value,
        "n": point.n,
        "low": point.low,
        "high": point.high,
        "maturity": point.maturity,
        "failure": {"kind": point.failure.kind, "reason": point.failure.reason} if point.failure else None,
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain JSON values."""
    key = verdict.series
    return {
        **_interval(verdict.interval),
        "table": key.table,
        "column": key.column,
        "metric": key.metric,
        "segment": key.segment,
        "rule": verdict.rule,
        "status": verdict.status,
        "severity": verdict.severity,
        "value": verdict.value,
        "expected": verdict.expected,
        "lower": verdict.lower,
        "upper": verdict.upper,
        "score": verdict.score,
        "sentence": verdict.sentence,
        "why": verdict.why,
    }


def incident_json(incident: Incident, notices: Sequence[Notice]) -> dict[str, Any]:
    """An incident with its findings and the notices about it, as plain JSON values."""
    return {
        "id": incident.id,
        "project": incident.project,
        "title": incident.title,
        "cause": incident.cause,
        "state": incident.state,
        "severity": incident.severity,
        "resolution": incident.resolution,
        "outcome": incident.outcome,
        "acknowledged_by": incident.acknowledged_by,
        "assignee": incident.assignee,
        "muted_until": incident.muted_until,
        "muted_score": incident.muted_score,
        "comment": incident.comment,
        "by": incident.by,
        "upstream": list(incident.upstream),
        "version": incident.version,
        "first": incident.first.key,
        "last": incident.last.key,
        "findings": [{"found": one.found.key, **verdict_json(one.verdict)} for one in incident.findings],
        "notices": [_notice(notice) for notice in notices],
    }


def _interval(interval: Interval) -> dict[str, str]:
    return {"interval": interval.key, "start": interval.start.isoformat(), "end": interval.end.isoformat()}


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "table": snapshot.table,
        "status": snapshot.status,
        "rows": snapshot.rows,
        "schema": dict(snapshot.schema),
        "content_hash": snapshot.content_hash,
        "reason": snapshot.reason,
    }


def _validation(validation: Validation) -> dict[str, Any]:
    return {
        "table": validation.table,
        "suite": validation.suite,
        "success_ratio": validation.success_ratio,
        "outcomes": [
            {
                "id": outcome.id,
                "expectation": outcome.expectation,
                "column": outcome.column,
                "severity": outcome.severity,
                "success": outcome.success,
                "unexpected_ratio": outcome.unexpected_ratio,
                "reason": outcome.reason,
            }
            for outcome in validation.outcomes
        ],
    }


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "interval": notice.interval.key,
        "destination": notice.destination,
        "reason": notice.reason,
        "state": notice.state,
        "error": notice.error,
        "text": notice.message.get("text", ""),
    }


def retrain_json(request: RetrainRequest) -> dict[str, Any]:
    """A retraining request as plain JSON values."""
    return {
        "id": request.id,
        "dag": request.dag,
        "state": request.state,
        "reasons": list(request.reasons),
        "conf": dict(request.conf),
        "note": request.note,
        "series": None if request.series is None else str(request.series),
        "by": request.by,
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison of models as plain JSON values."""
    return {
        "id": comparison.id,
        "project": comparison.project,
        **_interval(comparison.interval),
        "kind": comparison.kind,
        "subject": comparison.subject,
        "series": str(comparison.series),
        "better": comparison.better,
        "verdict": comparison.verdict,
        "before": asdict(comparison.before),
        "after": asdict(comparison.after),
        "shift": comparison.shift,
        "low": comparison.low,
        "high": comparison.high,
        "effect": comparison.effect,
        "p_value": comparison.p_value,
        "sentence": comparison.sentence,
    }
