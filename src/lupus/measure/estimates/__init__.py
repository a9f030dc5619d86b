"""Performance before labels come, and the change of P(y|x) once they are there."""

from lupus.measure.estimates.binary import expected_performance
from lupus.measure.estimates.calibration import Calibration
from lupus.measure.estimates.concept import CONCEPT_DRIFT, ConceptModel
from lupus.measure.estimates.loss import LossModel
from lupus.measure.estimates.measures import (
    ProductSlices,
    calibrated,
    concept_drift,
    concept_model,
    counted_scores,
    estimate_metrics,
    expected_of_classes,
    expected_of_numbers,
    expected_of_scores,
    labelled_rows,
    loss_model,
    top_label_model,
    unlabelled_rows,
    unusable,
    wants_concept_drift,
)
from lupus.measure.estimates.metric import Estimate, EstimateMetric
from lupus.measure.estimates.multiclass import TopLabelModel
from lupus.measure.estimates.points import (
    ConceptChange,
    Expected,
    concept_drift_points,
    estimate_errors,
    estimate_point,
    estimate_points,
)
from lupus.measure.estimates.rows import Joined
from lupus.measure.estimates.slices import CountedScores, Feature, Sample, Slices

__all__ = [
    "CONCEPT_DRIFT",
    "Calibration",
    "ConceptChange",
    "ConceptModel",
    "CountedScores",
    "Estimate",
    "EstimateMetric",
    "Expected",
    "Feature",
    "Joined",
    "LossModel",
    "ProductSlices",
    "Sample",
    "Slices",
    "TopLabelModel",
    "calibrated",
    "concept_drift",
    "concept_drift_points",
    "concept_model",
    "counted_scores",
    "estimate_errors",
    "estimate_metrics",
    "estimate_point",
    "estimate_points",
    "expected_of_classes",
    "expected_of_numbers",
    "expected_of_scores",
    "expected_performance",
    "labelled_rows",
    "loss_model",
    "top_label_model",
    "unlabelled_rows",
    "unusable",
    "wants_concept_drift",
]
