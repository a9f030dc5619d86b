"""The `lupus` command."""

from __future__ import annotations

import sys
import traceback

import typer

from lupus.cli import backtests, exclusions, incidents, messages, operations, projects, retraining, runs, why
from lupus.cli.terminal import Exit, fail
from lupus.model import LupusError

app = typer.Typer(
    name="lupus",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Monitoring for machine-learning products.\n\n"
        "A project is one YAML file in [bold]dags/projects[/]. Airflow runs it every day; these commands do the same "
        "work in this process, so that you can try a project before you deploy it.\n\n"
        "[dim]First steps:[/]  lupus init  ·  lupus check  ·  lupus run PROJECT --day 2026-01-31 --dry-run\n\n"
        "[dim]Exit status:[/]  0 fine · 1 anomalies (with --fail-on-anomaly) · 2 bad config or arguments · "
        "3 a stage failed"
    ),
)
projects.register(app)
runs.register(app)
incidents.register(app)
retraining.register(app)
why.register(app)
backtests.register(app)
exclusions.register(app)
messages.register(app)
operations.register(app)


def main() -> None:
    """Run the command line; errors that people can mend are shown as sentences, not tracebacks."""
    try:
        app(prog_name="lupus")
    except LupusError as error:
        sys.exit(fail(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception:  # a fault of ours; status 1 would say "anomalies found"
        traceback.print_exc()
        sys.exit(Exit.STAGE_FAILED)


if __name__ == "__main__":
    main()
