"""Univariate drift: how far a column's rows are from a baseline, from States alone, with the sampling noise removed.

`Sample` is one side of a comparison, `compare` gives any of `DRIFT_METRICS` for hundreds of columns at once.
"""

from lupus.measure.drift.comparison import DRIFT_METRICS, Drift, DriftMetric, compare
from lupus.measure.drift.samples import Sample, aligned, merged
from lupus.measure.drift.stored import KINDS, Place, samples_of

__all__ = [
    "DRIFT_METRICS",
    "KINDS",
    "Drift",
    "DriftMetric",
    "Place",
    "Sample",
    "aligned",
    "compare",
    "merged",
    "samples_of",
]
