"""Models as the stages see them: which versions predict, and whether one is better than another."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lupus.model import (
    Comparison,
    ComparisonKind,
    Interval,
    MetricPoint,
    Project,
    RetrainState,
    Role,
    SeriesKey,
    segment_name,
)
from lupus.stages.labels import is_closed
from lupus.stages.workspace import Workspace


def compare_models(workspace: Workspace, project: Project, interval: Interval) -> tuple[Comparison, ...]:
    """Compare and store what can be compared since `interval` has run: retrainings that have matured, and versions.

    A retraining is compared once: a rerun of the interval that did so does it again, later runs leave it.
    """
    made = (*_retrainings(workspace, project, interval), *_versions(workspace, project, interval))
    workspace.store.replace_comparisons(project.name, interval, made)
    return made


def matured_points(
    workspace: Workspace,
    project: Project,
    interval: Interval,
    series: Collection[SeriesKey],
    *,
    intervals: Sequence[Interval] | None = None,
) -> dict[SeriesKey, list[MetricPoint]]:
    """The points of `series` up to `interval` that have a value and will not change any more, oldest first.

    What belongs to no baseline (a fault that was mended, a day that failed critical validation) is left out.
    """
    found: dict[SeriesKey, list[MetricPoint]] = {key: [] for key in series}
    metrics = {key.metric for key in series}
    for metric in sorted(metrics):
        for point in workspace.store.points(project.name, metric=metric, intervals=intervals):
            mine = found.get(point.series.key)
            if mine is not None and point.interval <= interval and _is_matured(project, point, interval):
                mine.append(point)
    days = sorted({point.interval for points in found.values() for point in points})
    excluded = workspace.store.excluded_columns(project.name, days) if days else set()
    return {
        key: [one for one in points if not {(one.interval, key.table, name) for name in ("", key.column)} & excluded]
        for key, points in found.items()
    }


def _is_matured(project: Project, point: MetricPoint, newest: Interval) -> bool:
    if point.value is None:
        return False
    if point.maturity is None or point.maturity >= 1:
        return True
    return is_closed(project, point.interval, newest)


def _retrainings(workspace: Workspace, project: Project, interval: Interval) -> list[Comparison]:
    from lupus.act import compare_retraining

    if project.retrain is None:
        return []
    store = workspace.store
    requests = store.retrain_requests(project.name)
    told = {
        one.subject
        for one in store.comparisons(project.name, kind=ComparisonKind.RETRAINING)
        if one.interval != interval
    }
    waiting = [
        one for one in requests if one.state is RetrainState.SUCCEEDED and one.series is not None and one.id not in told
    ]
    if not waiting:
        return []
    wanted = project.retrain.compare_after
    oldest = project.cadence.shift(min(one.interval for one in waiting), -3 * wanted)
    days = tuple(project.cadence.between(oldest, interval))
    series = {one.series for one in waiting if one.series}
    points = matured_points(workspace, project, interval, series, intervals=days)
    versions = store.model_versions(project.name)
    compared = (
        compare_retraining(project, one, interval, points[one.series], versions, requests)
        for one in waiting
        if one.series and one.interval < interval
    )
    return [one for one in compared if one is not None]


def _versions(workspace: Workspace, project: Project, interval: Interval) -> list[Comparison]:
    from lupus.act import compare_versions

    policy, table = project.compare, project.of_role(Role.PREDICTION)
    if policy is None or table is None or not table.version:
        return []
    names = [segment_name((table.version, version)) for version in (policy.champion, policy.challenger)]
    known = [
        key for key in workspace.store.series(project.name) if key.metric == policy.metric and key.table == table.name
    ]
    whole = next((key for key in known if key.segment in names), None)
    if whole is None:
        return []
    sides = [SeriesKey(whole.project, whole.table, whole.column, policy.metric, name) for name in names]
    steps = project.cadence.shift(interval, -policy.window - 60)
    points = matured_points(
        workspace, project, interval, set(sides), intervals=tuple(project.cadence.between(steps, interval))
    )
    key = SeriesKey(whole.project, whole.table, whole.column, policy.metric)
    return compare_versions(project, interval, key, points[sides[0]], points[sides[1]])
