"""`lupus doctor`, `lupus db upgrade`, `lupus docs`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from lupus.cli.terminal import Exit, find_interval, find_project, out, settings, workspace

database = typer.Typer(no_args_is_help=True, help="Look after the metric store.")


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False) -> None:
    """Show what is configured, reachable and out of date. Exits with 3 when something is broken."""
    from lupus.stages.doctor import Health, examine
    from lupus.stages.grid import light_table, printable

    findings = []
    grid = light_table("", "what", "how!", "detail")
    colour = {Health.FINE: "green", Health.WARNING: "yellow", Health.BROKEN: "red"}
    for finding in examine(os.environ):
        findings.append(finding)
        grid.add_row(
            printable(finding.subject),
            printable(finding.health, style=colour[finding.health]),
            printable(finding.detail),
        )
    if as_json:
        rows = [{"subject": one.subject, "health": one.health, "detail": one.detail} for one in findings]
        out.file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
    else:
        out.print(grid)
    if any(finding.health is Health.BROKEN for finding in findings):
        raise typer.Exit(Exit.STAGE_FAILED)


@database.command()
def upgrade() -> None:
    """Bring the store's tables up to date. Safe to run at any time, and twice."""
    from lupus.store import open_store

    with open_store(settings().store_url, check=False) as store:
        store.upgrade()
        current, _ = store.revision()
        out.print(f"{store.label} is at schema {current}")


def docs(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name.")],
    day: Annotated[str, typer.Option("--day", help="The interval whose snapshots are validated.")],
    to: Annotated[Path, typer.Option("--to", help="The folder to write into.")] = Path("data-docs"),
) -> None:
    """Build Great Expectations' Data Docs (static HTML) of one interval's validations."""
    from lupus.stages import build_docs

    found = find_project(project)
    interval = find_interval(found, day, option="--day")
    with workspace() as opened:
        index = build_docs(opened, found, interval, to)
    out.print(f"open {index}")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Looking after it")(doctor)
    app.command(rich_help_panel="Looking after it")(docs)
    app.add_typer(database, name="db", rich_help_panel="Looking after it")
