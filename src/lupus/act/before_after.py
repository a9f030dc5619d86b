"""What a retraining did for the model: the intervals before it and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from lupus.act.comparison import comparison, judged, sample, values
from lupus.act.samples import LEAST_SAMPLE, compare_samples
from lupus.model import (
    Cadence,
    Comparison,
    ComparisonKind,
    Interval,
    MetricPoint,
    Project,
    RetrainRequest,
    RetrainState,
    VersionShare,
)

_PATIENCE: Final = 4
"""After so many times `compare_after` intervals without a new version, there is nothing to wait for."""


def compare_retraining(  # noqa: PLR0917 - from the policy to what is known
    project: Project,
    request: RetrainRequest,
    interval: Interval,
    points: Sequence[MetricPoint],
    versions: Mapping[Interval, Sequence[VersionShare]],
    requests: Sequence[RetrainRequest],
) -> Comparison | None:
    """How the model does since `request` succeeded, as the run of `interval` sees it; None while it is too early.

    `points` are the matured ones of the series that asked for it, oldest first; `versions` what made each interval's
    predictions; `requests` all of the project's. The new model's time begins with the first later interval in which
    another version makes most predictions, and ends when yet another one does. Where versions are not known,
    it begins with the second interval after the request's (the model was trained during the first), and ends with
    the next retraining. The last `compare_after` intervals of the model before are compared with the first
    `compare_after` of the new one.
    """
    policy = project.retrain
    if policy is None or request.series is None or request.state is not RetrainState.SUCCEEDED:
        return None
    wanted = policy.compare_after
    before, after, over = _split(project.cadence, request, interval, points, versions, requests)
    before, after = before[-wanted:], after[:wanted]
    patience = project.cadence.shift(request.interval, _PATIENCE * wanted)
    if len(after) < wanted and not over and interval.start < patience.start:
        return None
    made = comparison(project.name, interval, ComparisonKind.RETRAINING, request.id, request.series, request.better)
    sides = replace(made, before=sample("before", before), after=sample("after", after))
    if min(len(before), len(after)) < LEAST_SAMPLE:
        what = "before" if len(before) < LEAST_SAMPLE else "after"
        count = min(len(before), len(after))
        told = f"{count} matured interval{'s' if count != 1 else ''} {what} the retraining; {LEAST_SAMPLE} are needed"
        return replace(sides, sentence=f"{request.series.metric}: not enough data: {told}")
    found = compare_samples(values(before, request.better), values(after, request.better))
    return judged(sides, found, unit=points[0].series.unit)


def _split(  # noqa: PLR0917 - as above
    cadence: Cadence,
    request: RetrainRequest,
    interval: Interval,
    points: Sequence[MetricPoint],
    versions: Mapping[Interval, Sequence[VersionShare]],
    requests: Sequence[RetrainRequest],
) -> tuple[list[MetricPoint], list[MetricPoint], bool]:
    """The points of the model before, those of the new one, and whether the new one's time is over."""
    seen = [point for point in points if point.interval.start <= interval.start]
    leaders = {one: shares[0].version for one, shares in sorted(versions.items()) if shares and one <= interval}
    old = next((leader for one, leader in reversed(leaders.items()) if one <= request.interval), "")
    if old:
        since = [(one, leader) for one, leader in leaders.items() if one > request.interval]
        new = next((leader for _, leader in since if leader != old), "")
        mine = _stretch(since, new)
        before = _ending([(one, leader) for one, leader in leaders.items() if one <= request.interval], old)
        over = bool(mine) and bool(seen) and seen[-1].interval > max(mine)
        return [one for one in seen if one.interval in before], [one for one in seen if one.interval in mine], over
    done = sorted(one.interval for one in requests if one.state is RetrainState.SUCCEEDED)
    earlier = max((one for one in done if one < request.interval), default=None)
    later = min((one for one in done if one > request.interval), default=None)
    first = cadence.shift(request.interval, 2)
    oldest = None if earlier is None else cadence.shift(earlier, 2)
    before_points = [
        one for one in seen if one.interval <= request.interval and (oldest is None or one.interval >= oldest)
    ]
    after_points = [one for one in seen if one.interval >= first and (later is None or one.interval <= later)]
    return before_points, after_points, later is not None and bool(seen) and seen[-1].interval > later


def _stretch(leaders: Iterable[tuple[Interval, str]], version: str) -> set[Interval]:
    """The first unbroken stretch in which `version` leads."""
    found: set[Interval] = set()
    for interval, leader in leaders:
        if leader == version:
            found.add(interval)
        elif found:
            break
    return found


def _ending(leaders: Sequence[tuple[Interval, str]], version: str) -> set[Interval]:
    """The last unbroken stretch in which `version` leads."""
    return _stretch(reversed(leaders), version)
