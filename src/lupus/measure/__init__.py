"""Snapshots to States to Metrics: one query per table, and one per evaluation, through Ibis on DuckDB.

A table's slice becomes a `Plan`, the plan an Ibis expression, its rows `Answers`; of these come the States,
which merge over days, and the metric points. Numbers of large slices are counted without SQL (see `scan`).
Nothing heavy is imported before an `Engine` runs.
"""

from lupus.measure.answers import Answers
from lupus.measure.backends import BackendEngine
from lupus.measure.churn import measure_churn
from lupus.measure.confusion import Confusion, SegmentConfusion
from lupus.measure.derived import with_failed_columns
from lupus.measure.engine import Engine
from lupus.measure.evaluation import (
    BinaryScores,
    ConfusionMatrix,
    EvaluationMeasures,
    RankingSums,
    RegressionErrors,
    measure_evaluation,
)
from lupus.measure.exposure import ItemExposure
from lupus.measure.parity import decision_points, error_points
from lupus.measure.queried import SQL_TABLE, failed_query, queried_points
from lupus.measure.recommendations import ListMeasures, measure_recommendations
from lupus.measure.states import Categories, Histogram, Moments
from lupus.measure.table import TableMeasures, absent_points, asked_together, measure_table
from lupus.measure.versions import measure_versions
from lupus.measure.why import REST, Part, Piece, Split, clause, split_average, split_count, with_rest

__all__ = [
    "REST",
    "SQL_TABLE",
    "Answers",
    "BackendEngine",
    "BinaryScores",
    "Categories",
    "Confusion",
    "ConfusionMatrix",
    "Engine",
    "EvaluationMeasures",
    "Histogram",
    "ItemExposure",
    "ListMeasures",
    "Moments",
    "Part",
    "Piece",
    "RankingSums",
    "RegressionErrors",
    "SegmentConfusion",
    "Split",
    "TableMeasures",
    "absent_points",
    "asked_together",
    "clause",
    "decision_points",
    "error_points",
    "failed_query",
    "measure_churn",
    "measure_evaluation",
    "measure_recommendations",
    "measure_table",
    "measure_versions",
    "queried_points",
    "split_average",
    "split_count",
    "with_failed_columns",
    "with_rest",
]
