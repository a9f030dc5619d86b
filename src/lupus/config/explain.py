"""pydantic's errors, said to the author of a project file: what is wrong, where, and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from lupus.config.derived import OTHER_DERIVED, SqlDerivedFile
from lupus.config.document import Document, Path
from lupus.config.fields import PATTERN_HINTS, closest
from lupus.config.models import SqlFile

_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
# What a mapping without the key that tells its kind was taken for, and the keys that tell the other kinds.
_OTHER_KINDS = {SqlFile.tag: ("files", "python"), SqlDerivedFile.tag: OTHER_DERIVED}
_TELLING = frozenset(key for keys in _OTHER_KINDS.values() for key in keys)
_MAPPING_TYPES = frozenset({"model_type", "model_attributes_type", "dict_type", "mapping_type"})
_LIST_TYPES = frozenset({"tuple_type", "list_type"})


def explain(document: Document, error: ValidationError, root: type[BaseModel]) -> tuple[Path, ...]:
    """Report every error in `error` on `document`, which follows `root`; the paths of what is wrong."""
    details = [(_path_of(detail["loc"]), detail) for detail in error.errors(include_url=False)]
    # A key that is written wrongly is not missing as well.
    meant = {
        (*path[:-1], _meant(detail["loc"], root)) for path, detail in details if detail["type"] == "extra_forbidden"
    }
    for path, detail in details:
        told = detail["type"] == "missing" and (path in meant or any((*path[:-1], key) in meant for key in _TELLING))
        if not told and not document.is_spoilt(path):
            _explain_one(document, path, detail["loc"], detail, root)
    return tuple(path for path, _ in details)


def _path_of(location: Path) -> Path:
    return tuple(part for part in location if not _is_tag(part))


def _meant(location: Path, root: type[BaseModel]) -> str | None:
    """The key that the unknown key at `location` was probably meant to be."""
    key = str(location[-1])
    near = closest(key, _known_keys(location[:-1], root))
    return closest(key, _OTHER_KINDS.get("".join(map(str, location[-2:-1])), ())) if near is None else near


def _explain_one(
    document: Document, path: Path, location: Path, detail: Mapping[str, Any], root: type[BaseModel]
) -> None:
    kind: str = detail["type"]
    name = _name(path)
    if kind == "missing":
        field = next(iter(_fields(location[:-1], path[-1], root)), None)
        hint = f"add it: {field}" if field else "add it"
        if path[-2:] == ("source", "connection"):
            hint = "a source is {connection, table}, {connection, query}, {files} or {python}"
        if path[-1] == "sql" and "derived" in path:
            hint = f"a derived column has {', '.join(('sql', *OTHER_DERIVED[:-1]))} or {OTHER_DERIVED[-1]}"
        document.report(path[:-1], f"{_owner(path[:-1])} needs {name}", hint, at_key=True)
    elif kind == "extra_forbidden":
        _explain_unknown_key(document, path, location, root)
    elif location[-1] == "[key]":
        hint = PATTERN_HINTS.get(detail.get("ctx", {}).get("pattern", ""), "")
        document.report(path, f"{str(path[-1])!r} is no valid name", hint, at_key=True)
    else:
        message, hint = _value_problem(document, path, name, kind, detail)
        document.report(path, message, hint)


def _explain_unknown_key(document: Document, path: Path, location: Path, root: type[BaseModel]) -> None:
    known = sorted(_known_keys(location[:-1], root))
    near = _meant(location, root)
    place = f" in {_owner(path[:-1])}" if len(path) > 1 else ""
    hint = f"did you mean {near!r}?" if near else f"the keys here are {', '.join(known)}"
    document.report(path, f"unknown key {str(path[-1])!r}{place}", hint, at_key=True)


def _value_problem(document: Document, path: Path, name: str, kind: str, detail: Mapping[str, Any]) -> tuple[str, str]:
    value, context = detail["input"], detail.get("ctx", {})
    shown = document.shown(path, value)
    if value is None:
        hint = "give it a value, or remove the line"
        if path[-1] in ("channel", "mention"):
            hint = '# begins a comment in YAML: write it in quotes, like "#ml-alerts"'
        return f"{name} has no value", hint
    if kind == "lupus":
        suggestion = context.get("suggestion") if not document.is_secret(path) else ""
        subject = name if isinstance(value, list | tuple | dict) else f"{name}: {shown}"
        return f"{subject} {context['message']}", f"did you mean {suggestion!r}?" if suggestion else context["hint"]
    if kind in ("enum", "literal_error"):
        return _choice_problem(document, path, value, str(context.get("expected", "")))
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"{name} must be {words} {context[bound]:g}, not {shown}", ""
    if kind == "string_pattern_mismatch":
        return f"{name}: {shown} is not valid", PATTERN_HINTS.get(context.get("pattern", ""), "")
    if kind == "string_too_short":
        return f"{name} is empty", "give it a value, or remove the line"
    if kind == "string_too_long":
        return f"{name} is longer than {context['max_length']} characters", "shorten it"
    if kind == "too_short":
        return f"{name} is empty", "name at least one table: data, prediction, ground_truth or one of your own"
    return f"{name} must be {_wanted(kind)}, not {_described(value, shown)}", _type_hint(kind, value, shown)


def _choice_problem(document: Document, path: Path, value: object, expected: str) -> tuple[str, str]:
    choices = re.findall(r"'([^']*)'", expected) or [expected]
    near = closest(value, choices) if isinstance(value, str) and not document.is_secret(path) else None
    message = f"{_name(path)}: {document.shown(path, value)} is none of {', '.join(choices)}"
    return message, f"did you mean {near!r}?" if near else "choose one of them"


def _wanted(kind: str) -> str:
    if kind.startswith("string"):
        return "text"
    if kind.startswith("int"):
        return "a whole number"
    if kind.startswith(("float", "finite")):
        return "a finite number" if kind == "finite_number" else "a number"
    if kind.startswith("bool"):
        return "true or false"
    if kind in _LIST_TYPES:
        return "a list of names"
    return "a mapping" if kind in _MAPPING_TYPES else "another kind of value"


def _described(value: object, shown: str) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return shown
    if isinstance(value, date):
        return f"the date {shown}"
    return f"the number {shown}" if isinstance(value, int | float) else shown


def _type_hint(kind: str, value: object, shown: str) -> str:
    if kind.startswith("string") and isinstance(value, bool | int | float | date):
        return f'put it in quotes: "{shown}"'
    if kind in _MAPPING_TYPES:
        return "write key: value lines below it, or {key: value}"
    if kind in _LIST_TYPES:
        return "write [one, two]"
    return ""


def _is_tag(part: object) -> bool:
    return isinstance(part, str) and ((part.startswith("<") and part.endswith(">")) or part == "[key]")


def _name(path: Path) -> str:
    """What the value at `path` is called in a sentence."""
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_name(path[:-1])}"
    return f"'{path[-1]}'" if path else "the file"


def _owner(path: Path) -> str:
    """What a mapping is called in a sentence."""
    if path and isinstance(path[-1], int):
        return _name(path)
    if len(path) == 2 and path[0] in ("tables", "rules"):
        return f"{str(path[0])[:-1]} '{path[1]}'"
    if len(path) > 2 and path[0] in ("tables", "rules"):
        return f"'{path[-1]}' of {_owner(path[:2])}"
    return f"'{path[-1]}'" if path else "the file"


def _models_at(location: Path, root: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that the mapping at `location` may follow, found by walking their annotations."""
    models: list[type[BaseModel]] = [root]
    for part in location:
        if isinstance(part, str) and _is_tag(part):
            models = [model for model in models if _tag_of(model) == part] or models
            continue
        found = [model for parent in models for model in _field_models(parent, part)]
        models = found or models  # the key of a dict, or an index: the models of the field stay
    return models


def _field_models(model: type[BaseModel], key: str | int) -> Iterator[type[BaseModel]]:
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            yield from _models_in(field.annotation)
            for extra in field.metadata:
                yield from _models_in(extra)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _tag_of(model: type[BaseModel]) -> str:
    if "kind" in model.model_fields:
        return f"<{model.model_fields['kind'].default}>" if not model.model_fields["kind"].is_required() else "<other>"
    return str(getattr(model, "tag", ""))


def _known_keys(location: Path, root: type[BaseModel]) -> set[str]:
    return {field.alias or name for model in _models_at(location, root) for name, field in model.model_fields.items()}


def _fields(location: Path, key: str | int, root: type[BaseModel]) -> Iterator[str]:
    """The descriptions of field `key` of the mapping at `location`, as hints."""
    for model in _models_at(location, root):
        for name, field in model.model_fields.items():
            if (field.alias or name) == key and field.description:
                first = field.description.split(". ")[0].rstrip(".")
                example = f", like {field.examples[0]}" if field.examples else ""
                yield f"{first[0].lower()}{first[1:]}{example}"
