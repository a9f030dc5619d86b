"""`lupus retrain`, `lupus compare`: what was asked for, what people answer, and whether it helped."""

from __future__ import annotations

import getpass
import json
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lupus.cli.terminal import err, find_project, out, workspace
from lupus.model import ComparisonKind, ComparisonVerdict

_By = Annotated[str | None, typer.Option("--by", help="Who says so; the user of this machine when left out.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id, as lupus retrain shows it.")]
_COLOURS = {ComparisonVerdict.IMPROVED: "green", ComparisonVerdict.WORSE: "red"}


class _ListFirst(TyperGroup):
    """A group whose first word may be a project, which means ``list``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["list", *args]
        return super().resolve_command(ctx, args)


retrain = typer.Typer(
    cls=_ListFirst,
    invoke_without_command=True,
    help="Show retraining requests, and answer them. [bold]lupus retrain flights[/] lists one project's.",
)


@retrain.callback()
def everything(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        listed(None)


@retrain.command("list")
def listed(
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]", help="Only this project's.")] = None,
    as_json: _Json = False,
) -> None:
    """Show retraining requests, newest first, why they were made, and what became of them."""
    from lupus.stages import comparison_json, retrain_json
    from lupus.stages.grid import light_table, printable

    if project is not None:
        find_project(project)
    with workspace() as opened:
        requests = opened.store.retrain_requests(project)[::-1]
        compared = {one.subject: one for one in opened.store.comparisons(project, kind=ComparisonKind.RETRAINING)}
    if as_json:
        rows = [
            {
                "project": one.project,
                "interval": one.interval.key,
                "incident": one.incident,
                **retrain_json(one),
                "comparison": comparison_json(compared[one.id]) if one.id in compared else None,
            }
            for one in requests
        ]
        out.file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
        return
    if not requests:
        err.print("no retraining was asked for", style="green")
        return
    grid = light_table("", "id!", "project", "interval!", "state!", "what became of it")
    for one in requests:
        told = compared.get(one.id)
        why = told.sentence if told else one.note or (one.reasons[0] if one.reasons else "")
        who = f" by {one.by}" if one.by else ""
        grid.add_row(one.id, one.project, one.interval.key, f"{one.state}{who}", printable(why))
    out.print(grid)


@retrain.command()
def approve(request: _Id, by: _By = None) -> None:
    """Approve a retraining that waits for it. The first answer counts."""
    _answer(request, by, approve=True)


@retrain.command()
def refuse(request: _Id, by: _By = None) -> None:
    """Refuse a retraining that waits for approval; the policy does not ask again within its cooldown."""
    _answer(request, by, approve=False)


@retrain.command()
def ask(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name.")],
    why: Annotated[str, typer.Option("--why", help="The reason, for the record.")] = "",
    by: _By = None,
) -> None:
    """Ask for a retraining by hand; the next run of the project's Dag triggers it."""
    from lupus.stages import ask_retrain

    found = find_project(project)
    with workspace() as opened:
        request = ask_retrain(opened, found, by=by or getpass.getuser(), why=why)
    out.print(f"{request.id}: the next run of {found.name} triggers {request.dag}")


def compare(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name.")],
    as_json: _Json = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
) -> None:
    """Show whether the model became better: after retrainings, and the challenger beside the champion."""
    from lupus.stages import comparison_json
    from lupus.stages.grid import light_table, printable

    found = find_project(project)
    with workspace() as opened:
        comparisons = opened.store.comparisons(found.name)[::-1][:limit]
    if as_json:
        rows = [comparison_json(one) for one in comparisons]
        out.file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
        return
    if not comparisons:
        hint = "" if found.compare or found.retrain else "; its project file has neither compare nor retrain"
        err.print(f"nothing was compared yet{hint}", style="yellow")
        return
    grid = light_table("", "interval!", "what!", "verdict!", "finding")
    for one in comparisons:
        what = f"retraining {one.subject}" if one.kind is ComparisonKind.RETRAINING else f"{one.subject}, {one.kind}"
        verdict = printable(one.verdict.value.replace("_", " "), style=_COLOURS.get(one.verdict, ""))
        grid.add_row(one.interval.key, printable(what), verdict, printable(one.sentence))
    out.print(grid)


def _answer(request: str, by: str | None, *, approve: bool) -> None:
    from lupus.stages import answer_retrain, refuse_if_asked_in_airflow

    with workspace() as opened:
        refuse_if_asked_in_airflow(find_project(opened.store.retrain_request(request).project))
        answered = answer_retrain(opened, request, approve=approve, by=by or getpass.getuser())
    out.print(f"{answered.id} of {answered.project} ({answered.interval.key}): {answered.state} by {answered.by}")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.add_typer(retrain, name="retrain", rich_help_panel="Every day")
    app.command(rich_help_panel="Every day")(compare)
