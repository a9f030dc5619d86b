"""`lupus why`: what made a value move."""

from __future__ import annotations

import difflib
import json
from typing import Annotated

import typer

from lupus.cli.terminal import find_interval, find_project, out, workspace
from lupus.model import Project, SeriesKey


def why(
    project: Annotated[str, typer.Argument(help="The project's name.")],
    day: Annotated[str, typer.Option("--day", help="The interval in which it moved.")],
    series: Annotated[
        str | None, typer.Argument(help="A series as lupus metrics shows it, in quotes: 'data.amount mean'.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="The metric, in place of a series.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="With --metric: its table.")] = None,
    column: Annotated[str | None, typer.Option("--column", help="With --metric: its column.")] = None,
    segment: Annotated[str, typer.Option("--segment", help="With --metric: its segment.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show why a value moved: its change by segment, and what else moved in the same interval.

    [bold]lupus why flights --metric positive_ratio --day 2013-02-08[/]
    """
    found = find_project(project)
    interval = find_interval(found, day, option="--day")
    if (series is None) == (metric is None):
        raise typer.BadParameter("name either a series or --metric", param_hint="SERIES")
    from lupus.stages import render, why_json
    from lupus.stages import why as explain

    with workspace() as opened:
        known = sorted(opened.store.series(found.name))
        if series is not None:
            fitting = [key for key in known if str(key) == series]
        else:
            asked = {"metric": metric, "table": table, "column": column, "segment": segment}
            fitting = [
                key for key in known if all(want is None or getattr(key, name) == want for name, want in asked.items())
            ]
        explained = explain(opened, found, _only(found, fitting, known, series or metric or ""), interval)
    if as_json:
        out.file.write(json.dumps(why_json(explained), ensure_ascii=False, indent=1) + "\n")
    else:
        out.print(render(explained))


def _only(project: Project, fitting: list[SeriesKey], known: list[SeriesKey], asked: str) -> SeriesKey:
    """The one series that was meant; a usage error with the near ones otherwise."""
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        some = ", ".join(f"{str(key)!r}" for key in fitting[:5])
        raise typer.BadParameter(f"{len(fitting)} series fit: {some}; name one, or its --table and --column")
    near = difflib.get_close_matches(asked, [str(key) for key in known], n=3, cutoff=0.4)
    hint = (
        f"did you mean {', '.join(map(repr, near))}?" if near else f"lupus metrics {project.name} shows what there is"
    )
    raise typer.BadParameter(f"no stored series is {asked!r}; {hint}")


def register(app: typer.Typer) -> None:
    """Add the command of this module to `app`."""
    app.command(rich_help_panel="Every day")(why)
