"""The effective configuration as YAML: every default filled in, every variable still a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

import yaml

from lupus.config import defaults, drift
from lupus.config.fields import format_duration
from lupus.config.routing import dump_quiet_hours, dump_route
from lupus.config.scalars import ScalarError, plain_scalar
from lupus.config.sql_metrics import dump_sql_metrics
from lupus.config.times import written
from lupus.model import (
    CadenceKind,
    Derivation,
    FileSource,
    ImageDerivation,
    MetricsPolicy,
    Project,
    PythonDerivation,
    PythonSource,
    Recommendations,
    RetrainPolicy,
    RuleSpec,
    Selector,
    Source,
    SqlDerivation,
    Table,
)

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Verbatim(str):
    """Text that is written as it is: its ``${...}`` is a variable."""

    __slots__ = ()


class _Dumper(_DUMPER):  # type: ignore[misc]
    """Quotes whatever `plain_scalar` would not read back as the same text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the dumper's signature
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    written_text = str(text) if isinstance(text, _Verbatim) else text.replace("${", "$${")
    try:
        plain = plain_scalar(text) == text
    except ScalarError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", written_text, style=None if plain else '"')


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_Verbatim, _represent_text)


def dump(project: Project) -> str:
    """`project` as a YAML file that loads as the same project: all defaults, and ``${VAR}`` where the file has it."""
    tree = _project(project)
    for path, template in project.variables.items():
        _put(tree, path, _Verbatim(template))
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def flow(item: Mapping[str, Any]) -> str:
    """A mapping as a project file says it, on one line: ``{name: value}``."""
    text: str = yaml.dump(
        _plain(item), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=10**6
    )
    return text.strip()


def _put(tree: Any, path: tuple[str | int, ...], text: _Verbatim) -> None:
    """Replace the value at `path`, if there is one."""
    for part in path[:-1]:
        if not _holds(tree, part):
            return
        tree = tree[part]
    if _holds(tree, path[-1]):
        tree[path[-1]] = text


def _holds(tree: Any, part: str | int) -> bool:
    if isinstance(tree, dict):
        return part in tree
    return isinstance(tree, list) and isinstance(part, int) and part < len(tree)


def _project(project: Project) -> dict[str, Any]:
    cadence, deadline = project.cadence, project.schedule.deadline
    tree: dict[str, Any] = {
        "project": project.name,
        "owner": project.owner,
        "description": project.description,
        "cadence": {"cron": cadence.cron} if cadence.kind is CadenceKind.CRON else cadence.kind.value,
        "timezone": cadence.timezone,
        "start": written(project.start, cadence.timezone),
        "end": None if project.end is None else written(project.end, cadence.timezone, last_day=True),
        "tables": {table.name: _table(table, project) for table in project.tables},
        "task": None if project.task is None else project.task.value,
        "segments": [list(columns) for columns in project.segments],
        "metrics": _metrics(project.metrics, cadence.timezone),
        "rules": _rules(project.rules),
        "alerts": _alerts(project),
        "retrain": None if project.retrain is None else _retrain(project.retrain, project),
        "compare": None
        if project.compare is None
        else {one.name: getattr(project.compare, one.name) for one in fields(project.compare)},
        "upstream": list(project.upstream),
        "schedule": {
            "catchup": project.schedule.catchup,
            "retries": project.schedule.retries,
            "retry_delay": format_duration(project.schedule.retry_delay),
            "max_active_runs": project.schedule.max_active_runs,
            **({} if deadline is None else {"deadline": format_duration(deadline)}),
        },
        "tags": list(project.tags),
    }
    return {key: value for key, value in tree.items() if value is not None}


def _metrics(policy: MetricsPolicy, timezone: str) -> dict[str, Any]:
    nested = ("fairness", "sql", "estimates", "multivariate", "drift")
    plain = [member.name for member in fields(policy) if member.name not in nested]
    tree = {name: _listed(getattr(policy, name)) for name in plain}
    fairness = policy.fairness
    if fairness.segments:
        tree["fairness"] = {"segments": list(map(list, fairness.segments)), "min_rows": fairness.min_rows}
    if policy.sql:
        tree["sql"] = dump_sql_metrics(policy.sql)
    for name in ("estimates", "multivariate"):
        own = getattr(policy, name)
        tree[name] = {member.name: _listed(getattr(own, member.name)) for member in fields(own)}
        tree[name]["reference"] = own.reference.value
    tree["drift"] = drift.tree_of(policy.drift, timezone)
    return tree


def _table(table: Table, project: Project) -> dict[str, Any]:
    # What was left out follows a variable; written out it would tell its value.
    follows = ("timezone",) in project.variables and table.timezone == project.cadence.timezone
    tree: dict[str, Any] = {
        "role": table.role.value,
        "source": _source(table.source),
        "time": table.time,
        "timezone": "" if follows else table.timezone,
        "key": list(table.key),
        "score": table.score,
        "scores": dict(table.scores),
        "quantiles": {f"{level!r}": column for level, column in table.quantiles},
        "lower": table.lower,
        "upper": table.upper,
        "query": list(table.query),
        "rank": table.rank,
        "label": table.label,
        "weight": table.weight,
        "version": table.version,
        "columns": list(table.columns),
        "exclude": list(table.exclude),
        "patterns": dict(table.patterns),
        "arrives_within": format_duration(table.arrives_within),
        "expectations": table.expectations,
        "ready": {
            "min_rows": table.ready.min_rows,
            **({} if table.ready.by is None else {"by": f"{table.ready.by:%H:%M}"}),
        },
        "derived": {derivation.name: _derived(derivation) for derivation in table.derived},
        **({} if table.recommendations is None else {"recommendations": _recommendations(table.recommendations)}),
        "in_place": table.in_place,
    }
    return {key: value for key, value in tree.items() if value not in ("", {})}


def _source(source: Source) -> dict[str, Any]:
    if isinstance(source, FileSource):
        connection = {"connection": source.connection} if source.connection else {}
        return {"files": source.path, "format": source.format.value, **connection}
    if isinstance(source, PythonSource):
        return {"python": source.callable, "arguments": _plain(source.arguments)}
    relation = {"table": source.table} if source.table else {"query": source.query}
    return {"connection": source.connection, **relation}


def _derived(derivation: Derivation) -> dict[str, Any]:
    if isinstance(derivation, PythonDerivation):
        return {
            "python": derivation.callable,
            "columns": list(derivation.columns),
            "arguments": _plain(derivation.arguments),
        }
    if isinstance(derivation, SqlDerivation):
        return {"sql": derivation.sql}
    files = derivation.files
    place = {"folder": files.folder, "connection": files.connection} if files.folder else {}
    if isinstance(derivation, ImageDerivation):
        return {"image": files.column, **place, "max_bytes": files.max_bytes, "max_pixels": derivation.max_pixels}
    return {"audio": files.column, **place, "max_bytes": files.max_bytes, "silence_dbfs": derivation.silence_dbfs}


def _recommendations(lists: Recommendations) -> dict[str, Any]:
    said: dict[str, Any] = {"user": list(lists.user), "items": lists.items, "item": lists.item}
    for name, part in (("catalogue", lists.catalogue), ("popularity", lists.popularity)):
        if part is not None:
            said[name] = {one.name: value for one in fields(part) if (value := getattr(part, one.name))}
    return {name: value for name, value in said.items() if value}


def _rules(rules: tuple[RuleSpec, ...]) -> dict[str, Any]:
    present = {rule.name for rule in rules}
    removed = {rule.name: False for rule in defaults.RULES if rule.name not in present}
    return {**removed, **{rule.name: _rule(rule) for rule in rules}}


def _rule(rule: RuleSpec) -> dict[str, Any]:
    severity = {} if rule.severity is None else {"severity": rule.severity.value}
    return {"kind": rule.kind, "where": _selector(rule.where), **severity, **_plain(rule.parameters)}


def _selector(selector: Selector) -> dict[str, list[str]]:
    members = ((member.name, getattr(selector, member.name)) for member in fields(selector))
    # Always as a list, so that a variable in a list of one keeps its place.
    return {name: list(patterns) for name, patterns in members if patterns is not None}


def _alerts(project: Project) -> dict[str, Any]:
    alerts = project.alerts
    tree: dict[str, Any] = {}
    if alerts.slack is not None:
        tree["slack"] = {member.name: getattr(alerts.slack, member.name) for member in fields(alerts.slack)}
    tree["min_severity"] = alerts.min_severity.value
    for name in ("resolve_after", "reopen_within", "join_within", "escalate_after", "remind_after"):
        tree[name] = getattr(alerts, name)
    if alerts.routes:
        tree["routes"] = [dump_route(route) for route in alerts.routes]
    if alerts.quiet_hours is not None:
        tree["quiet_hours"] = dump_quiet_hours(alerts.quiet_hours)
        follows = ("timezone",) in project.variables and alerts.quiet_hours.timezone == project.cadence.timezone
        if follows:  # written out it would tell the variable's value
            del tree["quiet_hours"]["timezone"]
    if alerts.responders:
        tree["responders"] = [f"<!subteam^{one}>" if one.startswith("S") else f"<@{one}>" for one in alerts.responders]
    tree["news_for"] = format_duration(alerts.news_for)
    tree["backfills"] = alerts.backfills
    return {name: value for name, value in tree.items() if value is not None}


def _retrain(policy: RetrainPolicy, project: Project) -> dict[str, Any]:
    when = policy.when
    follows = ("retrain", "when", "for") in project.variables and when.within == when.for_intervals
    return {
        "dag": policy.dag,
        "when": {
            **_selector(when.where),
            "severity": when.severity.value,
            "for": when.for_intervals,
            **({} if follows else {"within": when.within}),
        },
        "cooldown": format_duration(policy.cooldown),
        **({} if policy.budget is None else {"budget": policy.budget}),
        "min_matured": policy.min_matured,
        "min_matured_rows": policy.min_matured_rows,
        "approval": policy.approval.value,
        "approve_within": format_duration(policy.approve_within),
        "compare_after": policy.compare_after,
        "conf": _plain(policy.conf),
    }


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _plain(value: Any) -> Any:
    """`value` with plain containers, as the dumper needs and so that it can be edited."""
    if isinstance(value, Mapping):
        return {_Verbatim(key): _plain(member) for key, member in value.items()}  # keys have no variables
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value if isinstance(value, str | int | float | bool | date | None) else str(value)
