"""The drift metrics: which there are, and their values for many columns at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from lupus.measure.drift.bins import Shares, shares_of
from lupus.measure.drift.distances import CRAMERS_V, HELLINGER, JS, PSI, largest_difference, total_variation
from lupus.measure.drift.estimate import Estimate, Observed, without_noise
from lupus.measure.drift.order import Steps, kolmogorov_smirnov, steps_of, wasserstein
from lupus.measure.drift.samples import Sample, aligned
from lupus.model import Failure, FailureKind

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class DriftMetric:
    """A distance between two samples of a column: over few bins (`over_bins`), or over all numbers (`over_numbers`).

    A `squared` one is reported as the square of the distance that it is, up to `most`.
    """

    name: str
    unit: str
    over_bins: Callable[[Shares], Observed] | None = None
    over_numbers: Callable[[Steps], Observed] | None = None
    most: float = 1.0
    squared: bool = False


DRIFT_METRICS: Final[Mapping[str, DriftMetric]] = {
    metric.name: metric
    for metric in (
        DriftMetric("psi", "", over_bins=PSI.observe, most=np.inf, squared=True),
        DriftMetric("js", "", over_bins=JS.observe),
        DriftMetric("hellinger", "", over_bins=HELLINGER.observe),
        DriftMetric("tv", "", over_bins=total_variation),
        DriftMetric("cramers_v", "", over_bins=CRAMERS_V.observe),
        DriftMetric("linf", "", over_bins=largest_difference),
        DriftMetric("ks", "", over_numbers=kolmogorov_smirnov),
        DriftMetric("wasserstein", "std", over_numbers=wasserstein, most=np.inf),
    )
}
"""Every drift metric by its name."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the current rows are from the reference: `value` without sampling noise, its 95 % interval, and the rows
    of the current side.
    """

    value: float
    low: float
    high: float
    n: int


def compare(
    pairs: Mapping[Name, tuple[Sample, Sample]],
    metrics: Sequence[str] = tuple(DRIFT_METRICS),
    *,
    min_rows: int = 50,
    bins: int = 20,
) -> dict[tuple[Name, str], Drift | Failure]:
    """Each of `metrics` for each of the named `pairs` (reference, current), all columns at once.

    A pair with fewer than `min_rows` rows on a side fails, as do pairs that have nothing in common to be counted over.
    Metrics over numbers are for columns of numbers only, and count those only.

    >>> from lupus.measure.states import Categories
    >>> days = [Categories({"JFK": jfk, "LGA": 900 - jfk}, 0) for jfk in (300, 310, 600)]
    >>> first, same, other = (Sample.of_categories(day, rows=900) for day in days)
    >>> found = compare({"same": (first, same), "other": (first, other)}, ["js"])
    >>> [(name, round(drift.low, 3), round(drift.value, 3), round(drift.high, 3)) for (name, _), drift in found.items()]
    [('same', 0.0, 0.0, 0.052), ('other', 0.248, 0.285, 0.324)]
    """
    found: dict[tuple[Name, str], Drift | Failure] = {}
    chosen = [DRIFT_METRICS[name] for name in metrics]
    alike: dict[Name, tuple[Sample, Sample]] = {}
    for name, pair in pairs.items():
        both = aligned(*pair)
        if both is None:
            _fail(found, name, chosen, "there are no edges or categories that both sides were counted over")
        else:
            alike[name] = both
    _over_bins(found, alike, [metric for metric in chosen if metric.over_bins], min_rows, bins)
    numbers = {name: pair for name, pair in alike.items() if pair[0].ordered}
    _over_numbers(found, numbers, [metric for metric in chosen if metric.over_numbers], min_rows)
    return found


def _over_bins(
    found: dict[tuple[Name, str], Drift | Failure],
    pairs: Mapping[Name, tuple[Sample, Sample]],
    metrics: Sequence[DriftMetric],
    min_rows: int,
    bins: int,
) -> None:
    enough = {}
    for name, pair in pairs.items():
        if few := _few(pair[0].rows, pair[1].rows, min_rows, "rows"):
            _fail(found, name, metrics, few)
        else:
            enough[name] = pair
    if enough and metrics:
        shares = shares_of(list(enough.values()), bins=bins)
        for metric in metrics:
            if metric.over_bins is not None:
                _keep(found, list(enough), metric, without_noise(metric.over_bins(shares)), shares.m)


def _over_numbers(
    found: dict[tuple[Name, str], Drift | Failure],
    pairs: Mapping[Name, tuple[Sample, Sample]],
    metrics: Sequence[DriftMetric],
    min_rows: int,
) -> None:
    enough = {}
    for name, pair in pairs.items():
        if few := _few(float(pair[0].counts.sum()), float(pair[1].counts.sum()), min_rows, "numbers"):
            _fail(found, name, metrics, few)
        else:
            enough[name] = pair
    if not enough or not metrics:
        return
    steps = steps_of(list(enough.values()))
    for metric in metrics:
        if metric.over_numbers is not None:
            _keep(found, list(enough), metric, without_noise(metric.over_numbers(steps)), steps.m)
            if metric.unit == "std":
                for name, unit in zip(enough, steps.unit.tolist(), strict=True):
                    if not unit > 0:
                        _fail(found, name, [metric], "all numbers of the reference are equal: they have no spread")


def _keep(
    found: dict[tuple[Name, str], Drift | Failure],
    names: Sequence[Name],
    metric: DriftMetric,
    estimate: Estimate,
    rows: NDArray[np.float64],
) -> None:
    power = 2 if metric.squared else 1
    columns = [np.minimum(one**power, metric.most).tolist() for one in (estimate.value, estimate.low, estimate.high)]
    for name, value, low, high, n in zip(names, *columns, rows.tolist(), strict=True):
        found[name, metric.name] = Drift(value, low, high, int(n))


def _few(reference: float, current: float, least: int, what: str) -> str:
    """Why a side has too few rows; empty when neither has."""
    for side, rows in (("the baseline has", reference), ("there are", current)):
        if rows < max(least, 1):
            return f"{side} {int(rows)} {what}, fewer than the {least} of metrics.drift.min_rows"
    return ""


def _fail(
    found: dict[tuple[Name, str], Drift | Failure], name: Name, metrics: Sequence[DriftMetric], reason: str
) -> None:
    for metric in metrics:
        found[name, metric.name] = Failure(FailureKind.UNDEFINED, reason)
