"""The predicted classes of a slice, by the probability that each came with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from lupus.measure.engine import TableEngine
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
    engine: TableEngine, project: Project, prediction: Table, snapshot: Snapshot
) -> Mapping[str, tuple[Floats, Floats]]:
    """(probability ascending, rows) by predicted class; probabilities closer than 1/8192 in log-odds are one."""
    import numpy as np

    truth = project.of_role(Role.GROUND_TRUTH)
    if truth is None:
        return {}
    shape = shape_of(project, prediction, truth, [snapshot], [])
    engine.show(PREDICTIONS, [engine.source(snapshot)], shape.prediction_columns())
    found = engine.arrays(("lupus.measure.estimates.top", shape), partial(_counted, shape))
    classes = np.ma.filled(found["klass"], -1)
    score, rows = floats(found["score"]), floats(found["rows"])
    return {
        name: (score[classes == place], rows[classes == place])
        for place, name in enumerate(shape.classes)
        if (classes == place).any()
    }


def _counted(shape: Shape) -> ibis.Table:
    rows = with_top_score(shape, predictions(shape))
    rows = rows.mutate(cell=cell_of(rows["top"]))
    counted = rows.group_by(["klass", "cell"]).aggregate(score=rows["top"].min(), rows=rows.count())
    return counted.order_by(["klass", "cell"]).select("klass", "score", "rows")
