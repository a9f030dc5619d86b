"""Multivariate drift of a slice against a reference, as metric points."""

from __future__ import annotations

from lupus.measure.columns import group_of
from lupus.measure.engine import Engine
from lupus.measure.estimates.metric import Estimate, EstimateMetric
from lupus.measure.estimates.slices import Slices, rows_of
from lupus.measure.learners import Columns
from lupus.measure.metrics import wanted
from lupus.measure.multivariate.domain import DOMAIN_AUC
from lupus.measure.multivariate.pca import RECONSTRUCTION_ERROR, ReconstructionModel
from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    Interval,
    MetricPoint,
    Project,
    Role,
    Series,
    SeriesKey,
    Table,
)


def multivariate_metrics(project: Project) -> tuple[EstimateMetric, ...]:
    """The metrics of all columns together that the project's policy wants."""
    return tuple(
        metric
        for metric in (RECONSTRUCTION_ERROR, DOMAIN_AUC)
        if metric.name in project.metrics.multivariate.metrics and wanted(metric.name, project.metrics)
    )


def compared_table(project: Project) -> Table | None:
    """The table whose columns are looked at: the one that is named, or the data table."""
    named = project.metrics.multivariate.table
    if named:
        return next((table for table in project.tables if table.name == named), None)
    return project.of_role(Role.DATA)


def sampled(project: Project, slices: Slices, *, engine: Engine, limit: int) -> Columns | Failure:
    """At most about `limit` rows of the plain columns; a failure with too few rows, or without a plain column."""
    policy = project.metrics.multivariate
    features = slices.features(policy.features)
    if not features and slices.snapshots:
        return Failure(FailureKind.MISSING_COLUMN, "the table has no plain column of numbers or text")
    if slices.rows < policy.min_rows:
        reason = f"needs {policy.min_rows:,} rows, there are {slices.rows:,} (metrics.multivariate.min_rows)"
        return Failure(FailureKind.UNDEFINED, reason)
    return rows_of(engine, slices, features, limit=limit)


def reconstruction_model(project: Project, rows: Columns | Failure) -> ReconstructionModel | Failure:
    """The principal components of the reference's rows."""
    if isinstance(rows, Failure):
        return Failure(rows.kind, f"of the reference: {rows.reason}")
    return ReconstructionModel.fitted(rows, least=project.metrics.min_category_rows)


def multivariate_point(  # noqa: PLR0917 - what, of what, when
    project: Project, table: Table, metric: EstimateMetric, interval: Interval, found: Estimate | Failure | None, n: int
) -> MetricPoint:
    """One metric of all columns of `table` as a point; None is a statistic that does not exist."""
    series = Series(SeriesKey(project.name, table.name, WHOLE, metric.name), group_of(table), metric.unit)
    if isinstance(found, Estimate):
        return MetricPoint(series, interval, found.value, n, None, None, found.low, found.high)
    return MetricPoint(series, interval, None, n, found or Failure(FailureKind.UNDEFINED, metric.undefined))
