"""What is fitted on reference rows: linear models against scikit-learn, and columns as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from evaluations import stored
from lupus.measure.learners import Columns, Encoder, Family, LinearModel, fit


@pytest.fixture
def design() -> Any:
    rng = np.random.default_rng(9)
    return np.column_stack([np.ones(400), rng.normal(0, 1, (400, 3))])


@pytest.mark.parametrize("family", list(Family))
def test_fits_are_scikit_learns(design: Any, family: Family) -> None:
    rng = np.random.default_rng(10)
    predictor = design @ [0.3, 1.0, -0.5, 0.0]
    makers: dict[Family, tuple[Callable[[], Any], Any]] = {
        Family.GAUSSIAN: (lambda: predictor + rng.normal(0, 1, 400), Ridge(alpha=2.0)),
        Family.BINOMIAL: (
            lambda: (rng.random(400) < 1 / (1 + np.exp(-predictor))).astype(float),
            LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000),
        ),
        Family.POISSON: (
            lambda: rng.poisson(np.exp(predictor)).astype(float),
            PoissonRegressor(alpha=2.0 / 400, tol=1e-10, max_iter=10_000),
        ),
    }
    make, theirs = makers[family]
    target = make()
    theirs.fit(design[:, 1:], target)
    ours = fit(design, target, family, ridge=2.0)
    expected = [np.ravel(theirs.intercept_)[0], *np.ravel(theirs.coef_)]
    assert ours.coefficients == pytest.approx(expected, abs=1e-5)
    assert ours.predict(design).mean() == pytest.approx(target.mean())
    kept = LinearModel.from_json(stored(ours.to_json()))
    assert kept.root @ kept.root.T == pytest.approx(ours.root @ ours.root.T, rel=1e-4, abs=1e-9)


def test_the_covariance_is_that_of_repeated_fits(design: Any) -> None:
    rng = np.random.default_rng(12)
    share = 1 / (1 + np.exp(-design @ [0.3, 1.0, -0.5, 0.0]))
    fits = [fit(design, (rng.random(400) < share).astype(float), Family.BINOMIAL, ridge=1e-3) for _ in range(150)]
    spread = np.cov(np.array([one.coefficients for one in fits]), rowvar=False)
    mean = np.mean([one.root @ one.root.T for one in fits], axis=0)
    assert np.sqrt(np.diag(mean)) == pytest.approx(np.sqrt(np.diag(spread)), rel=0.2)


def test_a_fit_that_nothing_bounds_ends() -> None:
    apart = np.column_stack([np.ones(20), np.repeat([-1.0, 1.0], 10)])
    found = fit(apart, np.repeat([0.0, 1.0], 10), Family.BINOMIAL)
    assert np.isfinite(found.coefficients).all()
    assert found.predict(apart)[[0, -1]] == pytest.approx([0.1, 0.9], abs=0.1)
    twice = np.column_stack([np.ones(20), apart[:, 1], apart[:, 1]])
    assert np.isfinite(fit(twice, np.arange(20.0), Family.GAUSSIAN, ridge=0.0).coefficients).all()


def test_hats_are_one_where_there_is_a_value_and_outliers_have_no_leverage() -> None:
    rng = np.random.default_rng(1)
    values = np.append(rng.normal(0, 1, 500), [np.nan, np.inf, 1e300, -1e300])
    encoder = Encoder.fitted(Columns({"x": values}))
    matrix = encoder.encode(Columns({"x": values}))
    assert matrix.shape == (504, encoder.width) == (504, 6)
    assert ((matrix >= 0) & (matrix <= 1 + 1e-12)).all()
    assert matrix[500:502, -1].tolist() == [1.0, 1.0]
    assert matrix[502].tolist() == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert matrix[503].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    absent = encoder.encode(Columns({"y": np.zeros(2)}))
    assert absent[:, -1].tolist() == [1.0, 1.0]


def test_categories_rare_new_and_missing_have_their_columns() -> None:
    texts = np.array(["a"] * 50 + ["b"] * 30 + ["rare"] * 2 + [None] * 5, dtype=object)
    encoder = Encoder.fitted(Columns({}, {"t": texts}))
    assert encoder.categories == {"t": ("a", "b")}
    matrix = encoder.encode(Columns({}, {"t": np.array(["a", "b", "rare", "new", None], dtype=object)}))
    assert matrix[:, 1:].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
    two = Encoder.fitted(Columns({"z": np.arange(9.0), "a": np.arange(9.0)}, {"y": texts[:9], "b": texts[-9:]}))
    again = Encoder.from_json(stored(two.to_json()))
    assert [list(one) for one in (again.knots, again.categories)] == [["z", "a"], ["y", "b"]]
    assert again == two
