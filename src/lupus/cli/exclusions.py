"""`lupus exclusions` and `lupus exclude`: what belongs to no baseline."""

from __future__ import annotations

import getpass
import json
from typing import Annotated

import typer

from lupus.cli.terminal import err, find_interval, find_project, out, workspace

_Name = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name, as in its YAML file.")]


def exclusions(
    project: _Name,
    day: Annotated[str | None, typer.Option("--day", help="Only what is about this interval or later ones.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show what belongs to no baseline, and why: judged incidents, invalid data, accepted levels, by hand."""
    found = find_project(project)
    first = find_interval(found, day, option="--day") if day else None
    from lupus.stages import exclusion_json, exclusion_words
    from lupus.stages.grid import light_table, printable

    with workspace() as opened:
        stored = opened.store.exclusions(found.name, first=first)
    if as_json:
        document = [exclusion_json(one, found) for one in stored]
        out.file.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return
    if not stored:
        err.print("nothing is left out of the baselines", style="green")
        return
    grid = light_table("", "id!", "from!", "to!", "what", "why")
    for one in stored:
        said = exclusion_json(one, found)
        grid.add_row(
            one.id, said["first"] or "…", said["last"], printable(said["what"]), printable(exclusion_words(one, found))
        )
    out.print(grid)


def exclude(
    project: _Name,
    day: Annotated[str | None, typer.Option("--day", help="The first interval.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last interval; --day when left out.")] = None,
    table: Annotated[str | None, typer.Option("--table", help="Only this table.")] = None,
    column: Annotated[str | None, typer.Option("--column", help="Only this column.")] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Only this metric.")] = None,
    segment: Annotated[str | None, typer.Option("--segment", help="Only this segment; '' for the whole.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep them in the baselines, whatever leaves them out.")] = False,
    undo: Annotated[str | None, typer.Option("--undo", metavar="ID", help="Take back what was made by hand.")] = None,
    note: Annotated[str, typer.Option("--note", help="Why.")] = "",
    by: Annotated[str | None, typer.Option("--by", help="Who says so; the user of this computer.")] = None,
) -> None:
    """Leave intervals out of the baselines by hand: the next bands are made without them.

    [bold]lupus exclude flights --day 2013-11-27 --to 2013-12-01 --note Thanksgiving[/]
    """
    found = find_project(project)
    if (undo is None) == (day is None):
        raise typer.BadParameter("give either --day or --undo", param_hint="--day")
    from lupus.stages import exclusion_words, leave_out

    with workspace() as opened:
        if undo is not None:
            if opened.store.exclusion(undo).project != found.name:
                raise typer.BadParameter(f"{undo} is not of {found.name}", param_hint="--undo")
            opened.store.remove_exclusion(undo)
            out.print(f"{undo} is taken back")
            return
        first = find_interval(found, day or "", option="--day")
        last = find_interval(found, until, option="--to") if until else first
        if last < first:
            raise typer.BadParameter(f"{last} is before {first}", param_hint="--to")
        one = leave_out(
            opened, found, first, last, by=by or getpass.getuser(), note=note, keep=keep,
            table=table, column=column, metric=metric, segment=segment,
        )  # fmt: skip
    span = f"{first}" if first == last else f"{first} to {last}"
    out.print(f"{span}: {exclusion_words(one, found)}  ({one.id})", markup=False)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Rules")(exclusions)
    app.command(rich_help_panel="Rules")(exclude)
