"""What is measured of predictions beside their columns: lists of recommendations, and churn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lupus.model import Project, Role, Snapshot, Table

if TYPE_CHECKING:
    from lupus.measure import TableMeasures
    from lupus.measure.engine import TableEngine


def with_predictions(
    measures: TableMeasures,
    project: Project,
    table: Table,
    snapshots: Mapping[str, Snapshot],
    previous: Snapshot | None,
    *,
    engine: TableEngine,
) -> TableMeasures:
    """`measures` of `table` with its lists and its churn; both look at the interval before, too."""
    snapshot = snapshots.get(table.name)
    if table.role is not Role.PREDICTION or snapshot is None or not snapshot.usable:
        return measures
    from lupus.measure import measure_churn, measure_recommendations

    lists = measure_recommendations(project, table, snapshots, previous, engine=engine)
    churn = measure_churn(project, table, snapshot, previous, engine=engine)
    return replace(measures, points=(*measures.points, *lists.points, *churn), states=(*measures.states, *lists.states))
