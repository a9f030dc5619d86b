"""Ranking: the items of a query by score against their relevance; the query, the State and its metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lupus.measure.evaluation.answers import Place, sorted_out
from lupus.measure.evaluation.metric import Estimate, EvaluationMetric, Found
from lupus.measure.evaluation.query import spread, weigher
from lupus.measure.evaluation.regression import Mean
from lupus.measure.evaluation.rows import labels, predictions
from lupus.measure.evaluation.shape import Outcome, Shape
from lupus.measure.grid import HUGE

if TYPE_CHECKING:
    import ibis

NONE_RELEVANT = "no_relevant_ratio"


def metrics_of(k: tuple[int, ...]) -> tuple[EvaluationMetric, ...]:
    """The metrics of rankings cut at each length of `k`."""
    absent = "no query with a relevant item has arrived"
    found = [EvaluationMetric("mrr", "", absent)]
    for length in k:
        found += [EvaluationMetric(f"{name}@{length}", "", absent) for name in ("ndcg", "map")]
        found += [EvaluationMetric(f"{name}@{length}", "ratio", absent) for name in ("hit_rate", "precision", "recall")]
    return (*found, EvaluationMetric(NONE_RELEVANT, "ratio", "no query has a label"))


@dataclass(frozen=True, slots=True)
class RankingSums:
    """Sums over `n` queries with at least one relevant item, weighted by weights that sum up to `weight`.

    `squares` sums the squared weights; `sums` has by metric the sum of its values over queries and of their squares;
    `irrelevant` counts the queries whose labels say that nothing is relevant.
    """

    kind: ClassVar[str] = "ranking_sums"
    n: int
    weight: float
    squares: float
    irrelevant: int
    sums: dict[str, tuple[float, float]]

    __hash__ = None  # type: ignore[assignment]

    def metrics(self) -> dict[str, float]:
        """Every metric that exists, by name."""
        return {name: one.value for name, one in self.estimates().items()}

    def estimates(self) -> dict[str, Estimate]:
        """Every metric that exists, with its 95 % confidence interval: mean over queries ± z standard errors.

        Queries without a relevant item are left out of all but ``no_relevant_ratio``. NDCG@k has linear gains and
        averages over ties (Järvelin and Kekäläinen 2002; McSherry and Najork 2008); average precision at k is divided
        by min(k, relevant items) (Manning, Raghavan and Schütze 2008); the reciprocal rank is of the first relevant
        item, wherever it stands (Voorhees 1999); precision@k is divided by k. Equal scores stand in the order of
        their keys, except in NDCG.
        """
        found: dict[str, Estimate] = {}
        if self.weight > 0:
            effective = self.weight * self.weight / self.squares / self.n
            for name, (total, squared) in self.sums.items():
                one = Mean(self.n, self.weight, total, squared).estimate(effective)
                if one is not None and math.isfinite(one.value):
                    found[name] = _within(one)
        labelled = self.n + self.irrelevant
        if labelled:
            ones = Mean(labelled, float(labelled), float(self.irrelevant), float(self.irrelevant)).estimate()
            if ones is not None:
                found[NONE_RELEVANT] = _within(ones)
        return found

    def __add__(self, other: Self, /) -> Self:
        names = sorted({*self.sums, *other.sums})
        pairs = [(self.sums.get(name, (0.0, 0.0)), other.sums.get(name, (0.0, 0.0))) for name in names]
        return type(self)(
            self.n + other.n,
            self.weight + other.weight,
            self.squares + other.squares,
            self.irrelevant + other.irrelevant,
            {name: (a[0] + b[0], a[1] + b[1]) for name, (a, b) in zip(names, pairs, strict=True)},
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "n": self.n,
            "weight": self.weight,
            "squares": self.squares,
            "irrelevant": self.irrelevant,
            "sums": {name: list(pair) for name, pair in self.sums.items()},
        }

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        sums = {name: (total, squared) for name, (total, squared) in payload["sums"].items()}
        return cls(payload["n"], payload["weight"], payload["squares"], payload["irrelevant"], sums)


def build(shape: Shape) -> ibis.Table:
    """The evaluation of rankings, summed up by interval and segment; queries take the place of rows.

    A query's segment and weight are those of its rows (the smallest, should they differ). A predicted item without a
    label is not relevant; labels of items that were not predicted count as what could have been found.
    """
    queries = _queries(shape)
    # In one order, so that sums come out the same to the last digit when a run is repeated.
    rows, names = spread(shape, queries.order_by(["slice", *(f"k{place}" for place in shape.query)]))
    total = weigher(shape, rows)
    sums: dict[str, Any] = {"n": rows.count()}
    if shape.weight:
        sums |= {"weight": rows["weight"].sum(), "squares": (rows["weight"] * rows["weight"]).sum()}
    for name in _values(shape):
        sums |= {f"{name}_sum": total(rows[name]), f"{name}_sum2": total(rows[name] * rows[name])}
    return rows.group_by([*names, "cell"]).aggregate(**sums)


def _values(shape: Shape) -> list[str]:
    return ["mrr", *(f"{name}{k}" for k in shape.k for name in ("ndcg", "map", "hit_rate", "precision", "recall"))]


def _queries(shape: Shape) -> ibis.Table:
    """One row per query: slice, segments, weight, cell (an `Outcome`), and every metric's value."""
    import ibis

    keys = [f"k{place}" for place in shape.query]
    items = [name for name in shape.key_names if name not in keys]
    truths = labels(shape)
    truths = truths.mutate(good=(truths["truth"] >= 0) & (truths["truth"] <= HUGE))
    known = truths.filter(truths["good"])
    by = [f"t_{name}" for name in keys]
    best = known.mutate(place=1 + ibis.row_number().over(group_by=by, order_by=ibis.desc("truth")))
    ideal = best.group_by(by).aggregate(
        relevant=(best["truth"] > 0).sum(),
        **{f"ideal{k}": _discounted(best, "truth", k) for k in shape.k},
    )
    rows = predictions(shape).filter(lambda one: one["o0"].notnull())
    rows = rows.left_join(truths, [rows[name] == truths[f"t_{name}"] for name in shape.key_names])
    rows = rows.mutate(relevance=ibis.ifelse(rows["good"].fill_null(False), rows["truth"], 0.0))
    by = ["slice", *keys]
    first = "o0" if shape.ranked else ibis.desc("o0")
    rows = rows.mutate(
        place=1 + ibis.row_number().over(group_by=by, order_by=[first, *items]),
        gain=rows["relevance"].mean().over(group_by=[*by, "o0"]),
        hit=ibis.ifelse(rows["relevance"] > 0, 1, 0).cast("float64"),
    )
    so_far = ibis.window(group_by=by, order_by="place", preceding=None, following=0)
    rows = rows.mutate(precision=rows["hit"].sum().over(so_far) / rows["place"])
    within = {
        k: {
            f"dcg{k}": _discounted(rows, "gain", k),
            f"hits{k}": ibis.ifelse(rows["place"] <= k, rows["hit"], 0.0).sum(),
            f"found{k}": ibis.ifelse(rows["place"] <= k, rows["hit"] * rows["precision"], 0.0).sum(),
        }
        for k in shape.k
    }
    segments = [name for name in rows.columns if name[0] == "s" and name[1:].isdigit()]
    weight = ["weight"] if shape.weight else []
    queries = rows.group_by(by).aggregate(
        mrr=(rows["hit"] / rows["place"]).max(),
        bad=(rows["truth"].notnull() & ~rows["good"]).sum(),
        **{name: value for part in within.values() for name, value in part.items()},
        **{name: rows[name].min() for name in (*segments, *weight)},
    )
    queries = queries.left_join(ideal, [queries[name] == ideal[f"t_{name}"] for name in keys])
    good = queries["relevant"] > 0
    if shape.weight:
        good = good & (queries["weight"] >= 0) & (queries["weight"] <= HUGE)
    outcome = ibis.cases(
        (good, int(Outcome.USED)),
        (queries["bad"] > 0, int(Outcome.BAD_LABEL)),
        (queries["relevant"].isnull(), int(Outcome.UNLABELLED)),
        else_=int(Outcome.BAD_OUTPUT),
    )
    values: dict[str, Any] = {"mrr": queries["mrr"]}
    for k in shape.k:
        hits = queries[f"hits{k}"]
        values |= {
            f"ndcg{k}": queries[f"dcg{k}"] / queries[f"ideal{k}"],
            f"map{k}": queries[f"found{k}"] / ibis.least(queries["relevant"], k),
            f"hit_rate{k}": ibis.ifelse(hits > 0, 1, 0).cast("float64"),
            f"precision{k}": hits / float(k),
            f"recall{k}": hits / queries["relevant"],
        }
    used = {name: ibis.ifelse(good, value, None) for name, value in values.items()}
    return queries.select("slice", *keys, *segments, *weight, cell=outcome.cast("int64"), **used)


def _discounted(rows: ibis.Table, gain: str, k: int) -> Any:
    """The cumulative gain of the first `k` places, discounted by log2(place + 1)."""
    import ibis

    discount = (rows["place"] + 1).cast("float64").ln() / math.log(2)
    return ibis.ifelse(rows["place"] <= k, rows[gain] / discount, 0.0).sum()


def read_ranking(shape: Shape, arrays: Mapping[str, Any]) -> Iterator[tuple[Place, Found]]:
    """What was found of every interval and segment; only the whole has a State."""
    import numpy as np

    answers = sorted_out(arrays, len(shape.parts))
    columns = {name: np.ma.filled(values, 0) for name, values in arrays.items() if name not in ("a", "b")}
    states: dict[Place, RankingSums] = {}
    for group, row in zip(answers.group.tolist(), answers.take.tolist(), strict=True):
        place = answers.places[group]
        state = _state(shape, {name: values[row].item() for name, values in columns.items()})
        states[place] = states[place] + state if place in states else state
    for place, counts in answers.counts.items():
        # Those with labels that are neither used nor bad have nothing relevant.
        irrelevant = counts.labelled - counts.bad_labels - counts.used
        state = states.get(place, RankingSums(0, 0.0, 0.0, 0, {})) + RankingSums(0, 0.0, 0.0, irrelevant, {})
        kept = state if place.part < 0 and counts.labelled else None
        yield place, Found(counts, state.estimates(), None, kept)


def _state(shape: Shape, row: Mapping[str, Any]) -> RankingSums:
    sums = {"mrr": (row["mrr_sum"], row["mrr_sum2"])}
    for k in shape.k:
        for name in ("ndcg", "map", "hit_rate", "precision", "recall"):
            sums[f"{name}@{k}"] = (row[f"{name}{k}_sum"], row[f"{name}{k}_sum2"])
    n = row["n"]
    return RankingSums(n, row.get("weight", float(n)), row.get("squares", float(n)), 0, sums)


def _within(one: Estimate) -> Estimate:
    """The interval's part between 0 and 1; of no variation at all, Wilson's at that end says more than a point."""
    if one.low is None or one.high is None:
        return one
    return Estimate(one.value, one.n, max(one.low, 0.0), min(one.high, 1.0))
