"""The validate stage: Great Expectations suites on the snapshots, and their outcomes as series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lupus.model import (
    Connections,
    ExtractError,
    Failure,
    FailureKind,
    Group,
    Interval,
    MetricPoint,
    Project,
    Series,
    SeriesKey,
    Snapshot,
    SqlSource,
    Stage,
    Table,
    Validation,
    ValidationError,
)
from lupus.stages.extract import snapshots_of
from lupus.stages.recording import recorded
from lupus.stages.settings import Settings
from lupus.stages.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ValidateReport:
    """The outcome of every suite, and the suites that could not be run."""

    project: str
    interval: Interval
    validations: tuple[Validation, ...]
    failed: tuple[str, ...]


def validate(workspace: Workspace, project: Project, interval: Interval) -> ValidateReport:
    """Run each table's suite on its snapshot. A suite that cannot be run becomes a failed series, not a crash."""
    with recorded(workspace, project, interval, Stage.VALIDATE) as record:
        report = keep_validations(
            workspace, project, check_tables(workspace.settings, workspace.connections, project, interval)
        )
        record.problems(report.failed)
    return report


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """What became of one table's suite: no validation when there was nothing to validate, or no usable suite."""

    table: str
    validation: Validation | None
    points: tuple[MetricPoint, ...]
    failed: str = ""


@dataclass(frozen=True, slots=True)
class CheckedTables:
    """The suites of all tables that have one."""

    interval: Interval
    tables: tuple[CheckedTable, ...]


def check_tables(settings: Settings, connections: Connections, project: Project, interval: Interval) -> CheckedTables:
    """Run the suites, without the store."""
    snapshots = snapshots_of(settings, project, interval)
    checked: list[CheckedTable] = []
    for table in project.tables:
        if not table.expectations:
            continue
        snapshot = snapshots.get(table.name)
        if snapshot is None or not snapshot.usable:
            checked.append(CheckedTable(table.name, None, ()))
            continue
        from lupus.validate import validation_points

        try:
            validation = _validated(settings, connections, project, table, snapshot)
        except (ValidationError, ExtractError) as error:
            points = (_not_run(project.name, table.name, interval, str(error)),)
            checked.append(CheckedTable(table.name, None, points, f"{table.name}: {error}"))
        else:
            checked.append(CheckedTable(table.name, validation, tuple(validation_points(project, validation))))
    return CheckedTables(interval, tuple(checked))


def _validated(
    settings: Settings, connections: Connections, project: Project, table: Table, snapshot: Snapshot
) -> Validation:
    suite = settings.expectations / table.expectations
    if not snapshot.in_place:
        from lupus.validate import validate_snapshot

        return validate_snapshot(project.name, snapshot, suite)
    from lupus.extract import slice_of
    from lupus.extract.in_place import placed
    from lupus.validate import validate_in_place

    if not isinstance(table.source, SqlSource):
        raise ValidationError(f"{table.name}: only a database can validate a table in place")
    url = connections.get(table.source.connection).url
    with placed(slice_of(project, table, snapshot.interval), connections) as found:
        return validate_in_place(project.name, snapshot, suite, url=url, sql=found.sql())


def keep_validations(workspace: Workspace, project: Project, checked: CheckedTables) -> ValidateReport:
    """Write what the suites said to the store."""
    interval = checked.interval
    store = workspace.store
    with store.together(project.name):
        for one in checked.tables:
            store.replace_validation(project.name, one.table, interval, one.validation)
            store.replace_points(project.name, interval, one.points, scope=f"validation:{one.table}")
    return ValidateReport(
        project.name,
        interval,
        tuple(one.validation for one in checked.tables if one.validation is not None),
        tuple(one.failed for one in checked.tables if one.failed),
    )


def build_docs(workspace: Workspace, project: Project, interval: Interval, folder: Path) -> Path:
    """Write Great Expectations' Data Docs of this interval's snapshots into `folder`; return their first page.

    Raises `ValidationError` when the project has no suite, or nothing was extracted.
    """
    from lupus.validate import build_data_docs

    snapshots = snapshots_of(workspace.settings, project, interval)
    suites = [
        (snapshot, workspace.settings.expectations / table.expectations)
        for table in project.tables
        if table.expectations and (snapshot := snapshots.get(table.name)) and snapshot.usable and snapshot.path
    ]
    if not suites:
        raise ValidationError(
            f"{project.name} has no snapshot with a suite on {interval}; "
            f"lupus run {project.name} --day {interval} makes them"
        )
    return build_data_docs(suites, folder)


def _not_run(project: str, table: str, interval: Interval, reason: str) -> MetricPoint:
    series = Series(SeriesKey(project, table, "", "success_ratio"), Group.VALIDATION, "ratio")
    return MetricPoint(series, interval, None, 0, Failure(FailureKind.NOT_READ, reason))
