"""What is configured, reachable, out of date."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lupus.model import (
    ConfigError,
    ConnectionNotUsableError,
    LupusError,
    NoticeState,
    Project,
    SqlSource,
    StoreError,
)
from lupus.stages.missing import silence_of
from lupus.stages.settings import EnvironmentConnections, Settings
from lupus.stages.workspace import Workspace, open_workspace


class Health(StrEnum):
    """How one thing is."""

    FINE = "fine"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, how it is, and what to do when it is not fine."""

    subject: str
    health: Health
    detail: str


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything that a run needs, one finding at a time; no problem stops the others."""
    from lupus.config import load_projects

    settings = Settings.from_environment(environ)
    yield _folder(settings)
    yield from _shared(settings, environ)
    projects: list[Project] = []
    for loaded in load_projects(settings.projects, environ=environ) if settings.projects.is_dir() else ():
        if loaded.project is None:
            for problem in loaded.problems:
                yield Finding(f"project {loaded.name}", Health.BROKEN, str(problem))
        else:
            projects.append(loaded.project)
            yield Finding(f"project {loaded.name}", Health.FINE, f"{loaded.path.name}, {loaded.project.cadence.kind}")
            yield from _expectations(settings, loaded.project)
    connections = EnvironmentConnections(environ)
    yield from _connections(connections, projects)
    try:
        with open_workspace(settings, connections=connections) as workspace:
            current, head = workspace.store.revision()
            yield Finding("store", Health.FINE, f"{workspace.store.label}, schema {current} of {head}")
            for project in projects:
                yield from _runs(workspace, project)
    except StoreError as error:
        yield Finding("store", Health.BROKEN, str(error))


def _folder(settings: Settings) -> Finding:
    if not settings.projects.is_dir():
        return Finding(
            "projects folder",
            Health.BROKEN,
            f"{settings.projects} does not exist; set LUPUS_PROJECTS or run lupus init",
        )
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Finding("home folder", Health.BROKEN, f"{settings.home}: {error.strerror}; set LUPUS_HOME")
    if not os.access(settings.home, os.W_OK):
        return Finding("home folder", Health.BROKEN, f"{settings.home} cannot be written to; set LUPUS_HOME")
    return Finding("home folder", Health.FINE, str(settings.home))


def _shared(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What is said for all projects, where anything is."""
    from lupus.config import load_routing

    if not settings.shared.exists():
        return
    try:
        routing = load_routing(settings.shared, environ=environ)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(settings.shared.name, Health.BROKEN, str(problem))
    else:
        count = len(routing.routes)
        yield Finding(settings.shared.name, Health.FINE, f"{count} route{'s' if count != 1 else ''} for all projects")


def _expectations(settings: Settings, project: Project) -> Iterator[Finding]:
    for table in project.tables:
        path = settings.expectations / table.expectations
        if table.expectations and not path.is_file():
            yield Finding(
                f"suite {project.name}/{table.name}",
                Health.BROKEN,
                f"{path} does not exist; write it, or set LUPUS_EXPECTATIONS",
            )


def _connections(connections: EnvironmentConnections, projects: list[Project]) -> Iterator[Finding]:
    databases = {t.source.connection for p in projects for t in p.tables if isinstance(t.source, SqlSource)}
    databases |= {metric.connection for p in projects for metric in p.metrics.sql}
    in_place = {
        t.source.connection for p in projects for t in p.tables if t.in_place and isinstance(t.source, SqlSource)
    }
    for name in sorted(databases):
        try:
            connections.get(name)
        except ConnectionNotUsableError as error:
            yield Finding(f"connection {name}", Health.BROKEN, str(error))
            continue
        from lupus.extract import check_connection
        from lupus.extract.databases import check_database

        try:
            # A database that measures may be one that SQLAlchemy does not know.
            (check_database if name in in_place else check_connection)(connections.get(name))
        except LupusError as error:
            yield Finding(f"connection {name}", Health.BROKEN, str(error))
        else:
            yield Finding(f"connection {name}", Health.FINE, "reachable")
    for name in sorted({p.alerts.slack.connection for p in projects if p.alerts.slack}):
        try:
            connections.get(name)
        except ConnectionNotUsableError:
            yield Finding(f"connection {name}", Health.WARNING, "not defined here: messages go to the outbox file")
        else:
            yield Finding(f"connection {name}", Health.FINE, "defined")


def _runs(workspace: Workspace, project: Project) -> Iterator[Finding]:
    runs = workspace.store.runs(project.name)
    subject = f"runs of {project.name}"
    if not runs:
        yield Finding(subject, Health.WARNING, "none yet; try lupus run")
    else:
        newest = max(runs, key=lambda run: run.interval.start)
        broken = [run for run in runs if run.interval == newest.interval and run.status not in ("ok", "running")]
        health = Health.WARNING if broken else Health.FINE
        why = "; ".join(f"{run.stage} {run.status}: {run.detail}" for run in broken)
        yield Finding(subject, health, f"last {newest.interval.key} {why}".rstrip())
    silence = silence_of(workspace, project, datetime.now(UTC))
    if silence is not None:
        yield Finding(f"silent {project.name}", Health.WARNING, f"{silence.sentence}; is its Dag paused?")
    yield from _messages(workspace, project)


def _messages(workspace: Workspace, project: Project) -> Iterator[Finding]:
    """What could not be delivered, why, and when it is tried again."""
    notices = workspace.store.notices(project.name)
    for notice in notices:
        subject, about = f"message to {notice.destination}", f"{notice.interval.key}: {notice.error}"
        if notice.state is NoticeState.FAILED:
            again = f"; when that is mended: lupus deliver {project.name} --again"
            yield Finding(subject, Health.BROKEN, about + again)
        elif notice.state is NoticeState.PENDING and notice.attempts:
            when = f"; next try at {notice.next_try:%Y-%m-%d %H:%M} UTC" if notice.next_try else ""
            yield Finding(subject, Health.WARNING, about + when)
    # What went out, but not as it should: the newest says what is so now.
    sent = [notice for notice in notices if notice.state is NoticeState.SENT]
    if sent and sent[-1].error:
        yield Finding(
            f"message to {sent[-1].destination}", Health.WARNING, f"{sent[-1].interval.key}: {sent[-1].error}"
        )
