"""A YAML document as plain values that remember where they stand.

Values are built once; positions are looked up only when there is a problem to report, so a good file costs
little more than its parse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lupus.config.scalars import Scalar, ScalarError, expand, plain_scalar
from lupus.model import Problem

Path = tuple[str | int, ...]

MAX_BYTES: Final = 1 << 20
_MAX_DEPTH: Final = 32
_MAX_VALUES: Final = 20_000  # counted after aliases are followed: an alias bomb ends here
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})


class _Loader(_PARSER):  # type: ignore[misc]
    """The C parser up to nodes; meaning is given by `lupus.config.scalars`, not by YAML 1.1's resolver."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.depth = 0

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:  # noqa: ARG002 - the parser's signature
        return ""

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:  # noqa: ARG002
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            mark = getattr(current_node, "start_mark", None)
            raise yaml.composer.ComposerError(None, None, f"values are nested more than {_MAX_DEPTH} deep", mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class _TooLargeError(Exception):
    """Following the aliases gives more values than a project file can need."""


@dataclass(slots=True)
class Document:
    """The `values` of one file, its `problems` so far, and `variables`: the raw text wherever ``${...}`` stands.

    `spoilt` are the paths of values that are already reported and only stand for something.
    """

    path: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    spoilt: set[Path] = field(default_factory=set)
    root: Node | None = None
    _environ: Mapping[str, str] = field(default_factory=dict)
    _count: int = 0

    def report(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Add a problem at the value of `path` (or at its key); where it is absent, at what would hold it."""
        line, column = self._position(path, at_key=at_key)
        self._add(line, column, message, hint)

    def is_spoilt(self, path: Path) -> bool:
        """Whether `path`, or what holds it, has been reported already."""
        return any(path[:length] in self.spoilt for length in range(len(path) + 1))

    def is_secret(self, path: Path) -> bool:
        """Whether the value at `path`, or a part of it, came from the environment."""
        return any(known[: len(path)] == path or path[: len(known)] == known for known in self.variables)

    def shown(self, path: Path, value: object) -> str:
        """`value` for a message: never what a variable resolved to."""
        if self.is_secret(path):
            return f"the value of {self.variables[path]}" if path in self.variables else "a value from the environment"
        text = repr(value) if isinstance(value, str) else str(value)
        return text if len(text) <= 80 else text[:77] + "..."

    def _add(self, line: int, column: int, message: str, hint: str) -> None:
        problem = Problem(self.path, line, column, message, hint)
        if problem not in self.problems:  # an aliased value is visited once per alias
            self.problems.append(problem)

    def _position(self, path: Path, *, at_key: bool) -> tuple[int, int]:
        key: Node | None = None
        node = self.root
        for part in path:
            pair = _child(node, part)
            if pair is None:
                break
            key, node = pair
        place = key if at_key and key is not None else node
        return (place.start_mark.line + 1, place.start_mark.column + 1) if place is not None else (0, 0)

    def _value(self, node: Node, path: Path) -> Any:
        self._count += 1
        if self._count > _MAX_VALUES or len(path) > _MAX_DEPTH:
            raise _TooLargeError
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag not in ("", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self._spoil(node, path, f"the tag {node.tag} is not supported", "remove it")
        if isinstance(node, SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: Node, path: Path, merges: int = 0) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[Node] = []
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._spoil(key_node, path, "a key must be text", "put a plain word before the colon")
                continue
            key = key_node.value
            if key == "<<" and not key_node.style:
                merged.extend(value_node.value if isinstance(value_node, SequenceNode) else [value_node])
                continue
            if key in lines:
                self._spoil(
                    key_node, (*path, key), f"the key {key!r} stands twice", f"it is first on line {lines[key]}"
                )
                continue
            lines[key] = key_node.start_mark.line + 1
            values[key] = self._value(value_node, (*path, key))
        for source in merged:
            if not isinstance(source, MappingNode):
                self._spoil(source, path, "'<<' merges mappings only", "give it an alias of a mapping: <<: *name")
                continue
            self._count += 1
            if self._count > _MAX_VALUES or merges > _MAX_DEPTH:
                raise _TooLargeError
            pairs = [
                pair for pair in source.value if not isinstance(pair[0], ScalarNode) or pair[0].value not in values
            ]
            values.update(self._mapping(MappingNode(source.tag, pairs), path, merges + 1))
        return values

    def _scalar(self, node: ScalarNode, path: Path) -> Scalar:
        text = node.value
        if node.tag and node.tag not in _TEXT_TAGS:
            self._spoil(node, path, f"the tag {node.tag} is not supported", "remove it")
            return str(text)
        if "${" in text:
            return self._expanded(node, path)
        if node.style or node.tag:
            return str(text)
        try:
            return plain_scalar(text)
        except ScalarError as error:
            self._spoil(node, path, str(error), error.hint)
            return str(text)

    def _expanded(self, node: ScalarNode, path: Path) -> str:
        expansion = expand(node.value, self._environ)
        if expansion.variables:
            self.variables[path] = node.value
        for fragment, nth, message, hint in expansion.faults:
            index = node.start_mark.index - 1
            for _ in range(nth + 1):
                index = self.text.find(fragment, index + 1, node.end_mark.index)
                if index < 0:  # written with escapes or folded: the scalar's own place has to do
                    index = node.start_mark.index
                    break
            before = self.text[:index]
            self._add(before.count("\n") + 1, index - before.rfind("\n"), message, hint)
            self.spoilt.add(path)
        return expansion.text

    def _spoil(self, node: Node, path: Path, message: str, hint: str) -> None:
        self._add(node.start_mark.line + 1, node.start_mark.column + 1, message, hint)
        self.spoilt.add(path)


def read_document(path: str, text: str, environ: Mapping[str, str]) -> Document:
    """The document in `text`. What is wrong with it as YAML is in its `problems`; without a `root` it is unusable."""
    document = Document(path, text, _environ=environ)
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(path, text, error))
        return document
    finally:
        if loader is not None:
            loader.dispose()
    if root is None:
        hint = "a project needs at least project, start and tables"
        document.problems.append(Problem(path, 1, 1, "the file is empty", hint))
    elif not isinstance(root, MappingNode):
        kind = "a list" if isinstance(root, SequenceNode) else "text"
        line, column = root.start_mark.line + 1, root.start_mark.column + 1
        hint = "write key: value lines, beginning with project: <name>"
        document.problems.append(Problem(path, line, column, f"a project file is a mapping, this is {kind}", hint))
    else:
        try:
            document.values = document._value(root, ())
            document.root = root
        except _TooLargeError:
            hint = "an alias repeats or contains itself; write the values out"
            document.problems = [Problem(path, 1, 1, f"more than {_MAX_VALUES} values, or nested too deep", hint)]
    return document


def _child(node: Node | None, part: str | int) -> tuple[Node, Node] | None:
    """The (key, value) nodes of `part` in `node`, through merges; a list item is its own key."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if not isinstance(node, MappingNode):
        return None
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value == part:
            return key, value
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value == "<<":
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                found = _child(source, part) if source is not node else None
                if found is not None:
                    return found
    return None


def _syntax_problem(path: str, text: str, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    if mark is not None:
        line, column = mark.line + 1, mark.column + 1
    else:  # the reader of characters knows an offset only
        position = getattr(error, "position", None) or 0
        before = text.encode()[:position].decode(errors="ignore")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    lines = text.split("\n")
    shown = lines[line - 1] if line <= len(lines) else ""
    if "control characters" in what:
        return Problem(path, line, column, "the file holds control characters; it is no text file", "save it as UTF-8")
    if "\t" in shown[: len(shown) - len(shown.lstrip())]:
        column = shown.index("\t") + 1
        return Problem(path, line, column, "a tab is not allowed as indentation", "indent with spaces")
    hint = "check the line above too: quotes, brackets, colons and indentation"
    if "mapping values are not allowed" in what:
        hint = "put a value that holds ': ' in quotes, and check the indentation"
    elif "single document" in what:
        what, hint = "the file holds more than one document", "one file is one project: remove the line ---"
    elif "cannot start any token" in what:
        hint = "put a value that begins with @, `, % or a tab in quotes"
    elif "undefined alias" in what:
        hint = "a value that begins with * is an alias; put it in quotes if it is text"
    context = getattr(error, "context", None)
    return Problem(path, line, column, "this is not YAML: " + (f"{context}, {what}" if context else what), hint)
