"""The extract stage: every table's slice becomes a snapshot, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lupus.model import Connections, ExtractError, Interval, Project, Snapshot, Stage, StageError
from lupus.stages.recording import recorded
from lupus.stages.settings import Settings
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.extract import Waiting


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """What came, what is still waited for, and what could not be read."""

    project: str
    interval: Interval
    snapshots: tuple[Snapshot, ...]
    waiting: tuple[Waiting, ...]
    failed: tuple[str, ...]


def extract(
    workspace: Workspace,
    project: Project,
    interval: Interval,
    *,
    now: datetime,
    last_try: bool = True,
    tables: Collection[str] | None = None,
) -> ExtractReport:
    """Extract every table (or only `tables`) for `interval`.

    A table that cannot be read does not keep the others from being read. Then, unless it is the
    `last_try`, `StageError` asks for another; on the last one the failure itself is recorded, so that
    the next stages can tell people about it.
    """
    with recorded(workspace, project, interval, Stage.EXTRACT) as record:
        report = read_tables(
            workspace.settings,
            workspace.connections,
            project,
            interval,
            now=now,
            keep_failures=last_try,
            tables=tables,
        )
        if report.failed and not last_try:
            raise StageError("could not read " + "; ".join(report.failed))
        record.problems(report.failed)
    return report


def read_tables(
    settings: Settings,
    connections: Connections,
    project: Project,
    interval: Interval,
    *,
    now: datetime,
    keep_failures: bool = True,
    tables: Collection[str] | None = None,
) -> ExtractReport:
    """Make the snapshots, without the store; with `keep_failures` also of tables that cannot be read."""
    from lupus.extract import Waiting, extract_table, failed_snapshot

    snapshots: list[Snapshot] = []
    waiting: list[Waiting] = []
    failed: list[str] = []
    for table in project.tables:
        if tables is not None and table.name not in tables:
            continue
        try:
            outcome = extract_table(project, table, interval, root=settings.snapshots, connections=connections, now=now)
        except ExtractError as error:
            failed.append(f"{table.name}: {error}")
            if keep_failures:
                root = settings.snapshots
                snapshots.append(failed_snapshot(project, table, interval, root=root, reason=str(error)))
            continue
        if isinstance(outcome, Waiting):
            waiting.append(outcome)
        else:
            snapshots.append(outcome)
    return ExtractReport(project.name, interval, tuple(snapshots), tuple(waiting), tuple(failed))


def snapshots_of(settings: Settings, project: Project, interval: Interval) -> dict[str, Snapshot]:
    """The snapshots that exist of `interval`, by table name."""
    from lupus.extract import load_snapshot

    found: dict[str, Snapshot] = {}
    for table in project.tables:
        snapshot = load_snapshot(settings.snapshots, project.name, table.name, interval)
        if snapshot is not None:
            found[table.name] = snapshot
    return found
