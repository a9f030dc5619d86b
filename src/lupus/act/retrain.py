"""When a model is to be trained again, and when not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from lupus.act.ranking import severity_of
from lupus.model import (
    Interval,
    Project,
    RetrainPolicy,
    RetrainRequest,
    RetrainState,
    Series,
    SeriesKey,
    Status,
    Verdict,
    retrain_id,
)

_MOST_REASONS: Final = 10
_JUDGED: Final = (Status.OK, Status.WARN, Status.ANOMALY)


def decide_retrain(
    project: Project,
    interval: Interval,
    recent: Mapping[Interval, Sequence[Verdict]],
    series: Mapping[SeriesKey, Series],
    *,
    invalid: Sequence[str],
    past: Sequence[RetrainRequest],
    incident: str = "",
) -> RetrainRequest | None:
    """The retraining that the project's policy asks for after the run of `interval`, or None.

    `recent` has the current verdicts by the interval they are *about*; those about later intervals are not looked
    at. Among the newest `within` intervals for which the policy's series have been judged, at least `for_intervals`
    must have an anomaly of at least the policy's severity. Intervals whose labels are still awaited, or without data,
    count neither for nor against: missing data is no reason to train on it.

    None within the `cooldown` of another request (`past`) that was not blocked. With critical validation failures at
    `interval` (`invalid`, one sentence each) the request comes back `BLOCKED`. `incident` is the id of the incident
    it belongs to. The same arguments give the same request, with the same id.
    """
    policy = project.retrain
    if policy is None or _cooling(policy, interval, past):
        return None
    evidence = _evidence(policy, interval, recent, series)
    if len(evidence) < policy.when.for_intervals:
        return None
    request = retrain_id(project.name, interval)
    reasons = _reasons(verdict for verdicts in evidence.values() for verdict in verdicts)
    return RetrainRequest(
        id=request,
        project=project.name,
        interval=interval,
        dag=policy.dag,
        state=RetrainState.BLOCKED if invalid else RetrainState.REQUESTED,
        reasons=reasons,
        conf=_conf(policy, project=project.name, interval=interval, request=request, reasons=reasons),
        incident=incident,
        note=_blocked(invalid) if invalid else "",
    )


def _cooling(policy: RetrainPolicy, interval: Interval, past: Iterable[RetrainRequest]) -> bool:
    """Whether another request stands within the cooldown, before or (when an old interval runs again) after."""
    return any(
        request.state is not RetrainState.BLOCKED
        and request.interval.start != interval.start
        and abs(interval.start - request.interval.start) < policy.cooldown
        for request in past
    )


def _evidence(
    policy: RetrainPolicy,
    interval: Interval,
    recent: Mapping[Interval, Sequence[Verdict]],
    series: Mapping[SeriesKey, Series],
) -> dict[Interval, list[Verdict]]:
    """The anomalies that count, by interval, newest first, of the newest `within` judged intervals."""
    when = policy.when
    found: dict[Interval, list[Verdict]] = {}
    judged = 0
    for about in sorted((about for about in recent if about.start <= interval.start), reverse=True):
        verdicts = [
            verdict
            for verdict in recent[about]
            if verdict.status in _JUDGED and verdict.series in series and when.where.matches(series[verdict.series])
        ]
        if not verdicts:
            continue
        judged += 1
        if judged > max(when.within, when.for_intervals):
            break
        bad = [
            verdict
            for verdict in verdicts
            if verdict.status is Status.ANOMALY and severity_of(verdict).rank >= when.severity.rank
        ]
        if bad:
            found[about] = bad
    return found


def _reasons(evidence: Iterable[Verdict]) -> tuple[str, ...]:
    """The worst first, a sentence each."""
    order = sorted(
        evidence,
        key=lambda verdict: (
            -severity_of(verdict).rank,
            -(verdict.score or 0.0),
            -verdict.interval.start.timestamp(),
            verdict.series,
            verdict.rule,
        ),
    )
    reasons = [f"{verdict.interval.key}: {verdict.series}: {verdict.sentence}".rstrip(": ") for verdict in order]
    if len(reasons) > _MOST_REASONS:
        reasons[_MOST_REASONS:] = [f"and {len(reasons) - _MOST_REASONS:,} more"]
    return tuple(reasons)


def _conf(
    policy: RetrainPolicy, *, project: str, interval: Interval, request: str, reasons: Sequence[str]
) -> dict[str, Any]:
    """The Dag run's conf: the policy's own, and over it what Lupus says. Plain JSON values only."""
    return {
        **{name: _plain(value) for name, value in policy.conf.items()},
        "project": project,
        "interval": interval.key,
        "reasons": list(reasons),
        "request_id": request,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _blocked(invalid: Sequence[str]) -> str:
    shown = "; ".join(invalid[:3])
    more = f"; and {len(invalid) - 3:,} more" if len(invalid) > 3 else ""
    return f"not retrained, because the data failed critical validation: {shown}{more}"
