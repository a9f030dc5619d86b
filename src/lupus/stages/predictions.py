"""What is measured of predictions beside their columns: lists of recommendations, and churn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lupus.model import Project, Role, Snapshot, Table

if TYPE_CHECKING:
    from lupus.measure import Engine, TableMeasures


def with_predictions(
    measures: TableMeasures,
    project: Project,
    table: Table,
    snapshots: Mapping[str, Snapshot],
    *,
    root: Path,
    engine: Engine,
) -> TableMeasures:
    """`measures` of `table` with its lists and its churn; both look at the interval before, too, below `root`."""
    snapshot = snapshots.get(table.name)
    if table.role is not Role.PREDICTION or snapshot is None or not snapshot.usable:
        return measures
    from lupus.extract import load_snapshot
    from lupus.measure import measure_churn, measure_recommendations

    before = project.cadence.previous(snapshot.interval)
    previous = load_snapshot(root, project.name, table.name, before)
    lists = measure_recommendations(project, table, snapshots, previous, engine=engine)
    churn = measure_churn(project, table, snapshot, previous, engine=engine)
    return replace(measures, points=(*measures.points, *lists.points, *churn), states=(*measures.states, *lists.states))
