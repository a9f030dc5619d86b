"""Derived columns that could not be computed: a failed point each, in place of "it is not in the slice"."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lupus.measure.columns import group_of
from lupus.measure.metrics import wanted
from lupus.measure.table import TableMeasures
from lupus.model import Failure, FailureKind, MetricPoint, Project, Series, SeriesKey, Snapshot, Table

_METRIC: Final = "null_ratio"


def with_failed_columns(measures: TableMeasures, project: Project, table: Table, snapshot: Snapshot) -> TableMeasures:
    """`measures` with the reason of every column of `snapshot` that could not be derived."""
    if not snapshot.failures or not snapshot.usable or not wanted(_METRIC, project.metrics):
        return measures
    failed = []
    for column, reason in snapshot.failures:
        series = Series(SeriesKey(project.name, table.name, column, _METRIC), group_of(table), "ratio")
        failed.append(MetricPoint(series, snapshot.interval, None, 0, Failure(FailureKind.NOT_DERIVED, reason)))
    known = {point.series.key for point in failed}
    kept = [point for point in measures.points if point.series.key not in known]
    return replace(measures, points=(*kept, *failed))
