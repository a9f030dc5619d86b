"""When a model is to be trained again, and when not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from lupus.act.comparison import better_of
from lupus.act.ranking import severity_of
from lupus.model import (
    Approval,
    Interval,
    LupusError,
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


@dataclass(frozen=True, slots=True)
class Matured:
    """How much labelled data there is to train on: from the `first` to the `last` interval that has matured."""

    intervals: int = 0
    rows: int = 0
    first: Interval | None = None
    last: Interval | None = None


def decide_retrain(
    project: Project,
    interval: Interval,
    recent: Mapping[Interval, Sequence[Verdict]],
    series: Mapping[SeriesKey, Series],
    *,
    invalid: Sequence[str],
    past: Sequence[RetrainRequest],
    incident: str = "",
    upstream: Sequence[str] = (),
    matured: Callable[[], Matured] = Matured,
) -> RetrainRequest | None:
    """The retraining that the project's policy asks for after the run of `interval`, or None.

    `recent` has the current verdicts by the interval they are *about*; those about later intervals are not looked
    at. Among the newest `within` intervals for which the policy's series have been judged, at least `for_intervals`
    must have an anomaly of at least the policy's severity. Intervals whose labels are still awaited, or without data,
    count neither for nor against: missing data is no reason to train on it.

    None within the `cooldown` of another request (`past`) that was not blocked: who has said no is not asked again the
    next day. The request comes back `BLOCKED`, with every reason, when there are critical validation failures at
    `interval` (`invalid`, one sentence each) or `upstream` incidents (likewise), when less has `matured`
    (asked for only then) than the policy wants, or when the budget of the calendar month is used up. `incident` is the
    id of the incident it belongs to. The same arguments give the same request, with the same id; one of this interval
    in which a person or a run has had a say stays as it is.
    """
    policy = project.retrain
    if policy is None:
        return None
    name = retrain_id(project.name, interval)
    settled = next((one for one in past if one.id == name and one.state.settled), None)
    if settled is not None or _cooling(policy, interval, past):
        return settled
    evidence = _evidence(policy, interval, recent, series)
    if len(evidence) < policy.when.for_intervals:
        return None
    ready = matured()
    worst = _ordered(verdict for verdicts in evidence.values() for verdict in verdicts)
    against = [
        *([_invalid(invalid)] if invalid else []),
        *upstream,
        *_immature(policy, ready),
        *_over_budget(project, policy, interval, past),
    ]
    state = RetrainState.REQUESTED if policy.approval is Approval.NONE else RetrainState.AWAITING_APPROVAL
    return RetrainRequest(
        id=name,
        project=project.name,
        interval=interval,
        dag=policy.dag,
        state=RetrainState.BLOCKED if against else state,
        reasons=(reasons := _reasons(worst)),
        conf=retrain_conf(policy, project.name, interval, name, reasons, ready),
        incident=incident,
        note=f"not retrained: {'; '.join(against)}" if against else "",
        series=worst[0].series,
        better=better_of(worst[0].series.metric, worst[0]),
    )


def ask_retrain(
    project: Project,
    interval: Interval,
    *,
    by: str,
    why: str,
    past: Sequence[RetrainRequest],
    incident: str,
    matured: Matured,
) -> RetrainRequest:
    """The retraining that the person `by` asks for after the run of `interval`: nobody else has to approve it.

    Raises `LupusError` when the project has no policy, or a request that is not done yet.
    """
    policy = project.retrain
    if policy is None:
        raise LupusError(f"{project.name} names no retraining Dag; give it retrain.dag in its project file")
    waiting = (RetrainState.REQUESTED, RetrainState.APPROVED, RetrainState.AWAITING_APPROVAL, RetrainState.TRIGGERED)
    for one in past:
        if one.state in waiting:
            raise LupusError(f"{project.name} has a retraining that is {one.state}: {one.id}, of {one.interval}")
    name = retrain_id(f"{project.name}\x1f{by}\x1f{len(past)}", interval)
    reasons = (f"{by} asked for it" + (f": {why}" if why else ""),)
    return RetrainRequest(
        id=name,
        project=project.name,
        interval=interval,
        dag=policy.dag,
        state=RetrainState.APPROVED,
        reasons=reasons,
        conf=retrain_conf(policy, project.name, interval, name, reasons, matured),
        incident=incident,
        by=by,
    )


def _cooling(policy: RetrainPolicy, interval: Interval, past: Iterable[RetrainRequest]) -> bool:
    """Whether another request stands within the cooldown, before or (when an old interval runs again) after."""
    return any(
        request.state is not RetrainState.BLOCKED
        and request.interval.start != interval.start
        and abs(interval.start - request.interval.start) < policy.cooldown
        for request in past
    )


def _over_budget(
    project: Project, policy: RetrainPolicy, interval: Interval, past: Iterable[RetrainRequest]
) -> Iterator[str]:
    """Why the budget of the calendar month, in the project's zone, allows no more."""
    if policy.budget is None:
        return
    zone = ZoneInfo(project.cadence.timezone)
    month = interval.start.astimezone(zone)
    others = [one.interval.start for one in past if one.state.alive and one.interval != interval]
    used = sum((at.year, at.month) == (month.year, month.month) for at in (one.astimezone(zone) for one in others))
    if used >= policy.budget:
        yield f"the budget of {policy.budget} a month is used up in {month:%Y-%m}"


def _immature(policy: RetrainPolicy, matured: Matured) -> Iterator[str]:
    if matured.intervals < policy.min_matured:
        yield f"{matured.intervals:,} of at least {policy.min_matured:,} intervals have matured"
    if matured.rows < policy.min_matured_rows:
        yield f"{matured.rows:,} of at least {policy.min_matured_rows:,} labelled rows have matured"


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


def _ordered(evidence: Iterable[Verdict]) -> list[Verdict]:
    """The worst first."""
    return sorted(
        evidence,
        key=lambda verdict: (
            -severity_of(verdict).rank,
            -(verdict.score or 0.0),
            -verdict.interval.start.timestamp(),
            verdict.series,
            verdict.rule,
        ),
    )


def _reasons(ordered: Sequence[Verdict]) -> tuple[str, ...]:
    """A sentence each."""
    reasons = [f"{verdict.interval.key}: {verdict.series}: {verdict.sentence}".rstrip(": ") for verdict in ordered]
    if len(reasons) > _MOST_REASONS:
        reasons[_MOST_REASONS:] = [f"and {len(reasons) - _MOST_REASONS:,} more"]
    return tuple(reasons)


def retrain_conf(  # noqa: PLR0917 - from the policy to what is known
    policy: RetrainPolicy, project: str, interval: Interval, request: str, reasons: Sequence[str], matured: Matured
) -> dict[str, Any]:
    """The Dag run's conf: the policy's own, and over it what Lupus says. Plain JSON values only."""
    return {
        **{name: _plain(value) for name, value in policy.conf.items()},
        "project": project,
        "interval": interval.key,
        "reasons": list(reasons),
        "request_id": request,
        **(
            {}
            if matured.first is None or matured.last is None
            else {"data": _window(matured.first, matured.last, matured)}
        ),
    }


def _window(first: Interval, last: Interval, matured: Matured) -> dict[str, Any]:
    return {
        "first": first.key,
        "last": last.key,
        "start": first.start.isoformat(),
        "end": last.end.isoformat(),
        "intervals": matured.intervals,
        "rows": matured.rows,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _invalid(invalid: Sequence[str]) -> str:
    shown = "; ".join(invalid[:3])
    more = f"; and {len(invalid) - 3:,} more" if len(invalid) > 3 else ""
    return f"the data failed critical validation: {shown}{more}"
