"""Performance before labels come, and the change of P(y|x) once they are there."""

from lupus.measure.estimates.binary import expected_performance
from lupus.measure.estimates.calibration import Calibration
from lupus.measure.estimates.concept import ConceptModel
from lupus.measure.estimates.loss import LossModel
from lupus.measure.estimates.metric import Estimate, EstimateMetric

__all__ = ["Calibration", "ConceptModel", "Estimate", "EstimateMetric", "LossModel", "expected_performance"]
