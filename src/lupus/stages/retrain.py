"""Retraining: what the policy asks for, what people answer, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lupus.model import (
    ConflictError,
    Incident,
    Interval,
    LupusError,
    Project,
    RetrainRequest,
    RetrainState,
    Series,
    SeriesKey,
    Stage,
    Verdict,
)
from lupus.stages.labels import evaluated, evaluation_tables, runs_since
from lupus.stages.models import matured_points
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import Matured

_MATURITY = "label_maturity"
_WAITING = (RetrainState.REQUESTED, RetrainState.APPROVED)


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


def pending_retrain(workspace: Workspace, project: Project, interval: Interval) -> RetrainRequest | None:
    """The request that the run of `interval` is to execute, or whose end it awaits; None when there is none.

    That is the interval's own. A failed one is pending: when a person has mended and cleared the retraining run, its
    end is awaited again. Where there is none, it is one that a person asked for or approved since an earlier run.
    """
    own = (*_WAITING, RetrainState.AWAITING_APPROVAL, RetrainState.TRIGGERED, RetrainState.FAILED)
    requests = workspace.store.retrain_requests(project.name)
    for request in requests:
        if request.interval == interval and request.state in own:
            return request
    late = [one for one in requests if one.interval <= interval and one.state is RetrainState.APPROVED]
    return late[0] if late else None


def mark_retrain(workspace: Workspace, request_id: str, state: RetrainState, note: str = "") -> None:
    """Record what became of a request."""
    workspace.store.mark_retrain(request_id, state, note=note, executed_at=datetime.now(UTC))


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
    return request


def time_out_retrain(workspace: Workspace, request_id: str) -> RetrainRequest:
    """The request after its time for an answer has passed; an answer that came before counts."""
    awaiting = (RetrainState.AWAITING_APPROVAL,)
    workspace.store.mark_retrain(request_id, RetrainState.TIMED_OUT, "nobody answered in time", only_from=awaiting)
    return workspace.store.retrain_request(request_id)


def ask_retrain(
    workspace: Workspace, project: Project, *, by: str, why: str = "", incident: str = ""
) -> RetrainRequest:
    """The retraining that the person `by` asks for; the next run of the project's Dag executes it.

    It belongs to the newest interval that has run. Raises `LupusError` when the project names no retraining Dag, has
    not run yet, or waits for a retraining already.
    """
    from lupus.act import ask_retrain as ask

    if not by.strip():
        raise ValueError("say who asks")
    store = workspace.store
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
    return request


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
