"""Multivariate drift of a slice against a reference, as metric points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lupus.measure.columns import group_of
from lupus.measure.engine import Engine
from lupus.measure.estimates.metric import Estimate, EstimateMetric
from lupus.measure.estimates.segments import columns_in, followed, large_segments, least_rows
from lupus.measure.estimates.slices import Sample, Slices, rows_of
from lupus.measure.metrics import wanted
from lupus.measure.multivariate.domain import DOMAIN_AUC, domain_auc
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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MultivariateDrift = Mapping[str, tuple[Estimate | None, int]]
"""By segment what was found, None where it does not exist, and of how many rows."""


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


def sampled(project: Project, slices: Slices, *, engine: Engine, limit: int) -> Sample | Failure:
    """At most about `limit` rows of the plain columns; a failure with too few rows, or without a plain column.

    With them are the columns of the segments in which these metrics are followed.
    """
    policy = project.metrics.multivariate
    features = slices.features(policy.features)
    if not features and slices.snapshots:
        return Failure(FailureKind.MISSING_COLUMN, "the table has no plain column of numbers or text")
    if slices.rows < policy.min_rows:
        reason = f"needs {policy.min_rows:,} rows, there are {slices.rows:,} (metrics.multivariate.min_rows)"
        return Failure(FailureKind.UNDEFINED, reason)
    names = [metric.name for metric in multivariate_metrics(project)]
    parts = followed(project, names, slices.kinds())
    return rows_of(engine, slices, features, limit=limit, by=columns_in(parts))


def reconstruction_model(project: Project, rows: Sample) -> ReconstructionModel:
    """The principal components of the reference's rows, and how well they give each segment's rows back."""
    own = _segments(project, RECONSTRUCTION_ERROR, rows)
    return ReconstructionModel.fitted(rows.columns, least=project.metrics.min_category_rows, segments=own)


def reconstruction_errors(project: Project, model: ReconstructionModel, rows: Sample) -> MultivariateDrift:
    """How badly the reference's components give `rows` back, by segment, the whole first.

    Of a segment that the reference has too few rows of, nothing is said.
    """
    found = {WHOLE: (model.reconstruction_error(rows.columns), rows.rows)}
    for segment, where in _segments(project, RECONSTRUCTION_ERROR, rows).items():
        if segment in model.errors:
            found[segment] = (model.reconstruction_error(rows.columns.taken(where), segment), len(where))
    return found


def domain_aucs(project: Project, reference: Sample, rows: Sample) -> MultivariateDrift:
    """How well `rows` can be told from those of the `reference`, by segment, the whole first.

    Of a segment that the reference has too few rows of, nothing is said.
    """
    least = project.metrics.min_category_rows
    found = {WHOLE: (domain_auc(reference.columns, rows.columns, least=least), rows.rows)}
    before = _segments(project, DOMAIN_AUC, reference)
    for segment, where in _segments(project, DOMAIN_AUC, rows).items():
        if segment in before:
            sides = reference.columns.taken(before[segment]), rows.columns.taken(where)
            found[segment] = (domain_auc(*sides, least=least), len(where))
    return found


def _segments(project: Project, metric: EstimateMetric, rows: Sample) -> dict[str, NDArray[np.intp]]:
    """Where the rows of each segment stand in which `metric` is followed."""
    parts = followed(project, [metric.name], rows.segment_columns)
    least = max(least_rows(project), project.metrics.multivariate.min_rows)
    return large_segments(parts, rows.segment_columns, least=least)


def multivariate_points(
    project: Project, table: Table, metric: EstimateMetric, interval: Interval, found: MultivariateDrift | Failure
) -> list[MetricPoint]:
    """One metric of all columns of `table` as points; None is a statistic that does not exist."""
    by_segment: MultivariateDrift = {WHOLE: (None, 0)} if isinstance(found, Failure) else found
    points = []
    for segment, (value, n) in by_segment.items():
        key = SeriesKey(project.name, table.name, WHOLE, metric.name, segment)
        series = Series(key, group_of(table), metric.unit)
        if value is not None:
            points.append(MetricPoint(series, interval, value.value, n, None, None, value.low, value.high))
        else:
            failure = found if isinstance(found, Failure) else Failure(FailureKind.UNDEFINED, metric.undefined)
            points.append(MetricPoint(series, interval, None, n, failure))
    return points
