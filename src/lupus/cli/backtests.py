"""`lupus backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lupus.cli.terminal import out
from lupus.model import LupusError


def backtest(
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
        typer.Option("--rule", metavar="KIND[:k=v,...]", help="These rules in place of the default ones."),
    ] = None,
) -> None:
    """What the rules would have said over past values, each judged from those before it only.

    [bold]lupus backtest --series sales.csv --out flags.csv[/] needs no project.
    """
    from lupus.stages import SERIES_RULES, backtest_series, find_change_points, rule_from_text

    try:
        rules = [rule_from_text(text) for text in rule] if rule else SERIES_RULES
    except LupusError as error:
        raise typer.BadParameter(str(error), param_hint="--rule") from None
    if series is None or (to is None and changes is None):
        raise typer.BadParameter("give --series FILE and --out FLAGS", param_hint="--series")
    if changes is not None:
        told = find_change_points(series, changes)
        out.print(f"{told['changes']:,} changes in {told['series']:,} series: {changes}")
    if to is None:
        return
    done = backtest_series(series, to, rules)
    out.print(f"{done['values']:,} values of {done['series']:,} series judged, {done['flags']:,} flagged: {to}")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Rules")(backtest)
