"""How far Lupus' answers are from the exact ones, where approximations go wrong. ``accuracy_lupus.py ROWS``.

Quantiles of a second day that left the first day's histogram edges; the Wasserstein distance of heavy tails from two
States; the AUC of scores of rare events. The exact answers are NumPy's, SciPy's and scikit-learn's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from drift_lupus import samples
from lupus_tables import DATA, EVALUATED, FIRST, PROFILED, SECOND, snapshot
from scipy.stats import wasserstein_distance
from sklearn.metrics import roc_auc_score

from lupus.measure import Engine, TableMeasures, measure_evaluation, measure_table
from lupus.measure.drift import compare

RANK_LIMIT = 0.005
WASSERSTEIN_LIMIT = 0.02
AUC_LIMIT = 1e-6
LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
Columns = Mapping[str, np.ndarray]


def write(columns: Columns, path: Path) -> Path:
    pq.write_table(pa.table(dict(columns)), path, row_group_size=122_880)
    return path


def two_days(first: Columns, second: Columns, engine: Engine) -> tuple[TableMeasures, TableMeasures]:
    """Both days measured, the second with what the first fixed."""
    with TemporaryDirectory() as folder:
        one = snapshot("data", write(first, Path(folder) / "first.parquet"), FIRST)
        other = snapshot("data", write(second, Path(folder) / "second.parquet"), SECOND)
        before = measure_table(PROFILED, DATA, one, (), engine=engine)
        return before, measure_table(PROFILED, DATA, other, before.references, engine=engine)


def rank_error(values: np.ndarray, level: float, answer: float) -> float:
    """How far `level` is from the ranks that `answer` has among `values`."""
    below, up_to = (values < answer).mean(), (values <= answer).mean()
    return float(max(below - level, level - up_to, 0.0))


def quantiles(rows: int, rng: np.random.Generator, engine: Engine) -> list[dict[str, object]]:
    normal = rng.normal(0, 1, rows)
    second = {
        "as before": rng.normal(0, 1, rows),
        "5 std higher": rng.normal(5, 1, rows),
        "20 times wider": rng.normal(0, 20, rows),
        "1,000 std away and narrow": rng.normal(1000, 0.001, rows),
        "heavy tails (log-normal, sigma 3)": rng.lognormal(0, 3, rows),
        "two far clusters": np.where(rng.random(rows) < 0.5, rng.normal(-1e6, 1, rows), rng.normal(1e6, 1, rows)),
    }
    _, today = two_days(dict.fromkeys(second, normal), second, engine)
    answers = {(point.series.key.column, point.series.key.metric): point.value for point in today.points}
    found = []
    for name, values in second.items():
        errors = [rank_error(values, level, answers[name, f"p{level * 100:02.0f}"]) for level in LEVELS]
        found.append({"what": f"quantiles, rank error: {name}", "error": max(errors), "limit": RANK_LIMIT})
    return found


def tails(rows: int, rng: np.random.Generator, engine: Engine) -> list[dict[str, object]]:
    normal, student, income = rng.normal(0, 1, rows), rng.standard_t(3, rows), rng.lognormal(10, 1.5, rows)
    moved = np.where(rng.random(rows) < 0.02, normal + 10, normal)
    cases = {
        "normal, 0.1 std higher": (normal, rng.normal(0.1, 1, rows)),
        "2 % of rows moved by 10 std": (normal, moved),
        "Student t (3), 20 % wider": (student, rng.standard_t(3, rows) * 1.2),
        "log-normal (sigma 1.5), 20 % more": (income, rng.lognormal(10, 1.5, rows) * 1.2),
        "normal, 4 std higher": (normal, rng.normal(4, 1, rows)),
    }
    first = {name: before for name, (before, _) in cases.items()}
    before, today = two_days(first, {name: now for name, (_, now) in cases.items()}, engine)
    states = [*before.states, *today.states]
    old, new = samples(states, FIRST), samples(states, SECOND)
    drift = compare({name: (old[name], new[name]) for name in cases}, ["wasserstein"])
    found = []
    for name, (one, other) in cases.items():
        exact = wasserstein_distance(one, other) / one.std()
        error = abs(drift[name, "wasserstein"].value / exact - 1)
        found.append({"what": f"Wasserstein, relative error: {name}", "error": error, "limit": WASSERSTEIN_LIMIT})
    return found


def rare_events(rows: int, rng: np.random.Generator, engine: Engine) -> list[dict[str, object]]:
    cases = {
        "an event in 10,000 rows": np.clip(rng.lognormal(-9.7, 1.0, rows), 0, 1),
        "an event in 100, scores of four digits": np.round(np.clip(rng.lognormal(-5.1, 1.0, rows), 0, 1), 4),
        "an event in 3": rng.beta(1, 2, rows),
    }
    found = []
    for name, score in cases.items():
        label = (rng.random(rows) < score).astype(np.int8)
        ids, few = np.arange(rows), np.full(rows, "all")
        with TemporaryDirectory() as folder:
            predictions = write({"id": ids, "score": score, "segment": few}, Path(folder) / "predictions.parquet")
            labels = write({"id": ids, "label": label}, Path(folder) / "labels.parquet")
            predicted = {FIRST.key: snapshot("predictions", predictions)}
            measured = measure_evaluation(
                EVALUATED, [FIRST], predicted, [snapshot("labels", labels)], blocked={}, engine=engine
            )
        values = {(point.series.key.segment, point.series.key.metric): point.value for point in measured.points}
        error = abs(values["", "roc_auc"] - roc_auc_score(label, score))
        found.append({"what": f"ROC AUC, error: {name}", "error": error, "limit": AUC_LIMIT})
    return found


def main(rows: int) -> None:
    rng = np.random.default_rng(4)
    with Engine(threads=int(os.environ["BENCH_THREADS"])) as engine:
        found = [one for part in (quantiles, tails, rare_events) for one in part(rows, rng, engine)]
    print(json.dumps({"found": found}, default=float))


if __name__ == "__main__":
    main(int(sys.argv[1]))
