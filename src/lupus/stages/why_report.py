"""An explanation for people, and as a JSON document for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group, RenderableType
from rich.table import Table

from lupus.model import format_value
from lupus.stages.documents import verdict_json
from lupus.stages.grid import light_table, printable, told
from lupus.stages.report import render
from lupus.stages.why import Why

if TYPE_CHECKING:
    from lupus.measure import Part, Piece, Split

_MOST: Final = 10


@render.register
def _(explained: Why) -> RenderableType:
    unit = explained.series.unit
    lines: list[RenderableType] = [
        printable(f"{explained.series.key.project} {explained.interval.key}: {explained.series.key}", style="bold")
    ]
    if explained.splits:
        split = next(iter(explained.splits.values()))
        compared = f"{explained.baseline[-1].key} to {explained.baseline[0].key}"
        count = len(explained.baseline)
        lines.append(
            printable(
                f"{format_value(split.after, unit)}, {_signed(split.change, unit)} from "
                f"{format_value(split.before, unit)} in {count} comparable interval{'s' * (count > 1)} ({compared})"
            )
        )
    if explained.clause:
        lines.append(printable(explained.clause, style="yellow"))
    lines += [printable(words, style="dim") for words in explained.left_out]
    lines += [_cut(" × ".join(columns), split, unit) for columns, split in explained.splits.items()]
    lines += [printable(problem, style="dim") for problem in explained.problems]
    lines.append(_moved(explained))
    return Group(*lines)


def why_json(explained: Why) -> dict[str, Any]:
    """An explanation as plain JSON values."""
    key = explained.series.key
    return {
        "project": key.project,
        "interval": explained.interval.key,
        "table": key.table,
        "column": key.column,
        "metric": key.metric,
        "segment": key.segment,
        "unit": explained.series.unit,
        "baseline": [interval.key for interval in explained.baseline],
        "clause": explained.clause,
        "splits": [
            {
                "segments": list(columns),
                "before": split.before,
                "after": split.after,
                "change": split.change,
                "mix": split.mix,
                "within": split.within,
                "parts": [_part(part, split) for part in split.parts],
            }
            for columns, split in explained.splits.items()
        ],
        "problems": list(explained.problems),
        "left_out": list(explained.left_out),
        "moved": [verdict_json(verdict) for verdict in explained.moved],
    }


def _part(part: Part, split: Split) -> dict[str, Any]:
    return {
        "segment": part.segment,
        "before": part.before.value if part.before else None,
        "after": part.after.value if part.after else None,
        "share_before": part.share_before,
        "share_after": part.share_after,
        "mix": part.mix,
        "within": part.within,
        "of_change": split.power(part),
    }


def _cut(name: str, split: Split, unit: str) -> Table:
    """The parts with most of the change; the rest in one line, so that all of them are the whole."""
    grid = light_table(
        f"By {name}: mix {_signed(split.mix, unit)}, within {_signed(split.within, unit)}",
        *("segment", "rows before:right", "now:right", "value before:right", "now:right"),
        *("mix:right", "within:right", "of the change:right"),
    )
    for part in split.parts[:_MOST]:
        grid.add_row(
            printable(part.segment),
            format_value(part.share_before, "ratio"),
            format_value(part.share_after, "ratio"),
            printable(_value(part.before, unit)),
            printable(_value(part.after, unit)),
            printable(_signed(part.mix, unit)),
            printable(_signed(part.within, unit)),
            f"{split.power(part):.0%}".replace("%", " %"),
        )
    rest = split.parts[_MOST:]
    if rest:
        mix, within = sum(part.mix for part in rest), sum(part.within for part in rest)
        power = sum(split.power(part) for part in rest)
        numbers = (printable(_signed(mix, unit)), printable(_signed(within, unit)), f"{power:.0%}".replace("%", " %"))
        grid.add_row(f"… and {len(rest):,} more", "", "", "", "", *numbers)
    return grid


def _moved(explained: Why) -> RenderableType:
    if not explained.moved:
        return printable(f"Nothing else was found at {explained.interval.key}.", style="dim")
    grid = light_table("Moved at the same time, the furthest first", "score:right", "what", "finding")
    for verdict in explained.moved[:_MOST]:
        score = "–" if verdict.score is None else f"{verdict.score:.1f}"
        grid.add_row(score, printable(verdict.series.subject), printable(told(verdict)))
    rest = len(explained.moved) - _MOST
    return Group(grid, printable(f"… and {rest:,} more")) if rest > 0 else grid


def _value(piece: Piece | None, unit: str) -> str:
    return format_value(piece.value, unit) if piece else "–"


def _signed(value: float, unit: str) -> str:
    return f"{'+' if value > 0 else ''}{format_value(value, unit)}"
