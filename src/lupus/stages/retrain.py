"""Retraining: what the policy asks for, what people answer, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lupus.model import (
    Approval,
    Comparison,
    ComparisonKind,
    ConflictError,
    EventKind,
    Incident,
    IncidentEvent,
    Interval,
    LupusError,
    Notice,
    Project,
    Reason,
    RetrainRequest,
    RetrainState,
    Series,
    SeriesKey,
    Stage,
    Verdict,
    event_id,
    retrain_id,
)
from lupus.stages.labels import evaluated, evaluation_tables, runs_since
from lupus.stages.models import matured_points
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import Matured

_MATURITY = "label_maturity"
_WAITING = (RetrainState.REQUESTED, RetrainState.APPROVED, RetrainState.TRIGGERED)


def decide_retraining(
    workspace: Workspace,
    project: Project,
    interval: Interval,
    series: Mapping[SeriesKey, Series],
    incidents: Sequence[Incident],
    *,
    upstream: Sequence[str] = (),
) -> RetrainRequest | None:
    """What the project's policy asks for after the run of `interval`; `upstream` are sentences about open incidents."""
    from lupus.act import decide_retrain

    if project.retrain is None:
        return None
    # Intervals whose labels are still awaited do not count, so look as much further back.
    steps = project.retrain.when.within - 1 + len(evaluated(project, interval))
    recent = tuple(project.cadence.between(project.cadence.shift(interval, -steps), interval))
    store = workspace.store
    past = store.retrain_requests(project.name)
    ahead = project.cadence.shift(interval, steps).end
    if len(runs_since(store, project, interval, Stage.ACT, until=ahead)) > 1:
        # To train again is a decision about now. Later runs have taken it; running an old interval again, with
        # labels that were not known then, changes nothing about it.
        return next((request for request in past if request.interval == interval), None)
    verdicts: dict[Interval, list[Verdict]] = {one: [] for one in recent}
    asked = [key for key, one in series.items() if project.retrain.when.where.matches(one)]
    for verdict in store.verdicts(project.name, intervals=recent, series=asked):
        verdicts[verdict.interval].append(verdict)
    invalid = [
        f"{validation.table}: {outcome.reason or outcome.id}"
        for validation in store.validations(project.name, (interval,))
        for outcome in validation.critical_failures
    ]
    return decide_retrain(
        project,
        interval,
        verdicts,
        series,
        invalid=invalid,
        past=past,
        incident=next((incident.id for incident in incidents if incident.active), ""),
        upstream=upstream,
        matured=lambda: _matured(workspace, project, interval, series),
    )


def tell_retrain(  # noqa: PLR0917 - what act knows, in its order
    workspace: Workspace,
    project: Project,
    interval: Interval,
    request: RetrainRequest | None,
    compared: Sequence[Comparison],
    notices: Sequence[Notice],
    *,
    to: Sequence[str],
    old: bool,
) -> tuple[Notice, ...]:
    """What is to be told about retrainings: wherever their incidents were told, before or by these `notices`.

    Retrainings of no incident are told at `to`. Of an `old` run nothing is sent.
    """
    from lupus.act import retrain_notices

    retrainings = {one.subject for one in compared if one.kind is ComparisonKind.RETRAINING}
    waits = request is not None and request.state is RetrainState.AWAITING_APPROVAL
    if not waits and not retrainings:
        return ()
    store = workspace.store
    requests = {one.id: one for one in store.retrain_requests(project.name) if one.id in retrainings}
    about = {one.incident for one in requests.values()} | ({request.incident} if request and waits else set())
    told: dict[str, list[str]] = {"": list(to)}
    for notice in (*store.notices(project.name), *notices):
        if notice.incident in about and notice.incident and notice.reason.sends:
            told.setdefault(notice.incident, []).append(notice.destination)
    places = {incident: tuple(dict.fromkeys(names)) for incident, names in told.items()}
    silence = Reason.BACKFILL if old else None
    return retrain_notices(project, interval, request, compared, requests, places, silence=silence)


def pending_retrain(workspace: Workspace, project: Project, interval: Interval) -> RetrainRequest | None:
    """The request that the run of `interval` is to execute, or whose end it awaits; None when there is none.

    That is the interval's own. A failed one is pending: when a person has mended and cleared the retraining run, its
    end is awaited again. Where there is none, it is one that a person has asked for.
    """
    requests = workspace.store.retrain_requests(project.name)
    mine = retrain_id(project.name, interval)
    for request in requests:
        if request.id == mine and request.state in (*_WAITING, RetrainState.FAILED):
            return request
    asked = [one for one in requests if one.id != retrain_id(project.name, one.interval) and one.state in _WAITING]
    return next((one for one in asked if one.interval <= interval), None)


def mark_retrain(workspace: Workspace, request_id: str, state: RetrainState, note: str = "") -> None:
    """Record what became of a request, and put it into its incident's timeline."""
    workspace.store.mark_retrain(request_id, state, note=note, executed_at=datetime.now(UTC))
    _in_timeline(workspace, workspace.store.retrain_request(request_id))


def answer_retrain(workspace: Workspace, request_id: str, *, approve: bool, by: str, note: str = "") -> RetrainRequest:
    """The request after the person `by` has approved or refused it; the first answer counts.

    Raises `ConflictError` when it does not wait for an answer (any more), `StoreError` when there is none.
    """
    if not by.strip():
        raise ValueError("say who answers")
    store = workspace.store
    state = RetrainState.APPROVED if approve else RetrainState.REFUSED
    done = store.mark_retrain(request_id, state, note, by=by, only_from=(RetrainState.AWAITING_APPROVAL,))
    request = store.retrain_request(request_id)
    if not done and (request.state, request.by) != (state, by):
        who = f" by {request.by}" if request.by else ""
        raise ConflictError(
            f"the retraining {request_id} of {request.project} is {request.state}{who}; see lupus retrain"
        )
    _in_timeline(workspace, request)
    return request


def time_out_retrain(workspace: Workspace, request_id: str) -> RetrainRequest:
    """The request after its time for an answer has passed; an answer that came before counts."""
    awaiting = (RetrainState.AWAITING_APPROVAL,)
    workspace.store.mark_retrain(request_id, RetrainState.TIMED_OUT, "nobody answered in time", only_from=awaiting)
    request = workspace.store.retrain_request(request_id)
    _in_timeline(workspace, request)
    return request


def refuse_if_asked_in_airflow(project: Project) -> None:
    """Raise `LupusError` when retraining is approved in Airflow: an answer elsewhere moves nothing there."""
    if project.retrain is not None and project.retrain.approval is Approval.AIRFLOW:
        raise LupusError(f"{project.name} asks in Airflow: answer its required action there (retrain.approval)")


def ask_retrain(
    workspace: Workspace, project: Project, *, by: str, why: str = "", incident: str = ""
) -> RetrainRequest:
    """The retraining that the person `by` asks for; the next run of the project's Dag executes it.

    Where one waits for approval already, it is approved. It belongs to the newest interval that has run. Raises
    `LupusError` when the project names no retraining Dag, has not run yet, or waits for a retraining already.
    """
    from lupus.act import ask_retrain as ask

    if not by.strip():
        raise ValueError("say who asks")
    store = workspace.store
    for request in store.retrain_requests(project.name):
        if request.state is RetrainState.AWAITING_APPROVAL:
            refuse_if_asked_in_airflow(project)
            return answer_retrain(workspace, request.id, approve=True, by=by, note=why)
    intervals = [run.interval for run in store.runs(project.name)]
    if not intervals:
        raise LupusError(f"{project.name} has not run yet, so there is nothing to train again")
    interval = max(intervals)
    request = ask(
        project,
        interval,
        by=by,
        why=why,
        past=store.retrain_requests(project.name),
        incident=incident,
        matured=_matured(workspace, project, interval, store.series(project.name)),
    )
    store.add_retrain(request)
    _in_timeline(workspace, request)
    return request


def _in_timeline(workspace: Workspace, request: RetrainRequest) -> None:
    """A line for where the request stands now; of what is done again there is one line."""
    if not request.incident:
        return
    who, what = f" by {request.by}" if request.by else "", str(request.state).replace("_", " ")
    workspace.store.add_incident_events(
        [
            IncidentEvent(
                id=event_id(request.incident, EventKind.RETRAIN, f"{request.id}:{request.state}"),
                project=request.project,
                incident=request.incident,
                kind=EventKind.RETRAIN,
                text=f"retraining by {request.dag}: {what}{who}",
                interval=request.interval,
                details={"request": request.id, "state": str(request.state), "note": request.note},
            )
        ]
    )


def _matured(workspace: Workspace, project: Project, interval: Interval, series: Mapping[SeriesKey, Series]) -> Matured:
    """How much labelled data there is up to `interval`, without what failed critical validation or was a fault."""
    from lupus.act import Matured

    tables = evaluation_tables(project)
    keys = [key for key in series if key.metric == _MATURITY and not key.segment] if tables else []
    if not keys or project.retrain is None:
        return Matured()
    points = matured_points(workspace, project, interval, keys[:1])[keys[0]]
    if not points:
        return Matured()
    rows = sum(round((point.value or 0.0) * point.n) for point in points)
    return Matured(len(points), rows, points[0].interval, points[-1].interval)
