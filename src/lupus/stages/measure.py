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
    Task,
    VersionShare,
)
from lupus.stages.drift import measure_drift
from lupus.stages.estimates import estimate
from lupus.stages.evaluation import Evaluation, evaluate
from lupus.stages.extract import snapshots_of
from lupus.stages.in_place import engine_in_place
from lupus.stages.multivariate import measure_multivariate
from lupus.stages.predictions import with_predictions
from lupus.stages.recording import recorded
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure import Answers, Engine, TableMeasures
    from lupus.measure.engine import TableEngine
    from lupus.measure.estimates import CountedScores
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
    """Every table's measures, the references that they were made with, and what is known of the predictions.

    That is which versions of the model made them, and, of a small slice, how often each score stands in it.
    """

    references: tuple[Reference, ...]
    tables: tuple[MeasuredTable, ...]
    versions: tuple[VersionShare, ...] = ()
    scores: CountedScores | None = None


def measure(
    workspace: Workspace,
    project: Project,
    interval: Interval,
    *,
    ahead: MeasuredTables | None = None,
    evaluation: Evaluation | None = None,
) -> MeasureReport:
    """Measure every table of `interval` and its drift, and evaluate it and the older intervals that wait for labels.

    What cannot be measured at all becomes failed points, and keeps nothing else from being measured. Tables that were
    measured `ahead` are not measured again, unless references have been fixed since; nor is the `evaluation` made
    again, unless a table has failed critical validation.
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
        with store.together(project.name):
            for one in ahead.tables:
                measures = one.measures
                store.save_references(measures.references)
                scope = f"table:{one.table}"
                store.replace_points(project.name, interval, measures.points, scope=scope, states=measures.states)
                points += measures.points
                failed += [f"{one.table}: {one.failed}"] if one.failed else []
            prediction = project.of_role(Role.PREDICTION)
            if prediction is not None and prediction.version:
                store.replace_versions(project.name, interval, ahead.versions)
        points += _ask(workspace, project, interval, failed)
        points += measure_drift(workspace, project, interval)
        points += evaluate(workspace, project, interval, failed, ahead=evaluation)
        points += estimate(workspace, project, interval, points, failed, ahead.scores)
        points += measure_multivariate(workspace, project, interval, failed)
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
    asked: Mapping[Snapshot, Answers] | None = None,
) -> MeasuredTables:
    """Measure the snapshots of `interval`, and the slices that lie in databases, without the store.

    Snapshots about which everything was `asked` already are not asked about again.
    """
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
                answers = (asked or {}).get(snapshot)
                measures = _measured(project, table, snapshot, own, snapshots, previous, engine, answers)
            measured.append(MeasuredTable(table.name, measures))
        except MeasureError as error:
            unread = replace(snapshot, status=SnapshotStatus.FAILED, path=None, reason=str(error))
            measures = measure_table(project, table, unread, own, engine=engine)
            measured.append(MeasuredTable(table.name, measures, str(error)))
    versions, scores = _versions(project, snapshots, engine), _scores(project, snapshots, engine)
    return MeasuredTables(references, tuple(measured), versions, scores)


def ask_together(
    settings: Settings,
    project: Project,
    intervals: Sequence[Interval],
    references: tuple[Reference, ...],
    *,
    engine: Engine,
) -> dict[Snapshot, Answers]:
    """What `measure_tables` would ask about the snapshots of each of the `intervals`, asked together."""
    from lupus.measure import asked_together

    found = [snapshots_of(settings, project, interval) for interval in intervals]
    asked: dict[Snapshot, Answers] = {}
    for table in project.tables:
        own = [reference for reference in references if reference.table == table.name]
        there = [snapshots[table.name] for snapshots in found if table.name in snapshots]
        asked |= asked_together(project, table, there, own, engine=engine)
    return asked


def _measured(  # noqa: PLR0917 - what is measured, with what
    project: Project,
    table: Table,
    snapshot: Snapshot,
    references: Sequence[Reference],
    snapshots: Mapping[str, Snapshot],
    previous: Snapshot | None,
    engine: TableEngine,
    answers: Answers | None = None,
) -> TableMeasures:
    from lupus.measure import decision_points, measure_table, with_failed_columns

    slice_ = engine.source(snapshot) if snapshot.in_place and snapshot.usable else None
    measures = measure_table(project, table, snapshot, references, engine=engine, slice_=slice_, answers=answers)
    measures = with_failed_columns(measures, project, table, snapshot)
    measures = with_predictions(measures, project, table, snapshots, previous, engine=engine)
    if table.role is Role.PREDICTION:
        parity = decision_points(project, measures.points)
        measures = replace(measures, points=(*measures.points, *parity))
    return measures


def _versions(project: Project, snapshots: Mapping[str, Snapshot], engine: Engine) -> tuple[VersionShare, ...]:
    """Which versions of the model made the predictions; none where they cannot be read, which their metrics tell."""
    from lupus.measure import measure_versions

    prediction = project.of_role(Role.PREDICTION)
    if prediction is None or prediction.name not in snapshots:
        return ()
    try:
        return measure_versions(prediction, snapshots[prediction.name], engine=engine)
    except MeasureError:
        return ()


def _scores(project: Project, snapshots: Mapping[str, Snapshot], engine: Engine) -> CountedScores | None:
    """The scores of a small slice, if its performance is going to be estimated from them."""
    from lupus.measure.estimates import Slices, counted_scores, estimate_metrics, unusable

    prediction = project.of_role(Role.PREDICTION)
    snapshot = snapshots.get(prediction.name) if prediction is not None else None
    if project.task is not Task.BINARY_CLASSIFICATION or prediction is None or snapshot is None or snapshot.in_place:
        return None
    if snapshot.rows > engine.upright_rows or unusable(prediction, snapshot) or not estimate_metrics(project):
        return None
    try:
        return counted_scores(project, Slices(prediction, (snapshot,)), engine=engine)
    except MeasureError:  # the estimates will say so
        return None


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


def _load(settings: Settings, project: Project, table: str, interval: Interval) -> Snapshot | None:
    from lupus.extract import load_snapshot

    return load_snapshot(settings.snapshots, project.name, table, interval)
