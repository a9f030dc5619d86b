"""The JSON Schema of a project file, for editors: ``# yaml-language-server: $schema=.../project.schema.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from lupus.config.fields import format_duration
from lupus.config.models import ProjectFile

_VARIABLE: Final = {"type": "string", "pattern": r"\$\{", "description": "A value from the environment: ${VAR}."}
_LITERAL: Final = frozenset(
    {"project", "kind"}
)  # never from the environment, so that files can be told apart without it


class _AsWritten(GenerateJsonSchema):
    """Defaults as an author would write them."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return format_duration(dft)
        return {} if isinstance(dft, BaseModel) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a project file as YAML tools read it, dates as text.

    >>> sorted(json_schema()["required"])
    ['project', 'start', 'tables']
    """
    schema = ProjectFile.model_json_schema(by_alias=True, schema_generator=_AsWritten)
    for node in _nodes(schema):
        node.pop("title", None)
        node.pop("discriminator", None)
        # A third-party kind has any parameters, so more than one branch may fit.
        if "oneOf" in node:
            node["anyOf"] = node.pop("oneOf")
        for name, member in node.get("properties", {}).items():
            if name not in _LITERAL and isinstance(member, dict):
                node["properties"][name] = _or_variable(member)
    title = "Lupus project"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def schema_text() -> str:
    """The text of ``docs/project.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in `node` that is a schema, children last."""
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, dict):
        yield node
        for key, child in node.items():
            if key in ("properties", "$defs"):
                for member in child.values():
                    yield from _nodes(member)
            elif key not in ("default", "examples", "enum", "const"):
                yield from _nodes(child)


def _or_variable(member: dict[str, Any]) -> dict[str, Any]:
    """`member`, or text with a variable where plain text is not accepted already."""
    said: dict[str, Any] = {key: member[key] for key in ("description", "default", "examples") if key in member}
    shape = {key: value for key, value in member.items() if key not in said}
    if "anyOf" in shape:
        shapes = shape["anyOf"]
        if any(part.get("type") == "string" and "pattern" not in part for part in shapes):
            return member
        return {**shape, "anyOf": [*shapes, _VARIABLE], **said}
    reference = shape.get("$ref", "")
    free_text = shape.get("type") == "string" and not {"pattern", "enum"} & set(shape)
    if free_text or shape.get("type") in ("object",) or reference.endswith("File"):
        return member
    return {"anyOf": [shape, _VARIABLE], **said}
