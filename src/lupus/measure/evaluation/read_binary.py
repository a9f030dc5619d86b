"""From the answer of a binary query to what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lupus.measure.evaluation.answers import Place, sorted_out
from lupus.measure.evaluation.binary import binary_estimates, confusions
from lupus.measure.evaluation.binary_state import BinaryScores
from lupus.measure.evaluation.cells import CODE_OFFSET, CODES, Cells, Side
from lupus.measure.evaluation.metric import Found, by_group
from lupus.measure.evaluation.shape import Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_binary(shape: Shape, arrays: Mapping[str, Any]) -> Iterator[tuple[Place, Found]]:
    """What was found of every interval and segment; only the whole has a State."""
    answers = sorted_out(arrays, len(shape.parts))
    cells, groups = cells_of(shape, arrays, answers.group, answers.take)
    numbers = {group: number for number, group in enumerate(groups.tolist())}
    estimates = list(by_group(binary_estimates(cells))) if numbers else []
    confused = confusions(cells) if numbers else []
    for group, place in enumerate(answers.places):
        if place not in answers.counts:
            continue
        number = numbers.get(group)
        if number is None:
            yield place, Found(answers.counts[place], {})
            continue
        state = BinaryScores.of(cells.group(number), threshold=shape.threshold) if place.part < 0 else None
        yield place, Found(answers.counts[place], estimates[number], confused[number], state)


def cells_of(
    shape: Shape, arrays: Mapping[str, Any], group: NDArray[np.intp], take: NDArray[np.intp]
) -> tuple[Cells, NDArray[np.intp]]:
    """The cells of each of the groups (their numbers come along) that have any, ascending by score."""
    import numpy as np

    cell = np.ma.filled(arrays["cell"], -1)[take]
    order = np.lexsort((cell, group))
    group, cell, take = group[order], cell[order], take[order]
    # Rows of the whole come from several segments and may share a cell.
    first = np.flatnonzero((np.diff(group, prepend=-1) != 0) | (np.diff(cell, prepend=-1) != 0))

    def summed(name: str) -> NDArray[np.float64]:
        values = np.ma.filled(arrays[name], 0)[take].astype(np.float64)
        return np.add.reduceat(values, first) if len(first) else values

    cell, group = cell[first], group[first]
    if shape.cells:
        return _of_codes(shape, cell.astype(np.int64), group, summed)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    rows, positives = summed("n"), summed("positives")
    both = summed("weight") if shape.weight else rows
    cells = Cells.of_scores(
        starts,
        cell,
        both - positives,
        positives,
        threshold=shape.threshold,
        rows=rows,
        squares=summed("squares") if shape.weight else rows,
        positive_squares=summed("positive_squares") if shape.weight else positives,
    )
    return cells, group[starts]


def _of_codes(
    shape: Shape, cell: NDArray[np.int64], group: NDArray[np.intp], summed: Callable[[str], NDArray[np.float64]]
) -> tuple[Cells, NDArray[np.intp]]:
    """Of answers by cell and label: the label is the code's lowest bit."""
    import numpy as np

    label, code = cell % 2, cell // 2
    new = (np.diff(group, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0)
    first, where = np.flatnonzero(new), np.cumsum(new) - 1
    rows = summed("n")
    weight, squares = (summed("weight"), summed("squares")) if shape.weight else (rows, rows)
    columns = (weight, squares, summed("scores"), summed("squared_scores"))
    sides = [
        Side(
            *(
                np.bincount(where, column * (label == one), minlength=len(first)).astype(np.float64)
                for column in columns
            )
        )
        for one in (0, 1)
    ]
    all_rows = np.bincount(where, rows, minlength=len(first)).astype(np.float64)
    group = group[first]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    code = code[first] - CODE_OFFSET * CODES
    return Cells.of_sides(starts, code, rows=all_rows, negative=sides[0], positive=sides[1]), group[starts]
