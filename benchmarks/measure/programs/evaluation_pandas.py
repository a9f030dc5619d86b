"""Predictions joined with labels and scored with scikit-learn, for all rows and per segment: as one writes it by hand.

``evaluation_pandas.py PREDICTIONS LABELS``; prints the metrics of all rows, and the last segment's AUC.
"""

import json
import sys

import numpy as np
import pandas as pd
from sklearn import metrics


def scores(truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    said = score >= 0.5
    place = np.minimum((score * 10).astype(int), 9)
    gaps = np.bincount(place, truth - score, minlength=10)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(truth, said, average="binary", zero_division=0)
    return {
        "rows": len(truth),
        "roc_auc": metrics.roc_auc_score(truth, score),
        "pr_auc": metrics.average_precision_score(truth, score),
        "log_loss": metrics.log_loss(truth, score),
        "brier": metrics.brier_score_loss(truth, score),
        "ece": float(np.abs(gaps).sum() / len(truth)),
        "accuracy": metrics.accuracy_score(truth, said),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def main(predictions: str, labels: str) -> None:
    joined = pd.read_parquet(predictions).merge(pd.read_parquet(labels), on="id")
    found = scores(joined["label"].to_numpy(), joined["score"].to_numpy())
    segments = {
        name: scores(rows["label"].to_numpy(), rows["score"].to_numpy()) for name, rows in joined.groupby("segment")
    }
    print(json.dumps(found | {"last_segment_roc_auc": segments[max(segments)]["roc_auc"]}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
