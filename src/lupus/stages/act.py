"""The act stage: incidents, notices and retrain requests in one transaction; then the delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lupus.model import (
    ConflictError,
    ConnectionNotUsableError,
    DeliveryError,
    Incident,
    Interval,
    Notice,
    NoticeState,
    Project,
    RetrainRequest,
    RetrainState,
    Series,
    SeriesKey,
    Stage,
    Verdict,
)
from lupus.stages.labels import evaluated, runs_since
from lupus.stages.recording import recorded
from lupus.stages.workspace import Workspace

_ATTEMPTS = 5
_TRIES = 5


@dataclass(frozen=True, slots=True)
class ActReport:
    """What was decided, and what became of the messages."""

    project: str
    interval: Interval
    incidents: tuple[Incident, ...]
    notices: tuple[Notice, ...]
    retrain: RetrainRequest | None
    undelivered: tuple[str, ...]


def act(
    workspace: Workspace, project: Project, interval: Interval, *, run_url: str = "", send: bool = True
) -> ActReport:
    """Decide on incidents, notices and retraining for the run of `interval`; then `send` what is pending.

    A message that cannot be delivered never fails the run: it stays in the store, marked, and the
    next run tries again.
    """
    store = workspace.store
    with recorded(workspace, project, interval, Stage.ACT) as record:
        for tries_left in reversed(range(_TRIES)):
            try:
                touched, retrain = _decide(workspace, project, interval, run_url)
                break
            except ConflictError:  # a person, or another run, changed an incident: decide again, with knowledge of it
                if not tries_left:
                    raise
        undelivered = deliver(workspace, project) if send else ()
        record.problems(undelivered)
    told = tuple(notice for notice in store.notices(project.name) if notice.interval == interval)
    # Not only what has changed: a run that is repeated changes nothing, and still has something to report.
    touched |= {notice.incident for notice in told}
    return ActReport(
        project.name,
        interval,
        tuple(incident for incident in store.incidents(project.name) if incident.id in touched),
        told,
        retrain,
        undelivered,
    )


def _decide(
    workspace: Workspace, project: Project, interval: Interval, run_url: str
) -> tuple[set[str], RetrainRequest | None]:
    """Decide, and store it all in one transaction; the ids of the incidents that have changed, and the request."""
    from lupus.act import Links, decide_notices, destination_of, update_incidents

    store = workspace.store
    judged = evaluated(project, interval) or (interval,)
    series = store.series(project.name)
    findings = store.verdicts(project.name, intervals=judged, findings_only=True)
    before = store.incidents(project.name)
    changes = update_incidents(project, interval, findings, series, before, judged=judged)
    notices = decide_notices(
        project,
        interval,
        before,
        changes.incidents,
        series=series,
        destination=destination_of(project, workspace.connections),
        links=Links(run_url=run_url, ui_url=workspace.settings.ui_url),
    )
    retrain = _retrain(workspace, project, interval, series, changes.incidents)
    store.commit_act(
        project.name,
        interval,
        incidents=changes.save,
        delete=changes.delete,
        notices=notices,
        retrain=retrain,
        known=before,
    )
    return {incident.id for incident in changes.save}, retrain


def deliver(workspace: Workspace, project: Project) -> tuple[str, ...]:
    """Send every pending notice of `project`; returns one sentence per notice that could not be sent."""
    from lupus.act import Sink, open_sink

    problems: list[str] = []
    sinks: dict[str, Sink] = {}
    for notice in workspace.store.notices(project.name, state=NoticeState.PENDING):
        now = datetime.now(UTC)
        try:
            if notice.destination not in sinks:
                sinks[notice.destination] = open_sink(
                    notice.destination, connections=workspace.connections, outbox=workspace.settings.outbox
                )
            receipt = sinks[notice.destination].deliver(notice)
        except (DeliveryError, ConnectionNotUsableError) as error:
            hopeless = getattr(error, "permanent", False) or notice.attempts + 1 >= _ATTEMPTS
            state = NoticeState.FAILED if hopeless else NoticeState.PENDING
            workspace.store.mark_notice(notice.id, state, error=str(error), delivered_at=now)
            problems.append(f"message to {notice.destination} not delivered: {error}")
        else:
            workspace.store.mark_notice(notice.id, NoticeState.SENT, receipt=receipt, delivered_at=now)
    return tuple(problems)


def pending_retrain(workspace: Workspace, project: Project, interval: Interval) -> RetrainRequest | None:
    """The request of this interval that is to be executed or has not succeeded; None when there is none.

    A failed one is pending: when a person has mended and cleared the retraining run, its end is awaited again.
    """
    done = (RetrainState.SUCCEEDED, RetrainState.BLOCKED)
    for request in workspace.store.retrain_requests(project.name):
        if request.interval == interval and request.state not in done:
            return request
    return None


def mark_retrain(workspace: Workspace, request_id: str, state: RetrainState, note: str = "") -> None:
    """Record what became of a request."""
    workspace.store.mark_retrain(request_id, state, note=note, executed_at=datetime.now(UTC))


def _retrain(
    workspace: Workspace,
    project: Project,
    interval: Interval,
    series: Mapping[SeriesKey, Series],
    incidents: Sequence[Incident],
) -> RetrainRequest | None:
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
    )
