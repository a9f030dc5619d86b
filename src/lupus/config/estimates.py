"""How a project file asks for estimates before labels come, and for drift of all columns together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lupus.config.document import Document, Path
from lupus.config.fields import Names, Whole, closest
from lupus.model import Anchor, EstimatesPolicy, MultivariatePolicy, Role

_ESTIMATES = EstimatesPolicy()
_MULTIVARIATE = MultivariatePolicy()
_WINDOW = Field(default=_ESTIMATES.window, ge=1, le=1000, description="Intervals that the reference is of.")
_REFIT = Field(
    default=_ESTIMATES.refit_every,
    ge=1,
    le=1000,
    description="Intervals for which what was learnt from the reference is used.",
)
_FEATURES = Field(
    default=_ESTIMATES.features, description="Shell patterns of the columns that it may depend on, 100 at most."
)


class EstimatesFile(BaseModel):
    """What is estimated of predictions before their labels come, and from which labels that have come."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    performance: bool = Field(
        default=_ESTIMATES.performance, description="Whether the model's performance is estimated."
    )
    concept_drift: bool = Field(
        default=_ESTIMATES.concept_drift,
        description="Whether the change of P(y|x) is measured when the labels are there.",
    )
    reference: Anchor = Field(
        default=_ESTIMATES.reference, description="The last intervals whose labels are there, or the first."
    )
    window: Whole = _WINDOW
    refit_every: Whole = _REFIT
    min_labels: Whole = Field(
        default=_ESTIMATES.min_labels, ge=100, description="Labelled rows that the reference must have."
    )
    features: Names = _FEATURES


class MultivariateFile(BaseModel):
    """Drift of all columns of a table together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: tuple[Literal["pca_reconstruction_error", "domain_auc"], ...] = Field(
        default=(), description="Which of them are computed."
    )
    table: str = Field(default="", description="The table whose columns are looked at; the data table when left out.")
    reference: Anchor = Field(
        default=_MULTIVARIATE.reference, description="The last intervals before, or the project's first ones."
    )
    window: Whole = _WINDOW
    refit_every: Whole = _REFIT
    min_rows: Whole = Field(
        default=_MULTIVARIATE.min_rows, ge=20, description="Rows that a side must have to be compared."
    )
    sample_rows: Whole = Field(
        default=_MULTIVARIATE.sample_rows, ge=100, description="Rows of a side that are looked at, at most."
    )
    features: Names = _FEATURES


def check_multivariate(
    multivariate: MultivariateFile, tables: Collection[str], roles: Collection[Role], document: Document
) -> None:
    """Report a table that is not there, or none that is meant."""
    path: Path = ("metrics", "multivariate")
    if multivariate.table and multivariate.table not in tables:
        near = None if document.is_secret((*path, "table")) else closest(multivariate.table, list(tables))
        hint = f"did you mean {near!r}?" if near else f"the tables are {', '.join(tables)}"
        shown = document.shown((*path, "table"), multivariate.table)
        document.report((*path, "table"), f"there is no table {shown}", hint)
    elif multivariate.metrics and not multivariate.table and Role.DATA not in roles:
        hint = "name the table whose columns are meant, like table: prediction"
        document.report(path, "there is no data table to look at", hint, at_key=True)
