"""The one look of tables and text, in task logs and on the command line."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from lupus.model import Verdict


def light_table(title: str, *columns: str) -> Table:
    """A table without walls. A column's name may end in ``:right`` (for numbers) or ``!`` (never broken)."""
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        name, _, justify = column.removesuffix("!").partition(":")
        whole = column.endswith("!") or bool(justify)
        table.add_column(name, justify="right" if justify else "left", overflow="fold", no_wrap=whole)
    return table


def told(verdict: Verdict) -> str:
    """The verdict's sentence, and what made most of an anomaly."""
    return "; ".join(part for part in (verdict.sentence, verdict.why) if part)


def printable(text: str, style: str = "") -> Text:
    r"""`text` that may come from data or YAML: never read as rich's markup, and without power over the terminal.

    >>> printable("a[red]b\x1b[31m").plain
    'a[red]b�[31m'
    """
    return Text("".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text), style=style)
