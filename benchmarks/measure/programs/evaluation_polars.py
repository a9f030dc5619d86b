"""The same metrics as `evaluation_pandas`, as polars expressions: AUC by ranks, average precision by running sums.

``evaluation_polars.py PREDICTIONS LABELS``; prints the metrics of all rows, and the last segment's AUC.
"""

import json
import sys

import polars as pl

EPSILON = 2.220446049250313e-16


def main(predictions: str, labels: str) -> None:
    score, label = pl.col("score"), pl.col("label")
    yes, clipped = score >= 0.5, score.clip(EPSILON, 1 - EPSILON)
    bins = (score * 10).floor().clip(0, 9)
    positives, negatives = label.sum(), (1 - label).sum()
    wanted = {
        "rows": pl.len(),
        "roc_auc": ((score.rank() * label).sum() - positives * (positives + 1) / 2) / (positives * negatives),
        "log_loss": -(label * clipped.log() + (1 - label) * (1 - clipped).log()).mean(),
        "brier": ((score - label) ** 2).mean(),
        "ece": pl.sum_horizontal((label - score).filter(bins == n).sum().abs() for n in range(10)) / pl.len(),
        "accuracy": (yes == (label == 1)).mean(),
        "precision": label.filter(yes).mean(),
        "recall": yes.filter(label == 1).mean(),
        "f1": 2 * (yes & (label == 1)).sum() / (yes.sum() + positives),
    }
    joined = (
        pl.scan_parquet(predictions)
        .join(pl.scan_parquet(labels), on="id")
        .with_columns(label.cast(pl.Int64))
        .collect()
        .sort("score", descending=True)
    )
    # Sorted by falling score: at each positive, the share of positives so far.
    wanted["pr_auc"] = (label * label.cum_sum() / pl.int_range(1, pl.len() + 1)).sum() / positives
    found = joined.select(**wanted).to_dicts()[0]
    segments = joined.group_by("segment").agg(**wanted).sort("segment")
    print(json.dumps(found | {"last_segment_roc_auc": segments["roc_auc"][-1]}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
