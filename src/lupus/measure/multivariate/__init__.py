"""Drift of all columns of a table together."""

from lupus.measure.multivariate.domain import DOMAIN_AUC, domain_auc
from lupus.measure.multivariate.measures import (
    MultivariateDrift,
    compared_table,
    domain_aucs,
    multivariate_metrics,
    multivariate_points,
    reconstruction_errors,
    reconstruction_model,
    sampled,
)
from lupus.measure.multivariate.pca import RECONSTRUCTION_ERROR, ReconstructionModel

__all__ = [
    "DOMAIN_AUC",
    "RECONSTRUCTION_ERROR",
    "MultivariateDrift",
    "ReconstructionModel",
    "compared_table",
    "domain_auc",
    "domain_aucs",
    "multivariate_metrics",
    "multivariate_points",
    "reconstruction_errors",
    "reconstruction_model",
    "sampled",
]
