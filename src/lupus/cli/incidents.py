"""`lupus incidents`: what was found."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from lupus.cli.terminal import err, find_project, out, workspace


def incidents(
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]", help="Only this project's.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only those that are not resolved.")] = False,
    show: Annotated[str | None, typer.Option("--show", metavar="ID", help="All findings and messages of one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show incidents, newest first, and the messages that went out about them."""
    from lupus.stages import incident_json, incident_table
    from lupus.stages.grid import light_table, printable, told

    if project is not None:
        find_project(project)
    with workspace() as opened:
        found = opened.store.incidents(project, active_only=active)
        if show is not None:
            found = [incident for incident in found if incident.id == show]
            if not found:
                raise typer.BadParameter(f"there is no incident {show!r}", param_hint="--show")
        notices = opened.store.notices(project)
    if as_json:
        document = [incident_json(one, [n for n in notices if n.incident == one.id]) for one in found]
        out.file.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return
    if not found:
        err.print("no incidents", style="green")
        return
    out.print(incident_table(found))
    if show is not None:
        grid = light_table("Findings", "interval!", "severity!", "what", "finding")
        for finding in found[0].findings:
            verdict = finding.verdict
            grid.add_row(
                verdict.interval.key,
                verdict.severity or "",
                printable(verdict.series.subject),
                printable(told(verdict)),
            )
        out.print(grid)
        for notice in notices:
            if notice.incident == show:
                out.print(
                    printable(f"{notice.interval}  message {notice.reason} to {notice.destination}: {notice.state}")
                )


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Every day")(incidents)
