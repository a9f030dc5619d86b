"""What a project gets without saying so."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from lupus.model import (
    Distance,
    FlatlineParameters,
    NewCategoryParameters,
    RecentAverageParameters,
    RuleSpec,
    Selector,
    Severity,
    TrendChangeParameters,
    ValidityParameters,
)

# Every metric in every segment would be ten thousand series a day that nobody reads. What says whether the
# product still works for these people is kept: how many rows, what is missing, the levels, and the quality.
# Not what a row or two decide when a segment is small: where four of thirty flights are late, one other decision moves
# recall by a quarter, and precision and F1 with it; one label near zero makes a MAPE. roc_auc, log_loss and brier
# weigh every row's score, mae, rmse and bias every error, and say as much with less noise.
SEGMENT_METRICS: Final = (
    "rows",
    "null_ratio",
    "mean",
    "positive_ratio",
    "label_mean",
    "label_maturity",
    "roc_auc",
    "log_loss",
    "brier",
    "mae",
    "rmse",
    "bias",
    "roc_auc_macro",
    "ndcg@*",
    "pinball@*",
)

# What the average of recent days predicts badly. The smallest, the largest and the outer quantiles of a slice are made
# by a few rows, and quartiles of a column that is mostly zero jump from zero and back: on 275 days of flights they
# cried wolf. A column that really moves moves its mean or std as well. Unexpected ratios are nearly always zero, so
# that any row is a deviation; how many may be unexpected is the suite's `mostly`, and the rule `validation` says when
# there are more. A new model version takes all from the one before, which is no fault. Skew, entropy, the top share,
# the lengths' extremes and the confidence move with shares, means and standard deviations, which say it in plainer
# terms; when a slice came, and when the last thing of a day happened, is for a threshold to say. All of them are still
# measured, and a rule of the project's own may judge them.
_JUMPY: Final = (
    "min",
    "max",
    "p01",
    "p05",
    "p25",
    "p75",
    "p95",
    "p99",
    "unexpected_ratio:*",
    "version_share:*",
    "skew",
    "entropy",
    "top_share",
    "length_max",
    "length_p*",
    "arrival",
    "freshness",
    "longest_gap",
    "confidence",
    "score_entropy",
)

# How far a column is from a fixed reference goes up and down with the seasons, which is no fault; a level of drift that
# lasts is for the rule `drift`, which knows how much is too much. A day that is suddenly further away is told by
# `recent_drift`; one that is suddenly nearer is no news.
_DRIFT: Final = (*(distance.value for distance in Distance), "centroid_shift", "mmd")
_ANY_DRIFT: Final = (*_DRIFT, *(f"{distance.value}@*" for distance in Distance))

# What is nearly always zero, and is not when something new comes: a rule of its own knows how many rows prove it.
_NEWS: Final = ("unseen_ratio", "new_columns", "lost_columns", "retyped_columns")
_PLAIN: Final = tuple(f"!{metric}" for metric in (*_JUMPY, *_NEWS))
_STEADY: Final = (*_PLAIN, *(f"!{metric}" for metric in _DRIFT))

# Few, so that the author knows them by heart. Absent data needs no rule: it has a status of its own.
RULES: Final = (
    RuleSpec(
        "recent_average",
        "recent_average",
        where=Selector(metric=(*_PLAIN, *(f"!{metric}" for metric in _ANY_DRIFT))),
        parameters=asdict(RecentAverageParameters()),
    ),
    RuleSpec(
        "recent_drift",
        "recent_average",
        where=Selector(metric=_ANY_DRIFT),
        parameters=asdict(RecentAverageParameters(direction="up")),
    ),
    RuleSpec(
        "trend_change",
        "trend_change",
        # In segments of some rows a level wanders by itself.
        where=Selector(metric=_STEADY, segment=("",)),
        parameters=asdict(TrendChangeParameters()),
    ),
    RuleSpec(
        "flatline",
        "flatline",
        where=Selector(metric=_STEADY, segment=("",)),
        parameters=asdict(FlatlineParameters()),
    ),
    RuleSpec("new_category", "new_category", where=Selector(metric=_NEWS), parameters=asdict(NewCategoryParameters())),
    RuleSpec(
        "validity",
        "validity",
        # What Lupus measures itself is what it can be.
        where=Selector(group=("training", "business", "software")),
        parameters=asdict(ValidityParameters()),
    ),
    RuleSpec(
        "validation",
        "threshold",
        where=Selector(group=("validation",), metric=("success_ratio",)),
        parameters={"min": 1.0},
        severity=Severity.MEDIUM,
    ),
)
