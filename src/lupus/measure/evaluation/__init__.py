"""Predictions against ground truth: one join, summed up by interval and segment; States; metrics with intervals.

`shape` says what the SQL depends on, `rows` joins, `query` sums up, `answers` sorts the sums into the whole and the
segments; `binary`, `multiclass`, `regression` and `ranking` hold the States and the metrics of each task.
"""

from lupus.measure.evaluation.binary_state import BinaryScores
from lupus.measure.evaluation.cells import Cells
from lupus.measure.evaluation.evaluate import measure_evaluation
from lupus.measure.evaluation.measures import EvaluationMeasures
from lupus.measure.evaluation.multiclass import ConfusionMatrix
from lupus.measure.evaluation.ranking import RankingSums
from lupus.measure.evaluation.regression import RegressionErrors
from lupus.measure.evaluation.top_labels import TopLabels

__all__ = [
    "BinaryScores",
    "Cells",
    "ConfusionMatrix",
    "EvaluationMeasures",
    "RankingSums",
    "RegressionErrors",
    "TopLabels",
    "measure_evaluation",
]
