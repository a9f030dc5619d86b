"""The pages of words, of public Python names, and of the rooms of the code."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from generator.text import MEANINGS, complete, first_line, head, markdown, page, plain, sentence, table

ROOMS: Final = ("config", "extract", "validate", "measure", "judge", "act", "store", "stages", "airflow")


def words() -> str:
    """Every enumeration of the nouns, member by member."""
    import lupus.model

    enums = {
        name: value
        for name in lupus.model.__all__
        if isinstance(value := getattr(lupus.model, name), type) and issubclass(value, Enum)
    }
    complete("words", enums, MEANINGS["words"])
    parts = [head("Words", "the enumerations of lupus.model"), "What the words in tables, JSON and messages mean."]
    for name, enum in enums.items():
        complete(f"words.{name}", enum.__members__, MEANINGS["words"][name])
        rows = [(f"`{one.value}`", MEANINGS["words"][name][one.name]) for one in enum]
        parts += [f"## {name}", first_line(enum), table(("word", "meaning"), rows)]
    return page(parts)


def python() -> str:
    """`lupus` and `lupus.model`, name by name."""
    parts = [head("Python", "the docstrings of lupus and lupus.model")]
    for module_name in ("lupus", "lupus.model"):
        module = importlib.import_module(module_name)
        parts += [f"## {module_name}", markdown(module) if module_name == "lupus" else first_line(module)]
        for name in sorted(module.__all__, key=str.lower):
            parts += [f"### {name}", *_entry(module, name)]
    return page(parts)


def rooms() -> str:
    """The public names of the other rooms, a line each."""
    parts = [
        head("Rooms", "the docstrings of src/lupus"),
        "For those who extend Lupus, or work on it. Programs use [`lupus` and `lupus.model`](python.md) and the "
        "[extension points](../how-to/write-an-extension.md).",
    ]
    for room in ROOMS:
        module = importlib.import_module(f"lupus.{room}")
        names = sorted(module.__all__, key=str.lower)
        rows = [(f"`{name}`", sentence(_said(module, name))) for name in names]
        parts += [f"## lupus.{room}", first_line(module), table(("name", "what"), rows)]
    return page(parts)


def _entry(module: Any, name: str) -> list[str]:
    thing = getattr(module, name)
    if isinstance(thing, type) and issubclass(thing, Enum):
        listed = " ".join(f"`{one.value}`" for one in thing)
        return [first_line(thing), f"{listed}: see [Words](words.md#{name.lower()})."]
    if isinstance(thing, type) and dataclasses.is_dataclass(thing):
        lines = [f"    {one.name}: {one.type}{_field_default(one)}" for one in dataclasses.fields(thing)]
        methods = [
            f"    def {label}{_signature(member)}" for label, member in vars(thing).items() if _is_method(label, member)
        ]
        text = "\n".join([f"class {name}:", *lines, *methods])
        return [f"```python\n{text}\n```", markdown(thing)]
    if isinstance(thing, type):
        bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
        return [f"```python\nclass {name}({bases})\n```", markdown(thing)]
    thing = inspect.unwrap(thing) if callable(thing) else thing  # a function that remembers its answers is one too
    if callable(thing) and hasattr(thing, "__code__"):
        return [f"```python\n{name}{_signature(thing)}\n```", markdown(thing)]
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
                return plain(inspect.cleandoc(str(text.value.value)))
    return ""
