"""What is estimated before labels come, and what is compared of all columns together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Anchor(StrEnum):
    """Which intervals a model of the reference is fitted on."""

    TRAILING = "trailing"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class EstimatesPolicy:
    """What is estimated of predictions whose labels have not come, and from which labels that have.

    `performance` asks for estimated metrics, `concept_drift` for the change of P(y|x). The reference are `window`
    intervals whose labels are no longer waited for: the last ones before an interval, or with `Anchor.FIRST` the
    project's first ones. What is learnt from them is used for `refit_every` intervals, and takes at least
    `min_labels` labelled rows. `features` are shell patterns of column names that it may depend on.
    """

    performance: bool = True
    concept_drift: bool = False
    reference: Anchor = Anchor.TRAILING
    window: int = 30
    refit_every: int = 7
    min_labels: int = 1000
    features: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class MultivariatePolicy:
    """Which drift metrics of all columns together are computed, and against what.

    `metrics` are names; `table` is the table's name, "" for the data table. The reference are the `window` intervals
    before an interval, or with `Anchor.FIRST` the project's first ones; what is learnt from them is used for
    `refit_every` intervals. At most `sample_rows` rows a side are looked at, and at least `min_rows` are needed.
    """

    metrics: tuple[str, ...] = ()
    table: str = ""
    reference: Anchor = Anchor.TRAILING
    window: int = 30
    refit_every: int = 7
    min_rows: int = 200
    sample_rows: int = 20_000
    features: tuple[str, ...] = ("*",)
