"""`lupus init`, `lupus check`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from lupus.cli.terminal import Exit, err, fail, out, settings
from lupus.model import ConfigError


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where dags/ and expectations/ are, or shall be.")
    ] = Path(),
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="TABLE_OR_FILE", help="connection:table, or a Parquet, CSV or JSON lines file."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The project's name.")] = None,
) -> None:
    """Write a first project file and its expectations, drafted from the data.

    [bold]lupus init --from warehouse:predictions[/] looks at a table; set LUPUS_CONN_WAREHOUSE first.
    Nothing that exists is overwritten.
    """
    from lupus.stages import EnvironmentConnections, draft_project

    written = draft_project(folder, source=source, name=name, connections=EnvironmentConnections(os.environ))
    for path in written:
        out.print(Text(f"wrote {path}"))
    out.print(f"next: look at {written[0]}, then lupus check and lupus run {written[0].stem} --day … --dry-run")


def check(
    projects: Annotated[list[str] | None, typer.Argument(metavar="[PROJECT]...", help="Only these; else all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show every error in the project files and in lupus.yaml as file:line:column. Exits with 2 when there is one."""
    from lupus.config import load_projects, load_routing

    folder = settings().projects
    loaded = [one for one in load_projects(folder, environ=os.environ) if not projects or one.name in projects]
    unknown = sorted(set(projects or ()) - {one.name for one in loaded})
    if unknown:
        raise typer.BadParameter(f"no project is called {', '.join(unknown)} in {folder}", param_hint="PROJECT")
    problems = tuple(problem for one in loaded for problem in one.problems)
    try:
        load_routing(settings().shared, environ=os.environ)
    except ConfigError as error:
        problems += error.problems
    if as_json:
        rows = [
            {"path": p.path, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint} for p in problems
        ]
        out.file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    elif problems:
        fail(ConfigError(problems))
    else:
        err.print(f"{len(loaded)} project{'s' if len(loaded) != 1 else ''}, no errors", style="green")
    if problems:
        raise typer.Exit(Exit.BAD_INPUT)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Getting started")(init)
    app.command(rich_help_panel="Getting started")(check)
