"""The pages of project files and of the rules in them."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Final

from generator.text import MEANINGS, complete, head, markdown, page, slug, table, yaml_text


def schema_page() -> str:
    """``project.schema.json``."""
    from lupus.config.schema import schema_text

    return schema_text()


def project_file() -> str:
    """Every key of a project file, section by section in the order in which they are met."""
    from lupus.config import json_schema

    schema = json_schema()
    parts = [
        head("Project file", "lupus.config.json_schema()"),
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
    return page(parts)


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
        examples = ", ".join(f"`{yaml_text(one)}`" for one in member.get("examples", ()) if one != "")
        default = "**required**" if key in required else _default(member, definition)
        rows.append(
            (f"`{key}`", _shape(member, definitions), default, meaning + (f" E.g. {examples}" * bool(examples)))
        )
    return table(("key", "value", "default", "meaning"), rows)


def _default(member: Mapping[str, Any], definition: Mapping[str, Any]) -> str:
    if "const" in member:  # the kind of a rule
        return "the rule's name"
    default = member.get("default")
    if default in (None, "", [], {}) or definition is None:
        return ""
    return (
        f"`{yaml_text(default)}`"
        if not isinstance(default, list)
        else ", ".join(f"`{yaml_text(one)}`" for one in default)
    )


def _shape(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        if "enum" in definitions[name]:
            return " ".join(f"`{value}`" for value in definitions[name]["enum"])
        return f"[{_title(name)}](#{slug(_title(name))})"
    if "anyOf" in node:
        shapes = [_shape(one, definitions) for one in node["anyOf"] if not _is_aside(one)]
        return " or ".join(dict.fromkeys(shapes))
    if "const" in node:
        return f"`{yaml_text(node['const'])}`"
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


def rules() -> str:
    """The kinds of rules, their parameters, and what every project gets."""
    from lupus.config.defaults import RULES
    from lupus.config.rules import RULE_MODELS, BoundFile, RuleFile
    from lupus.model import RULE_PARAMETERS

    complete("rules", RULE_PARAMETERS, MEANINGS["rules"])

    parts = [
        head("Rules", "lupus.model.RULE_PARAMETERS"),
        "How to use them is told in [Rules](../how-to/rules.md). Every rule also has:",
        table(
            ("key", "meaning"), [(f"`{name}`", str(field.description)) for name, field in RuleFile.model_fields.items()]
        ),
        "## Default rules",
        "Every project has these unless its file replaces or removes them by name.",
        table(
            ("name", "kind", "where", "parameters", "severity"),
            [
                (
                    f"`{rule.name}`",
                    f"`{rule.kind}`",
                    " ".join(f"`{name}: {value}`" for name, value in _given(rule.where)) or "all series",
                    " ".join(f"`{name}: {yaml_text(value)}`" for name, value in rule.parameters.items()),
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
                "" if one.default in (None, dataclasses.MISSING) else f"`{yaml_text(one.default)}`",
                str(fields[one.name].description),
            )
            for one in dataclasses.fields(parameters)
        ]
        told = MEANINGS["rules"][kind]
        parts += [f"## {kind}", f"**When to use it.** {told['when']}", markdown(parameters)]
        parts.append(table(("parameter", "type", "default", "meaning"), rows))
        if kind == "threshold":
            named = [(f"`{name}`", str(field.description)) for name, field in BoundFile.model_fields.items()]
            parts += ["A bound that follows the data has these keys:", table(("key", "meaning"), named)]
        if "formula" not in told:
            parts += [f"### How {kind} judges", _formula(kind)]
        else:
            parts.append(told["formula"])
    return page(parts)


_MODULES: Final = {"for": "composite"}


def _formula(kind: str) -> str:
    """What the module of a kind says of itself after its first line: the formula, and where it comes from."""
    module = importlib.import_module(f"lupus.judge.{_MODULES.get(kind, kind)}")
    return markdown(SimpleNamespace(__doc__=inspect.cleandoc(module.__doc__ or "").partition("\n\n")[2]))


def _given(selector: Any) -> Iterator[tuple[str, str]]:
    for one in dataclasses.fields(selector):
        patterns = getattr(selector, one.name)
        if patterns is not None:
            yield one.name, json.dumps(patterns) if len(patterns) > 1 else patterns[0] or '""'
