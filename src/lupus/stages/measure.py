"""The measure stage: snapshots become metric points and States."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lupus.model import (
    Connections,
    ExtractError,
    Failure,
    FailureKind,
    Interval,
    MeasureError,
    MetricPoint,
    Project,
    Reference,
    Role,
    Snapshot,
    SnapshotStatus,
    SqlSource,
    Stage,
    Table,
)
from lupus.stages.drift import measure_drift
from lupus.stages.estimates import estimate
from lupus.stages.extract import snapshots_of
from lupus.stages.in_place import engine_in_place
from lupus.stages.labels import evaluated, evaluating_runs, evaluation_tables, last_evaluations
from lupus.stages.models import record_versions
from lupus.stages.multivariate import measure_multivariate
from lupus.stages.predictions import with_predictions
from lupus.stages.recording import recorded
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure import Engine, EvaluationMeasures, TableMeasures
    from lupus.measure.engine import TableEngine
    from lupus.stages.settings import Settings


@dataclass(frozen=True, slots=True)
class MeasureReport:
    """Every point, of this interval and of the older ones whose labels came, and what could not be measured."""

    project: str
    interval: Interval
    points: tuple[MetricPoint, ...]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeasuredTable:
    """One table's measures; `failed` says why it could not be measured at all."""

    table: str
    measures: TableMeasures
    failed: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredTables:
    """Every table's measures, and the references that they were made with."""

    references: tuple[Reference, ...]
    tables: tuple[MeasuredTable, ...]


def measure(
    workspace: Workspace, project: Project, interval: Interval, *, ahead: MeasuredTables | None = None
) -> MeasureReport:
    """Measure every table of `interval` and its drift, and evaluate it and the older intervals that wait for labels.

    What cannot be measured at all becomes failed points, and keeps nothing else from being measured. Tables that were
    measured `ahead` are not measured again, unless references have been fixed since.
    """
    points: list[MetricPoint] = []
    failed: list[str] = []
    store = workspace.store
    with recorded(workspace, project, interval, Stage.MEASURE) as record:
        references = store.references(project.name)
        if ahead is None or ahead.references != references:
            ahead = measure_tables(
                workspace.settings,
                project,
                interval,
                references,
                engine=workspace.engine,
                connections=workspace.connections,
            )
        for one in ahead.tables:
            measures = one.measures
            store.save_references(measures.references)
            scope = f"table:{one.table}"
            store.replace_points(project.name, interval, measures.points, scope=scope, states=measures.states)
            points += measures.points
            failed += [f"{one.table}: {one.failed}"] if one.failed else []
        points += _ask(workspace, project, interval, failed)
        points += measure_drift(workspace, project, interval)
        points += _evaluate(workspace, project, interval, failed)
        points += estimate(workspace, project, interval, points, failed)
        points += measure_multivariate(workspace, project, interval, failed)
        record_versions(workspace, project, interval)
        record.problems(failed)
    return MeasureReport(project.name, interval, tuple(points), tuple(failed))


def measure_tables(
    settings: Settings,
    project: Project,
    interval: Interval,
    references: tuple[Reference, ...],
    *,
    engine: Engine,
    connections: Connections,
) -> MeasuredTables:
    """Measure the snapshots of `interval`, and the slices that lie in databases, without the store."""
    from lupus.measure import measure_table

    snapshots = snapshots_of(settings, project, interval)
    measured: list[MeasuredTable] = []
    for table in project.tables:
        snapshot = snapshots.get(table.name) or _never_extracted(project, table, interval)
        own = [reference for reference in references if reference.table == table.name]
        previous = None
        if table.role is Role.PREDICTION:
            before = project.cadence.previous(interval)
            previous = _load(settings, project, table.name, before)
        try:
            if snapshot.in_place and snapshot.usable:
                there = [one for one in (snapshot, previous) if one is not None and one.in_place and one.usable]
                with engine_in_place(project, there, connections) as (backend, now):
                    earlier = now[1] if now[1:] else None
                    measures = _measured(project, table, now[0], own, {table.name: now[0]}, earlier, backend)
            else:
                measures = _measured(project, table, snapshot, own, snapshots, previous, engine)
            measured.append(MeasuredTable(table.name, measures))
        except MeasureError as error:
            unread = replace(snapshot, status=SnapshotStatus.FAILED, path=None, reason=str(error))
            measures = measure_table(project, table, unread, own, engine=engine)
            measured.append(MeasuredTable(table.name, measures, str(error)))
    return MeasuredTables(references, tuple(measured))


def _measured(  # noqa: PLR0917 - what is measured, with what
    project: Project,
    table: Table,
    snapshot: Snapshot,
    references: Sequence[Reference],
    snapshots: Mapping[str, Snapshot],
    previous: Snapshot | None,
    engine: TableEngine,
) -> TableMeasures:
    from lupus.measure import decision_points, measure_table, with_failed_columns

    slice_ = engine.source(snapshot) if snapshot.in_place and snapshot.usable else None
    measures = measure_table(project, table, snapshot, references, engine=engine, slice_=slice_)
    measures = with_failed_columns(measures, project, table, snapshot)
    measures = with_predictions(measures, project, table, snapshots, previous, engine=engine)
    if table.role is Role.PREDICTION:
        parity = decision_points(project, measures.points)
        measures = replace(measures, points=(*measures.points, *parity))
    return measures


def _never_extracted(project: Project, table: Table, interval: Interval) -> Snapshot:
    """Stands in for the snapshot when the extract stage ended before it came to the table."""
    reason = "it was not extracted; see the extract task"
    return Snapshot(project.name, table.name, interval, SnapshotStatus.FAILED, None, 0, (), "", reason)


def _ask(workspace: Workspace, project: Project, interval: Interval, failed: list[str]) -> list[MetricPoint]:
    """The metrics that queries give; one that fails takes no other with it."""
    from lupus.extract import read_query
    from lupus.measure import SQL_TABLE, failed_query, queried_points

    points: list[MetricPoint] = []
    for metric in project.metrics.sql:
        name, source = f"metrics.sql.{metric.name}", SqlSource(metric.connection, query=metric.query)
        try:
            rows = read_query(project.name, name, source, project.cadence, interval, connections=workspace.connections)
        except ExtractError as error:
            failed.append(str(error))
            points.append(failed_query(project, metric, interval, Failure(FailureKind.NOT_READ, str(error))))
        else:
            points += queried_points(project, metric, interval, rows)
    workspace.store.replace_points(project.name, interval, points, scope=SQL_TABLE)
    return points


def _evaluate(workspace: Workspace, project: Project, interval: Interval, failed: list[str]) -> list[MetricPoint]:
    if evaluation_tables(project) is None:
        return []
    all_points: list[MetricPoint] = []
    # An old interval that is run again is evaluated as the last run that got labels for it has done.
    runs = evaluating_runs(workspace.store, project, interval)
    for run, intervals in last_evaluations(project, interval, runs).items():
        evaluation, measures = _evaluate_at(workspace, project, run, failed)
        for one in intervals:
            if one not in evaluation:
                continue
            points = [point for point in measures.points if point.interval == one]
            states = [state for state in measures.states if state.interval == one]
            workspace.store.replace_points(project.name, one, points, scope="evaluation", states=states)
            all_points += points
    return all_points


def _evaluate_at(
    workspace: Workspace, project: Project, run: Interval, failed: list[str]
) -> tuple[list[Interval], EvaluationMeasures]:
    """What the run of `run` knows of the intervals that wait for labels, and which these are."""
    from lupus.measure import EvaluationMeasures, error_points, measure_evaluation

    tables = evaluation_tables(project)
    if tables is None:
        return [], EvaluationMeasures()
    prediction, truth = tables
    window = evaluated(project, run)
    found = {one: _snapshot(workspace, project, prediction.name, one) for one in window}
    # Days that never ran, before a project's first one or left out, are not days without predictions.
    intervals = [one for one in window if one == run or found[one] is not None]
    predictions = {one.key: snapshot for one, snapshot in found.items() if snapshot is not None}
    truths = [
        snapshot
        for one in window
        if (snapshot := _snapshot(workspace, project, truth.name, one)) is not None and snapshot.usable
    ]
    blocked = {
        validation.interval.key: f"{validation.table} failed critical validation: "
        + "; ".join(outcome.reason or outcome.id for outcome in validation.critical_failures)
        for validation in workspace.store.validations(project.name, intervals)
        if validation.critical_failures and validation.table != truth.name
    }
    try:
        if prediction.in_place and truth.in_place:
            measures = _evaluate_in_place(workspace, project, intervals, predictions, truths, blocked)
        else:
            measures = measure_evaluation(
                project, intervals, predictions, truths, blocked=blocked, engine=workspace.engine
            )
        parity = error_points(project, measures.confusions)
        measures = replace(measures, points=(*measures.points, *parity))
    except MeasureError as error:
        failed.append(f"evaluation: {error}")
        unread = {
            key: replace(snapshot, status=SnapshotStatus.FAILED, path=None, reason=str(error))
            for key, snapshot in predictions.items()
        }
        measures = measure_evaluation(project, intervals, unread, (), blocked=blocked, engine=workspace.engine)
    return intervals, measures


def _evaluate_in_place(  # noqa: PLR0917 - what is evaluated, with what
    workspace: Workspace,
    project: Project,
    intervals: Sequence[Interval],
    predictions: Mapping[str, Snapshot],
    truths: Sequence[Snapshot],
    blocked: Mapping[str, str],
) -> EvaluationMeasures:
    """The evaluation of tables that lie in one database, which joins them."""
    from lupus.measure import measure_evaluation

    there = [one for one in (*predictions.values(), *truths) if one.usable and one.in_place]
    if not there:
        return measure_evaluation(project, intervals, predictions, truths, blocked=blocked, engine=workspace.engine)
    with engine_in_place(project, there, workspace.connections) as (backend, now):
        as_now = {(one.table, one.interval.key): one for one in now}
        mine = {key: as_now.get((one.table, key), one) for key, one in predictions.items()}
        theirs = [as_now.get((one.table, one.interval.key), one) for one in truths]
        return measure_evaluation(project, intervals, mine, theirs, blocked=blocked, engine=backend)


def _snapshot(workspace: Workspace, project: Project, table: str, interval: Interval) -> Snapshot | None:
    return _load(workspace.settings, project, table, interval)


def _load(settings: Settings, project: Project, table: str, interval: Interval) -> Snapshot | None:
    from lupus.extract import load_snapshot

    return load_snapshot(settings.snapshots, project.name, table, interval)
