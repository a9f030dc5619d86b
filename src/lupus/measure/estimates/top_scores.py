"""The predicted classes of a slice, by the probability that each came with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lupus.measure.engine import TableEngine
from lupus.measure.estimates.segments import Parts, by_segment, counted
from lupus.measure.estimates.slices import cell_of, floats
from lupus.measure.evaluation.rows import predictions
from lupus.measure.evaluation.shape import PREDICTIONS, Shape, shape_of
from lupus.measure.evaluation.top_labels import with_top_score
from lupus.model import Project, Role, Snapshot, Table

if TYPE_CHECKING:
    import ibis
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def top_scores_of(
    engine: TableEngine,
    project: Project,
    prediction: Table,
    snapshot: Snapshot,
    segments: Sequence[Sequence[str]] = (),
) -> dict[str, Mapping[str, tuple[Floats, Floats]]]:
    """(probability ascending, rows) by predicted class; probabilities closer than 1/8192 in log-odds are one.

    By segment, of the whole and of all `segments`, which are named by one or two columns each.
    """
    import numpy as np

    truth = project.of_role(Role.GROUND_TRUTH)
    if truth is None:
        return {}
    shape = replace(shape_of(project, prediction, truth, [snapshot], []), parts=())
    names = [name for name, _ in shape.columns]
    parts = tuple(tuple(map(names.index, one)) for one in segments)
    engine.show(PREDICTIONS, [engine.source(snapshot)], shape.prediction_columns())
    found = engine.arrays(("lupus.measure.estimates.top", shape, parts), partial(_counted, shape, parts))
    classes = np.ma.filled(found["klass"], -1)
    score, rows = floats(found["score"]), floats(found["rows"])

    def by_class(where: Any) -> Mapping[str, tuple[Floats, Floats]]:
        own = ((name, where[classes[where] == place]) for place, name in enumerate(shape.classes))
        return {name: (score[at], rows[at]) for name, at in own if len(at)}

    return {segment: by_class(where) for segment, where in by_segment(found, segments).items()}


def _counted(shape: Shape, parts: Parts) -> ibis.Table:
    rows = with_top_score(shape, predictions(shape))
    return counted(rows.mutate(cell=cell_of(rows["top"]), score=rows["top"]), parts, "klass")
