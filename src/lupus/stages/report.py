"""Reports as people read them: the same tables in a task's log and on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import singledispatch
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.table import Table

from lupus.model import (
    Incident,
    Notice,
    RunReport,
    Severity,
    Snapshot,
    SnapshotStatus,
    Validation,
    Verdict,
    format_value,
)
from lupus.stages.act import ActReport
from lupus.stages.extract import ExtractReport
from lupus.stages.grid import light_table, printable, told
from lupus.stages.judge import JudgeReport
from lupus.stages.measure import MeasureReport
from lupus.stages.validate import ValidateReport

_WORST_SHOWN = 15
_COLOUR = {Severity.LOW: "cyan", Severity.MEDIUM: "yellow", Severity.HIGH: "red", Severity.CRITICAL: "bold red"}


def report_lines(report: object, *, width: int = 110) -> list[str]:
    """`report` as plain lines of text, for a log."""
    console = Console(file=StringIO(), width=width, no_color=True, highlight=False)
    console.print(render(report))
    assert isinstance(console.file, StringIO)  # noqa: S101
    return console.file.getvalue().rstrip().splitlines()


@singledispatch
def render(report: object) -> RenderableType:
    """`report` for a rich console."""
    return str(report)


@render.register
def _(report: ExtractReport) -> RenderableType:
    lines: list[RenderableType] = [_snapshots(report.snapshots)]
    lines += [
        printable(f"waiting for {one.table} until {one.until:%Y-%m-%d %H:%M %Z}: {one.reason}")
        for one in report.waiting
    ]
    lines += [printable(f"FAILED {sentence}", style="red") for sentence in report.failed]
    return Group(*lines)


@render.register
def _(report: ValidateReport) -> RenderableType:
    lines: list[RenderableType] = [_validations(report.validations)]
    lines += [printable(f"FAILED {sentence}", style="red") for sentence in report.failed]
    return Group(*lines)


@render.register
def _(report: MeasureReport) -> RenderableType:
    grid = light_table("Metrics", "table", "group", "interval", "series:right", "failed:right")
    count: Counter[tuple[str, str, str]] = Counter()
    failed: Counter[tuple[str, str, str]] = Counter()
    for point in report.points:
        key = (point.series.key.table, point.series.group, point.interval.key)
        count[key] += 1
        failed[key] += point.failure is not None
    for key in sorted(count):
        grid.add_row(*map(printable, key), f"{count[key]:,}", f"{failed[key]:,}" if failed[key] else "–")
    return Group(grid, *(printable(f"FAILED {sentence}", style="red") for sentence in report.failed))


@render.register
def _(report: JudgeReport) -> RenderableType:
    return _judgement(report.verdicts)


@render.register
def _(report: ActReport) -> RenderableType:
    lines: list[RenderableType] = [_incidents(report.incidents), _notices(report.notices)]
    if report.retrain is not None:
        lines.append(
            printable(
                f"retraining {report.retrain.state}: {report.retrain.dag}, because {'; '.join(report.retrain.reasons)}"
            )
        )
    lines += [printable(sentence, style="red") for sentence in report.undelivered]
    return Group(*lines)


@render.register
def _(report: RunReport) -> RenderableType:
    lines: list[RenderableType] = [
        printable(f"{report.project} {report.interval.key}", style="bold"),
        _snapshots(report.snapshots),
    ]
    if report.validations:
        lines.append(_validations(report.validations))
    lines += [_judgement(report.verdicts), _incidents(report.incidents), _notices(report.notices)]
    if report.retrain is not None:
        lines.append(
            printable(
                f"retraining {report.retrain.state}: {report.retrain.dag}, because {'; '.join(report.retrain.reasons)}"
            )
        )
    lines += [printable(f"FAILED {sentence}", style="red") for sentence in report.failed]
    return Group(*lines)


def _snapshots(snapshots: Sequence[Snapshot]) -> Table:
    grid = light_table("Snapshots", "table", "interval", "status", "rows:right", "columns:right", "content", "reason")
    for one in snapshots:
        colour = "green" if one.status is SnapshotStatus.OK else "red"
        grid.add_row(
            printable(one.table),
            one.interval.key,
            printable(one.status, style=colour),
            f"{one.rows:,}",
            str(len(one.schema)),
            one.content_hash[:12],
            printable(one.reason),
        )
    return grid


def _validations(validations: Iterable[Validation]) -> Table:
    grid = light_table("Expectations", "table", "met", "expectation", "severity", "unexpected:right", "reason")
    for one in validations:
        met = f"{sum(outcome.success for outcome in one.outcomes)} of {len(one.outcomes)}"
        broken = [outcome for outcome in one.outcomes if not outcome.success]
        if not broken:
            grid.add_row(printable(one.table), printable(met, style="green"), "", "", "", "")
        for outcome in broken:
            ratio = "–" if outcome.unexpected_ratio is None else format_value(outcome.unexpected_ratio, "ratio")
            grid.add_row(
                printable(one.table),
                printable(met, style="red"),
                printable(outcome.id),
                outcome.severity,
                ratio,
                printable(outcome.reason),
            )
    return grid


def _judgement(verdicts: Sequence[Verdict]) -> RenderableType:
    counts = Counter(verdict.status for verdict in verdicts)
    summary = printable("Verdicts: " + ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items())))
    found = sorted((v for v in verdicts if v.status.is_finding), key=_badness, reverse=True)
    if not found:
        return summary
    grid = light_table("Findings, worst first", "interval!", "severity!", "score:right", "what", "finding")
    for verdict in found[:_WORST_SHOWN]:
        severity = verdict.severity or Severity.LOW
        grid.add_row(
            verdict.interval.key,
            printable(severity, style=_COLOUR[severity]),
            "–" if verdict.score is None else f"{verdict.score:.1f}",
            printable(verdict.series.subject),
            printable(told(verdict)),
        )
    rest = len(found) - _WORST_SHOWN
    return Group(summary, grid, printable(f"… and {rest:,} more")) if rest > 0 else Group(summary, grid)


def _incidents(incidents: Sequence[Incident]) -> RenderableType:
    if not incidents:
        return printable("No incident.")
    return incident_table(incidents)


def incident_table(incidents: Iterable[Incident]) -> Table:
    """Incidents, one a row; the project is named where there is more than one."""
    incidents = list(incidents)
    several = len({one.project for one in incidents}) > 1
    grid = light_table(
        "Incidents",
        "id!",
        *(["project"] if several else []),
        "from!",
        "to!",
        "state!",
        "severity!",
        "title",
    )
    for one in incidents:
        state = f"{one.state}, {one.outcome}" if one.outcome else str(one.state)
        grid.add_row(
            one.id,
            *([printable(one.project)] if several else []),
            one.first.key,
            one.last.key if one.last != one.first else "",
            state,
            printable(one.severity, style=_COLOUR[one.severity]),
            printable(one.title),
        )
    return grid


def _notices(notices: Sequence[Notice]) -> RenderableType:
    return Group(
        *(printable(f"notice {one.reason} to {one.destination}: {one.state} {one.error}".rstrip()) for one in notices)
    )


def _badness(verdict: Verdict) -> tuple[int, float]:
    return ((verdict.severity or Severity.LOW).rank, verdict.score or 0.0)
