"""The act stage: incidents, notices and retrain requests in one transaction; then the delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING

from lupus.model import (
    ConfigError,
    ConflictError,
    Incident,
    Interval,
    Notice,
    Project,
    QuietHours,
    Resolution,
    RetrainRequest,
    Routing,
    SeriesKey,
    Stage,
)
from lupus.stages.deliver import deliver
from lupus.stages.labels import evaluated
from lupus.stages.models import compare_models
from lupus.stages.recording import recorded
from lupus.stages.retrain import decide_retraining, tell_retrain
from lupus.stages.turn import Patience
from lupus.stages.upstream import because_of, held_by, open_sentences, read_upstream, with_causes
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import IncidentChanges, Occasion

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
    workspace: Workspace,
    project: Project,
    interval: Interval,
    *,
    run_url: str = "",
    send: bool = True,
    notify: bool = False,
    backfill: bool = False,
    now: datetime | None = None,
) -> ActReport:
    """Decide on incidents, notices and retraining for the run of `interval`; then `send` what is pending.

    What a `backfill` finds, or the run of an interval that ended longer ago than `Alerts.news_for`, is told to nobody,
    unless the project or `notify` asks for it. `now` (by default the clock's) is the time by which that, and whether
    hours are quiet, is decided; where it is asked for, it is as if the run were made at the end of its interval.

    A message that cannot be delivered never fails the run: it stays in the store, marked, and the
    next run tries again.
    """
    store = workspace.store
    with recorded(workspace, project, interval, Stage.ACT) as record:
        routing, problems = read_routing(workspace)
        record.problems(problems)
        for tries_left in reversed(range(_TRIES)):
            try:
                moment = _Moment(run_url, routing, now or datetime.now(UTC), notify=notify, backfill=backfill)
                touched, decided, retrain = _decide(workspace, project, interval, moment)
                break
            except ConflictError:  # a person, or another run, changed an incident: decide again, with knowledge of it
                if not tries_left:
                    raise
    # A range of days is not to wait for a service that is down: what is not told now is told by the next run.
    undelivered = deliver(workspace, project.name, patience=Patience(5.0)).undelivered if send else ()
    told = tuple(store.notices(project.name, interval=interval))
    # Not only what has changed: a run that is repeated changes nothing, and still has something to report.
    touched |= {notice.incident for notice in told}
    known = [one for one in reversed(decided) if one.id in touched]
    others = touched - {one.id for one in known}
    return ActReport(
        project.name,
        interval,
        (*known, *(store.incidents(project.name, ids=sorted(others)) if others else ())),
        told,
        retrain,
        undelivered,
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    """When and how a run is made: what its decision depends on beside what was found."""

    run_url: str
    routing: Routing
    now: datetime
    notify: bool
    backfill: bool


def read_routing(workspace: Workspace) -> tuple[Routing, tuple[str, ...]]:
    """What the installation says; where its file is broken nothing, and why. A project's own routes go on."""
    try:
        return workspace.routing, ()
    except ConfigError as error:
        return Routing(), tuple(str(problem) for problem in error.problems)


def _decide(
    workspace: Workspace, project: Project, interval: Interval, moment: _Moment
) -> tuple[set[str], Sequence[Incident], RetrainRequest | None]:
    """Decide, and store it all in one transaction; the ids of the incidents that have changed, all, and the request."""
    from lupus.act import (
        Links,
        addressees,
        decide_digests,
        decide_notices,
        first_concerned,
        merge_events,
        run_events,
        update_incidents,
    )

    store = workspace.store
    judged = evaluated(project, interval) or (interval,)
    series = store.series(project.name)
    findings = store.verdicts(project.name, intervals=judged, findings_only=True)
    newest = store.newest_run(project.name, Stage.ACT)
    before = store.incidents(project.name, since=first_concerned(project, interval, judged), or_active=True)
    changes = update_incidents(project, interval, findings, series, before, judged=judged, newest=newest)
    upstream = read_upstream(workspace, project)
    changes = with_causes(changes, before, upstream)
    occasion = _occasion(workspace, project, interval, moment, changes=changes, upstream=upstream, judged=judged)
    to = addressees(project, moment.routing, workspace.connections)
    notices = decide_notices(
        project,
        interval,
        before,
        changes.incidents,
        series=series,
        to=to,
        links=Links(run_url=moment.run_url, ui_url=workspace.settings.ui_url),
        occasion=occasion,
        because=because_of(workspace, changes.incidents, upstream),
    )
    by_id = {one.id: one for one in changes.incidents}
    digests = decide_digests(project, interval, notices, occasion.past, by_id)
    retrain = decide_retraining(
        workspace, project, interval, series, changes.incidents, upstream=open_sentences(upstream, interval)
    )
    compared = compare_models(workspace, project, interval)
    destinations = [one.destination for one in to]
    told = tell_retrain(workspace, project, interval, retrain, compared, notices, to=destinations, old=occasion.old)
    store.commit_act(
        project.name,
        interval,
        incidents=changes.save,
        delete=changes.delete,
        notices=(*notices, *digests, *told),
        retrain=retrain,
        known=before,
        events=[
            *(event for one in changes.save for event in run_events(project, one, series, changes.latest)),
            *merge_events(changes.moved, project, interval),
        ],
        moved=changes.moved,
    )
    return {incident.id for incident in changes.save}, changes.incidents, retrain


def _occasion(
    workspace: Workspace,
    project: Project,
    interval: Interval,
    moment: _Moment,
    *,
    changes: IncidentChanges,
    upstream: Sequence[Incident],
    judged: Sequence[Interval],
) -> Occasion:
    from lupus.act import Occasion

    alerts = project.alerts
    notify = alerts.backfills or moment.notify
    old = moment.backfill or moment.now - interval.end > alerts.news_for
    quiet = quiet_hours(project, moment.routing)
    return Occasion(
        past=workspace.store.told(project.name, [one.id for one in changes.incidents]),
        held=held_by(project, changes.incidents, upstream, interval),
        old=old and not notify,
        quiet=quiet,
        quiet_until=quiet.ends_after(interval.end if notify else moment.now) if quiet is not None else None,
        levels=_levels(workspace, project, changes.incidents, judged),
    )


def _levels(
    workspace: Workspace, project: Project, incidents: Sequence[Incident], judged: Sequence[Interval]
) -> Mapping[SeriesKey, float]:
    """The newest mature values among the `judged` intervals of what `incidents` that are over had found."""
    over = [one for one in incidents if one.resolution is Resolution.CLEAN]
    if not over:
        return {}
    wanted = {finding.verdict.series for one in over for finding in one.findings}
    history = workspace.store.history(project.name, sorted(judged))
    levels: dict[SeriesKey, float] = {}
    awaited = history.maturity < project.metrics.mature_at  # what some labels say is no level yet
    for known, values, unsure in zip(history.series, history.values.tolist(), awaited.tolist(), strict=True):
        if known.key in wanted:
            there = zip(values, unsure, strict=True)
            levels.update((known.key, value) for value, early in there if isfinite(value) and not early)
    return levels


def quiet_hours(project: Project, routing: Routing) -> QuietHours | None:
    """The quiet hours of `project`: its own, or those of the installation in the project's zone."""
    quiet = project.alerts.quiet_hours or routing.quiet_hours
    if quiet is None or quiet.timezone:
        return quiet
    return replace(quiet, timezone=project.cadence.timezone)
