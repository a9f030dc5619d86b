"""The report: Markdown tables, the same on the terminal and in the documentation."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence

from accuracy import Accuracy
from limits import Outcome
from race import Options, Result, disagreements
from sections import Race

HEADINGS = {
    "profile": "Profile of {rows} rows × 20 columns",
    "drift": "Drift of {rows} rows against {rows}",
    "evaluation": "Evaluation of {rows} predictions joined with {rows} labels, 20 segments",
    "wide": "{rows} rows × 1,000 columns",
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns padded so that it reads on a terminal too; all but the first column right."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    rule = [("-" * width if not place else "-" * (width - 1) + ":") for place, width in enumerate(widths)]
    lines = []
    for row in [cells[0], rule, *cells[1:]]:
        padded = [
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)


def number(value: float, unit: str = "") -> str:
    """Three significant digits: ``3.14×``, ``120×``, ``1,204 MB``."""
    if math.isnan(value):
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{unit}"


def limit_table(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for one in outcomes:
        limit, sign = one.limit, "≤ " if one.limit.most else "≥ "
        rows.append((
            limit.what, f"{one.rows:,}", number(one.value, limit.unit), number(one.cpu, limit.unit),
            f"{sign}{limit.must:g}{limit.unit}", f"{sign}{limit.aim:g}{limit.unit}" if limit.aim else "",
            one.says,
        ))  # fmt: skip
    return table(("what", "rows", "measured", "by CPU seconds", "must", "aim", "holds"), rows)


def race_table(race: Race) -> str:
    ours = race.results.get("lupus", Result()).seconds
    rows, notes = [], []
    wrong = disagreements(race.results, "lupus") if race.results.get("lupus", Result()).answer else {}
    for name, result in race.results.items():
        rows.append((
            name, number(result.seconds), number(result.cpu_seconds), number(result.megabytes),
            number(result.seconds / ours), str(len(result.wall)),
        ))  # fmt: skip
        if result.failure:
            notes.append(f"- {name}: {result.failure}")
        if name in wrong:
            notes.append(f"- {name} answers differently: {wrong[name]}")
    heading = "### " + HEADINGS[race.section].format(rows=f"{race.rows:,}")
    shown = table(("contender", "seconds", "CPU seconds", "peak MB", "times ours", "runs"), rows)
    return "\n\n".join([heading, shown, *(["\n".join(notes)] if notes else [])])


def accuracy_table(found: Sequence[Accuracy]) -> str:
    rows = [(one.what, f"{one.error:.2g}", f"≤ {one.limit:g}", "yes" if one.holds else "**no**") for one in found]
    return table(("what", "error", "must", "holds"), rows)


def machine(options: Options, load: float, versions: Sequence[str]) -> str:
    """What it was measured on; `load` is the load average before it began."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, Python {platform.python_version()}; "
        f"{options.threads} threads each, medians of {options.repeats} runs by turns (fewer where shown); "
        f"load average at the start {load:.1f}. {', '.join(versions)}."
    )


def report(about: str, races: Sequence[Race], outcomes: Sequence[Outcome], accuracy: Sequence[Accuracy]) -> str:
    parts = [about]
    if outcomes:
        parts += ["### What must hold", limit_table(outcomes)]
    if accuracy:
        parts += ["### Accuracy", accuracy_table(accuracy)]
    parts += [race_table(race) for race in races]
    return "\n\n".join(parts) + "\n"
