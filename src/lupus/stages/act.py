"""The act stage: incidents, notices and retrain requests in one transaction; then the delivery."""

from __future__ import annotations

from dataclasses import dataclass

from lupus.model import (
    ConflictError,
    Incident,
    Interval,
    Notice,
    Project,
    RetrainRequest,
    Stage,
)
from lupus.stages.deliver import deliver
from lupus.stages.labels import evaluated
from lupus.stages.models import compare_models
from lupus.stages.recording import recorded
from lupus.stages.retrain import decide_retraining, tell_retrain
from lupus.stages.turn import Patience
from lupus.stages.upstream import because_of, hold_of, open_sentences, read_upstream, with_causes
from lupus.stages.workspace import Workspace

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
        # A range of days is not to wait for a service that is down: what is not told now is told by the next run.
        undelivered = deliver(workspace, project.name, patience=Patience(5.0)).undelivered if send else ()
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
    upstream = read_upstream(workspace, project)
    changes = with_causes(changes, before, upstream)
    hold = hold_of(workspace, project, interval, changes.incidents, upstream)
    notices = decide_notices(
        project,
        interval,
        before,
        changes.incidents,
        series=series,
        destination=destination_of(project, workspace.connections),
        links=Links(run_url=run_url, ui_url=workspace.settings.ui_url),
        held=hold.held,
        untold=hold.untold,
        because=because_of(workspace, changes.incidents, upstream),
    )
    retrain = decide_retraining(
        workspace, project, interval, series, changes.incidents, upstream=open_sentences(upstream, interval)
    )
    compared = compare_models(workspace, project, interval)
    notices = (*notices, *tell_retrain(workspace, project, interval, retrain, compared, notices))
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
