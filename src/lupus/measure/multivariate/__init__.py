"""Drift of all columns of a table together."""

from lupus.measure.multivariate.domain import DOMAIN_AUC, domain_auc
from lupus.measure.multivariate.measures import (
    compared_table,
    multivariate_metrics,
    multivariate_point,
    reconstruction_model,
    sampled,
)
from lupus.measure.multivariate.pca import RECONSTRUCTION_ERROR, ReconstructionModel

__all__ = [
    "DOMAIN_AUC",
    "RECONSTRUCTION_ERROR",
    "ReconstructionModel",
    "compared_table",
    "domain_auc",
    "multivariate_metrics",
    "multivariate_point",
    "reconstruction_model",
    "sampled",
]
