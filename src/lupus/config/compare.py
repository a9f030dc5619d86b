"""Two versions of a model that are compared: on what, and what the rest of the file must say for it."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from lupus.config.document import Document, Path
from lupus.config.models import CompareFile, ProjectFile
from lupus.model import Role, Task


def compared_on(compare: CompareFile, file: ProjectFile) -> str:
    """The metric that the versions are compared on: as said, or what the project's task is about."""
    if compare.metric:
        return compare.metric
    if file.task is Task.REGRESSION:
        return "rmse"
    if file.task is Task.RANKING:
        return f"ndcg@{min(file.metrics.k)}"
    return "log_loss"


def check_compare(
    compare: CompareFile, file: ProjectFile, roles: Mapping[Role, str], document: Document, *, metrics_known: bool
) -> None:
    """Report versions that cannot be told apart, or would be compared on what nobody measures."""
    path: Path = ("compare",)
    if Role.PREDICTION not in roles or Role.GROUND_TRUTH not in roles or file.task is None:
        hint = "versions are compared by their evaluation: add task, prediction and ground_truth, or remove compare"
        document.report(path, "there is nothing to compare the versions on", hint, at_key=True)
    else:
        if not file.tables[roles[Role.PREDICTION]].version:
            hint = "name the column with the model's version, like version: model_version"
            name = roles[Role.PREDICTION]
            message = f"table '{name}' needs 'version', because versions are compared"
            document.report(("tables", name), message, hint, at_key=True)
        if metrics_known:
            _check_metric(compare, file, document)
    if compare.champion == compare.challenger:
        shown = document.shown((*path, "challenger"), compare.challenger)
        document.report((*path, "challenger"), f"{shown} is the champion too", "name the other version")


def _check_metric(compare: CompareFile, file: ProjectFile, document: Document) -> None:
    """Each version is a segment, so the metric must be one of those that segments have."""
    metrics, metric = file.metrics, compared_on(compare, file)
    path: Path = ("compare", "metric") if compare.metric else ("compare",)
    shown = document.shown(path, metric) if compare.metric else repr(metric)

    def among(patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(metric, pattern) for pattern in patterns)

    at_key = not compare.metric
    if among(metrics.exclude):
        message = f"the versions are compared on {shown}, which metrics.exclude leaves out"
        document.report(path, message, "take it out of exclude, or compare on another metric", at_key=at_key)
        return
    for name, patterns in (("include", metrics.include), ("segment_metrics", metrics.segment_metrics)):
        if not among(patterns):
            message = f"the versions are compared on {shown}, which is not among metrics.{name}"
            hint = "add it there, or compare on another metric"
            document.report(path, message, hint, at_key=at_key)
            return
