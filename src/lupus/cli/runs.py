"""`lupus run`, `lupus metrics`, `lupus log`."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lupus.cli.terminal import Exit, err, find_interval, find_project, is_interactive, out, workspace
from lupus.model import Incident, Interval, LupusError, Project, RunReport, format_value

if TYPE_CHECKING:
    from lupus.stages import Workspace

_Name = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name, as in its YAML file.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]


def run(
    project: _Name,
    day: Annotated[str, typer.Option("--day", help="The interval: a date, or a key like 2026-01-31T14Z.")],
    to: Annotated[str | None, typer.Option("--to", help="Run every interval from --day to this one, in order.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write and send nothing; show what would have been.")
    ] = False,
    notify: Annotated[
        bool,
        typer.Option("--notify", help="Tell people of what is found in old intervals too, as if it were new."),
    ] = False,
    fail_on_anomaly: Annotated[
        bool, typer.Option("--fail-on-anomaly", help="Exit with 1 when anything was found.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Run all stages for one interval, or for a range of them, in this process.

    [bold]lupus run flights --day 2013-07-23[/] does what Airflow does on that day.
    [bold]lupus run flights --day 2013-03-01 --to 2013-11-30[/] loads nine months of history.
    """
    found = find_project(project)
    first = find_interval(found, day, option="--day")
    last = find_interval(found, to, option="--to") if to else first
    if last.start < first.start:
        raise typer.BadParameter(f"{last} is before {first}", param_hint="--to")
    from lupus.stages import dry_workspace, refuse_unmonitored

    for interval, option in ((first, "--day"), (last, "--to")):
        try:
            refuse_unmonitored(found, interval)
        except LupusError as error:
            raise typer.BadParameter(str(error), param_hint=option) from None
    with workspace() as opened:
        if dry_run:
            with dry_workspace(opened, found, first) as trial:
                reports = _run_all(trial, found, first, last, as_json=as_json, send=False)
        else:
            reports = _run_all(opened, found, first, last, as_json=as_json, send=True, notify=notify)
    failed = any(one.failed for one in reports)
    findings = any(verdict.status.is_finding for one in reports for verdict in one.verdicts)
    if failed:
        raise typer.Exit(Exit.STAGE_FAILED)
    if findings and fail_on_anomaly:
        raise typer.Exit(Exit.ANOMALIES)


def _run_all(
    opened: Workspace,
    project: Project,
    first: Interval,
    last: Interval,
    *,
    as_json: bool,
    send: bool,
    notify: bool = False,
) -> list[RunReport]:
    from lupus.stages import render, report_json, run_range

    intervals = list(project.cadence.between(first, last))
    reports: list[RunReport] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=len(intervals) == 1 or not is_interactive()) as progress:
        bar = progress.add_task(project.name, total=len(intervals))
        for report in run_range(opened, project, first, last, send=send, notify=notify):
            progress.update(bar, advance=1, description=f"{project.name} {report.interval}")
            if as_json:
                out.file.write(json.dumps(report_json(report), ensure_ascii=False) + "\n")
            elif len(intervals) == 1:
                out.print(render(report))
            # Points and verdicts of a year would fill the memory, and are in the store.
            reports.append(report if len(intervals) == 1 else _slim(report))
    if not as_json and len(intervals) > 1:
        _summary(reports, opened.store.incidents(project.name, since=first))
    return reports


def _slim(report: RunReport) -> RunReport:
    from dataclasses import replace

    findings = tuple(verdict for verdict in report.verdicts if verdict.status.is_finding)
    return replace(report, points=(), verdicts=findings)


def _summary(reports: list[RunReport], incidents: list[Incident]) -> None:
    """The whole range in one look; `incidents` as they are at its end, for later runs may have joined earlier ones."""
    from lupus.stages import incident_table
    from lupus.stages.grid import printable

    last = reports[-1].interval
    found = sorted((one for one in incidents if one.first <= last), key=lambda one: one.first)
    incident = "incident" if len(found) == 1 else "incidents"
    out.print(f"{len(reports):,} intervals, {len(found):,} {incident}", style="bold")
    if found:
        out.print(incident_table(found))
    for report in reports:
        if report.retrain is not None:
            out.print(printable(f"{report.interval} retraining {report.retrain.state}: {report.retrain.dag}"))
        for sentence in report.failed:
            out.print(printable(f"{report.interval} FAILED {sentence}", style="red"))


def metrics(
    project: _Name,
    day: Annotated[str | None, typer.Option("--day", help="Only this interval.")] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Only metrics like this (shell pattern).")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Only this table.")] = None,
    segment: Annotated[
        str | None, typer.Option("--segment", help="Only this segment (shell pattern); '' for the whole.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many rows.")] = 200,
    as_json: _Json = False,
) -> None:
    """Show stored metric values, newest first."""
    found = find_project(project)
    interval = find_interval(found, day, option="--day") if day else None
    from lupus.stages import exclusion_words, point_json, why_left_out
    from lupus.stages.grid import light_table, printable

    with workspace() as opened:
        points = opened.store.points(
            found.name, interval=interval, metric=metric, table=table, segment=segment, limit=limit
        )
        when = [point.interval for point in points]
        excluded = opened.store.exclusions(found.name, first=min(when), last=max(when)) if when else []
    reasons = [
        [exclusion_words(one, found) for one in why_left_out(excluded, point.series.key, point.interval)]
        for point in points
    ]
    if as_json:
        document = [{**point_json(point), "left_out": why} for point, why in zip(points, reasons, strict=True)]
        out.file.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return
    baseline = ["baseline"] if any(reasons) else []
    grid = light_table("", "interval!", "metric", "value", "n:right", "labels:right", *baseline)
    for point, why in zip(points, reasons, strict=True):
        value = printable(format_value(point.value, point.series.unit)) if point.value is not None else printable("–")
        if point.failure is not None:
            value = printable(point.failure.reason, style="red")
        elif point.low is not None and point.high is not None:
            unit = point.series.unit
            value += printable(f"  {format_value(point.low, unit)} to {format_value(point.high, unit)}", style="dim")
        maturity = "" if point.maturity is None else format_value(point.maturity, "ratio")
        left_out = [printable("; ".join(why))] if baseline else []
        grid.add_row(point.interval.key, printable(str(point.series.key)), value, f"{point.n:,}", maturity, *left_out)
    out.print(grid)
    if not points:
        err.print("nothing stored that fits; lupus run fills the store", style="yellow")


def log(
    project: _Name,
    day: Annotated[str, typer.Option("--day", help="The interval that they belong to.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="Metrics, like val_auc=0.91.")
    ] = None,
    group: Annotated[str, typer.Option("--group", help="Their metric group.")] = "training",
    unit: Annotated[str, typer.Option("--unit", help="Their unit: ratio, rows, ms, ...")] = "",
    mlflow: Annotated[
        str | None, typer.Option("--mlflow", metavar="RUN_ID", help="The last metrics of this MLflow run instead.")
    ] = None,
    tracking_uri: Annotated[
        str | None, typer.Option("--tracking-uri", help="Where the run is; MLFLOW_TRACKING_URI when left out.")
    ] = None,
) -> None:
    """Store metrics that were made elsewhere: training and validation metrics, latency, revenue.

    [bold]lupus log flights val_auc=0.91 val_log_loss=0.31 --day 2026-01-31[/]
    """
    found = find_project(project)
    interval = find_interval(found, day, option="--day")
    if bool(values) == (mlflow is not None):
        raise typer.BadParameter("give either metrics or --mlflow", param_hint="NAME=VALUE")
    if mlflow is not None:
        from lupus.stages import push_mlflow, read_mlflow_run

        run = read_mlflow_run(mlflow, tracking_uri=tracking_uri)
        with workspace() as opened:
            points = push_mlflow(opened, found.name, run, interval, group=group, unit=unit)
        out.print(f"{len(points)} metrics of {found.name} stored for {interval}")
        for name in run.not_finite:
            err.print(f"{name} left out: its last value is not finite", style="yellow", markup=False)
        return
    parsed: dict[str, float] = {}
    for text in values or ():
        name, separator, number = text.partition("=")
        try:
            parsed[name] = float(number)
        except ValueError:
            separator = ""
        if not separator or not name:
            raise typer.BadParameter(f"{text!r} is not of the form name=number", param_hint="NAME=VALUE")
        if not isfinite(parsed[name]):
            raise typer.BadParameter(f"{text} is not a finite number", param_hint="NAME=VALUE")
    from lupus.stages import push_metrics

    with workspace() as opened:
        points = push_metrics(opened, found.name, parsed, interval, group=group, unit=unit)
    out.print(f"{len(points)} metrics of {found.name} stored for {interval}")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Every day")(run)
    app.command(rich_help_panel="Every day")(metrics)
    app.command(rich_help_panel="Every day")(log)
