"""Frames in, frames out: what people get in a notebook, against NumPy, scikit-learn and the stages themselves."""

from __future__ import annotations

import importlib
import types
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn.metrics

import lupus
from lupus.model import LupusError
from lupus.stages import backtest_series
from lupus.stages.frames import POINT_COLUMNS
from lupus.stages.series import FLAG_COLUMNS


def shop(rows: int = 400, *, seed: int = 1, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    price = rng.normal(10 + shift, 2, rows)
    price[:8] = np.nan
    return pd.DataFrame(
        {
            "price": price,
            "items": rng.integers(1, 6, rows),
            "country": rng.choice(["JP", "TW", "TH"], rows, p=[0.5, 0.3, 0.2]),
            "bought": pd.date_range("2026-01-01", periods=rows, freq="min"),
        }
    )


def scored(rows: int = 600) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    score, sex = rng.uniform(0, 1, rows), rng.choice(["f", "m"], rows)
    label = (rng.uniform(0, 1, rows) < score).astype(int)
    ids = np.arange(rows)
    order = rng.permutation(rows)
    return pd.DataFrame({"id": ids, "p": score, "sex": sex}), pd.DataFrame({"id": ids, "y": label}).iloc[order]


def values(found: pd.DataFrame, table: str = "data", column: str = "", segment: str = "") -> dict[str, float]:
    rows = found[(found["table"] == table) & (found["column"] == column) & (found["segment"] == segment)]
    return dict(zip(rows["metric"], rows["value"], strict=True))


def as_given(frame: pd.DataFrame, how: str, folder: Path) -> Any:
    if how == "path":
        frame.to_parquet(folder / "frame.parquet")
        return folder / "frame.parquet"
    if how == "ibis":
        return ibis.memtable(pa.Table.from_pandas(frame))
    return frame if how == "pandas" else pa.Table.from_pandas(frame)


@pytest.mark.parametrize("how", ["pandas", "arrow", "path", "ibis"])
def test_every_kind_of_frame_gives_numpys_numbers(how: str, tmp_path: Path) -> None:
    frame = shop()
    found = lupus.measure_frame(as_given(frame, how, tmp_path))
    assert tuple(found.columns) == POINT_COLUMNS
    price, known = values(found, column="price"), frame["price"].dropna()
    assert price["null_ratio"] + price.get("nan_ratio", 0.0) == pytest.approx(8 / 400)
    assert price["mean"] == pytest.approx(known.mean())
    assert price["std"] == pytest.approx(known.std())
    assert price["p50"] == pytest.approx(known.median())
    assert values(found)["rows"] == 400
    assert values(found, column="country")["share:JP"] == (frame["country"] == "JP").mean()
    assert values(found, column="bought").keys() == {"null_ratio"}  # no interval, no freshness


def test_predictions_are_evaluated_as_by_scikit_learn() -> None:
    prediction, truth = scored()
    found = lupus.measure_frame(
        prediction=prediction,
        ground_truth=truth[truth["id"] >= 60],
        task="binary_classification",
        key="id",
        score="p",
        label="y",
        segments=["sex"],
        fairness=["sex"],
    )
    joined = prediction.merge(truth[truth["id"] >= 60], on="id")
    whole = values(found, "prediction", "p")
    assert whole["roc_auc"] == pytest.approx(sklearn.metrics.roc_auc_score(joined["y"], joined["p"]))
    assert whole["log_loss"] == pytest.approx(sklearn.metrics.log_loss(joined["y"], joined["p"]))
    women, women_only = values(found, "prediction", "p", "sex=f"), joined[joined["sex"] == "f"]
    assert women["roc_auc"] == pytest.approx(sklearn.metrics.roc_auc_score(women_only["y"], women_only["p"]))
    yes = (prediction["p"] >= 0.5).groupby(prediction["sex"]).mean()
    assert whole["demographic_parity_difference:sex"] == pytest.approx(yes.max() - yes.min())
    row = found[(found["metric"] == "roc_auc") & (found["segment"] == "")].iloc[0]
    assert row["maturity"] == pytest.approx(0.9)
    assert row["low"] < row["value"] < row["high"]
    assert row["n"] == 540


def test_drift_is_measured_from_the_reference() -> None:
    before = shop(3000)
    same = lupus.measure_frame(shop(3000, seed=2), reference=before)
    moved = lupus.measure_frame(shop(3000, seed=2, shift=1.0), reference=before, segments=["country"])
    rows = same[same["metric"].isin(["psi", "js", "ks", "wasserstein"]) & (same["column"] == "price")]
    assert len(rows) == 4
    assert (rows["low"] == 0).all()
    # One unit of a column whose standard deviation is two.
    assert values(moved, column="price")["wasserstein"] == pytest.approx(0.5, abs=0.1)
    assert values(moved, column="price", segment="country=JP")["wasserstein"] == pytest.approx(0.5, abs=0.15)
    assert values(moved, column="country")["js"] < 0.05
    assert values(moved)["new_columns"] == 0
    assert "js" not in values(lupus.measure_frame(before), column="price")


def test_a_reference_of_each_table() -> None:
    prediction, _ = scored()
    later = prediction.assign(p=prediction["p"] ** 2)
    found = lupus.measure_frame(
        shop(),
        later,
        task="binary_classification",
        key="id",
        score="p",
        reference={"prediction": prediction},
    )
    assert values(found, "prediction", "p")["js"] > 0.1
    assert "js" not in values(found, "data", "price")


def test_a_column_that_cannot_be_measured_takes_no_other_with_it() -> None:
    frame = pd.DataFrame({"mixed": [1, "a", [2]], "empty": [None] * 3, "x": [1.0, 2.0, 3.0], 7: [1, 2, 3]})
    found = lupus.measure_frame(frame)
    assert values(found, column="x")["mean"] == 2.0
    assert values(found, column="7")["mean"] == 2.0
    assert values(found, column="empty")["null_ratio"] == 1.0
    short = lupus.measure_frame(pd.DataFrame({"x": [1.0]}))
    assert short.set_index("metric").loc["std", "failure"] == "undefined: needs at least two values"
    assert values(lupus.measure_frame(pd.DataFrame({"x": pd.Series([], dtype=float)})))["rows"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "nothing to measure"),
        ({"data": 3}, "a int is no frame; give a pandas, Arrow or Ibis table"),
        ({"data": "nowhere.parquet"}, "nowhere.parquet cannot be read"),
        ({"data": shop(9), "segments": ["contry"]}, "no frame has a column 'contry'; did you mean 'country'?"),
        ({"data": shop(9), "task": "clustering"}, "there is no task 'clustering'"),
        ({"data": shop(9), "reference": {"date": shop(9)}}, "reference names 'date'"),
        ({"data": shop(9), "reference": {"prediction": shop(9)}}, "no prediction; give both"),
        ({"prediction": scored()[0], "ground_truth": scored()[1], "score": "p"}, "without task and key and label"),
        ({"data": pd.DataFrame([[1, 2]], columns=["a", "a"])}, "more than one column 'a'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LupusError, match=message.replace("?", r"\?")):
        lupus.measure_frame(**arguments)


def test_the_rooms_keep_their_names() -> None:
    for room in ("measure", "judge"):
        assert importlib.import_module(f"lupus.{room}") is getattr(lupus, room)
        assert isinstance(getattr(lupus, room), types.ModuleType)


def history() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    days = pd.date_range("2026-01-01", periods=60).astype(str)
    value = rng.normal(1000, 20, 60).round()
    value[50] = 400
    return pd.DataFrame({"series_id": 7, "date": days, "value": value})


@pytest.mark.parametrize("how", ["pandas", "arrow", "path", "ibis"])
def test_judging_a_frame_is_the_backtest_of_a_file(how: str, tmp_path: Path) -> None:
    frame = history()
    frame.to_csv(tmp_path / "series.csv", index=False)
    backtest_series(tmp_path / "series.csv", tmp_path / "flags.parquet")
    flags = lupus.judge_frame(as_given(frame, how, tmp_path))
    assert tuple(flags.columns) == FLAG_COLUMNS
    assert flags.loc[50, "flag"] == 1
    pd.testing.assert_frame_equal(flags, pd.read_parquet(tmp_path / "flags.parquet"), check_dtype=False)


def test_rules_are_given_as_on_the_command_line() -> None:
    flags = lupus.judge_frame(history(), ["threshold:min=500"])
    assert flags.loc[flags["flag"] == 1, "date"].tolist() == ["2026-02-20"]
    with pytest.raises(LupusError, match="did you mean 'min'"):
        lupus.judge_frame(history(), ["threshold:mn=500"])
    with pytest.raises(LupusError, match="history, row 3: value 'x' is no number"):
        lupus.judge_frame(history().astype({"value": object}).assign(value=["1", "2", "3", "x", *["4"] * 56]))
    with pytest.raises(LupusError, match="history has no column value"):
        lupus.judge_frame(history().drop(columns="value"))
