"""From slices to models of the reference, and from these to metric points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lupus.measure.columns import Kind, is_binary, kind_of
from lupus.measure.engine import Engine, TableEngine
from lupus.measure.estimates import binary, loss, multiclass
from lupus.measure.estimates.binary import expected_moments, expected_performance
from lupus.measure.estimates.calibration import Calibration
from lupus.measure.estimates.concept import CONCEPT_DRIFT, ConceptModel
from lupus.measure.estimates.loss import LossModel
from lupus.measure.estimates.metric import Estimate, EstimateMetric, between
from lupus.measure.estimates.multiclass import TopLabelModel
from lupus.measure.estimates.points import ConceptChange, Expected
from lupus.measure.estimates.rows import Joined, bands_for, join_for, joined_rows
from lupus.measure.estimates.segments import columns_in, followed, large_segments, least_rows
from lupus.measure.estimates.slices import CountedScores, Feature, Slices, scores_of
from lupus.measure.estimates.top_scores import top_scores_of
from lupus.measure.evaluation import BinaryScores, ConfusionMatrix, TopLabels
from lupus.measure.metrics import wanted
from lupus.model import WHOLE, Failure, FailureKind, Interval, Project, Role, Snapshot, Table, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REFERENCE_ROWS: Final = 50_000
"""Labelled rows of the reference that a model is fitted on, at most."""
CURRENT_ROWS: Final = 100_000
"""Rows of an interval that a fitted model looks at, at most."""


@dataclass(frozen=True, slots=True)
class ProductSlices:
    """Slices of the predictions, and of the same intervals the data (if its key fits); and labels of any intervals."""

    predictions: Slices
    data: Slices | None = None
    labels: Slices | None = None


def estimate_metrics(project: Project) -> tuple[EstimateMetric, ...]:
    """The estimated metrics that the project's task has and its policy wants."""
    own: dict[Task, tuple[EstimateMetric, ...]] = {Task.BINARY_CLASSIFICATION: binary.METRICS}
    if not _stays(project):
        own[Task.REGRESSION] = loss.METRICS
    prediction = project.of_role(Role.PREDICTION)
    if prediction is not None and prediction.scores:
        own[Task.MULTICLASS_CLASSIFICATION] = multiclass.METRICS
    found = own.get(project.task, ()) if project.task is not None and project.metrics.estimates.performance else ()
    return tuple(metric for metric in found if wanted(metric.name, project.metrics))


def wants_concept_drift(project: Project) -> bool:
    """Whether the project has concept drift measured."""
    known = project.task in (Task.BINARY_CLASSIFICATION, Task.REGRESSION)
    asked = project.metrics.estimates.concept_drift and wanted(CONCEPT_DRIFT.name, project.metrics)
    return known and asked and not _stays(project)


def _stays(project: Project) -> bool:
    """Whether predictions stay in their database: no model is fitted then, for which rows would have to leave it."""
    prediction = project.of_role(Role.PREDICTION)
    return prediction is not None and prediction.in_place


def unusable(table: Table, snapshot: Snapshot | None) -> Failure | None:
    """Why nothing can be said of the predictions in `snapshot`, or None."""
    if snapshot is None or not snapshot.usable or not snapshot.rows:
        reason = snapshot.reason if snapshot is not None else ""
        return Failure(FailureKind.NO_DATA, reason or "there are no predictions")
    types = dict(snapshot.schema)
    if table.scores:
        if not any(column in types and kind_of(types[column]).numeric for _, column in table.scores):
            return Failure(FailureKind.MISSING_COLUMN, "no column of a class's probability is in the predictions")
        return None
    if not table.score or table.score not in types:
        return Failure(FailureKind.MISSING_COLUMN, f"the score column {table.score!r} is not in the predictions")
    kind = kind_of(types[table.score])
    if not (kind.numeric or kind is Kind.BOOLEAN):
        return Failure(FailureKind.WRONG_TYPE, f"the score column {table.score!r} holds {kind}, not numbers")
    return None


def calibrated(states: Sequence[BinaryScores], *, least: int, threshold: float) -> Calibration | Failure:
    """The calibration map of labels by score, an interval's in each state; a failure with fewer than `least` labels."""
    import numpy as np

    cells = [state.cells_of_scores() if state.cells else None for state in states]
    parts = [state.by_score(own) for state, own in zip(states, cells, strict=True)]
    score, negatives, positives = (np.concatenate([part[n] for part in parts] or [np.zeros(0)]) for n in range(3))
    order = np.argsort(score, kind="stable")
    score, negatives, positives = score[order], negatives[order], positives[order]
    labels = int(np.sum(negatives) + np.sum(positives))
    if labels < least:
        return too_few(labels, least)
    calibration = Calibration.fitted(score, negatives, positives)
    errors: dict[str, list[tuple[float, float]]] = {}
    for state, own, (score, negatives, positives) in zip(states, cells, parts, strict=True):
        expected = expected_moments(score, negatives + positives, calibration, threshold=threshold)
        for name, value in state.metrics(own).items():
            if name in expected:
                errors.setdefault(name, []).append((value - expected[name][0], expected[name][1]))
    varying = {
        name: between([error for error, _ in pairs], [own for _, own in pairs]) for name, pairs in errors.items()
    }
    return replace(calibration, between=varying)


def counted_scores(project: Project, predictions: Slices, *, engine: TableEngine) -> CountedScores:
    """How often each score stands in one slice, by segment: what `expected_of_scores` looks at."""
    return scores_of(engine, predictions, _followed(project, predictions))


def expected_of_scores(project: Project, scores: CountedScores, calibration: Calibration) -> dict[str, Expected]:
    """The performance to be expected of one slice's scores, by segment, the whole first."""
    least, threshold = least_rows(project), project.metrics.threshold
    found = {}
    for segment, (score, rows) in scores.items():
        n = int(rows.sum())
        if segment == WHOLE or n >= least:
            found[segment] = Expected(expected_performance(score, rows, calibration, threshold=threshold), n)
    return found


def _followed(project: Project, predictions: Slices) -> tuple[tuple[str, ...], ...]:
    """The segmentations in which estimates are followed."""
    return followed(project, [metric.name for metric in estimate_metrics(project)], predictions.kinds())


def top_label_model(
    tops: Sequence[TopLabels], matrices: Sequence[ConfusionMatrix], *, least: int
) -> TopLabelModel | Failure:
    """What a reference says of a multiclass model, an interval's States in each; a failure with too few labels."""
    labels = sum(scores.n for top in tops for scores in top.classes.values())
    return too_few(labels, least) if labels < least else TopLabelModel.fitted(tops, matrices)


def expected_of_classes(
    project: Project, prediction: Table, snapshot: Snapshot, model: TopLabelModel, *, engine: TableEngine
) -> dict[str, Expected]:
    """The performance to be expected of one slice's predicted classes, by segment, the whole first."""
    parts = _followed(project, Slices(prediction, (snapshot,)))
    found = {}
    for segment, scores in top_scores_of(engine, project, prediction, snapshot, parts).items():
        n = int(sum(float(rows.sum()) for _, rows in scores.values()))
        if segment == WHOLE or n >= least_rows(project):
            found[segment] = Expected(model.estimates(scores), n)
    return found


def expected_of_numbers(
    project: Project, slices: ProductSlices, model: LossModel, *, engine: Engine
) -> dict[str, Expected]:
    """The performance to be expected of one slice's predicted numbers, by segment, the whole first."""
    parts = _followed(project, slices.predictions)
    joined = unlabelled_rows(project, slices, engine=engine, by=columns_in(parts))
    rows = joined.columns
    found = {WHOLE: Expected(model.estimates(rows), rows.rows)}
    for segment, where in large_segments(parts, joined.segment_columns, least=least_rows(project)).items():
        found[segment] = Expected(model.estimates(rows.taken(where)), len(where))
    return found


def labelled_rows(
    project: Project,
    slices: ProductSlices,
    windows: Mapping[Interval, tuple[Interval, Interval]],
    *,
    engine: Engine,
    limit: int = REFERENCE_ROWS,
) -> Joined | Failure:
    """Predictions with their features and labels: of each interval those that arrived in its window.

    With them are the columns of the segments in which concept drift is followed.
    """
    labels = slices.labels
    if labels is None or not labels.snapshots:
        return Failure(FailureKind.NO_LABELS, "no labels have arrived yet")
    bands = bands_for(slices.predictions, labels, windows)
    wanted_in = [CONCEPT_DRIFT.name] if wants_concept_drift(project) else []
    by = columns_in(followed(project, wanted_in, slices.predictions.kinds()))
    return _rows(project, slices, bands, engine=engine, limit=limit, by=by)


def unlabelled_rows(project: Project, slices: ProductSlices, *, engine: Engine, by: Sequence[str] = ()) -> Joined:
    """Predictions with their features, and with the segment columns `by`, whether they are features or not."""
    return _rows(project, slices, (), engine=engine, limit=CURRENT_ROWS, by=by)


def _rows(
    project: Project,
    slices: ProductSlices,
    bands: Sequence[tuple[int, int, int]],
    *,
    engine: Engine,
    limit: int,
    by: Sequence[str],
) -> Joined:
    predictions, data = slices.predictions, slices.data
    truth = project.of_role(Role.GROUND_TRUTH)
    hidden = (predictions.table.score, truth.label if truth is not None else "")
    patterns = project.metrics.estimates.features
    own: tuple[Feature, ...] = predictions.features(patterns, without=hidden)
    names = (*hidden, *(one.name for one in own))
    others = data.features(patterns, without=names) if data is not None else ()
    labels = slices.labels if bands else None
    known = is_binary(project)
    join = join_for(predictions, data, labels, (own, others), binary=known, bands=bands, limit=limit, by=by)
    return joined_rows(engine, join, predictions, data, labels)


def loss_model(project: Project, rows: Joined | Failure) -> LossModel | Failure:
    """The model of the errors' size on labelled rows."""
    least = project.metrics.estimates.min_labels
    if isinstance(rows, Failure) or len(rows.label) < least:
        return too_few(0 if isinstance(rows, Failure) else len(rows.label), least)
    rare = project.metrics.min_category_rows
    return LossModel.fitted(rows.columns, rows.prediction, rows.label, interval=rows.slice, least=rare)


def concept_model(project: Project, rows: Joined | Failure) -> ConceptModel | Failure:
    """The model of the labels on labelled rows."""
    least = project.metrics.estimates.min_labels
    if isinstance(rows, Failure) or len(rows.label) < least:
        return too_few(0 if isinstance(rows, Failure) else len(rows.label), least)
    known, rare = is_binary(project), project.metrics.min_category_rows
    segments = _concept_segments(project, rows)
    return ConceptModel.fitted(rows.columns, rows.prediction, rows.label, binary=known, least=rare, segments=segments)


def concept_drift(project: Project, model: ConceptModel, rows: Joined) -> ConceptChange | Failure:
    """The concept drift of labelled rows, by segment, the whole first.

    Of a segment that the reference or the interval has too few rows of, nothing is said.
    """
    n = len(rows.label)
    if not n:
        return Failure(FailureKind.NO_LABELS, "no row has both a valid label and a valid score")
    whole: Estimate | Failure
    if n < model.fewest():
        whole = Failure(FailureKind.UNDEFINED, f"needs {model.fewest():,} labelled rows, there are {n:,}")
    else:
        whole = model.drift(rows.columns, rows.prediction, rows.label)
    found = {WHOLE: (whole, n)}
    for segment, where in _concept_segments(project, rows).items():
        if segment in model.segments and len(where) >= model.fewest(segment):
            own = rows.columns.taken(where), rows.prediction[where], rows.label[where]
            found[segment] = (model.drift(*own, segment), len(where))
    return found


def _concept_segments(project: Project, rows: Joined) -> dict[str, NDArray[np.intp]]:
    """Where the rows of each segment stand in which concept drift is followed."""
    parts = followed(project, [CONCEPT_DRIFT.name], rows.segment_columns)
    return large_segments(parts, rows.segment_columns, least=least_rows(project))


def too_few(labels: int, least: int) -> Failure:
    """Why nothing is learnt from the reference."""
    reason = (
        f"there are {labels:,} labelled rows to learn from, and {least:,} are needed (metrics.estimates.min_labels)"
    )
    return Failure(FailureKind.UNDEFINED, reason)
