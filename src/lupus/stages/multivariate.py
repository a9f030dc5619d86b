"""Multivariate drift: all columns of a table together, against the reference's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    Interval,
    MeasureError,
    MetricPoint,
    Project,
    Snapshot,
    StoredState,
    Table,
)
from lupus.stages.reference import Place, kept_model, left_out, model_state, reference_of
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure.estimates import EstimateMetric, Sample
    from lupus.measure.multivariate import MultivariateDrift

_SCOPE = "multivariate"
_REFERENCE_SHARE = 3
"""How many rows of the reference the domain classifier gets for each of the interval's: more tell it little."""


def measure_multivariate(
    workspace: Workspace, project: Project, interval: Interval, failed: list[str]
) -> list[MetricPoint]:
    """Measure and store the wanted metrics of `interval`. Nothing when its slice is absent: `rows` says that."""
    from lupus.measure.estimates import Slices
    from lupus.measure.multivariate import compared_table, multivariate_metrics, multivariate_points, sampled

    metrics, table = multivariate_metrics(project), compared_table(project)
    if not metrics or table is None:
        return []
    learnt: list[StoredState] = []
    points = []
    snapshot = _snapshot(workspace, project, table, interval)
    if snapshot is not None and snapshot.usable and snapshot.rows:
        current = Slices(table, (snapshot,))
        limit = project.metrics.multivariate.sample_rows
        rows: Sample | Failure
        try:
            rows = sampled(project, current, engine=workspace.engine, limit=limit)
        except MeasureError as error:
            failed.append(f"multivariate drift: {error}")
            rows = Failure(FailureKind.NOT_READ, str(error))
        for metric in metrics:
            found: MultivariateDrift | Failure = (
                rows
                if isinstance(rows, Failure)
                else _found(workspace, project, table, metric, interval, rows, learnt, failed)
            )
            points += multivariate_points(project, table, metric, interval, found)
    workspace.store.replace_points(project.name, interval, points, scope=_SCOPE, states=learnt)
    return points


def _found(  # noqa: PLR0917 - from the wide to the narrow
    workspace: Workspace,
    project: Project,
    table: Table,
    metric: EstimateMetric,
    interval: Interval,
    rows: Sample,
    learnt: list[StoredState],
    failed: list[str],
) -> MultivariateDrift | Failure:
    from lupus.measure.multivariate import (
        DOMAIN_AUC,
        ReconstructionModel,
        domain_aucs,
        reconstruction_errors,
        reconstruction_model,
    )

    policy = project.metrics.multivariate
    try:
        if metric is DOMAIN_AUC:
            limit = min(policy.sample_rows, max(_REFERENCE_SHARE * rows.rows, policy.min_rows))
            others, _ = _reference(workspace, project, table, interval, limit)
            return others if isinstance(others, Failure) else domain_aucs(project, others, rows)
        place = Place(table.name, WHOLE, ReconstructionModel.kind)
        kept = kept_model(workspace.store, project, place, interval, policy)
        if kept is not None:
            return reconstruction_errors(project, ReconstructionModel.from_json(kept), rows)
        others, used = _reference(workspace, project, table, interval, policy.sample_rows)
        if isinstance(others, Failure):
            return others
        model = reconstruction_model(project, others)
        learnt.append(model_state(project, place, interval, policy, used, model.to_json()))
        return reconstruction_errors(project, model, rows)
    except MeasureError as error:
        failed.append(f"{metric.name}: {error}")
        return Failure(FailureKind.NOT_READ, str(error))


def _reference(
    workspace: Workspace, project: Project, table: Table, interval: Interval, limit: int
) -> tuple[Sample | Failure, Sequence[Interval]]:
    """About `limit` rows of what the interval is compared with, or why there are none; and of which intervals."""
    from lupus.measure.estimates import Slices
    from lupus.measure.multivariate import sampled

    reference = reference_of(project, interval, project.metrics.multivariate, labelled=False)
    bad = left_out(workspace.store, project, reference, [table.name])
    found = [
        snapshot
        for one in reference
        if one not in bad
        and (snapshot := _snapshot(workspace, project, table, one)) is not None
        and snapshot.usable
        and snapshot.rows
    ]
    rows = sampled(project, Slices(table, tuple(found)), engine=workspace.engine, limit=limit)
    if isinstance(rows, Failure):
        rows = Failure(rows.kind, f"of the reference: {rows.reason}")
    return rows, [snapshot.interval for snapshot in found]


def _snapshot(workspace: Workspace, project: Project, table: Table, interval: Interval) -> Snapshot | None:
    from lupus.extract import load_snapshot

    return load_snapshot(workspace.settings.snapshots, project.name, table.name, interval)
