"""What a project gets without saying so."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from lupus.model import RecentAverageParameters, RuleSpec, Selector, Severity

# Every metric in every segment would be ten thousand series a day that nobody reads. What says whether the
# product still works for these people is kept: how many rows, what is missing, the levels, and the quality.
SEGMENT_METRICS: Final = (
    "rows",
    "null_ratio",
    "mean",
    "positive_ratio",
    "label_mean",
    "label_maturity",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "ece",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "mae",
    "rmse",
    "mape",
    "smape",
    "r2",
    "bias",
)

# Few, so that the author knows them by heart. Absent data needs no rule: it has a status of its own.
RULES: Final = (
    RuleSpec("recent_average", "recent_average", parameters=asdict(RecentAverageParameters())),
    RuleSpec(
        "validation",
        "threshold",
        where=Selector(group=("validation",), metric=("success_ratio",)),
        parameters={"min": 1.0},
        severity=Severity.MEDIUM,
    ),
)
