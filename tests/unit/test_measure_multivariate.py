"""Multivariate drift: PCA and domain classifier against scikit-learn, simulations, and degenerate rows."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from evaluations import stored
from lupus.measure import Engine
from lupus.measure.estimates import Sample, Slices
from lupus.measure.learners import Columns
from lupus.measure.multivariate import (
    ReconstructionModel,
    domain_auc,
    domain_aucs,
    reconstruction_errors,
    reconstruction_model,
    sampled,
)
from lupus.measure.multivariate.domain import DOMAIN_AUC
from lupus.measure.multivariate.pca import RECONSTRUCTION_ERROR
from lupus.model import (
    WHOLE,
    Cadence,
    CadenceKind,
    FileFormat,
    FileSource,
    MetricsPolicy,
    MultivariatePolicy,
    Project,
    Role,
    Snapshot,
    SnapshotStatus,
    Table,
)


def together(rng: Any, n: int, *, rho: float = 0.9, **changes: float) -> Columns:
    """Two numbers that go together with correlation `rho`, a third, and a text."""
    x = rng.normal(0, 1, (n, 3))
    x[:, 1] = rho * x[:, 0] + np.sqrt(1 - rho**2) * x[:, 1]
    x[:, 2] += changes.get("shift", 0.0)
    x[rng.random(n) < changes.get("missing", 0.0), 0] = np.nan
    kind = np.array(["a", "b", "c"], dtype=object)[rng.choice(3, n, p=[0.6, 0.3, 0.1])]
    kind[rng.random(n) < changes.get("new", 0.0)] = "new"
    return Columns({f"x{place}": x[:, place] for place in range(3)}, {"kind": kind})


def test_the_components_are_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (400, 4)) @ rng.normal(0, 1, (4, 4))
    model = ReconstructionModel.fitted(Columns({f"x{place}": x[:, place] for place in range(4)}))
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = PCA(n_components=len(model.components)).fit(standard[::2])
    assert np.abs(model.components[:, :4] @ theirs.components_.T) == pytest.approx(np.eye(len(model.components)))
    assert theirs.explained_variance_ratio_.sum() >= 0.65
    # scikit-learn takes the even rows' mean away, ours the mean of all.
    lost = standard[1::2] - standard[1::2] @ theirs.components_.T @ theirs.components_
    assert model.errors[WHOLE][0] == pytest.approx(np.linalg.norm(lost, axis=1).mean(), rel=1e-9)


def check_reconstruction(now: Any) -> None:
    """scikit-learn's components, and what they lose of `now`, over what they lose of the held-out rows."""
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (400, 4)) @ rng.normal(0, 1, (4, 4))
    now = now(x)
    model = ReconstructionModel.fitted(Columns({f"x{place}": x[:, place] for place in range(4)}))
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = PCA(n_components=len(model.components)).fit(standard[::2]).components_

    def lost(rows: Any) -> float:
        return float(np.linalg.norm(rows - rows @ theirs.T @ theirs, axis=1).mean())

    found = model.reconstruction_error(Columns({f"x{place}": now[:, place] for place in range(4)}))
    assert found is not None
    # What is absurdly far away is held at twenty deviations.
    expected = lost(np.clip((now - x.mean(axis=0)) / x.std(axis=0), -20, 20)) / lost(standard[1::2])
    assert found.value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert RECONSTRUCTION_ERROR.name == "pca_reconstruction_error"


@pytest.mark.oracle("pca_reconstruction_error", by="scikit-learn", on="random")
@pytest.mark.parametrize("seed", range(3))
def test_the_reconstruction_error_is_scikit_learns(seed: int) -> None:
    check_reconstruction(lambda x: np.random.default_rng(seed).normal(1, 2, (90, 4)))


@pytest.mark.oracle("pca_reconstruction_error", by="scikit-learn", on="degenerate")
@pytest.mark.parametrize(
    "now",
    [lambda x: x, lambda x: x[:1], lambda x: np.tile(x.mean(axis=0), (9, 1)), lambda x: x * 1e30, lambda x: x * 0],
    ids=["the same", "one row", "the mean", "huge", "zeros"],
)
def test_the_reconstruction_error_of_degenerate_rows_is_scikit_learns(now: Any) -> None:
    check_reconstruction(now)


def test_reconstruction_is_worse_where_columns_no_longer_go_together() -> None:
    rng = np.random.default_rng(2)
    model = ReconstructionModel.fitted(together(rng, 4000))
    same, apart = (model.reconstruction_error(together(rng, 1000, rho=rho)) for rho in (0.9, -0.9))
    assert same is not None
    assert apart is not None
    assert same.low < 1 < same.high
    assert apart.low > 1.1
    for how in ({"missing": 0.3}, {"new": 0.3}):
        found = model.reconstruction_error(together(rng, 1000, **how))
        assert found is not None
        assert found.low > 1.0, how
    kept = ReconstructionModel.from_json(stored(model.to_json()))
    rows = together(rng, 100)
    assert kept.reconstruction_error(rows) == model.reconstruction_error(rows)


def test_segments_are_compared_with_themselves(tmp_path: Path) -> None:
    """In `a` columns go together in another way than in `b`, for ever; today they do not in `b` any more."""
    rng = np.random.default_rng(14)
    table = Table("data", Role.DATA, FileSource("x.parquet", FileFormat.PARQUET), key=("id",))
    policy = MultivariatePolicy(("pca_reconstruction_error", "domain_auc"), min_rows=200, features=("x*",))
    metrics = MetricsPolicy(multivariate=policy, segment_metrics=("pca_*", "domain_auc"), min_segment_rows=50)
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    daily = Cadence(CadenceKind.DAILY)
    of = Project("p", "me", daily, start, (table,), segments=(("s",), ("s", "t"), ("gone",)), metrics=metrics)

    def rows(day: str, names: list[str], rho: float) -> Sample:
        parts = [together(rng, 900, rho=-0.9), together(rng, 900, rho=rho), together(rng, 900), together(rng, 100)]
        every = parts[0].and_those_of(parts[1]).and_those_of(parts[2]).and_those_of(parts[3])
        columns = dict(every.numbers) | {"s": np.repeat(names, [900, 900, 900, 100]), "t": np.full(2800, None)}
        path = tmp_path / f"{day}.parquet"
        frame = pa.table({"t": pa.array(columns.pop("t"), pa.string()), **columns})
        pq.write_table(frame, path)
        schema = tuple((field.name, str(field.type)) for field in frame.schema)
        one = Snapshot("p", "data", daily.parse(day), SnapshotStatus.OK, path, 2800, schema, "hash")
        with Engine(threads=1) as engine:
            found = sampled(of, Slices(table, (one,)), engine=engine, limit=20_000)
        assert isinstance(found, Sample)
        assert found.rows == 2800
        return found

    reference = rows("2026-03-01", ["a", "b", "c", "small"], 0.9)
    today = rows("2026-03-02", ["a", "b", "new", "small"], -0.9)
    model = ReconstructionModel.from_json(stored(reconstruction_model(of, reference).to_json()))
    assert model.errors.keys() == {WHOLE} | {f"s={one}{pair}" for one in "abc" for pair in ("", ",t=(null)")}
    errors, aucs = reconstruction_errors(of, model, today), domain_aucs(of, reference, today)
    followed = {"s=a", "s=b", "s=a,t=(null)", "s=b,t=(null)"}
    assert errors.keys() == aucs.keys() == {WHOLE} | followed
    for segment, (error, n) in errors.items():
        auc, same = aucs[segment]
        assert error is not None
        assert auc is not None
        assert n == same == (900 if segment else 2800)
        if segment.startswith("s=a"):
            assert error.low < 1 < error.high, segment
            assert auc.low < 0.5, segment
        else:
            assert error.low > 1, segment
    own = [Columns({name: one.columns.numbers[name][900:1800] for name in model.numbers}) for one in (reference, today)]
    assert aucs["s=b"][0] == domain_auc(*own)
    # With only itself in the reference, a segment is the whole.
    alone = ReconstructionModel.fitted(own[0], segments={"s=b": np.arange(900)})
    pair = alone.reconstruction_error(own[1]), alone.reconstruction_error(own[1], "s=b")
    assert pair[0] is not None
    assert pair[1] is not None
    assert pair[1].value == pytest.approx(pair[0].value)
    assert pair[1].high == pytest.approx(pair[0].high, abs=0.05)


def test_the_interval_of_the_reconstruction_error_knows_how_unsure_the_reference_is() -> None:
    rng = np.random.default_rng(15)
    held = {WHOLE: 0, "s=1": 0}
    for _ in range(60):
        before, now = (together(rng, n).and_those_of(together(rng, n // 4, rho=-0.5)) for n in (2000, 8000))
        model = ReconstructionModel.fitted(before, segments={"s=1": np.arange(2000, 2500)})
        for segment, rows in ((WHOLE, now), ("s=1", now.taken(slice(8000, None)))):
            found = model.reconstruction_error(rows, segment)
            assert found is not None
            held[segment] += found.low <= 1 <= found.high
    assert min(held.values()) >= 52, held


def test_the_models_payload_holds_no_row() -> None:
    rng = np.random.default_rng(3)
    rows = together(rng, 2000)
    rows.texts["kind"][:3] = "secret"
    payload = json.dumps(ReconstructionModel.fitted(rows).to_json())
    assert "secret" not in payload
    assert len(payload) < 5000


def test_degenerate_references_give_a_model_or_nothing() -> None:
    constant = Columns({"x": np.ones(40), "empty": np.full(40, np.nan)}, {"t": np.full(40, None)})
    model = ReconstructionModel.fitted(constant)
    assert model.reconstruction_error(constant) is None  # there is no error to compare with
    rng = np.random.default_rng(4)
    model = ReconstructionModel.fitted(together(rng, 500))
    assert model.reconstruction_error(Columns({"x0": np.array([])})) is None
    one = model.reconstruction_error(together(rng, 1))
    assert one is not None
    assert one.low < one.value < one.high  # one row has no spread, but the reference has
    huge = Columns({"x0": np.array([1e300, -np.inf]), "x1": np.array([np.nan, 1e300])})
    absurd = model.reconstruction_error(huge)
    assert absurd is not None
    assert np.isfinite(absurd.value)


def test_the_domain_classifier_is_at_a_half_without_drift() -> None:
    rng = np.random.default_rng(5)
    found = [domain_auc(together(rng, 1500), together(rng, 600)) for _ in range(30)]
    values = [one.value for one in found if one is not None]
    assert np.mean(values) == pytest.approx(0.5, abs=0.015)
    assert sum(one.low > 0.5 for one in found if one is not None) <= 2


@pytest.mark.parametrize("how", [{"shift": 0.5}, {"missing": 0.2}, {"new": 0.2}], ids=lambda how: next(iter(how)))
def test_the_domain_classifier_sees_every_kind_of_change(how: dict[str, float]) -> None:
    rng = np.random.default_rng(6)
    found = domain_auc(together(rng, 2000), together(rng, 800, **how))
    assert found is not None
    assert found.low > 0.53


@pytest.mark.oracle("domain_auc", by="scikit-learn", on="degenerate")
@pytest.mark.parametrize(
    ("reference", "current"),
    [([1.0], [1.0]), ([0.0], [1.0]), ([0.0, 1.0], [0.0, 1.0]), ([0.0, 1.0], [1.0]), ([0.0], [1e300])],
    ids=["a constant", "two constants", "the same", "one value of two", "huge"],
)
def test_the_domain_auc_of_constants_is_that_of_scikit_learns_classifier(
    reference: list[float], current: list[float]
) -> None:
    sides = [np.resize(one, 100) for one in (reference, current)]
    found = domain_auc(*(Columns({"x": side}) for side in sides))
    rows, label = np.sign(np.concatenate(sides))[:, None], np.repeat([0, 1], 100)
    theirs = LogisticRegression().fit(rows, label).predict_proba(rows)[:, 1]
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(label, theirs), abs=1e-9)
    assert DOMAIN_AUC.name == "domain_auc"


@pytest.mark.oracle("domain_auc", by="scikit-learn", on="random")
def test_the_domain_auc_is_that_of_scikit_learns_classifier() -> None:
    rng = np.random.default_rng(7)
    reference, current = rng.normal(0, 1, (3000, 2)), rng.normal(0.4, 1, (3000, 2))
    columns = [Columns({"x": side[:, 0], "y": side[:, 1]}) for side in (reference, current)]
    found = domain_auc(*columns)
    rows, label = np.vstack([reference, current]), np.repeat([0, 1], 3000)
    theirs = LogisticRegression().fit(rows[::2], label[::2]).predict_proba(rows[1::2])[:, 1]
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(label[1::2], theirs), abs=0.02)
    assert found.low < 0.6555 < found.high  # Phi(0.4 * sqrt(2) / sqrt(2)), what the best classifier has
    assert domain_auc(*columns) == found


def test_degenerate_sides_have_no_domain_or_no_difference() -> None:
    few, many = (Columns({"x": np.zeros(n)}) for n in (4, 50))
    assert domain_auc(few, many) is None
    same = domain_auc(many, many)
    assert same is not None
    assert same.value == 0.5
    other = domain_auc(many, Columns({"y": np.zeros(50)}))  # a column that is gone, and a new one
    assert other is not None
    assert other.value == 1.0
    absent = domain_auc(Columns({"x": np.full(50, np.nan)}), Columns({"x": np.full(50, np.nan)}))
    assert absent is not None
    assert absent.value == 0.5
