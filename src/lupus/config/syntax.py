"""What YAML's parser refuses, said to an author."""

from __future__ import annotations

from typing import Final

import yaml

from lupus.model import Problem

# (words of the parser, what to say instead or "" for the parser's own, what to do)
_SAYINGS: Final = (
    ("control characters", "the file holds control characters; it is no text file", "save it as UTF-8"),
    ("another document", "the file holds more than one document", "one file is one project: remove the line ---"),
    ("nested more than", "{what}", "a project needs a handful of levels; check brackets and dashes"),
    ("mapping values are not allowed", "", "put a value that holds ': ' in quotes, and check the indentation"),
    ("cannot start any token", "", "put a value that begins with @, `, % or a tab in quotes"),
    ("expected whitespace or line break", "", "put a value that begins with ! in quotes if it is text"),
    ("undefined alias", "", "a value that begins with * is an alias; put it in quotes if it is text"),
    ("", "", "check the line above too: quotes, brackets, colons and indentation"),
)


def syntax_problem(path: str, text: str, error: yaml.YAMLError) -> Problem:
    """The problem behind PyYAML's `error` about `text`."""
    what: str = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    lines = text.split("\n")
    line, column = _place(text, lines, error)
    indentation = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
    if "\t" in indentation:
        column = indentation.index("\t") + 1
        return Problem(path, line, column, "a tab is not allowed as indentation", "indent with spaces")
    message, hint = next((message, hint) for words, message, hint in _SAYINGS if words in what)
    if not message:
        context = getattr(error, "context", None)
        begun = getattr(error, "context_mark", None)
        if context and begun is not None:
            context += f" (begun on line {begun.line + 1})"
        message = f"this is not YAML: {context}, {{what}}" if context else "this is not YAML: {what}"
    return Problem(path, line, column, message.replace("{what}", what), hint)


def _place(text: str, lines: list[str], error: yaml.YAMLError) -> tuple[int, int]:
    """The line and column of `error`: never the end of the file, where only the beginning helps."""
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if mark is None or (mark.index >= len(text) and begun is not None):
        mark = begun or mark
    if mark is None:  # the reader of characters knows an offset only
        before = text.encode()[: getattr(error, "position", None) or 0].decode(errors="ignore")
        return before.count("\n") + 1, len(before) - before.rfind("\n")
    line = min(mark.line + 1, len(lines))
    return line, min(mark.column, len(lines[line - 1])) + 1
