"""What the parts of a project file must agree on."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import date, timedelta
from string import Formatter
from typing import Any

from pydantic import BaseModel

from lupus.config import defaults
from lupus.config.compare import check_compare
from lupus.config.derived import check_derived, gives
from lupus.config.document import Document, Path
from lupus.config.drift import check_drift
from lupus.config.estimates import check_multivariate
from lupus.config.fields import closest, columns_of
from lupus.config.in_place import check_in_place
from lupus.config.models import FilesFile, ProjectFile, RetrainFile, SourceField, SqlFile, TableFile
from lupus.config.recommendations import check_recommendations
from lupus.config.rules import OtherRule, RuleFile, SelectorFile, installed_kinds
from lupus.config.sql_metrics import QUERY_PARAMETER, check_sql_metrics
from lupus.config.times import bounds, guess_format
from lupus.config.upstream import check_names
from lupus.model import RULE_PARAMETERS, Group, Role, Task

_ROLE_NAMES = frozenset(role.value for role in Role if role is not Role.OTHER)


def role_of(name: str, table: TableFile) -> Role:
    """The role of the table called `name`: as said, or its name if that is a role."""
    return table.role or (Role(name) if name in _ROLE_NAMES else Role.OTHER)


def check(file: ProjectFile, document: Document, broken: Collection[Path]) -> None:
    """Report on `document` where parts of `file` disagree; parts under `broken` are left out of it."""
    sound = {name: table for name, table in file.tables.items() if not _is_broken(("tables", name), broken)}
    for name, table in sound.items():
        _check_table(name, table, document)
    roles = _check_roles(file, sound, document)
    tables_known = not any(path[:1] == ("tables",) for path in broken)
    _check_recommendations(file, sound, document, tables_known=tables_known)
    if tables_known:
        _check_evaluation(file, roles, document)
    if not {("start",), ("end",), ("timezone",), ("cadence",)} & set(broken):
        _check_times(file, document)
    if not {("metrics",), ("segments",)} & {path[:1] for path in broken}:
        _check_fairness(file, document)
        times_known = not {("start",), ("timezone",)} & set(broken)
        columns = {column for segment in file.segments for column in columns_of(segment)}
        start = bounds(file.start, None, file.timezone)[0] if times_known else None
        kept = file.metrics.segment_states
        check_drift(file.metrics.drift, columns, start, file.timezone, document, segment_states=kept)
    if not any(path[:1] == ("metrics",) for path in broken):
        check_sql_metrics(file.metrics.sql, file.tables, document)
    if tables_known and not any(path[:1] == ("metrics",) for path in broken):
        check_multivariate(file.metrics.multivariate, file.tables, roles, document)
        check_in_place(file, roles, document)
    for name, rule in file.rules.items():
        if isinstance(rule, RuleFile) and not _is_broken(("rules", name), broken):
            _check_rule(name, rule, document)
            _check_selector(rule.where, ("rules", name, "where"), file, document, tables_known=tables_known)
    _check_references(file, document, broken)
    if ("upstream",) not in {path[:1] for path in broken}:
        check_names(file.upstream, file.project, document)
    if file.compare is not None and tables_known:
        metrics_known = not any(path[:1] == ("metrics",) for path in broken)
        check_compare(file.compare, file, roles, document, metrics_known=metrics_known)
    if file.retrain is not None:
        _check_retrain(file.retrain, file, document, tables_known=tables_known)


def _is_broken(path: Path, broken: Collection[Path]) -> bool:
    """Whether something at, above or below `path` is broken."""
    return any(path[: len(known)] == known or known[: len(path)] == path for known in broken)


def _check_table(name: str, table: TableFile, document: Document) -> None:
    path: Path = ("tables", name)
    source = table.source
    if isinstance(source, SqlFile):
        if source.table is None and source.query is None:
            document.report((*path, "source"), "the source has neither a table nor a query", "give it one of them")
        elif source.table is not None and source.query is not None:
            hint = "remove table, or remove query"
            document.report((*path, "source", "query"), "the source has both a table and a query", hint, at_key=True)
    elif isinstance(source, FilesFile):
        _check_files(source, (*path, "source"), document)
    if not table.time and not slices_itself(source):
        hint = "name the column that says which interval a row belongs to, like time: date"
        if isinstance(source, SqlFile) and source.query:
            hint += ", or use :start and :end in the query"
        document.report(path, f"table '{name}' needs 'time'", hint, at_key=True)
    role = role_of(name, table)
    if role is Role.GROUND_TRUTH:
        for field, meaning in (("label", "the column with the truth"), ("key", "the columns that identify a row")):
            if not getattr(table, field):
                document.report(path, f"table '{name}' needs '{field}'", f"name {meaning}", at_key=True)
    elif table.arrives_within > timedelta(0):
        hint = "it belongs to the ground_truth table; remove it here, or set role: ground_truth"
        document.report((*path, "arrives_within"), "only ground truth arrives late", hint, at_key=True)
    _check_columns(table, path, document)
    listed = (*table.columns, *table.exclude)
    check_derived(table.derived, document, path, time=table.time, listed=listed)


def slices_itself(source: SourceField) -> bool:
    """Whether the source gives an interval's rows without a time column."""
    if isinstance(source, SqlFile):
        return source.query is not None and QUERY_PARAMETER.search(source.query) is not None
    return not isinstance(source, FilesFile) or "{interval" in source.files


def _check_files(source: FilesFile, path: Path, document: Document) -> None:
    hint = "write {interval} or {interval:%Y/%m/%d}; double a brace that is meant itself"
    try:
        placeholders = [field for _, field, _, _ in Formatter().parse(source.files) if field is not None]
    except ValueError:
        document.report((*path, "files"), "the path has a brace without its partner", hint)
        placeholders = []
    for field in placeholders:
        if field != "interval":
            shown = "" if document.is_secret((*path, "files")) else f" {{{field}}}"
            document.report((*path, "files"), f"unknown placeholder{shown} in the path", hint)
    if source.format is None and guess_format(source.files) is None:
        hint = "add format: parquet, csv or jsonl"
        document.report((*path, "files"), "the suffix does not tell the file format", hint)


def _check_columns(table: TableFile, path: Path, document: Document) -> None:
    single = ("time", "score", "lower", "upper", "rank", "label", "weight", "version")
    named = [(field, getattr(table, field)) for field in single]
    named += [(field, column) for field in ("key", "query") for column in getattr(table, field)]
    named += [(field, column) for field in ("scores", "quantiles") for column in getattr(table, field).values()]
    named += [("patterns", column) for column in table.patterns]
    for field, column in named:
        if column and column in table.exclude:
            shown = document.shown((*path, field), column)
            hint = "take it out of exclude; the column is needed"
            document.report((*path, "exclude"), f"{shown} is the table's {field} and excluded", hint)
        elif column and table.columns and column not in table.columns and not gives(table.derived, column):
            secret = document.is_secret((*path, field)) or document.is_secret((*path, "columns"))
            near = None if secret else closest(column, table.columns)
            hint = f"did you mean {near!r}?" if near else "add it to columns"
            shown = document.shown((*path, field), column)
            document.report((*path, field), f"{field}: {shown} is not among the columns", hint)
    for index, column in enumerate(table.exclude):
        if column in table.columns:
            shown = document.shown((*path, "exclude"), column)
            document.report(
                (*path, "exclude", index), f"{shown} is in columns and in exclude", "name it in one of them"
            )


def _check_roles(file: ProjectFile, sound: Mapping[str, TableFile], document: Document) -> dict[Role, str]:
    roles: dict[Role, str] = {}
    for name, table in file.tables.items():
        role = role_of(name, table)
        if role is Role.OTHER or name not in sound:
            continue
        if role in roles:
            hint = "every role but other is there once; set role: other"
            message = f"tables '{roles[role]}' and '{name}' both have the role {role}"
            document.report(("tables", name, "role") if table.role else ("tables", name), message, hint, at_key=True)
        else:
            roles[role] = name
    return roles


def _check_recommendations(
    file: ProjectFile, sound: Mapping[str, TableFile], document: Document, *, tables_known: bool
) -> None:
    for name, table in sound.items():
        if table.recommendations is None:
            continue
        path: Path = ("tables", name)
        if role_of(name, table) is not Role.PREDICTION:
            hint = "they belong to the prediction table; remove them here, or set role: prediction"
            document.report((*path, "recommendations"), "only predictions are recommendations", hint, at_key=True)
        tables = file.tables if tables_known else None
        check_recommendations(table.recommendations, document, path, key=table.key, query=table.query, tables=tables)


def _check_evaluation(file: ProjectFile, roles: Mapping[Role, str], document: Document) -> None:
    if file.task is None:
        return
    name = roles.get(Role.PREDICTION)
    if name is None:
        hint = "add a table prediction, or remove the task"
        document.report(("task",), "there is a task but no prediction table", hint, at_key=True)
        return
    prediction = file.tables[name]
    truth = file.tables[roles[Role.GROUND_TRUTH]] if Role.GROUND_TRUTH in roles else None
    path: Path = ("tables", name)
    _check_outputs(file.task, prediction, path, document)
    if truth is None:
        return
    if not prediction.key:
        hint = "name the column that ground truth is joined on, like key: order_id"
        document.report(path, f"table '{name}' needs 'key', because there is ground truth", hint, at_key=True)
    elif truth.key and len(prediction.key) != len(truth.key):
        hint = "both tables join on their keys in this order"
        message = f"the key has {len(prediction.key)} columns here and {len(truth.key)} in ground truth"
        document.report((*path, "key"), message, hint)


def _check_fairness(file: ProjectFile, document: Document) -> None:
    fairness = file.metrics.fairness
    if fairness is None:
        return
    path: Path = ("metrics", "fairness")
    if file.task is not Task.BINARY_CLASSIFICATION:
        hint = "set task: binary_classification, or remove fairness"
        document.report(path, "fairness compares decisions, and the task makes none", hint, at_key=True)
    known = {columns_of(segment) for segment in file.segments}
    secret = document.is_secret((*path, "segments")) or document.is_secret(("segments",))
    for index, segment in enumerate(fairness.segments):
        columns = columns_of(segment)
        if columns not in known:
            near = None if secret else closest(", ".join(columns), [", ".join(one) for one in known])
            hint = f"did you mean {near!r}?" if near else "add it to the project's segments as it is written here"
            shown = document.shown((*path, "segments"), " × ".join(columns))
            document.report((*path, "segments", index), f"{shown} is none of the project's segments", hint)


def _check_outputs(task: Task, prediction: TableFile, path: Path, document: Document) -> None:
    """The columns with the model's output are those of its task."""
    name = path[-1]
    others = {Task.MULTICLASS_CLASSIFICATION: "scores", Task.RANKING: "rank"}
    if not prediction.score and not (task in others and getattr(prediction, others[task])):
        what = f"'score' or '{others[task]}'" if task in others else "'score'"
        hint = "name the column with the model's output, like score: probability"
        document.report(path, f"table '{name}' needs {what}, because there is a task", hint, at_key=True)
    belongs = {
        "scores": Task.MULTICLASS_CLASSIFICATION,
        "quantiles": Task.REGRESSION,
        "lower": Task.REGRESSION,
        "upper": Task.REGRESSION,
        "query": Task.RANKING,
        "rank": Task.RANKING,
    }
    for field, its_task in belongs.items():
        if getattr(prediction, field) and task is not its_task:
            hint = f"remove it, or set task: {its_task}"
            document.report((*path, field), f"'{field}' is for the task {its_task}, not {task}", hint, at_key=True)
    if bool(prediction.lower) is not bool(prediction.upper):
        given, lacking = ("lower", "upper") if prediction.lower else ("upper", "lower")
        document.report((*path, given), f"there is '{given}' without '{lacking}'", f"add {lacking}", at_key=True)
    if task is Task.RANKING and not prediction.query:
        hint = "name the columns of the key whose rows are ranked together, like query: user_id"
        document.report(path, f"table '{name}' needs 'query', because the task is ranking", hint, at_key=True)
    elif task is Task.RANKING and prediction.key and not set(prediction.query) < set(prediction.key):
        message = "the query must be a part of the key, which also names the item"
        document.report((*path, "query"), message, "write key: [user_id, item_id] and query: user_id", at_key=True)


def _check_times(file: ProjectFile, document: Document) -> None:
    start, end = bounds(file.start, file.end, file.timezone)
    if end is not None and end <= start:
        document.report(("end",), "the project ends before it starts", "end is the last day that is measured")


def _check_rule(name: str, rule: RuleFile, document: Document) -> None:
    path: Path = ("rules", name)
    if isinstance(rule, OtherRule):
        if rule.kind not in installed_kinds():
            known = sorted({*RULE_PARAMETERS, *installed_kinds()})
            near = None if document.is_secret((*path, "kind")) else closest(rule.kind, known)
            hint = f"did you mean {near!r}?" if near else f"the kinds are {', '.join(known)}"
            shown = document.shown((*path, "kind"), rule.kind)
            document.report((*path, "kind"), f"there is no rule kind {shown}", hint)
        return
    try:
        RULE_PARAMETERS[rule.kind](**parameters_of(rule))
    except (ValueError, TypeError) as error:
        secret = any(document.is_secret((*path, key)) for key in parameters_of(rule))
        message = "its parameters do not fit together" if secret else str(error)
        parameters = ", ".join(member.name for member in fields(RULE_PARAMETERS[rule.kind]))
        document.report(path, f"rule '{name}': {message}", f"its parameters are {parameters}", at_key=True)


def _check_references(file: ProjectFile, document: Document, broken: Collection[Path]) -> None:
    """Rules that name other rules: those must exist, and none may be about itself."""
    if _is_broken(("rules",), [path for path in broken if len(path) == 1]):
        return
    removed = {name for name, rule in file.rules.items() if not isinstance(rule, RuleFile)}
    known = sorted({one.name for one in defaults.RULES} - removed | (file.rules.keys() - removed))
    named: dict[str, tuple[str, ...]] = {}
    for name, rule in file.rules.items():
        if not isinstance(rule, RuleFile) or _is_broken(("rules", name), broken):
            continue
        key = "rule" if rule.kind == "for" else "rules"
        given = getattr(rule, key, ()) if rule.kind in ("all", "any", "for") else ()
        named[name] = (given,) if isinstance(given, str) else tuple(given)
        for index, other in enumerate(named[name]):
            path: Path = ("rules", name, key) if isinstance(given, str) else ("rules", name, key, index)
            if other in removed:
                document.report(path, f"the rule {other!r} is removed here", "keep it, or do not name it")
            elif other not in known:
                near = None if document.is_secret(path) else closest(other, known)
                hint = f"did you mean {near!r}?" if near else f"the rules are {', '.join(known)}"
                document.report(path, f"there is no rule {document.shown(path, other)}", hint)
    for name in named:
        circle = _circle(name, named)
        if circle and name == min(circle):  # each circle is told once
            hint = "take one of them out"
            document.report(("rules", name), f"rule '{name}' is about itself: {' > '.join(circle)}", hint, at_key=True)


def _circle(name: str, named: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The way from rule `name` back to itself, through the rules that each one names; empty when there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for other in named.get(way[-1], ()):
            if other == name:
                return (*way, name)
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()


def parameters_of(rule: RuleFile) -> dict[str, Any]:
    """The rule's own parameters, defaults filled in, without those that are None."""
    general = RuleFile.model_fields
    values = {**{name: getattr(rule, name) for name in type(rule).model_fields}, **(rule.model_extra or {})}
    return {name: _plain(value) for name, value in values.items() if name not in general and value is not None}


def _plain(value: Any) -> Any:
    """A bound as a mapping of what the author said."""
    return value.model_dump(exclude_defaults=True) if isinstance(value, BaseModel) else value


def _check_selector(
    selector: SelectorFile, path: Path, file: ProjectFile, document: Document, *, tables_known: bool
) -> None:
    """A typing error here would silently select nothing: refuse what is nearly, but not quite, a known name."""
    known = {"group": [group.value for group in Group]}
    if tables_known:
        known["table"] = list(file.tables)
    for field, names in known.items():
        for index, pattern in enumerate(getattr(selector, field) or ()):
            value = pattern.removeprefix("!")
            if value in names or any(letter in value for letter in "*?[") or len(value) < 4:
                continue
            near = closest(value, names)
            nearly = near is not None and (value.casefold() == near or abs(len(value) - len(near)) <= 1)
            if near is not None and nearly and not document.is_secret((*path, field)):
                hint = f"did you mean {near!r}?"
                document.report((*path, field, index), f"there is no {field} {value!r}", hint)


def _check_retrain(retrain: RetrainFile, file: ProjectFile, document: Document, *, tables_known: bool) -> None:
    when, path = retrain.when, ("retrain", "when")
    _check_selector(when, path, file, document, tables_known=tables_known)
    if when.within is not None and when.within < when.for_:
        message = "'within' is smaller than 'for': the policy could never act"
        if not document.is_secret(path):
            message = f"'within' is {when.within}, smaller than 'for' {when.for_}: the policy could never act"
        document.report((*path, "within"), message, "make it at least as large")
    if retrain.dag == f"lupus__{file.project}":
        hint = "name the Dag that trains the model"
        document.report(("retrain", "dag"), "the project's own Dag cannot be its retraining", hint)
    if (retrain.min_matured or retrain.min_matured_rows) and tables_known:
        key = "min_matured" if retrain.min_matured else "min_matured_rows"
        if not any(role_of(name, table) is Role.GROUND_TRUTH for name, table in file.tables.items()):
            hint = "add a table ground_truth, or remove it"
            document.report(("retrain", key), "nothing matures without ground truth", hint, at_key=True)
    _check_json(retrain.conf, ("retrain", "conf"), document)


def _check_json(value: Any, path: Path, document: Document) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            _check_json(member, (*path, key), document)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _check_json(member, (*path, index), document)
    elif isinstance(value, date):
        document.report(path, f"{value} is a date, which JSON does not have", f'put it in quotes: "{value}"')
    else:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            document.report(path, f"{value} cannot be written in JSON", "write a finite number")
