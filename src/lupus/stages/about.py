"""What a project's file says, as plain JSON values: kept in the store for readers that have no such file."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from lupus.model import FileSource, Project, PythonSource, Selector, Source, SqlSource

_KINDS: Final[dict[type[Source], str]] = {FileSource: "files", SqlSource: "sql", PythonSource: "python"}


def about(project: Project) -> dict[str, Any]:
    """Descriptions, tables with their roles, rules, and the file as it was written: variables are not resolved."""
    return {
        "description": project.description,
        "timezone": project.cadence.timezone,
        "cron": project.cadence.cron,
        "task": "" if project.task is None else str(project.task),
        "tags": list(project.tags),
        "segments": [list(columns) for columns in project.segments],
        "mature_at": project.metrics.mature_at,
        "tables": [
            {"name": table.name, "role": str(table.role), "source": _KINDS[type(table.source)]}
            for table in project.tables
        ],
        "rules": [
            {
                "name": rule.name,
                "kind": rule.kind,
                "where": _where(rule.where),
                "parameters": {name: _plain(value) for name, value in rule.parameters.items()},
                "severity": None if rule.severity is None else str(rule.severity),
            }
            for rule in project.rules
        ],
        "file": "" if project.path is None else project.path.name,
        "text": _text(project),
    }


def _where(selector: Selector) -> dict[str, list[str]]:
    named = {member.name: getattr(selector, member.name) for member in fields(selector)}
    return {name: list(patterns) for name, patterns in named.items() if patterns is not None}


def _plain(value: Any) -> Any:
    """`value` in what JSON can say; what it cannot becomes text."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _text(project: Project) -> str:
    if project.path is None:
        return ""
    try:
        return project.path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
