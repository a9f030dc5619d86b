"""What every command shares: the terminal, finding projects and intervals, exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from lupus.model import ConfigError, Interval, LupusError, Problem, Project

if TYPE_CHECKING:
    from lupus.stages import Settings, Workspace

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """What the command's exit status means."""

    FINE = 0
    ANOMALIES = 1
    BAD_INPUT = 2
    STAGE_FAILED = 3


def settings() -> Settings:
    from lupus.stages import Settings

    return Settings.from_environment(os.environ)


@contextmanager
def workspace() -> Iterator[Workspace]:
    """The installation's workspace, with connections from the environment."""
    from lupus.stages import EnvironmentConnections, open_workspace

    with open_workspace(settings(), connections=EnvironmentConnections(os.environ)) as opened:
        yield opened


def find_project(name: str) -> Project:
    """The project called `name`; raises `ConfigError` with what is wrong with it, or with near misses."""
    import difflib

    from lupus.config import load_projects

    folder = settings().projects
    loaded = load_projects(folder, environ=os.environ)
    for one in loaded:
        if one.name == name and one.project is not None:
            return one.project
        if one.name == name:
            raise ConfigError(one.problems)
    names = [one.name for one in loaded]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there is {', '.join(names) or 'none'}"
    raise ConfigError((Problem(str(folder), 0, 0, f"no project is called {name!r}", hint),))


def find_interval(project: Project, text: str, *, option: str) -> Interval:
    """The interval that the user named; raises a usage error with the accepted forms."""
    try:
        return project.cadence.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def fail(error: LupusError) -> int:
    """Print `error` for people and return the exit status it stands for."""
    from lupus.stages.grid import printable

    if isinstance(error, ConfigError):
        for problem in error.problems:
            err.print(printable(str(problem), "red"))
        return Exit.BAD_INPUT
    err.print(printable(f"error: {error}", "red"))
    return Exit.STAGE_FAILED


def is_interactive() -> bool:
    """Whether a person looks at the output: only then are progress bars drawn."""
    return sys.stderr.isatty()
