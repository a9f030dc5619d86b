"""What is fitted on reference rows: an encoder of columns, and linear models by penalised likelihood."""

from lupus.measure.learners.encoder import Columns, Encoder
from lupus.measure.learners.glm import Family, LinearModel, coefficients_of, fit

__all__ = ["Columns", "Encoder", "Family", "LinearModel", "coefficients_of", "fit"]
