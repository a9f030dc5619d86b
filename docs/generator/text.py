"""Markdown from texts, and the meanings that only a person can say."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

MEANINGS: Final = tomllib.loads((Path(__file__).parents[1] / "meanings.toml").read_text(encoding="utf-8"))


class IncompleteError(Exception):
    """``meanings.toml`` and the code do not name the same things."""


def head(title: str, origin: str) -> str:
    return f"# {title}\n\n<!-- Written by docs/generate.py from {origin}; `make reference` writes it anew. -->"


def page(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, without the columns that are empty everywhere."""
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows]
    kept = [place for place in range(len(head)) if any(row[place] for row in cells)]
    lines = [[head[place] for place in kept], ["---"] * len(kept), *([row[place] for place in kept] for row in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown(thing: Any) -> str:
    """A docstring as Markdown: examples and indented blocks fenced, double backticks single."""
    blocks = []
    for block in inspect.cleandoc(thing.__doc__ or "").split("\n\n"):
        if block.startswith(">>>"):
            blocks.append(f"```python\n{block}\n```")
        elif block.startswith("    "):
            blocks.append(f"```text\n{inspect.cleandoc(block)}\n```")
        else:
            blocks.append(plain(block))
    return "\n\n".join(blocks)


def plain(text: str) -> str:
    return text.replace("``", "`")


def first_line(thing: Any) -> str:
    return plain(inspect.cleandoc(thing.__doc__ or "").partition("\n")[0])


def sentence(text: str) -> str:
    """The first sentence of a docstring."""
    paragraph = " ".join(plain(text).partition("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) (?=[A-Z`])", paragraph)[0]


def slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def complete(what: str, found: Iterable[str], explained: Iterable[str]) -> None:
    missing, stale = sorted(set(found) - set(explained)), sorted(set(explained) - set(found))
    if missing or stale:
        raise IncompleteError(f"[{what}] lacks {missing or 'nothing'} and has {stale or 'nothing'} in excess")


def yaml_text(value: Any) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
