"""Generalised linear models with a small ridge penalty, by iteratively reweighted least squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS: Final = 50
_HALVINGS: Final = 12
_LARGEST: Final = 30.0


class Family(StrEnum):
    """Which mean a linear predictor gives."""

    GAUSSIAN = "gaussian"  # the predictor itself
    BINOMIAL = "binomial"  # its logistic
    POISSON = "poisson"  # its exponential


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Coefficients (p,) of a family, and `root` (p, p), the lower triangular root of their covariance."""

    family: Family
    coefficients: Floats
    root: Floats

    def predict(self, design: Floats) -> Floats:
        """The mean (n,) of each row of `design` (n, p)."""
        return _mean(self.family, design @ self.coefficients)

    def slope(self, design: Floats) -> Floats:
        """How an error of each row's predictor becomes one of its mean (n,): the derivative."""
        return _slope(self.family, self.predict(design))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; of the covariance's root the lower triangle, row by row, in six digits."""
        rows = [[float(f"{value:.6g}") for value in row[: place + 1]] for place, row in enumerate(self.root)]
        return {"family": self.family.value, "coefficients": self.coefficients.tolist(), "root": rows}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`, up to its digits."""
        import numpy as np

        root = np.zeros((len(payload["root"]),) * 2)
        for place, row in enumerate(payload["root"]):
            root[place, : place + 1] = row
        return cls(Family(payload["family"]), np.array(payload["coefficients"], dtype=np.float64), root)


def fit(design: Floats, target: Floats, family: Family, *, ridge: float = 1.0) -> LinearModel:
    """The penalised maximum-likelihood fit of `target` (n,) on `design` (n, p), whose first column is the intercept.

    As `coefficients_of`, with their covariance, a sandwich (White 1982).

    >>> import numpy as np
    >>> design = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    >>> fit(design, np.array([1.0, 3.0, 5.0, 7.0]), Family.GAUSSIAN, ridge=0.0).coefficients.round(6).tolist()
    [2.0, 4.0]
    """
    import numpy as np

    beta, hessian = coefficients_of(design, target, family, ridge=ridge)
    rest = target - _mean(family, design @ beta)
    bread = np.linalg.inv(hessian)
    spread = bread @ (design.T @ (design * (rest * rest)[:, None])) @ bread
    values, vectors = np.linalg.eigh((spread + spread.T) / 2)
    # Of any root of the covariance the triangular one takes half of the room.
    triangle = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T)[1]
    return LinearModel(family, beta, triangle.T)


def coefficients_of(
    design: Floats,
    target: Floats,
    family: Family,
    *,
    ridge: float = 1.0,
    start: Floats | None = None,
    tolerance: float = 1e-9,
) -> tuple[Floats, Floats]:
    """The coefficients (p,) of the fit, and the negative Hessian (p, p) there.

    Maximises log likelihood - ``ridge / 2 * sum(coefficients[1:] ** 2)`` by Newton's method with step halving
    (McCullagh and Nelder 1989; le Cessie and van Houwelingen 1992 for the penalty), from `start` until a step gains
    less than `tolerance`, relatively. As the links are canonical, the mean of the fit is the mean of the target. A
    Poisson target need not be counts: the fit is then that of quasi-likelihood (Wedderburn 1974). The same numbers in
    give the same numbers out.
    """
    import numpy as np

    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    tiny = 1e-10 * max(float(np.einsum("ij,ij->j", design, design).max(initial=0.0)), 1.0)
    if start is None:
        start = np.zeros(design.shape[1])
        start[0] = _link(family, float(target.mean()))
    beta = start
    best = _objective(family, design, target, penalty, beta)
    hessian = np.eye(len(beta))
    for _ in range(_STEPS):
        mean = _mean(family, design @ beta)
        gradient = design.T @ (target - mean) - penalty * beta
        weight = np.maximum(_slope(family, mean), 1e-12)
        hessian = design.T @ (design * weight[:, None]) + np.diag(penalty + tiny)
        step = np.linalg.solve(hessian, gradient)
        if float(gradient @ step) <= tolerance * (1.0 + abs(best)):
            break
        scale = 1.0
        for _ in range(_HALVINGS):
            tried = beta + scale * step
            value = _objective(family, design, target, penalty, tried)
            if value > best:
                break
            scale /= 2
        else:
            break
        beta, best = tried, value
    return beta, hessian


def _link(family: Family, mean: float) -> float:
    from math import log

    if family is Family.GAUSSIAN:
        return mean
    if family is Family.POISSON:
        return log(max(mean, 1e-12))
    held = min(max(mean, 1e-9), 1 - 1e-9)
    return log(held / (1 - held))


def _mean(family: Family, predictor: Floats) -> Floats:
    import numpy as np

    if family is Family.GAUSSIAN:
        return predictor
    held = np.clip(predictor, -_LARGEST, _LARGEST)
    mean: Floats = np.exp(held) if family is Family.POISSON else 1.0 / (1.0 + np.exp(-held))
    return mean


def _slope(family: Family, mean: Floats) -> Floats:
    import numpy as np

    if family is Family.GAUSSIAN:
        return np.ones_like(mean)
    return mean if family is Family.POISSON else mean * (1.0 - mean)


def _objective(family: Family, design: Floats, target: Floats, penalty: Floats, beta: Floats) -> float:
    """The penalised log likelihood, but for what does not depend on `beta`."""
    import numpy as np

    predictor = design @ beta
    if family is Family.GAUSSIAN:
        value = -0.5 * float(((target - predictor) ** 2).sum())
    else:
        held = np.clip(predictor, -_LARGEST, _LARGEST)
        total = np.logaddexp(0.0, held) if family is Family.BINOMIAL else np.exp(held)
        value = float((target * held - total).sum())
    return value - 0.5 * float((penalty * beta * beta).sum())
