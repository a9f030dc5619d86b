"""Predictions evaluated against labels by Lupus, for all rows and per segment.

``evaluation_lupus.py PREDICTIONS LABELS``; prints the metrics of all rows, and the last segment's AUC.
"""

import json
import os
import sys
from pathlib import Path

from lupus_tables import EVALUATED, FIRST, snapshot

from lupus.measure import Engine, measure_evaluation


def main(predictions: str, labels: str) -> None:
    predicted = {FIRST.key: snapshot("predictions", Path(predictions))}
    truths = [snapshot("labels", Path(labels))]
    with Engine(threads=int(os.environ["BENCH_THREADS"])) as engine:
        found = measure_evaluation(EVALUATED, [FIRST], predicted, truths, blocked={}, engine=engine)
    values = {(point.series.key.segment, point.series.key.metric): point for point in found.points}
    names = ("roc_auc", "pr_auc", "log_loss", "brier", "ece", "accuracy", "precision", "recall", "f1")
    check = {name: values["", name].value for name in names}
    last = max(segment for segment, _ in values)
    print(json.dumps(check | {"rows": values["", "roc_auc"].n, "last_segment_roc_auc": values[last, "roc_auc"].value}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
