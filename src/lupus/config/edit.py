"""One rule changed in the text of a project file, and nothing else: comments, order and layout stay the author's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from lupus.config.build import rules_of
from lupus.config.document import compose, read_document
from lupus.config.dump import flow
from lupus.config.rules import RULE_MODELS, Rules
from lupus.model import RuleSpec

_RULES: Any = TypeAdapter(Rules)


def with_rule(text: str, before: RuleSpec, after: RuleSpec) -> str | None:
    """`text` with what differs between the two versions of a rule; a rule that only the defaults have is written down.

    None where the file cannot be changed in place, as when the rule comes through an alias. What is returned was
    read again and says `after`, and of every other rule what `text` says.
    """
    root = compose(text)
    if not isinstance(root, MappingNode):
        return None
    try:
        changed = _changed(text, root, before, after)
    except yaml.YAMLError:
        return None
    if changed is None:
        return None
    was, now = _read(text), _read(changed)
    return changed if was is not None and now == {**was, after.name: after} else None


def _changed(text: str, root: MappingNode, before: RuleSpec, after: RuleSpec) -> str | None:
    rules = _child(root, "rules")
    if rules is None:
        return _inserted(text, root, {"rules": {after.name: _shortest(after)}})
    if not isinstance(rules, MappingNode):
        return None
    rule = _child(rules, after.name)
    if rule is None:
        return _inserted(text, rules, {after.name: _shortest(after)})
    if not isinstance(rule, MappingNode):
        return None
    for name, value in _differences(before, after).items():
        node = _child(rule, name)
        if node is None:
            text = _inserted(text, rule, {name: value})
        else:
            text = text[: node.start_mark.index] + flow({name: value})[len(name) + 3 : -1] + text[_end(node)[0] :]
        rule = _child(_child(compose(text), "rules"), after.name)
        if not isinstance(rule, MappingNode):
            return None
    return text


def _read(text: str) -> dict[str, RuleSpec] | None:
    values = read_document("", text, {}).values.get("rules", {})
    try:
        return {one.name: one for one in rules_of(_RULES.validate_python(values))}
    except ValidationError:
        return None


def _differences(before: RuleSpec, after: RuleSpec) -> dict[str, Any]:
    found = {name: value for name, value in after.parameters.items() if before.parameters.get(name) != value}
    if after.severity is not None and after.severity is not before.severity:
        found["severity"] = after.severity.value
    return found


def _shortest(rule: RuleSpec) -> dict[str, Any]:
    """What a file has to say of a rule whose series are those of a default rule: what the kind's defaults do not."""
    model = RULE_MODELS.get(rule.kind)
    kind = {} if rule.name == rule.kind else {"kind": rule.kind}
    severity = {} if rule.severity is None else {"severity": rule.severity.value}
    defaults: Mapping[str, Any] = {} if model is None else {n: f.default for n, f in model.model_fields.items()}
    said = {name: value for name, value in rule.parameters.items() if name not in defaults or defaults[name] != value}
    return {**kind, **severity, **said}


def _child(node: Node | None, name: str) -> Node | None:
    """The value of a key that stands in this very mapping: not in what is merged into it."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value == name:
                found: Node = value
                return found
    return None


def _inserted(text: str, mapping: MappingNode, item: Mapping[str, Any]) -> str:
    """`text` with one more item at the end of `mapping`: on a line of its own, or before a closing brace."""
    (name, value), *_ = item.items()
    said = flow({name: value})[1:-1]
    if mapping.flow_style:
        at, _ = _end(mapping.value[-1][1]) if mapping.value else (mapping.end_mark.index - 1, 0)
        return f"{text[:at]}{', ' if mapping.value else ''}{said}{text[at:]}"
    indent = " " * mapping.value[0][0].start_mark.column
    if isinstance(value, Mapping) and name == "rules":
        (rule, body), *_ = value.items()
        said = f"rules:\n{indent}  {flow({rule: body})[1:-1]}"
    lines = text.splitlines(keepends=True)
    place = min(_end(mapping)[1] + 1, len(lines))
    if not lines[place - 1].endswith("\n"):
        lines[place - 1] += "\n"
    lines.insert(place, f"{indent}{said}\n")
    return "".join(lines)


def _end(node: Node) -> tuple[int, int]:
    """Where the text of `node` ends, as character and as line: without the comments and empty lines behind it."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, MappingNode) else last)
    mark = node.end_mark
    block = isinstance(node, ScalarNode) and node.style in ("|", ">")
    return mark.index, mark.line - 1 if block and mark.column == 0 else mark.line
