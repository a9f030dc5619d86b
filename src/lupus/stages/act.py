"""The act stage: incidents, notices and retrain requests in one transaction; then the delivery."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lupus.model import (
    ConnectionNotUsableError,
    DeliveryError,
    Incident,
    Interval,
    Notice,
    NoticeState,
    Project,
    RetrainRequest,
    RetrainState,
    Stage,
)
from lupus.stages.labels import evaluated
from lupus.stages.recording import recorded
from lupus.stages.workspace import Workspace

OUTBOX = "outbox"
_ATTEMPTS = 5


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
    from lupus.act import Links, decide_notices, update_incidents

    store = workspace.store
    with recorded(workspace, project, interval, Stage.ACT) as record:
        judged = evaluated(project, interval) or (interval,)
        series = store.series(project.name)
        findings = store.verdicts(project.name, intervals=judged, findings_only=True)
        before = store.incidents(project.name)
        changes = update_incidents(project, interval, judged, findings, series, before)
        notices = decide_notices(
            project,
            interval,
            before,
            changes.save,
            series=series,
            destination=_destination(workspace, project),
            links=Links(ui=workspace.settings.ui_url, run=run_url),
        )
        retrain = _retrain(workspace, project, interval)
        store.commit_act(
            project.name, interval, save=changes.save, delete=changes.delete, notices=notices, retrain=retrain
        )
        undelivered = deliver(workspace, project) if send else ()
        record.problems(undelivered)
    touched = {incident.id for incident in changes.save}
    return ActReport(
        project.name,
        interval,
        tuple(incident for incident in store.incidents(project.name) if incident.id in touched),
        tuple(notice for notice in store.notices(project.name) if notice.interval == interval),
        retrain,
        undelivered,
    )


def deliver(workspace: Workspace, project: Project) -> tuple[str, ...]:
    """Send every pending notice of `project`; returns one sentence per notice that could not be sent."""
    from lupus.act import OutboxSink, Sink, SlackSink

    problems: list[str] = []
    sinks: dict[str, Sink] = {OUTBOX: OutboxSink(workspace.settings.outbox)}
    for notice in workspace.store.notices(project.name, state=NoticeState.PENDING):
        now = datetime.now(UTC)
        try:
            if notice.destination not in sinks:
                _, connection, channel = notice.destination.split(":", 2)
                found = workspace.connections.get(connection)
                sinks[notice.destination] = SlackSink(
                    found.secret, channel, base_url=str(found.extra.get("base_url", "")) or None
                )
            receipt = sinks[notice.destination].deliver(notice)
        except (DeliveryError, ConnectionNotUsableError) as error:
            hopeless = getattr(error, "permanent", False) or notice.attempts + 1 >= _ATTEMPTS
            state = NoticeState.FAILED if hopeless else NoticeState.PENDING
            workspace.store.mark_notice(notice.id, state, error=str(error), at=now)
            problems.append(f"message to {notice.destination} not delivered: {error}")
        else:
            workspace.store.mark_notice(notice.id, NoticeState.SENT, receipt=receipt, at=now)
    return tuple(problems)


def pending_retrain(workspace: Workspace, project: Project, interval: Interval) -> RetrainRequest | None:
    """The request of this interval that is to be executed, or being executed; None when there is none."""
    for request in workspace.store.retrain_requests(project.name):
        if request.interval == interval and request.state in (RetrainState.REQUESTED, RetrainState.TRIGGERED):
            return request
    return None


def mark_retrain(workspace: Workspace, request_id: str, state: RetrainState, note: str = "") -> None:
    """Record what became of a request."""
    workspace.store.mark_retrain(request_id, state, note=note, at=datetime.now(UTC))


def _destination(workspace: Workspace, project: Project) -> str:
    """Where notices go: the project's Slack channel, or the outbox when its connection is not usable."""
    route = project.alerts.slack
    if route is None:
        return OUTBOX
    try:
        usable = bool(workspace.connections.get(route.connection).secret)
    except ConnectionNotUsableError:
        usable = False
    return f"slack:{route.connection}:{route.channel}" if usable else OUTBOX


def _retrain(workspace: Workspace, project: Project, interval: Interval) -> RetrainRequest | None:
    from lupus.act import decide_retrain

    if project.retrain is None:
        return None
    first = interval
    for _ in range(project.retrain.when.within - 1):
        first = project.cadence.previous(first)
    recent = tuple(project.cadence.between(first, interval))
    store = workspace.store
    invalid = [
        f"{validation.table}: {outcome.reason or outcome.id}"
        for validation in store.validations(project.name, (interval,))
        for outcome in validation.critical_failures
    ]
    request = decide_retrain(
        project,
        interval,
        store.verdicts(project.name, intervals=recent, findings_only=True),
        store.series(project.name),
        invalid=invalid,
        past=store.retrain_requests(project.name),
    )
    active = [incident for incident in store.incidents(project.name) if incident.active]
    return replace(request, incident=active[0].id) if request is not None and active else request
