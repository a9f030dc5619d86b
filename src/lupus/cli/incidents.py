"""`lupus incidents` and what people do about them; `lupus route-test`."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lupus.cli.terminal import err, find_interval, find_project, out, workspace
from lupus.model import (
    ChangeKind,
    ConflictError,
    Group,
    IncidentChange,
    IncidentState,
    LupusError,
    Outcome,
    Reason,
    Series,
    SeriesKey,
    Severity,
)

if TYPE_CHECKING:
    from lupus.stages import Workspace

_Id = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, as lupus incidents shows it.")]
_By = Annotated[str | None, typer.Option("--by", help="Who says so; the user of this machine when left out.")]
_Comment = Annotated[str, typer.Option("--comment", help="A word about it, for the timeline.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def incidents(
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]", help="Only this project's.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only those that are not resolved.")] = False,
    state: Annotated[
        list[IncidentState] | None, typer.Option("--state", help="Only those in this state; may be repeated.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show incidents, newest first."""
    from lupus.stages import incident_json, incident_table

    if project is not None:
        find_project(project)
    with workspace() as opened:
        found = opened.store.incidents(project, active_only=active)
        if state:
            found = [incident for incident in found if incident.state in state]
        notices = opened.store.notices(project) if as_json else []
    if as_json:
        document = [incident_json(one, [n for n in notices if n.incident == one.id]) for one in found]
        out.file.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    elif not found:
        err.print("no incidents", style="green")
    else:
        out.print(incident_table(found))


def incident(incident: _Id, as_json: _Json = False) -> None:
    """Show one incident: its timeline, its messages with their reasons, and its findings."""
    from lupus.stages import incident_json, incident_table, timeline
    from lupus.stages.grid import light_table, printable, told

    with workspace() as opened:
        found = opened.store.incident(incident)
        notices = opened.store.notices(found.project, incident=incident)
        lines = timeline(opened, found)
    if as_json:
        document = {**incident_json(found, notices), "timeline": [line.as_json() for line in lines]}
        out.file.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return
    out.print(incident_table([found]))
    grid = light_table("Timeline", "interval!", "at!", "what!", "")
    for line in lines:
        at = f"{line.at:%Y-%m-%d %H:%M}" if line.at else ""
        grid.add_row(line.interval, at, line.kind, printable(line.text))
    out.print(grid)
    grid = light_table("Findings", "interval!", "severity!", "what", "finding")
    for finding in found.findings:
        verdict = finding.verdict
        severity = verdict.severity or ""
        grid.add_row(verdict.interval.key, severity, printable(verdict.series.subject), printable(told(verdict)))
    out.print(grid)


def ack(incident: _Id, comment: _Comment = "", by: _By = None) -> None:
    """Take an incident in hand: only a rise in severity is still sent."""
    _change(incident, IncidentChange(ChangeKind.ACKNOWLEDGE, comment=comment), by)


def assign(
    incident: _Id,
    to: Annotated[str, typer.Argument(metavar="NAME", help="Who looks after it; '' for nobody.")],
    comment: _Comment = "",
    by: _By = None,
) -> None:
    """Say who looks after an incident."""
    _change(incident, IncidentChange(ChangeKind.ASSIGN, assignee=to, comment=comment), by)


def comment(
    incident: _Id, text: Annotated[str, typer.Argument(metavar="TEXT", help="What there is to say.")], by: _By = None
) -> None:
    """Add a word to an incident's timeline."""
    _change(incident, IncidentChange(ChangeKind.COMMENT, comment=text), by)


def mute(
    incident: _Id,
    until: Annotated[
        str | None, typer.Option("--until", help="The last day (or interval) of silence, like 2026-01-31.")
    ] = None,
    until_doubles: Annotated[
        bool,
        typer.Option("--until-doubles", help="Until the score has doubled; with --until, what comes first."),
    ] = False,
    comment: _Comment = "",
    by: _By = None,
) -> None:
    """Send nothing about an incident until a day, or until it is twice as bad."""
    with workspace() as opened:
        if until is not None:
            project = find_project(opened.store.incident(incident).project)
            until = find_interval(project, until, option="--until").key
        change = IncidentChange(ChangeKind.MUTE, until=until or "", until_doubles=until_doubles, comment=comment)
        _change_in(opened, incident, change, by)


def unmute(incident: _Id, comment: _Comment = "", by: _By = None) -> None:
    """End the silence about an incident."""
    _change(incident, IncidentChange(ChangeKind.UNMUTE, comment=comment), by)


def resolve(
    incident: _Id,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="OUTCOME",
            help="What it was: fixed, expected, new-normal or false-alarm; the baselines learn from it.",
        ),
    ] = None,
    comment: _Comment = "",
    by: _By = None,
) -> None:
    """Close an incident, and say what it was. What is found later opens a new one."""
    names = {one.value.replace("_", "-"): one for one in Outcome}
    if as_ is not None and as_.replace("_", "-") not in names:
        raise typer.BadParameter(f"{as_!r} is none of {', '.join(names)}", param_hint="--as")
    outcome = None if as_ is None else names[as_.replace("_", "-")]
    _change(incident, IncidentChange(ChangeKind.RESOLVE, outcome=outcome, comment=comment), by)


def reopen(incident: _Id, comment: _Comment = "", by: _By = None) -> None:
    """Open a resolved incident again. One that was clean stays open until a person resolves it."""
    _change(incident, IncidentChange(ChangeKind.REOPEN, comment=comment), by)


def undo(incident: _Id, by: _By = None) -> None:
    """Take back the last thing that a person did to an incident."""
    _change(incident, IncidentChange(ChangeKind.UNDO), by)


def route_test(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name.")],
    severity: Annotated[Severity, typer.Option("--severity", help="How bad it is.")] = Severity.HIGH,
    group: Annotated[str, typer.Option("--group", help="The metric group.")] = Group.INPUT.value,
    table: Annotated[str, typer.Option("--table", help="The table.")] = "data",
    column: Annotated[str, typer.Option("--column", help="The column; '' for the whole table.")] = "",
    metric: Annotated[str, typer.Option("--metric", help="The metric.")] = "rows",
    segment: Annotated[str, typer.Option("--segment", help="The segment, like country=DE; '' for the whole.")] = "",
    at: Annotated[
        str | None,
        typer.Option("--at", help="The time, like 2026-01-31T23:00, in the project's zone; else now."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show who would be told of a new incident, and why the others would not. Nothing is sent."""
    from lupus.stages import try_routes
    from lupus.stages.grid import light_table, printable

    found = find_project(project)
    moment = datetime.now(UTC)
    if at is not None:
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            raise typer.BadParameter(f"{at!r} is no time; write it like 2026-01-31T23:00", param_hint="--at") from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=found.cadence.zone)
    probe = Series(SeriesKey(found.name, table, column, metric, segment), group)
    with workspace() as opened:
        answers = try_routes(opened, found, probe, severity=severity, at=moment)
    if as_json:
        rows = [
            {"route": a.name, "destination": a.destination, "reason": a.reason, "why": a.why, "mention": a.mention}
            for a in answers
        ]
        out.file.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
        return
    grid = light_table("", "destination", "told!", "why", "route", "mention")
    for answer in answers:
        told = answer.reason is Reason.FIRST
        said = "told" if told else "later" if answer.reason is Reason.QUIET_HOURS else "not told"
        grid.add_row(
            printable(answer.destination),
            printable(said, style="green" if told else "yellow"),
            printable(answer.why),
            printable(answer.name),
            printable(answer.mention),
        )
    out.print(grid)


def _change(incident: str, change: IncidentChange, by: str | None) -> None:
    with workspace() as opened:
        _change_in(opened, incident, change, by)


def _change_in(opened: Workspace, incident: str, change: IncidentChange, by: str | None) -> None:
    from lupus.stages import change_incident
    from lupus.stages.grid import printable

    try:
        after = change_incident(opened, incident, change, by=by or getpass.getuser(), at=datetime.now(UTC))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except ConflictError as error:
        raise LupusError(str(error)) from None
    events = opened.store.incident_events(incident)
    out.print(printable(f"{after.id} is {after.state.value}: {events[-1].text}"))


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Every day")(incidents)
    for command in (incident, ack, mute, unmute, assign, comment, resolve, reopen, undo):
        app.command(rich_help_panel="Incidents")(command)
    app.command("route-test", rich_help_panel="Incidents")(route_test)
