"""The validate stage: Great Expectations suites on the snapshots, and their outcomes as series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lupus.model import (
    Failure,
    FailureKind,
    Group,
    Interval,
    MetricPoint,
    Project,
    Series,
    SeriesKey,
    Stage,
    Validation,
    ValidationError,
)
from lupus.stages.extract import snapshots_of
from lupus.stages.recording import recorded
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
    validations: list[Validation] = []
    failed: list[str] = []
    with recorded(workspace, project, interval, Stage.VALIDATE) as record:
        snapshots = snapshots_of(workspace, project, interval)
        for table in project.tables:
            if not table.expectations:
                continue
            points: list[MetricPoint] = []
            snapshot = snapshots.get(table.name)
            validation = None
            if snapshot is not None and snapshot.usable:
                from lupus.validate import validate_snapshot, validation_points

                suite = workspace.settings.expectations / table.expectations
                try:
                    validation = validate_snapshot(project.name, snapshot, suite)
                    points = validation_points(project, validation)
                    validations.append(validation)
                except ValidationError as error:
                    failed.append(f"{table.name}: {error}")
                    points = [_not_run(project.name, table.name, interval, str(error))]
            workspace.store.replace_validation(project.name, table.name, interval, validation)
            workspace.store.replace_points(project.name, interval, points, scope=f"validation:{table.name}")
        record.problems(failed)
    return ValidateReport(project.name, interval, tuple(validations), tuple(failed))


def build_docs(workspace: Workspace, project: Project, interval: Interval, folder: Path) -> Path:
    """Write Great Expectations' Data Docs of this interval's snapshots into `folder`; return their first page.

    Raises `ValidationError` when the project has no suite, or nothing was extracted.
    """
    from lupus.validate import build_data_docs

    snapshots = snapshots_of(workspace, project, interval)
    suites = [
        (snapshot, workspace.settings.expectations / table.expectations)
        for table in project.tables
        if table.expectations and (snapshot := snapshots.get(table.name)) and snapshot.usable
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
