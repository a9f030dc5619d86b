"""Whether a model is better than another: before and after a retraining, or two versions side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import erfc, hypot, sqrt
from statistics import median
from typing import Final

from lupus.act.samples import LEAST_PAIRS, LEVEL, Difference, compare_pairs
from lupus.model import (
    Better,
    Comparison,
    ComparisonKind,
    ComparisonVerdict,
    Interval,
    MetricPoint,
    Project,
    Sample,
    SeriesKey,
    Verdict,
    comparison_id,
    format_value,
)

NOTICEABLE: Final = 0.33
"""The smallest effect that counts: "medium" by Romano et al. (2006), whose measure is Cliff's delta."""

_Z: Final = 1.959964
_HIGHER: Final = frozenset(
    {"roc_auc", "roc_auc_macro", "pr_auc", "accuracy", "precision", "recall", "specificity", "f1", "mcc", "lift", "r2"}
    | {"mrr", "ndcg", "map", "hit_rate", "rows", "success_ratio", "label_maturity"}
    | {f"{name}_{mean}" for name in ("precision", "recall", "f1") for mean in ("macro", "micro", "weighted")}
)
_LOWER: Final = frozenset(
    {"log_loss", "brier", "ece", "mae", "rmse", "mape", "smape", "null_ratio", "invalid_label_ratio", "interval_width"}
)
_NEAR_ZERO: Final = frozenset({"bias"})
_WORDS: Final = {
    ComparisonVerdict.IMPROVED: "improved",
    ComparisonVerdict.NO_CHANGE: "no change",
    ComparisonVerdict.WORSE: "worse",
    ComparisonVerdict.NOT_ENOUGH_DATA: "not enough data",
}


def better_of(metric: str, verdict: Verdict | None = None) -> Better:
    """Which values of `metric` are the better ones; of one that is not known, those away from where it went wrong.

    >>> str(better_of("ndcg@10")), str(better_of("log_loss")), str(better_of("bias"))
    ('higher', 'lower', 'near_zero')
    """
    name = metric.partition("@")[0].partition(":")[0]
    if name in _NEAR_ZERO:
        return Better.NEAR_ZERO
    if name in _HIGHER:
        return Better.HIGHER
    if name in _LOWER or verdict is None or verdict.value is None or verdict.lower is None:
        return Better.LOWER
    return Better.HIGHER if verdict.value < verdict.lower else Better.LOWER


def compare_versions(
    project: Project,
    interval: Interval,
    series: SeriesKey,
    champion: Sequence[MetricPoint],
    challenger: Sequence[MetricPoint],
) -> list[Comparison]:
    """The challenger against the champion in every newly matured interval and over the window, by `interval`'s run.

    `champion` and `challenger` are matured points of `series` in the versions' segments, any of the same intervals.
    """
    policy = project.compare
    if policy is None:
        return []
    subject = f"{policy.champion} > {policy.challenger}"
    better = better_of(series.metric)
    theirs = {point.interval: point for point in challenger}
    pairs = [(mine, theirs[mine.interval]) for mine in champion if mine.interval in theirs]
    pairs = sorted(pairs, key=lambda pair: pair[0].interval)[-policy.window :]
    if not pairs:
        return []
    names = (policy.champion, policy.challenger)
    made = [
        _single(comparison(project.name, interval, ComparisonKind.INTERVAL, subject, series, better), pairs[-1], names)
    ]
    whole = comparison(project.name, interval, ComparisonKind.WINDOW, subject, series, better)
    sides = [sample(name, [pair[side] for pair in pairs]) for side, name in enumerate(names)]
    whole = replace(whole, before=sides[0], after=sides[1])
    if len(pairs) < LEAST_PAIRS:
        told = f"{len(pairs)} matured interval{'s' if len(pairs) != 1 else ''} of both; {LEAST_PAIRS} are needed"
        made.append(replace(whole, sentence=f"{series.metric}: not enough data: {told}"))
    else:
        columns = [[pair[side] for pair in pairs] for side in (0, 1)]
        found = compare_pairs(values(columns[0], better), values(columns[1], better))
        made.append(judged(whole, found, unit=pairs[0][0].series.unit))
    return made


def comparison(  # noqa: PLR0917 - from the wide to the narrow
    project: str, interval: Interval, kind: ComparisonKind, subject: str, series: SeriesKey, better: Better
) -> Comparison:
    """A comparison of which nothing is known yet."""
    return Comparison(
        id=comparison_id(project, kind, subject, series, interval),
        project=project,
        interval=interval,
        kind=kind,
        subject=subject,
        series=series,
        better=better,
        verdict=ComparisonVerdict.NOT_ENOUGH_DATA,
        before=Sample(""),
        after=Sample(""),
    )


def sample(name: str, points: Sequence[MetricPoint]) -> Sample:
    """One side, of `points` in order."""
    if not points:
        return Sample(name)
    values = [one.value for one in points if one.value is not None]
    return Sample(name, len(points), points[0].interval.key, points[-1].interval.key, median(values))


def values(points: Iterable[MetricPoint], better: Better) -> list[float]:
    """The values, of a bias its size."""
    values = [one.value for one in points if one.value is not None]
    return [abs(one) for one in values] if better is Better.NEAR_ZERO else values


def judged(made: Comparison, found: Difference, *, unit: str) -> Comparison:
    """`made` with its verdict: significant and noticeable, or no change."""
    effect = found.effect if made.better is Better.HIGHER else -found.effect
    verdict = ComparisonVerdict.NO_CHANGE
    if found.p_value < LEVEL and abs(effect) >= NOTICEABLE:
        verdict = ComparisonVerdict.IMPROVED if effect > 0 else ComparisonVerdict.WORSE
    judged = replace(
        made,
        verdict=verdict,
        shift=found.shift,
        low=found.low,
        high=found.high,
        effect=effect + 0.0,  # no -0.0
        p_value=found.p_value,
    )
    return replace(judged, sentence=_sentence(judged, unit))


def _single(made: Comparison, pair: tuple[MetricPoint, MetricPoint], names: tuple[str, str]) -> Comparison:
    """The difference of two values by their 95 % confidence intervals, as if they were independent.

    Both versions score the same rows in a shadow, so the true error is smaller: this says "no change" too often
    rather than too seldom.
    """
    sides = [sample(name, [point]) for name, point in zip(names, pair, strict=True)]
    made = replace(made, before=sides[0], after=sides[1])
    (first,), (second,) = (values([point], made.better) for point in pair)
    errors = [(point.high - point.low) / (2 * _Z) for point in pair if point.low is not None and point.high is not None]
    error = hypot(*errors)
    if len(errors) < 2 or error == 0:
        told = f"{made.series.metric} has no confidence interval there"
        return replace(made, shift=second - first, sentence=f"{made.before.first}: not enough data: {told}")
    shift = second - first
    p_value = erfc(abs(shift) / error / sqrt(2))
    gain = shift if made.better is Better.HIGHER else -shift
    verdict = ComparisonVerdict.NO_CHANGE
    if p_value < LEVEL:
        verdict = ComparisonVerdict.IMPROVED if gain > 0 else ComparisonVerdict.WORSE
    judged = replace(
        made, verdict=verdict, shift=shift, low=shift - _Z * error, high=shift + _Z * error, p_value=p_value
    )
    return replace(judged, sentence=_sentence(judged, pair[0].series.unit))


def _sentence(made: Comparison, unit: str) -> str:
    """What was found, in one plain sentence with its numbers."""
    before, after = made.before, made.after
    what = f"{made.series.metric}{' (its size)' if made.better is Better.NEAR_ZERO else ''}"
    shift, low, high = (format_value(one, unit) for one in (made.shift or 0.0, made.low or 0.0, made.high or 0.0))
    sides = [format_value(one.median or 0.0, unit) for one in (after, before)]
    chance = "p < 0.001" if (made.p_value or 0.0) < 0.001 else f"p = {made.p_value:.2g}"
    over = {
        ComparisonKind.RETRAINING: f"{after.intervals} intervals after, {before.intervals} before",
        ComparisonKind.WINDOW: f"{after.intervals} intervals",
        ComparisonKind.INTERVAL: after.first,
    }[made.kind]
    median_of = "" if made.kind is ComparisonKind.INTERVAL else "median "
    return (
        f"{_WORDS[made.verdict]}: {what} {after.name} {median_of}{sides[0]}, {before.name} {sides[1]}; "
        f"difference {shift} (95 % from {low} to {high}), {chance}; {over}"
    )
