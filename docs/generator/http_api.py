"""The page of the HTTP API, from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.text import head, page, plain, table

_COMMON = ("401", "403", "404", "422", "500", "503")


def http_api() -> str:
    """Every route with its parameters, and every form of questions and answers."""
    from lupus.ui.app import create_app, document

    found = document(create_app())
    forms = found["components"]["schemas"]
    parts = [
        head("HTTP API", "the OpenAPI document of lupus.ui"),
        "All addresses are below `/lupus` of Airflow's API server; the document itself is at "
        "`/lupus/api/v1/openapi.json`. How to log in, and who may do what: "
        "[Use the API of the Web UI](../how-to/web-ui-api.md).",
        "Every route may also answer with a [Refusal](#refusal):",
        table(("status", "when"), [(code, said) for code, said in _refusals(found)]),
    ]
    for path, method, route in _routes(found):
        parts += [f"## {method.upper()} {path}", f"**{route['summary']}.** {plain(route['description'])}"]
        rows = [
            (
                f"`{one['name']}`",
                one["in"],
                _kind(one["schema"]),
                plain(one.get("description", "")),
                _default(one["schema"]),
            )
            for one in route.get("parameters", ())
        ]
        if rows:
            parts.append(table(("parameter", "in", "value", "meaning", "default"), rows))
        body = route.get("requestBody")
        asked = f"Body: {_kind(body['content']['application/json']['schema'])}. " if body else ""
        parts.append(asked + "; ".join(_answers(route)) + ".")
    parts.append("# Forms")
    for name in sorted(forms):
        form = forms[name]
        if "properties" not in form or name in ("HTTPValidationError", "ValidationError"):
            continue
        parts += [f"## {name}", plain(form.get("description", ""))]
        needed = set(form.get("required", ()))
        rows = [
            (
                f"`{key}`",
                _kind(value),
                plain(value.get("description", "")),
                "" if key in needed else _default(value) or "optional",
            )
            for key, value in form["properties"].items()
        ]
        parts.append(table(("key", "value", "meaning", "default"), rows))
    return page(parts)


def _routes(found: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path in sorted(found["paths"]):
        for method, route in found["paths"][path].items():
            yield path, method, route


def _refusals(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    route = next(iter(next(iter(found["paths"].values())).values()))
    for code in _COMMON:
        yield code, route["responses"][code]["description"]


def _answers(route: Mapping[str, Any]) -> Iterator[str]:
    for code, answer in route["responses"].items():
        if code in _COMMON:
            continue
        forms = [
            f"`{kind}`" if kind != "application/json" else _kind(content["schema"])
            for kind, content in answer.get("content", {}).items()
        ]
        said = "" if answer["description"] == "Successful Response" else f": {plain(answer['description']).rstrip('.')}"
        yield f"{code} {' or '.join(forms)}".rstrip() + said


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to forms."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            kinds = [_kind(one) for one in schema[several]]
            return " or ".join(dict.fromkeys("null" if one == "null" else one for one in kinds))
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"({', '.join(_kind(one) for one in schema['prefixItems'])})"
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_kind(inner)}" if isinstance(inner, Mapping) else "object"
    return str(schema.get("type", "anything"))


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    return "" if value is None or value in ("", [], {}) else f"`{value}`"
