"""Writes the reference pages and the JSON Schema from the code: ``python docs/generate.py [--to FOLDER]``.

What a page says is read from the code itself: the schema of project files, the command line, the parameter classes
of the rules, the series that a tiny measured product really gets, docstrings. What only a person can say (the
meaning of a metric or a status) is in ``meanings.toml``, and must be complete.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib
import inspect
import json
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).parent
ROOMS: Final = ("config", "extract", "validate", "measure", "judge", "act", "store", "stages", "airflow")
_MEANINGS: Final = tomllib.loads((DOCS / "meanings.toml").read_text(encoding="utf-8"))
_QUANTILE: Final = re.compile(r"p\d\d(\.\d+)?$")


class IncompleteError(Exception):
    """``meanings.toml`` and the code do not name the same things."""


def main() -> int:
    """Writes all pages; the exit status is 1 when a meaning is missing."""
    parser = argparse.ArgumentParser(description="Write the reference pages and the JSON Schema.")
    parser.add_argument("--to", type=Path, default=DOCS, help="the folder to write to")
    folder = parser.parse_args().to
    try:
        pages = {path: write() for path, write in PAGES.items()}
    except IncompleteError as error:
        sys.stderr.write(f"docs/meanings.toml: {error}\n")
        return 1
    for path, text in pages.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return 0


# Project files


def schema_page() -> str:
    """``project.schema.json``."""
    from lupus.config.schema import schema_text

    return schema_text()


def project_file() -> str:
    """Every key of a project file, section by section in the order in which they are met."""
    from lupus.config import json_schema

    schema = json_schema()
    parts = [
        _head("Project file", "lupus.config.json_schema()"),
        "A project file is YAML; one file is one project. Unknown keys are errors. `${VAR}` and `${VAR:-default}` in a "
        "value are replaced by environment variables after the file is read; `$${` stands for `${`. Words like `yes` "
        "and numbers like `0123`, which YAML readers understand differently, must be put in quotes.\n\n"
        "For completion in an editor put this line at the top, with the path to "
        "[project.schema.json](../project.schema.json):\n\n"
        "    # yaml-language-server: $schema=../../docs/project.schema.json",
        "## Project",
        str(schema["description"]),
        _keys(schema, schema["$defs"]),
    ]
    for name, where in _met(schema):
        definition = schema["$defs"][name]
        if "properties" in definition:
            parts += [f"## {_title(name)}", f"At `{where}`. {definition['description']}"]
            parts.append(_keys(definition, schema["$defs"]))
    return _page(parts)


def _met(schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(definition, path where it stands first), breadth first."""
    found: dict[str, str] = {}
    queue: list[tuple[Mapping[str, Any], str]] = [(schema, "")]
    while queue:
        node, where = queue.pop(0)
        for key, member in node.get("properties", {}).items():
            below = f"{where}.{key}".lstrip(".")
            for name, inside in _references(member):
                if name not in found:
                    found[name] = below + (".NAME" if inside else "")
                    queue.append((schema["$defs"][name], found[name]))
    return list(found.items())


def _references(node: Any, *, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """The definitions that `node` refers to, and whether under names of the author's choice."""
    if isinstance(node, list):
        for one in node:
            yield from _references(one, inside=inside)
    elif isinstance(node, dict):
        if "$ref" in node:
            yield str(node["$ref"]).rpartition("/")[2], inside
        for key, child in node.items():
            if key in ("anyOf", "items", "patternProperties"):
                children = list(child.values()) if key == "patternProperties" else child
                yield from _references(children, inside=inside or key == "patternProperties")


def _keys(definition: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    required = definition.get("required", ())
    rows = []
    for key, member in definition["properties"].items():
        meaning = member.get("description") or _referred(member, definitions).get("description", "")
        examples = ", ".join(f"`{_yaml(one)}`" for one in member.get("examples", ()) if one != "")
        default = "**required**" if key in required else _default(member, definition)
        rows.append(
            (f"`{key}`", _shape(member, definitions), default, meaning + (f" E.g. {examples}" * bool(examples)))
        )
    return _table(("key", "value", "default", "meaning"), rows)


def _default(member: Mapping[str, Any], definition: Mapping[str, Any]) -> str:
    if "const" in member:  # the kind of a rule
        return "the rule's name"
    default = member.get("default")
    if default in (None, "", [], {}) or definition is None:
        return ""
    return f"`{_yaml(default)}`" if not isinstance(default, list) else ", ".join(f"`{_yaml(one)}`" for one in default)


def _shape(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        if "enum" in definitions[name]:
            return " ".join(f"`{value}`" for value in definitions[name]["enum"])
        return f"[{_title(name)}](#{_slug(_title(name))})"
    if "anyOf" in node:
        shapes = [_shape(one, definitions) for one in node["anyOf"] if not _is_aside(one)]
        return " or ".join(dict.fromkeys(shapes))
    if "const" in node:
        return f"`{_yaml(node['const'])}`"
    if "enum" in node:
        return " ".join(f"`{value}`" for value in node["enum"])
    match node.get("type"):
        case "array":
            return f"list of {_shape(node.get('items', {}), definitions)}"
        case "object":
            inner = node.get("patternProperties")
            return f"names, each with {_shape(next(iter(inner.values())), definitions)}" if inner else "mapping"
        case "integer" | "number" as kind:
            bounds = [
                f"{sign} {node[name]}"
                for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
                if name in node
            ]
            return " ".join(["whole number" if kind == "integer" else "number", *bounds])
        case "boolean":
            return "true or false"
        case _:
            return "text"


def _is_aside(node: Mapping[str, Any]) -> bool:
    """``${VAR}`` and null may stand almost everywhere; the page says so once."""
    return node.get("type") == "null" or str(node.get("pattern", "")) == r"\$\{"


def _referred(member: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = member.get("$ref")
    found: Mapping[str, Any] = definitions[str(reference).rpartition("/")[2]] if reference else {}
    return found


def _title(definition: str) -> str:
    """`RecentAverageRule` as `Recent average rule`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", definition.removesuffix("File"))
    return words.capitalize()


def _yaml(value: Any) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# The command line


def command_line() -> str:
    """Every command with its arguments and options."""
    import typer

    from lupus.cli.main import app
    from lupus.cli.terminal import Exit

    group = typer.main.get_command(app)
    parts = [_head("Command line", "lupus --help"), _markup(str(group.help)), "## Exit status"]
    parts.append(_table(("status", "name"), [(f"`{one.value}`", one.name.lower().replace("_", " ")) for one in Exit]))
    for words, command in _commands(group, ("lupus",)):
        named = [one for one in command.params if one.param_type_name == "argument"]
        usage = " ".join([*words, *(_metavar(one) for one in named), "[OPTIONS]"])
        parts += [f"## {' '.join(words)}", f"```text\n{usage}\n```", _markup(str(command.help))]
        if named:
            rows = [(f"`{one.metavar or one.name}`", str(one.help), _value(one)) for one in named]
            parts.append(_table(("argument", "meaning", "default"), rows))
        options = [one for one in command.params if one.param_type_name == "option"]
        if options:
            described = [
                (" ".join(f"`{name}`" for name in one.opts), _kind(one), str(one.help), _value(one)) for one in options
            ]
            parts.append(_table(("option", "value", "meaning", "default"), described))
    return _page(parts)


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


# Rules


def rules() -> str:
    """The kinds of rules, their parameters, and what every project gets."""
    from lupus.config.defaults import RULES
    from lupus.config.rules import RULE_MODELS, RuleFile
    from lupus.model import RULE_PARAMETERS

    parts = [
        _head("Rules", "lupus.model.RULE_PARAMETERS"),
        "How to use them is told in [Rules](../how-to/rules.md). Every rule also has:",
        _table(
            ("key", "meaning"), [(f"`{name}`", str(field.description)) for name, field in RuleFile.model_fields.items()]
        ),
        "## Default rules",
        "Every project has these unless its file replaces or removes them by name.",
        _table(
            ("name", "kind", "where", "parameters", "severity"),
            [
                (
                    f"`{rule.name}`",
                    f"`{rule.kind}`",
                    " ".join(f"`{name}: {value}`" for name, value in _given(rule.where)) or "all series",
                    " ".join(f"`{name}: {_yaml(value)}`" for name, value in rule.parameters.items()),
                    f"`{rule.severity}`" if rule.severity else "the rule's own",
                )
                for rule in RULES
            ],
        ),
    ]
    for kind, parameters in RULE_PARAMETERS.items():
        fields = RULE_MODELS[kind].model_fields
        rows = [
            (
                f"`{one.name}`",
                str(one.type).replace(" | None", "").replace('"', "`"),
                "" if one.default is None else f"`{_yaml(one.default)}`",
                str(fields[one.name].description),
            )
            for one in dataclasses.fields(parameters)
        ]
        parts += [f"## {kind}", _markdown(parameters), _table(("parameter", "type", "default", "meaning"), rows)]
    return _page(parts)


def _given(selector: Any) -> Iterator[tuple[str, str]]:
    for one in dataclasses.fields(selector):
        patterns = getattr(selector, one.name)
        if patterns is not None:
            yield one.name, json.dumps(patterns) if len(patterns) > 1 else patterns[0] or '""'


# Metrics


@dataclasses.dataclass
class _Seen:
    """Where a metric was met: in which groups, in which units, of which kinds of columns."""

    groups: dict[str, None] = dataclasses.field(default_factory=dict)
    units: dict[str, None] = dataclasses.field(default_factory=dict)
    columns: dict[str, None] = dataclasses.field(default_factory=dict)


def metrics() -> str:
    """The metrics that a tiny product of every kind really gets."""
    from lupus.config.defaults import SEGMENT_METRICS
    from lupus.model import MetricsPolicy

    seen: dict[str, _Seen] = {}
    for point, column in measured():
        one = seen.setdefault(family(point.series.key.metric), _Seen())
        one.groups[str(point.series.group)] = None
        one.units[point.series.unit or "–"] = None
        one.columns[column] = None
    _complete("metrics", seen, _MEANINGS["metrics"])
    parts = [
        _head("Metrics", "what lupus.measure and lupus.validate give for a tiny product"),
        "A series is named by its table, column, metric and segment. The unit – is the column's own, or none. "
        "Statistics of numbers are over finite values; nulls, NaN and infinities have metrics of their own. "
        "A metric that has no value for an interval is stored with the reason "
        "([failures](words.md#failurekind)).\n\n"
        "Which metrics are computed is set under [`metrics`](project-file.md#metrics) in the project file. Metrics of "
        "your own are [pushed](../how-to/push-metrics.md), under any name and in any group.",
    ]
    titles = {
        "validation": "Validation",
        "evaluation": "Evaluation: predictions against ground truth",
        "": "Tables and columns",
    }
    for group in ("", "evaluation", "validation"):
        rows = [
            (
                f"`{name}`",
                ", ".join(one.columns),
                ", ".join(one.units),
                _MEANINGS["metrics"][name]["says"],
                _MEANINGS["metrics"][name].get("source", ""),
            )
            for name, one in seen.items()
            if (group in one.groups if group else not {"evaluation", "validation"} & set(one.groups))
        ]
        parts += [f"## {titles[group]}", _table(("metric", "of", "unit", "meaning", "formula or source"), rows)]
    quantiles = ", ".join(str(one) for one in MetricsPolicy().quantiles)
    parts += [
        "## In segments",
        "For every value of a `segments` column these metrics are computed as well, unless `metrics.segment_metrics` "
        f"says otherwise: {', '.join(f'`{name}`' for name in SEGMENT_METRICS)}. The default quantiles are {quantiles}.",
    ]
    return _page(parts)


def family(metric: str) -> str:
    """The name under which a metric is explained: `share:JFK` is one of `share:…`, `p05` one of `p…`."""
    if _QUANTILE.match(metric):
        return "p…"
    return metric.partition(":")[0] + ":…" if ":" in metric else metric


def measured() -> list[tuple[Any, str]]:
    """(MetricPoint, what kind of column it is of) of a product with every kind of table and column, in both tasks."""
    from lupus.measure import Engine, measure_evaluation, measure_table
    from lupus.model import Cadence, CadenceKind, Project, Role, Task
    from lupus.validate import validation_points

    cadence = Cadence(CadenceKind.DAILY)
    interval = cadence.parse("2026-01-05")
    found: list[tuple[Any, str]] = []
    with tempfile.TemporaryDirectory() as folder, Engine(threads=1) as engine:
        for task in Task:
            tables, snapshots = _tiny(Path(folder), interval, str(task))
            start = datetime(2026, 1, 1, tzinfo=UTC)
            project = Project(str(task), "docs", cadence, start, tuple(tables), task=task)
            for table, snapshot in zip(tables, snapshots, strict=True):
                points = measure_table(project, table, snapshot, (), engine=engine).points
                found += [(point, point.series.key.column or "table") for point in points]
            roles = {table.role: snapshot for table, snapshot in zip(tables, snapshots, strict=True)}
            predictions, truths = {interval.key: roles[Role.PREDICTION]}, [roles[Role.GROUND_TRUTH]]
            evaluation = measure_evaluation(project, [interval], predictions, truths, blocked={}, engine=engine)
            found += [(point, str(task).replace("_", " ")) for point in evaluation.points]
    found += [
        (point, "expectations" if point.series.key.column else "suite")
        for point in validation_points(project, _validation(interval))
    ]
    return found


def _tiny(folder: Path, interval: Any, name: str) -> tuple[list[Any], list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lupus.model import FileFormat, FileSource, Role, Snapshot, SnapshotStatus, Table

    size = 40
    numbers = [float(number) / size for number in range(size)]
    ids, days = list(range(size)), [interval.start.date()] * size
    columns: dict[Role, dict[str, Any]] = {
        Role.DATA: {
            "key": ids,
            "time": days,
            "floats": [*numbers[:-2], float("nan"), None],
            "integers": ids,
            "booleans": [number % 2 == 0 for number in ids],
            "texts": ["ab"[number % 2] for number in ids],
            "times": days,
        },
        Role.PREDICTION: {"key": ids, "time": days, "score": numbers, "version": ["v1"] * size},
        Role.GROUND_TRUTH: {"key": ids, "time": days, "label": [float(number % 3 == 0) for number in ids]},
    }
    tables, snapshots = [], []
    for role, content in columns.items():
        path = folder / f"{name}-{role}.parquet"
        rows = pa.table(content)
        pq.write_table(rows, path)
        schema = tuple((one.name, str(one.type)) for one in rows.schema)
        tables.append(
            Table(
                str(role),
                role,
                FileSource(str(path), FileFormat.PARQUET),
                time="time",
                key=("key",),
                score="score" if role is Role.PREDICTION else "",
                version="version" if role is Role.PREDICTION else "",
                label="label" if role is Role.GROUND_TRUTH else "",
            )
        )
        snapshots.append(Snapshot(name, str(role), interval, SnapshotStatus.OK, path, size, schema, "hash"))
    return tables, snapshots


def _validation(interval: Any) -> Any:
    from lupus.model import ExpectationOutcome, ExpectationSeverity, Validation

    outcome = ExpectationOutcome(
        "key.not_null", "expect_column_values_to_not_be_null", "key", ExpectationSeverity.WARNING, True, 0.0, "", {}
    )
    return Validation("tiny", "data", interval, "tiny.data", (outcome,))


# Settings


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
    _complete("settings", reads.asked, _MEANINGS["settings"])
    rows = []
    for name in reads.asked:
        after = Settings.from_environment({name: "/probe"})
        changed = [
            one.name for one in dataclasses.fields(Settings) if getattr(before, one.name) != getattr(after, one.name)
        ]
        default = str(getattr(before, changed[0])).replace(f"{Path.cwd()}{os.sep}", "")
        rows.append((f"`{name}`", f"`{default}`" if default else "", _MEANINGS["settings"][name]))
    parts = [
        _head("Settings", "lupus.stages.Settings"),
        "All settings come from the environment, and all have defaults. Relative paths are meant from the current "
        "folder.",
        _table(("variable", "default", "meaning"), rows),
        "## Connections",
        "On the command line the connection `warehouse` is the environment variable `LUPUS_CONN_WAREHOUSE`: upper "
        "case, with `_` for whatever is neither letter nor digit. In Airflow it is the Airflow connection `warehouse`. "
        f"The Airflow connection `{STORE_CONNECTION}`, if there is one, is the metric store. More in "
        "[Connections and settings](../how-to/connections-and-settings.md).",
    ]
    return _page(parts)


# Words


def words() -> str:
    """Every enumeration of the nouns, member by member."""
    import lupus.model

    enums = {
        name: value
        for name in lupus.model.__all__
        if isinstance(value := getattr(lupus.model, name), type) and issubclass(value, Enum)
    }
    _complete("words", enums, _MEANINGS["words"])
    parts = [_head("Words", "the enumerations of lupus.model"), "What the words in tables, JSON and messages mean."]
    for name, enum in enums.items():
        _complete(f"words.{name}", enum.__members__, _MEANINGS["words"][name])
        rows = [(f"`{one.value}`", _MEANINGS["words"][name][one.name]) for one in enum]
        parts += [f"## {name}", _first_line(enum), _table(("word", "meaning"), rows)]
    return _page(parts)


# Python


def python() -> str:
    """`lupus` and `lupus.model`, name by name."""
    parts = [_head("Python", "the docstrings of lupus and lupus.model")]
    for module_name in ("lupus", "lupus.model"):
        module = importlib.import_module(module_name)
        parts += [f"## {module_name}", _markdown(module) if module_name == "lupus" else _first_line(module)]
        for name in sorted(module.__all__, key=str.lower):
            parts += [f"### {name}", *_entry(module, name)]
    return _page(parts)


def rooms() -> str:
    """The public names of the other rooms, a line each."""
    parts = [
        _head("Rooms", "the docstrings of src/lupus"),
        "For those who extend Lupus, or work on it. Programs use [`lupus` and `lupus.model`](python.md) and the "
        "[extension points](../how-to/write-an-extension.md).",
    ]
    for room in ROOMS:
        module = importlib.import_module(f"lupus.{room}")
        names = sorted(module.__all__, key=str.lower)
        rows = [(f"`{name}`", _sentence(_said(module, name))) for name in names]
        parts += [f"## lupus.{room}", _first_line(module), _table(("name", "what"), rows)]
    return _page(parts)


def _entry(module: Any, name: str) -> list[str]:
    thing = getattr(module, name)
    if isinstance(thing, type) and issubclass(thing, Enum):
        listed = " ".join(f"`{one.value}`" for one in thing)
        return [_first_line(thing), f"{listed}: see [Words](words.md#{name.lower()})."]
    if isinstance(thing, type) and dataclasses.is_dataclass(thing):
        lines = [f"    {one.name}: {one.type}{_field_default(one)}" for one in dataclasses.fields(thing)]
        methods = [
            f"    def {label}{_signature(member)}" for label, member in vars(thing).items() if _is_method(label, member)
        ]
        text = "\n".join([f"class {name}:", *lines, *methods])
        return [f"```python\n{text}\n```", _markdown(thing)]
    if isinstance(thing, type):
        bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
        return [f"```python\nclass {name}({bases})\n```", _markdown(thing)]
    if callable(thing) and hasattr(thing, "__code__"):
        return [f"```python\n{name}{_signature(thing)}\n```", _markdown(thing)]
    said = _said(module, name)
    return [f"```python\n{name} = {_literal(thing)}\n```", *([said] if said else [])]


def _is_method(label: str, member: Any) -> bool:
    return not label.startswith("_") and inspect.isfunction(member)


def _field_default(one: dataclasses.Field[Any]) -> str:
    if one.default is not dataclasses.MISSING:
        return f" = {_literal(one.default)}"
    return " = ..." if one.default_factory is not dataclasses.MISSING else ""


def _literal(value: Any) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {getattr(one, '__name__', one)}" for key, one in value.items()) + "}"
    return str(value).replace("lupus.model.project.", "") if "|" in str(value) else repr(value)


def _signature(function: Callable[..., Any]) -> str:
    # Annotations are texts here, which Python shows in quotes; the quotes of defaults stay.
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(function)))


def _said(module: Any, name: str) -> str:
    """The docstring of a name; for a constant the text below its assignment."""
    thing = getattr(module, name)
    if isinstance(thing, type) or inspect.isfunction(thing):
        return inspect.cleandoc(thing.__doc__ or "")
    for path in sorted(Path(str(module.__file__)).parent.glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for assignment, text in pairwise(body):
            targets = getattr(assignment, "targets", [getattr(assignment, "target", None)])
            named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
            if named and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                return _plain(inspect.cleandoc(str(text.value.value)))
    return ""


# Text


def _head(title: str, origin: str) -> str:
    return f"# {title}\n\n<!-- Written by docs/generate.py from {origin}; `make reference` writes it anew. -->"


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, without the columns that are empty everywhere."""
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows]
    kept = [place for place in range(len(head)) if any(row[place] for row in cells)]
    lines = [[head[place] for place in kept], ["---"] * len(kept), *([row[place] for place in kept] for row in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown(thing: Any) -> str:
    """A docstring as Markdown: examples and indented blocks fenced, double backticks single."""
    blocks = []
    for block in inspect.cleandoc(thing.__doc__ or "").split("\n\n"):
        if block.startswith(">>>"):
            blocks.append(f"```python\n{block}\n```")
        elif block.startswith("    "):
            blocks.append(f"```text\n{inspect.cleandoc(block)}\n```")
        else:
            blocks.append(_plain(block))
    return "\n\n".join(blocks)


def _plain(text: str) -> str:
    return text.replace("``", "`")


def _first_line(thing: Any) -> str:
    return _plain(inspect.cleandoc(thing.__doc__ or "").partition("\n")[0])


def _sentence(text: str) -> str:
    """The first sentence of a docstring."""
    paragraph = " ".join(_plain(text).partition("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) (?=[A-Z`])", paragraph)[0]


def _slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _complete(what: str, found: Iterable[str], explained: Iterable[str]) -> None:
    missing, stale = sorted(set(found) - set(explained)), sorted(set(explained) - set(found))
    if missing or stale:
        raise IncompleteError(f"[{what}] lacks {missing or 'nothing'} and has {stale or 'nothing'} in excess")


PAGES: Final[dict[str, Callable[[], str]]] = {
    "project.schema.json": schema_page,
    "reference/project-file.md": project_file,
    "reference/command-line.md": command_line,
    "reference/rules.md": rules,
    "reference/metrics.md": metrics,
    "reference/settings.md": settings,
    "reference/words.md": words,
    "reference/python.md": python,
    "reference/rooms.md": rooms,
}


if __name__ == "__main__":
    sys.exit(main())
