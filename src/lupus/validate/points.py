"""Validations as series, so that the rules see them."""

from __future__ import annotations

from collections.abc import Iterator

from lupus.model import Group, MetricPoint, Project, Series, SeriesKey, Validation


def validation_points(project: Project, validation: Validation) -> list[MetricPoint]:
    """The points of `validation`, in the group ``validation``.

    ``success_ratio`` of the table: the share of expectations met, n their number. For each expectation that counts
    rows ``unexpected_ratio:{id}`` of its column: the share of rows that break it, n the rows it looked at.
    """
    return list(_points(project, validation))


def _points(project: Project, validation: Validation) -> Iterator[MetricPoint]:
    def series(column: str, metric: str) -> Series:
        return Series(SeriesKey(project.name, validation.table, column, metric), Group.VALIDATION, "ratio")

    yield MetricPoint(
        series("", "success_ratio"), validation.interval, validation.success_ratio, len(validation.outcomes)
    )
    for outcome in validation.outcomes:
        if outcome.unexpected_ratio is not None:
            rows = int(outcome.details.get("element_count", 0))
            metric = series(outcome.column, f"unexpected_ratio:{outcome.id}")
            yield MetricPoint(metric, validation.interval, outcome.unexpected_ratio, rows)
