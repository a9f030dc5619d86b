"""`lupus deliver` and `lupus slack-listen`: messages, out and in."""

from __future__ import annotations

import logging
from threading import Event
from typing import Annotated

import typer

from lupus.cli.terminal import Exit, err, find_project, out, workspace

_DELIVER_SECONDS = 600.0
_LISTEN_SECONDS = 20.0


def deliver(
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]", help="Only this project's.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was given up, and what waits for a later try.")
    ] = False,
) -> None:
    """Send the messages that wait, for instance after a token was renewed. Exits with 3 when some still wait."""
    from lupus import stages
    from lupus.stages.grid import printable

    if project is not None:
        find_project(project)
    waiting = False
    with workspace() as opened:
        names = [project] if project is not None else [one.name for one in opened.store.projects()]
        if again:
            opened.store.retry_failed(project)
        for name in names:
            report = stages.deliver(opened, name, patience=stages.Patience(_DELIVER_SECONDS))
            for sentence in report.undelivered:
                err.print(printable(f"{name}: {sentence}", "red"))
            if report.told:
                out.print(printable(f"{name}: {report.told:,} message{'s' if report.told > 1 else ''} sent"))
            waiting |= bool(report.undelivered) or report.again_at is not None
    if waiting:
        raise typer.Exit(Exit.STAGE_FAILED)


def slack_listen(
    connection: Annotated[
        str,
        typer.Option(
            "--connection", help="The Slack connection whose buttons are heard; its app-level token is in NAME_app."
        ),
    ] = "slack",
    every: Annotated[
        int, typer.Option("--every", min=1, help="Seconds between two looks for messages that wait.")
    ] = 30,
) -> None:
    """Obey the buttons under Lupus's Slack messages (Socket Mode), and send what waits. Runs until it is stopped."""
    import signal

    from lupus.model import LupusError
    from lupus.stages import deliver_all, listen, project_finder

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with workspace() as opened:
        client = listen(opened, connection, project_finder(opened))
        try:
            client.connect()
            out.print("listening; stop with Ctrl-C")
            while not stopped.wait(every):
                try:
                    deliver_all(opened, patience_seconds=_LISTEN_SECONDS)
                except LupusError as error:  # the store is away: it may come back
                    logging.getLogger(__name__).warning("%s", error)
        finally:
            client.close()


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command(rich_help_panel="Looking after it")(deliver)
    app.command("slack-listen", rich_help_panel="Looking after it")(slack_listen)
