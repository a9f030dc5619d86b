"""The Dag's own page in Airflow: what the project watches, in Markdown rendered from the project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from lupus.model import FileSource, Problem, Project, PythonSource, RuleSpec, Selector, Source, SqlSource, Table

_MOST_RULES = 40


def project_page(project: Project, text: str) -> str:
    """The page of `project`; `text` is its YAML file, shown as it is (``${VAR}`` is not resolved there)."""
    cadence = project.cadence
    until = f" until {cadence.local_date(cadence.last_complete(project.end))}" if project.end else ""
    head = [
        f"# {_plain(project.name)}",
        _plain(project.description),
        f"**Owner** {_plain(project.owner)} · **{cadence.kind}** ({_plain(cadence.timezone)}) since "
        f"{cadence.local_date(cadence.containing(project.start))}{until}"
        + (f" · **task** {str(project.task).replace('_', ' ')}" if project.task else "")
        + (
            f" · **segments** {_names([' × '.join(columns) for columns in project.segments])}"
            if project.segments
            else ""
        ),
        "## Tables",
        _grid(
            ("table", "role", "from", "time", "key", "score / label", "suite", "ready"), map(_table_row, project.tables)
        ),
        "## Rules",
        _grid(("rule", "kind", "where", "parameters", "severity"), map(_rule_row, project.rules[:_MOST_RULES]))
        if project.rules
        else "None.",
    ]
    if len(project.rules) > _MOST_RULES:
        head.append(f"… and {len(project.rules) - _MOST_RULES} more.")
    return "\n\n".join(part for part in (*head, *_answers(project), "## The project file", _code(text)) if part)


def broken_page(problems: Sequence[Problem], text: str = "") -> str:
    """The page of a project file that cannot be used: the problems first, then the file."""
    listed = "\n".join(f"- `{str(problem).replace('`', chr(39))}`" for problem in problems)
    parts = ["# This project file cannot be used", listed, "Fix it and run `lupus check`; this Dag then mends itself."]
    return "\n\n".join([*parts, _code(text)] if text else parts)


def _answers(project: Project) -> list[str]:
    slack, retrain = project.alerts.slack, project.retrain
    route = (
        f"Slack {_plain(slack.channel)} through the connection `{slack.connection}`" if slack else "the local outbox"
    )
    parts = [
        "## Alerts",
        f"Findings of at least **{project.alerts.min_severity}** severity open an incident; notices go to {route}. "
        f"An incident is over after {project.alerts.resolve_after} clean intervals.",
        "## Retraining",
    ]
    if retrain is None:
        return [*parts, "None."]
    when = retrain.when
    often = f"{when.for_intervals} of the last {when.within} intervals"
    return [
        *parts,
        f"Triggers `{retrain.dag}` when {_plain(_where(when.where))} has findings of at least **{when.severity}** "
        f"severity in {often}; then not again for {_span(retrain.cooldown)}.",
    ]


def _table_row(table: Table) -> tuple[str, ...]:
    label = table.label + (f" (within {_span(table.arrives_within)})" if table.arrives_within else "")
    ready = f"{table.ready.min_rows} row{'s' if table.ready.min_rows != 1 else ''}" + (
        f" by {table.ready.by:%H:%M}" if table.ready.by else ""
    )
    return (
        table.name,
        str(table.role),
        _source(table.source),
        table.time,
        ", ".join(table.key),
        " / ".join(part for part in (table.score, label) if part),
        table.expectations,
        ready,
    )


def _rule_row(rule: RuleSpec) -> tuple[str, ...]:
    parameters = ", ".join(f"{name} {value}" for name, value in rule.parameters.items())
    return rule.name, rule.kind, _where(rule.where), parameters, str(rule.severity or "")


def _source(source: Source) -> str:
    match source:
        case FileSource():
            return f"{source.path} ({source.format})"
        case SqlSource():
            return f"{source.connection}: {source.table or 'a query'}"
        case PythonSource():
            return source.callable


def _where(where: Selector) -> str:
    named = {
        "group": where.group,
        "table": where.table,
        "column": where.column,
        "metric": where.metric,
        "segment": where.segment,
    }
    return ", ".join(f"{name} {_either(patterns)}" for name, patterns in named.items() if patterns) or "any series"


def _either(patterns: Sequence[str]) -> str:
    """Several patterns in words.

    >>> _either(("*", "!p0*", "!min")), _either(("", "origin=*")), _either(("!",))
    ('* but not p0* or min', 'whole or origin=*', 'not whole')
    """
    wanted = " or ".join(pattern or "whole" for pattern in patterns if not pattern.startswith("!"))
    barred = " or ".join(pattern[1:] or "whole" for pattern in patterns if pattern.startswith("!"))
    return " but ".join(part for part in (wanted, barred and f"not {barred}") if part)


def _span(span: timedelta) -> str:
    """`span` in its largest whole unit.

    >>> _span(timedelta(days=14)), _span(timedelta(hours=36)), _span(timedelta(minutes=90))
    ('14 days', '36 hours', '90 minutes')
    """
    seconds = int(span.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds} seconds"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table without the columns that are empty everywhere."""
    cells = [tuple(map(_plain, row)) for row in rows]
    kept = [index for index in range(len(head)) if any(row[index] for row in cells)]
    lines = [[head[index] for index in kept], ["---"] * len(kept), *([row[index] for index in kept] for row in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_plain, names))


def _plain(text: str) -> str:
    """`text` on one line, with what Markdown or HTML would read as markup taken literally."""
    return re.sub(r"([\\`*\[\]<>|#~]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """`text` in a fence that is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}yaml\n{text.rstrip()}\n{fence}"
