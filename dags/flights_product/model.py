"""A logistic model of late arrivals that uses only what is known before departure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FEATURES: Final = ("hour", "carrier", "origin", "distance", "wind_speed", "precip", "visib")
"""The columns that the model reads. Weather is the *observed* hour of the scheduled departure: it stands in for
the forecast that a real product would have had some hours before, and is a little better than one."""

MIN_CARRIER_ROWS: Final = 200
"""Carriers with fewer training rows share the coefficient of the largest carrier."""

_WEATHER: Final = ("wind_speed", "precip", "visib")


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model as plain numbers: it is stored as JSON and scores without the library that fitted it.

    `version` is the last day (ISO) whose labels it was trained on. `coefficients` are log-odds by term;
    `fill` replaces missing weather by the training mean.
    """

    version: str
    first_day: str
    rows: int
    late_ratio: float
    coefficients: Mapping[str, float]
    fill: Mapping[str, float]

    def score(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """The probability (0 to 1) that each row of `frame` (columns `FEATURES`) arrives late."""
        terms = tuple(self.coefficients)
        log_odds = design(frame, terms, self.fill) @ np.array([self.coefficients[term] for term in terms])
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)

    def to_json(self) -> str:
        """Every field as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Model:
        """The model that `to_json` wrote; equal to it to the last bit."""
        return cls(**json.loads(text))


def design(frame: pd.DataFrame, terms: Sequence[str], fill: Mapping[str, float]) -> NDArray[np.float64]:
    """The design matrix, (rows, terms). A level of carrier or origin without a term counts as the base level."""
    hour = (frame["hour"].to_numpy(dtype=np.float64) - 13.0) / 8.0
    weather = {name: frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _WEATHER}
    weather = {name: np.where(np.isnan(values), fill[name], values) for name, values in weather.items()}
    numeric = {
        "intercept": np.ones(len(frame)),
        "hour": hour,
        "hour^2": hour**2,
        "hour^3": hour**3,
        "log distance": np.log(frame["distance"].to_numpy(dtype=np.float64)) - 7.0,
        # Delays grow fast with the first drops and the first fog, and sensors have outliers: hence root and caps.
        "rain": np.sqrt(np.clip(weather["precip"], 0.0, 0.5)),
        "fog": np.clip(10.0 - weather["visib"], 0.0, 10.0) / 10.0,
        "wind": np.clip(weather["wind_speed"], 0.0, 40.0) / 20.0,
    }
    matrix = np.empty((len(frame), len(terms)))
    for position, term in enumerate(terms):
        column, equals, level = term.partition("=")
        matrix[:, position] = (frame[column] == level).to_numpy(dtype=np.float64) if equals else numeric[term]
    return matrix


def train(frame: pd.DataFrame, *, version: str, first_day: str) -> Model:
    """Fits the model to `frame`: the columns `FEATURES` and `is_late` (0 or 1), by maximum likelihood.

    Raises `ValueError` when one of the two classes is missing.
    """
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    late = frame["is_late"].to_numpy(dtype=np.float64)
    if not 0.0 < late.mean() < 1.0:
        raise ValueError(
            f"training needs late and punctual flights; {len(late)} rows up to {version} have one kind only"
        )
    fill = {name: float(frame[name].mean()) for name in _WEATHER}
    terms = ["intercept", "hour", "hour^2", "hour^3", "log distance", "rain", "fog", "wind"]
    for column, least in (("origin", 1), ("carrier", MIN_CARRIER_ROWS)):
        counts = frame[column].value_counts()
        levels = sorted(str(level) for level, rows in counts.items() if rows >= least)
        terms += [f"{column}={level}" for level in levels if level != counts.index[0]]
    # A stretch of days without rain says nothing about rain: a term that never varies is left out.
    matrix = design(frame, terms, fill)
    varies = [position for position, term in enumerate(terms) if term == "intercept" or np.ptp(matrix[:, position]) > 0]
    terms = [terms[position] for position in varies]
    fitted = GLM(late, matrix[:, varies], family=Binomial()).fit()
    return Model(
        version=version,
        first_day=first_day,
        rows=len(frame),
        late_ratio=float(late.mean()),
        coefficients=dict(zip(terms, (float(value) for value in fitted.params), strict=True)),
        fill=fill,
    )
