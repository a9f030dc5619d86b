"""`lupus backtest`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from lupus.cli.terminal import find_interval, find_project, out, workspace
from lupus.model import Interval, LupusError, Project, RuleSpec, format_value

if TYPE_CHECKING:
    from lupus.stages import Agreement, Backtest

_MARKS = "·123456789"


def backtest(
    project: Annotated[
        str | None, typer.Argument(metavar="[PROJECT]", help="The project's name, as in its YAML file.")
    ] = None,
    series: Annotated[
        Path | None,
        typer.Option("--series", metavar="FILE", help="series_id,date,value in .csv, .csv.gz or .parquet."),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FLAGS", help="Where to write what is said of each value.")
    ] = None,
    changes: Annotated[
        Path | None,
        typer.Option("--change-points", metavar="FILE", help="Where to write where each series changed, looking back."),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule",
            metavar="NAME[:k=v,...]",
            help="A rule of the project by its name: these parameters of it are changed, all else stays in force. "
            "A kind adds a rule. With --series: kinds, and these rules only.",
        ),
    ] = None,
    day: Annotated[str | None, typer.Option("--day", help="The first interval; else all that is stored.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last interval.")] = None,
    suggest: Annotated[
        float | None,
        typer.Option("--suggest", metavar="N", help="Propose sensitivities: at most N incidents a month."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """What the rules would have said over past values, each judged from those before it only.

    [bold]lupus backtest flights --rule recent_average:sensitivity=6[/] tells what would be new and gone.
    [bold]lupus backtest --series sales.csv --out flags.csv[/] needs no project.
    """
    if project is not None and series is None:
        found = find_project(project)
        first = find_interval(found, day, option="--day") if day else None
        last = find_interval(found, until, option="--to") if until else None
        _project(found, rule or [], first, last, suggest=suggest, as_json=as_json)
    elif series is not None and project is None and (to is not None or changes is not None):
        _file(series, to, changes, rule or [])
    else:
        raise typer.BadParameter("give a PROJECT, or --series FILE and --out FLAGS", param_hint="PROJECT")


def _file(series: Path, to: Path | None, changes: Path | None, texts: list[str]) -> None:
    from lupus.stages import SERIES_RULES, SeriesFileError, backtest_series, find_change_points, rule_from_text

    rules = _rules(lambda: [rule_from_text(text) for text in texts])
    try:
        if changes is not None:
            told = find_change_points(series, changes)
            out.print(f"{told['changes']:,} changes in {told['series']:,} series: {changes}")
        if to is not None:
            done = backtest_series(series, to, rules or SERIES_RULES)
            out.print(f"{done['values']:,} values of {done['series']:,} series judged, {done['flags']:,} flagged: {to}")
    except SeriesFileError as error:
        raise typer.BadParameter(str(error), param_hint="--series") from None


def _rules(read: Callable[[], list[RuleSpec]]) -> list[RuleSpec]:
    try:
        return read()
    except LupusError as error:
        raise typer.BadParameter(str(error), param_hint="--rule") from None


def _project(
    project: Project,
    texts: list[str],
    first: Interval | None,
    last: Interval | None,
    *,
    suggest: float | None,
    as_json: bool,
) -> None:
    from lupus.stages import backtest as replay
    from lupus.stages import edited_rules
    from lupus.stages import suggest as propose

    rules = _rules(lambda: edited_rules(project.rules, texts)) if texts else None
    with workspace() as opened:
        if suggest is not None:
            for spec, rate in propose(opened, project, per_month=suggest):
                value = spec.parameters["sensitivity"]
                out.print(Text(f"{spec.name}: {{sensitivity: {value:g}}} would open {rate:.1f} incidents a month"))
            return
        answer = replay(opened, project, rules=rules, first=first, last=last)
    if as_json:
        out.file.write(json.dumps(_json(answer), ensure_ascii=False, indent=1) + "\n")
    else:
        _tell(answer, changed=rules is not None)


def _tell(answer: Backtest, *, changed: bool) -> None:
    from lupus.stages.grid import light_table

    span = f"{answer.intervals[0]} to {answer.intervals[-1]}"
    out.print(
        f"{answer.project}: {len(answer.intervals):,} intervals ({span}), {answer.series:,} series, "
        f"{len(answer.findings):,} findings, {len(answer.alarms):,} incidents, {answer.per_month:.1f} a month",
        style="bold",
    )
    months = light_table("", "month!", "findings on each interval (* is ten or more)!", "findings:right")
    keys = [interval.key for interval in answer.intervals]
    for month, counts in answer.calendar().items():
        marks = "".join(_mark(counts.get(key, 0)) for key in keys if key.startswith(month))
        months.add_row(month, Text(marks), f"{sum(counts.values()):,}")
    out.print(months)
    incidents = light_table("", "incident!", "severity", "findings:right", "about", "the worst of them")
    for alarm in answer.alarms:
        span = alarm.first.key if alarm.first == alarm.last else f"{alarm.first} to {alarm.last}"
        worst = f"{alarm.worst.series.subject}: {alarm.worst.sentence}"
        incidents.add_row(span, str(alarm.severity), f"{alarm.findings:,}", Text(alarm.cause), Text(worst))
    out.print(incidents)
    judged = answer.agreement
    if judged.confirmed or judged.refused:
        out.print(
            f"of incidents that people judged: {judged.caught} of {judged.confirmed} confirmed ones found, "
            f"{judged.cried} of {judged.refused} expected ones and false alarms told all the same"
            f" (precision {_share(judged.precision)}, recall {_share(judged.recall)})"
        )
        grid = light_table(
            "", "rule", "findings:right", "confirmed found:right", "others told:right", "precision:right"
        )
        for record in answer.records:
            own = record.agreement
            cells = (f"{record.findings:,}", f"{own.caught}", f"{own.cried}", _share(own.precision))
            grid.add_row(Text(record.rule), *cells)
        out.print(grid)
    if changed:
        out.print(f"against the rules in force: {len(answer.new):,} findings new, {len(answer.gone):,} gone")
        for sign, verdicts in (("+", answer.new), ("-", answer.gone)):
            for one in verdicts[:10]:
                out.print(Text(f"  {sign} {one.interval} {one.series.subject}: {one.sentence}"))
            if len(verdicts) > 10:
                out.print(f"  {sign} and {len(verdicts) - 10:,} more")


def _share(ratio: float | None) -> str:
    return "unknown" if ratio is None else format_value(ratio, "ratio")


def _mark(count: int) -> str:
    return _MARKS[count] if count < len(_MARKS) else "*"


def _json(answer: Backtest) -> dict[str, object]:
    from lupus.stages import verdict_json

    return {
        "project": answer.project,
        "first": answer.intervals[0].key,
        "last": answer.intervals[-1].key,
        "incidents_per_month": round(answer.per_month, 3),
        "calendar": {month: dict(counts) for month, counts in answer.calendar().items()},
        "incidents": [
            {
                "first": one.first.key,
                "last": one.last.key,
                "severity": str(one.severity),
                "title": one.title,
                "cause": one.cause,
                "findings": one.findings,
                "worst": verdict_json(one.worst),
            }
            for one in answer.alarms
        ],
        "agreement": _agreement(answer.agreement),
        "rules": [
            {"rule": one.rule, "findings": one.findings, "agreement": _agreement(one.agreement)}
            for one in answer.records
        ],
        "new": [verdict_json(one) for one in answer.new],
        "gone": [verdict_json(one) for one in answer.gone],
    }


def _agreement(agreement: Agreement) -> dict[str, object]:
    return {**asdict(agreement), "precision": agreement.precision, "recall": agreement.recall}


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Rules")(backtest)
