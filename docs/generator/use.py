"""The pages of the command line and of the settings."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator.text import MEANINGS, complete, head, page, table


def command_line() -> str:
    """Every command with its arguments and options."""
    import typer

    from lupus.cli.main import app
    from lupus.cli.terminal import Exit

    group = typer.main.get_command(app)
    parts = [head("Command line", "lupus --help"), _markup(str(group.help)), "## Exit status"]
    parts.append(table(("status", "name"), [(f"`{one.value}`", one.name.lower().replace("_", " ")) for one in Exit]))
    for words, command in _commands(group, ("lupus",)):
        named = [one for one in command.params if one.param_type_name == "argument"]
        usage = " ".join([*words, *(_metavar(one) for one in named), "[OPTIONS]"])
        parts += [f"## {' '.join(words)}", f"```text\n{usage}\n```", _markup(str(command.help))]
        if named:
            rows = [(f"`{one.metavar or one.name}`", str(one.help), _value(one)) for one in named]
            parts.append(table(("argument", "meaning", "default"), rows))
        options = [one for one in command.params if one.param_type_name == "option"]
        if options:
            described = [
                (" ".join(f"`{name}`" for name in one.opts), _kind(one), str(one.help), _value(one)) for one in options
            ]
            parts.append(table(("option", "value", "meaning", "default"), described))
    return page(parts)


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*words, name))
        else:
            yield (*words, name), command


def _metavar(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper())
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _kind(option: Any) -> str:
    if option.is_flag:
        return ""
    return f"`{option.metavar}`" if option.metavar else str(option.type_descriptor.annotation.__name__).lower()


def _value(parameter: Any) -> str:
    if parameter.required:
        return "**required**"
    flag = getattr(parameter, "is_flag", False)
    return "" if parameter.default in (None, "") or flag else f"`{parameter.default}`"


def _markup(text: str) -> str:
    """Rich markup as Markdown: commands in backticks."""
    return re.sub(r"\[bold\](.*?)\[/\]", r"`\1`", re.sub(r"\[dim\](.*?)\[/\]", r"\1", inspect.cleandoc(text)))


class _Reads(Mapping[str, str]):
    """An environment that is empty and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        self.asked[name] = None
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def settings() -> str:
    """The environment variables that `Settings.from_environment` reads."""
    from lupus.airflow.connections import STORE_CONNECTION
    from lupus.stages import Settings

    reads = _Reads()
    before = Settings.from_environment(reads)
    complete("settings", reads.asked, MEANINGS["settings"])
    rows = []
    for name in reads.asked:
        after = Settings.from_environment({name: "/probe"})
        changed = [
            one.name for one in dataclasses.fields(Settings) if getattr(before, one.name) != getattr(after, one.name)
        ]
        default = str(getattr(before, changed[0])).replace(f"{Path.cwd()}{os.sep}", "")
        rows.append((f"`{name}`", f"`{default}`" if default else "", MEANINGS["settings"][name]))
    parts = [
        head("Settings", "lupus.stages.Settings"),
        "All settings come from the environment, and all have defaults. Relative paths are meant from the current "
        "folder.",
        table(("variable", "default", "meaning"), rows),
        "## Connections",
        "On the command line the connection `warehouse` is the environment variable `LUPUS_CONN_WAREHOUSE`: upper "
        "case, with `_` for whatever is neither letter nor digit. In Airflow it is the Airflow connection `warehouse`. "
        f"The Airflow connection `{STORE_CONNECTION}`, if there is one, is the metric store. More in "
        "[Connections and settings](../how-to/connections-and-settings.md).",
    ]
    return page(parts)
