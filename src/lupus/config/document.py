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
from lupus.config.syntax import syntax_problem
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
    """Following the aliases gives more values than a project file can need; the argument is the path in hand."""


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
        text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
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
            raise _TooLargeError(path)
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag not in ("", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self._at(node, f"the tag {_short(node.tag)} is not supported", "remove it")
        if isinstance(node, SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: Node, path: Path, merges: int = 0) -> dict[str, Any]:
        values: dict[str, Any] = {}
        merged: list[Node] = []
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._at(key_node, "a key must be text", "put a plain word before the colon")
                continue
            key = key_node.value
            if key == "<<" and not key_node.style:
                merged.extend(value_node.value if isinstance(value_node, SequenceNode) else [value_node])
                continue
            if key in lines:
                self._at(key_node, f"the key {key!r} stands twice", f"it is first on line {lines[key]}")
                continue
            lines[key] = key_node.start_mark.line + 1
            values[key] = self._value(value_node, (*path, key))
        for source in merged:
            if not isinstance(source, MappingNode):
                self._at(source, "'<<' merges mappings only", "give it an alias of a mapping: <<: *name")
                continue
            self._count += 1
            if self._count > _MAX_VALUES or merges > _MAX_DEPTH:
                raise _TooLargeError(path)
            pairs = [
                pair for pair in source.value if not isinstance(pair[0], ScalarNode) or pair[0].value not in values
            ]
            values.update(self._mapping(MappingNode(source.tag, pairs), path, merges + 1))
        return values

    def _scalar(self, node: ScalarNode, path: Path) -> Scalar:
        text = node.value
        if node.tag and node.tag not in _TEXT_TAGS:
            hint = "put it in quotes if it is text" if node.tag.startswith("!") else "remove it"
            self._spoil(node, path, f"the tag {_short(node.tag)} is not supported", hint)
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
        self._at(node, message, hint)
        self.spoilt.add(path)

    def _at(self, node: Node, message: str, hint: str) -> None:
        self._add(node.start_mark.line + 1, node.start_mark.column + 1, message, hint)


def compose(text: str) -> Node | None:
    """The nodes of the one document in `text`, None when it is empty. Raises `yaml.YAMLError`."""
    loader = None
    try:
        loader = _Loader(text)
        root: Node | None = loader.get_single_node()
        return root
    finally:
        if loader is not None:
            loader.dispose()


def read_document(path: str, text: str, environ: Mapping[str, str]) -> Document:
    """The document in `text`. What is wrong with it as YAML is in its `problems`; without a `root` it is unusable."""
    document = Document(path, text, _environ=environ)
    try:
        root = compose(text)
    except yaml.YAMLError as error:
        document.problems.append(syntax_problem(path, text, error))
        return document
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
            document.root = root
            document.values = document._value(root, ())
        except _TooLargeError as error:
            line, column = document._position(error.args[0][:1], at_key=True)
            document.root = None
            message = f"with its aliases followed, the file has more than {_MAX_VALUES:,} values or is nested too deep"
            hint = "an alias must not contain itself; write repeated values out"
            document.problems = [Problem(path, line, column, message, hint)]
    return document


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


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
