"""Evaluation: what the labels that have come say of a run's interval, and of the older ones that wait for labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lupus.model import Connections, Interval, MeasureError, MetricPoint, Project, Snapshot, SnapshotStatus
from lupus.stages.in_place import engine_in_place
from lupus.stages.labels import evaluated, evaluating_runs, evaluation_tables, last_evaluations
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure import Engine, EvaluationMeasures
    from lupus.stages.settings import Settings


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a run knows of the intervals that wait for labels in it; `failed` says why the labels could not be read."""

    intervals: tuple[Interval, ...]
    measures: EvaluationMeasures
    failed: str = ""


def evaluate(
    workspace: Workspace, project: Project, interval: Interval, failed: list[str], *, ahead: Evaluation | None = None
) -> list[MetricPoint]:
    """Store the evaluation of `interval` and of the older ones that wait for labels, and return its points.

    What was found `ahead`, without a word about failed validations, is used where there are none.
    """
    tables = evaluation_tables(project)
    if tables is None:
        return []
    all_points: list[MetricPoint] = []
    # An old interval that is run again is evaluated as the last run that got labels for it has done.
    runs = evaluating_runs(workspace.store, project, interval)
    for run, intervals in last_evaluations(project, interval, runs).items():
        blocked = _blocked(workspace, project, run, truth=tables[1].name)
        evaluation = ahead
        if evaluation is None or run != interval or blocked:
            settings, engine, connections = workspace.settings, workspace.engine, workspace.connections
            evaluation = evaluate_run(settings, project, run, blocked, engine=engine, connections=connections)
        if evaluation.failed:
            failed.append(f"evaluation: {evaluation.failed}")
        measures = evaluation.measures
        with workspace.store.together(project.name):
            for one in intervals:
                if one not in evaluation.intervals:
                    continue
                points = [point for point in measures.points if point.interval == one]
                states = [state for state in measures.states if state.interval == one]
                workspace.store.replace_points(project.name, one, points, scope="evaluation", states=states)
                all_points += points
    return all_points


def evaluate_run(
    settings: Settings,
    project: Project,
    run: Interval,
    blocked: Mapping[str, str],
    *,
    engine: Engine,
    connections: Connections,
) -> Evaluation:
    """Evaluate what waits for labels in the run of `run`, without the store.

    `blocked` says, by interval key, why an interval is not to be evaluated.
    """
    from lupus.extract import load_snapshot
    from lupus.measure import EvaluationMeasures, error_points, measure_evaluation

    tables = evaluation_tables(project)
    if tables is None:
        return Evaluation((), EvaluationMeasures())
    prediction, truth = tables
    window = evaluated(project, run)
    found = {one: load_snapshot(settings.snapshots, project.name, prediction.name, one) for one in window}
    # Days that never ran, before a project's first one or left out, are not days without predictions.
    intervals = tuple(one for one in window if one == run or found[one] is not None)
    predictions = {one.key: snapshot for one, snapshot in found.items() if snapshot is not None}
    arrived = (load_snapshot(settings.snapshots, project.name, truth.name, one) for one in window)
    truths = [snapshot for snapshot in arrived if snapshot is not None and snapshot.usable]
    problem = ""
    try:
        if prediction.in_place and truth.in_place:
            measures = _in_place(
                project, intervals, predictions, truths, blocked=blocked, engine=engine, connections=connections
            )
        else:
            measures = measure_evaluation(project, intervals, predictions, truths, blocked=blocked, engine=engine)
        parity = error_points(project, measures.confusions)
        measures = replace(measures, points=(*measures.points, *parity))
    except MeasureError as error:
        problem = str(error)
        unread = {
            key: replace(snapshot, status=SnapshotStatus.FAILED, path=None, reason=problem)
            for key, snapshot in predictions.items()
        }
        measures = measure_evaluation(project, intervals, unread, (), blocked=blocked, engine=engine)
    return Evaluation(intervals, measures, problem)


def _blocked(workspace: Workspace, project: Project, run: Interval, *, truth: str) -> dict[str, str]:
    """Why intervals are not to be evaluated, by their key; labels of a table that failed are evaluated."""
    return {
        validation.interval.key: f"{validation.table} failed critical validation: "
        + "; ".join(outcome.reason or outcome.id for outcome in validation.critical_failures)
        for validation in workspace.store.validations(project.name, list(evaluated(project, run)))
        if validation.critical_failures and validation.table != truth
    }


def _in_place(
    project: Project,
    intervals: Sequence[Interval],
    predictions: Mapping[str, Snapshot],
    truths: Sequence[Snapshot],
    *,
    blocked: Mapping[str, str],
    engine: Engine,
    connections: Connections,
) -> EvaluationMeasures:
    """The evaluation of tables that lie in one database, which joins them."""
    from lupus.measure import measure_evaluation

    there = [one for one in (*predictions.values(), *truths) if one.usable and one.in_place]
    if not there:
        return measure_evaluation(project, intervals, predictions, truths, blocked=blocked, engine=engine)
    with engine_in_place(project, there, connections) as (backend, now):
        as_now = {(one.table, one.interval.key): one for one in now}
        mine = {key: as_now.get((one.table, key), one) for key, one in predictions.items()}
        theirs = [as_now.get((one.table, one.interval.key), one) for one in truths]
        return measure_evaluation(project, intervals, mine, theirs, blocked=blocked, engine=backend)
