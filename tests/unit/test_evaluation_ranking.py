"""Ranking evaluation against scikit-learn and hand-worked examples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from evaluations import ALL, Bench, points, product, values
from lupus.measure import Engine, RankingSums
from lupus.model import FailureKind, Task

KEYS = {"key": ("user", "item")}
RANKING: dict[str, Any] = {"prediction": {**KEYS, "query": ("user",)}, "truth": KEYS}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Engine(threads=1) as engine:
        yield Bench(tmp_path, engine)


def table(lists: dict[int, list[Any]], name: str) -> dict[str, Any]:
    """Columns user, item and `name`; an item's number is its place in the list, None leaves it out."""
    rows = [(user, item, value) for user, each in lists.items() for item, value in enumerate(each) if value is not None]
    return {"user": [row[0] for row in rows], "item": [row[1] for row in rows], name: [row[2] for row in rows]}


@pytest.mark.oracle("map@…", "mrr", "precision@…", by="Croft, Metzler and Strohman (2010)", on="random")
def test_the_textbooks_examples(bench: Bench) -> None:
    # Average precision: relevant at 1, 3, 6, 9 and 10 of 10 gives .62, at 2, 5 and 7 gives .44; mean .53 (the worked
    # example of Croft, Metzler and Strohman, Search Engines, 2010, section 8.4). First relevant at 1 and 2: MRR .75.
    relevant = {1: {1, 3, 6, 9, 10}, 2: {2, 5, 7}}
    scores = {user: [float(-place) for place in range(1, 11)] for user in relevant}
    labels = {user: [float(place in hits) for place in range(1, 11)] for user, hits in relevant.items()}
    got = values(bench.day(product(Task.RANKING, **RANKING), table(scores, "score"), table(labels, "label")))
    assert got["map@10"] == pytest.approx((0.62 + 0.44) / 2, abs=0.005)
    assert got["mrr"] == 0.75
    assert got["precision@10"] == pytest.approx((0.5 + 0.3) / 2)
    assert (got["recall@10"], got["hit_rate@10"], got["no_relevant_ratio"]) == (1.0, 1.0, 0.0)
    # Graded relevance 3, 2, 3, 0, 1, 2: DCG 6.861, ideal 7.141, NDCG .961 (the worked example of Järvelin and
    # Kekäläinen's measure in Wikipedia, without the two documents that the system did not return).
    graded = {1: [3.0, 2.0, 3.0, 0.0, 1.0, 2.0]}
    ranks = {1: [1, 2, 3, 4, 5, 6]}
    plan = product(
        Task.RANKING, prediction={**KEYS, "query": ("user",), "score": "", "rank": "rank"}, truth=KEYS, k=(6,)
    )
    got = values(bench.day(plan, table(ranks, "rank"), table(graded, "label")))
    assert got["ndcg@6"] == pytest.approx(0.961, abs=5e-4)
    # With those two, of relevance 3 and 2, the ideal order is 3, 3, 3, 2, 2, 2 and the value .785.
    graded[1] += [3.0, 2.0]
    got = values(bench.day(plan, table(ranks, "rank"), table(graded, "label")))
    assert got["ndcg@6"] == pytest.approx(0.785, abs=5e-4)
    assert got["recall@6"] == pytest.approx(5 / 7)


@pytest.mark.oracle("ndcg@…", by="scikit-learn", on="random")
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_ndcg_is_scikit_learns(bench: Bench, *, ties: bool, weighted: bool) -> None:
    rng = np.random.default_rng(4)
    score = rng.integers(0, 5, (40, 12)).astype(float) if ties else rng.normal(0, 1, (40, 12))
    label = rng.integers(0, 4, (40, 12)).astype(float)
    label[:, 0] = 1.0  # something is relevant to everybody
    weight = rng.gamma(2, 1, 40)
    lists = {user: list(score[user]) for user in range(40)}
    outputs = table(lists, "score")
    outputs["w"] = [float(weight[user]) for user in outputs["user"]]
    truth = table({user: list(label[user]) for user in range(40)}, "label")
    parts = {**RANKING, "prediction": {**RANKING["prediction"], "weight": "w" if weighted else ""}}
    got = values(bench.day(product(Task.RANKING, k=(1, 5, 12, 100), **parts), outputs, truth))
    for k in (1, 5, 12, 100):
        want = ndcg_score(label, score, k=k, sample_weight=weight if weighted else None)
        assert got[f"ndcg@{k}"] == pytest.approx(want, rel=1e-9)


def by_hand(order: list[int], relevant: set[int], k: int) -> dict[str, float]:
    """The metrics of one query, item by item."""
    hits = [item in relevant for item in order]
    precisions = [sum(hits[: place + 1]) / (place + 1) for place in range(len(hits))]
    first = next((place for place, hit in enumerate(hits, 1) if hit), None)
    top = hits[:k]
    return {
        "mrr": 1 / first if first else 0.0,
        f"hit_rate@{k}": float(any(top)),
        f"precision@{k}": sum(top) / k,
        f"recall@{k}": sum(top) / len(relevant),
        f"map@{k}": sum(p for p, hit in zip(precisions, top, strict=False) if hit) / min(k, len(relevant)),
        f"ndcg@{k}": sum(hit / math.log2(place + 1) for place, hit in enumerate(top, 1))
        / sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1)),
    }


@pytest.mark.oracle("mrr", "ndcg@…", "map@…", "hit_rate@…", "precision@…", "recall@…", by="Python", on="random")
def test_lists_of_any_length_with_labels_that_were_not_recommended(bench: Bench) -> None:
    rng = np.random.default_rng(8)
    predicted, labelled, want, segments = [], [], [], []
    for user in range(60):
        order = rng.permutation(30)[: rng.integers(1, 15)].tolist()
        relevant = set(rng.permutation(30)[: rng.integers(1, 6)].tolist())
        predicted += [(user, item, place) for place, item in enumerate(order, 1)]
        labelled += [(user, item, 1) for item in relevant]
        want.append(by_hand(order, relevant, 10))
        segments.append("ab"[user % 2])
    outputs = dict(zip(("user", "item", "rank"), map(list, zip(*predicted, strict=True)), strict=True))
    outputs["country"] = [segments[user] for user in outputs["user"]]
    truth = dict(zip(("user", "item", "label"), map(list, zip(*labelled, strict=True)), strict=True))
    prediction = {**KEYS, "query": ("user",), "score": "", "rank": "rank"}
    plan = product(Task.RANKING, prediction=prediction, truth=KEYS, segments=[("country",)], **ALL)
    found = bench.day(plan, outputs, truth)
    for segment, rows in (("", range(60)), ("country=b", range(1, 60, 2))):
        mean = {name: np.mean([want[row][name] for row in rows]) for name in want[0]}
        got = values(found, segment=segment)
        assert got.pop("no_relevant_ratio") == 0.0
        assert got == pytest.approx(mean, rel=1e-9)
    one = points(found)["ndcg@10"]
    spread = np.std([row["ndcg@10"] for row in want]) / math.sqrt(59)
    assert (one.low, one.high) == pytest.approx((one.value - 1.959964 * spread, one.value + 1.959964 * spread))
    assert one.n == 60
    (stored,) = found.states
    assert RankingSums.from_json(stored.payload).metrics() == pytest.approx(values(found))


def test_maturity_invalid_labels_and_queries_without_anything_relevant(bench: Bench) -> None:
    scores = {user: [3.0, 2.0, 1.0] for user in range(6)}
    labels = {0: [1.0, 0.0, None], 1: [0.0, 0.0, 0.0], 2: [-1.0, None, None], 3: [math.nan, None, 2.0]}
    found = points(bench.day(product(Task.RANKING, **RANKING), table(scores, "score"), table(labels, "label")))
    assert found["label_maturity"].value == pytest.approx(4 / 6)
    assert found["invalid_label_ratio"].value == pytest.approx(1 / 4)  # query 3 has a valid label as well
    assert found["no_relevant_ratio"].value == pytest.approx(1 / 3)
    assert (found["mrr"].value, found["mrr"].n) == (pytest.approx((1 + 1 / 3) / 2), 2)
    nobody = {0: [0.0], 1: [0.0]}
    found = points(bench.day(product(Task.RANKING, **RANKING), table(scores, "score"), table(nobody, "label")))
    assert found["ndcg@10"].failure.kind is FailureKind.UNDEFINED
    assert found["ndcg@10"].failure.reason == "no query with a relevant item has arrived"
    assert found["no_relevant_ratio"].value == 1.0
    found = points(bench.day(product(Task.RANKING, **RANKING), table(scores, "score"), table({9: [1.0]}, "label")))
    assert found["ndcg@10"].failure.kind is FailureKind.NO_LABELS


def test_copies_null_scores_and_text_ranks(bench: Bench) -> None:
    outputs = {"user": [1, 1, 1, 1, None], "item": [1, 1, 2, 3, 4], "score": [0.1, 0.9, 0.5, math.nan, 1.0]}
    truth = {"user": [1, 1], "item": [2, 2], "label": [0.0, 1.0]}
    found = values(bench.day(product(Task.RANKING, k=(1,), **RANKING), outputs, truth))
    assert found["mrr"] in (0.5, 1.0)
    text = {**outputs, "score": ["a", "b", "c", "d", "e"]}
    wrong = points(bench.day(product(Task.RANKING, **RANKING), text, truth))
    assert wrong["mrr"].failure.kind is FailureKind.WRONG_TYPE


@pytest.mark.merges("ranking_sums")
@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=5), max_size=8), st.integers(0, 8))
def test_sums_merge(queries: list[list[bool]], cut: int) -> None:
    def state(part: list[list[bool]]) -> RankingSums:
        used = [query for query in part if any(query)]
        ranks = [1 / (1 + query.index(True)) for query in used]
        sums = {"mrr": (math.fsum(ranks), math.fsum(one**2 for one in ranks))}
        return RankingSums(len(used), float(len(used)), float(len(used)), len(part) - len(used), sums)

    merged, both = state(queries[:cut]) + state(queries[cut:]), state(queries)
    assert merged.metrics() == pytest.approx(both.metrics())
    assert RankingSums.from_json(merged.to_json()) == merged
