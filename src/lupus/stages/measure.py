"""The measure stage: snapshots become metric points and States."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lupus.model import Interval, MetricPoint, Project, Snapshot, SnapshotStatus, Stage, StoredState, Table
from lupus.stages.extract import snapshots_of
from lupus.stages.labels import evaluated, evaluating_runs, evaluation_tables, last_evaluations
from lupus.stages.recording import recorded
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure import EvaluationMeasures


@dataclass(frozen=True, slots=True)
class MeasureReport:
    """Every point that was measured, of this interval and of the older ones whose labels came."""

    project: str
    interval: Interval
    points: tuple[MetricPoint, ...]


def measure(workspace: Workspace, project: Project, interval: Interval) -> MeasureReport:
    """Measure every table of `interval`, and evaluate it and the older intervals that wait for labels."""
    points: list[MetricPoint] = []
    with recorded(workspace, project, interval, Stage.MEASURE):
        points += _measure_tables(workspace, project, interval)
        points += _evaluate(workspace, project, interval)
    return MeasureReport(project.name, interval, tuple(points))


def _measure_tables(workspace: Workspace, project: Project, interval: Interval) -> list[MetricPoint]:
    from lupus.measure import absent_points, measure_table

    snapshots = snapshots_of(workspace.settings, project, interval)
    all_points: list[MetricPoint] = []
    states: Sequence[StoredState]
    for table in project.tables:
        snapshot = snapshots.get(table.name) or _never_extracted(project, table, interval)
        if not snapshot.usable:
            points, states = tuple(absent_points(project, table, snapshot)), ()
        else:
            references = workspace.store.references(project.name, table.name)
            measures = measure_table(project, table, snapshot, references, engine=workspace.engine)
            workspace.store.save_references(measures.references)
            points, states = measures.points, measures.states
        workspace.store.replace_points(project.name, interval, points, scope=f"table:{table.name}", states=states)
        all_points += points
    return all_points


def _never_extracted(project: Project, table: Table, interval: Interval) -> Snapshot:
    """Stands in for the snapshot when the extract stage ended before it came to the table."""
    reason = "it was not extracted; see the extract task"
    return Snapshot(project.name, table.name, interval, SnapshotStatus.FAILED, None, 0, (), "", reason)


def _evaluate(workspace: Workspace, project: Project, interval: Interval) -> list[MetricPoint]:
    if evaluation_tables(project) is None:
        return []
    all_points: list[MetricPoint] = []
    # An old interval that is run again is evaluated as the last run that got labels for it has done.
    runs = evaluating_runs(workspace.store, project, interval)
    for run, intervals in last_evaluations(project, interval, runs).items():
        measures = _evaluate_at(workspace, project, run)
        for one in intervals:
            points = [point for point in measures.points if point.interval == one]
            states = [state for state in measures.states if state.interval == one]
            workspace.store.replace_points(project.name, one, points, scope="evaluation", states=states)
            all_points += points
    return all_points


def _evaluate_at(workspace: Workspace, project: Project, run: Interval) -> EvaluationMeasures:
    """What the run of `run` knows of all intervals that wait for labels."""
    from lupus.measure import EvaluationMeasures, measure_evaluation

    tables = evaluation_tables(project)
    if tables is None:
        return EvaluationMeasures()
    prediction, truth = tables
    intervals = evaluated(project, run)
    predictions = {
        one.key: snapshot for one in intervals if (snapshot := _usable(workspace, project, prediction.name, one))
    }
    truths = [snapshot for one in intervals if (snapshot := _usable(workspace, project, truth.name, one))]
    blocked = {
        validation.interval.key: f"{validation.table} failed critical validation: "
        + "; ".join(outcome.reason or outcome.id for outcome in validation.critical_failures)
        for validation in workspace.store.validations(project.name, intervals)
        if validation.critical_failures and validation.table != truth.name
    }
    return measure_evaluation(project, intervals, predictions, truths, blocked=blocked, engine=workspace.engine)


def _usable(workspace: Workspace, project: Project, table: str, interval: Interval) -> Snapshot | None:
    from lupus.extract import load_snapshot

    snapshot = load_snapshot(workspace.settings.snapshots, project.name, table, interval)
    return snapshot if snapshot is not None and snapshot.usable else None
