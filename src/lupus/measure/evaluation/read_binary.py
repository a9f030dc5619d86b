"""From the answer of a binary query to what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lupus.measure.evaluation.answers import Place, sorted_out
from lupus.measure.evaluation.binary import binary_estimates, confusions
from lupus.measure.evaluation.binary_state import BinaryScores
from lupus.measure.evaluation.cells import CODE_OFFSET, CODES, Cells
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
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    rows, positives = summed("n"), summed("positives")
    both = summed("weight") if shape.weight else rows
    squares = summed("squares") if shape.weight else rows
    positive_squares = summed("positive_squares") if shape.weight else positives
    if not shape.cells:
        cells = Cells.of_scores(
            starts,
            cell,
            both - positives,
            positives,
            threshold=shape.threshold,
            rows=rows,
            squares=squares,
            positive_squares=positive_squares,
        )
        return cells, group[starts]
    cells = Cells.of_sums(
        starts,
        cell - CODE_OFFSET * CODES,
        rows=rows,
        both=both,
        positives=positives,
        squares=squares,
        positive_squares=positive_squares,
        scores=summed("scores"),
        positive_scores=summed("positive_scores"),
        squared_scores=summed("squared_scores"),
        loss=summed("loss"),
    )
    return cells, group[starts]
