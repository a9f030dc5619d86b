"""The evaluation of predictions against ground truth: points and States for many intervals at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from lupus.measure.columns import Kind, kind_of
from lupus.measure.engine import TableEngine
from lupus.measure.evaluation import binary, multiclass, query, ranking, regression, top_labels
from lupus.measure.evaluation.answers import Place, without_copies, without_key, without_null_hashes
from lupus.measure.evaluation.lookup import look_up
from lupus.measure.evaluation.measures import EvaluationMeasures, Writer
from lupus.measure.evaluation.metric import EvaluationMetric, Found
from lupus.measure.evaluation.read_binary import read_binary
from lupus.measure.evaluation.read_multiclass import read_multiclass
from lupus.measure.evaluation.shape import JOINED, MANY_ROWS, PREDICTIONS, TRUTHS, Shape, lacking, shape_of
from lupus.measure.points import NULL_LABEL
from lupus.model import Failure, FailureKind, Interval, Project, Role, Snapshot, Table, Task


def measure_evaluation(
    project: Project,
    intervals: Sequence[Interval],
    predictions: Mapping[str, Snapshot],
    truths: Sequence[Snapshot],
    *,
    blocked: Mapping[str, str],
    engine: TableEngine,
    many_rows: int = MANY_ROWS,
) -> EvaluationMeasures:
    """Evaluates the predictions of `intervals` against all labels in `truths`, in one query.

    `predictions` has snapshots by interval key; `blocked` says, by interval key, why an interval is not to be
    evaluated (it failed critical validation). Every interval gets every metric of the whole, as a value or a
    failure; segments get those that the policy follows there. A project without a task, a prediction table
    or a ground-truth table has no evaluation. Raises `MeasureError` when the snapshots cannot be read.

    From `many_rows` predictions on, rows are summed up by cells of the score (see `Cells`) and joined as they are. A
    second query is made for the ROC AUC of a multiclass classification, and a third for its estimates; and, of many
    rows, where keys turn out to have copies, or labels are missing so that copies might hide among the predictions.
    """
    prediction, truth = project.of_role(Role.PREDICTION), project.of_role(Role.GROUND_TRUTH)
    if project.task is None or prediction is None or truth is None:
        return EvaluationMeasures()
    writer = Writer(project, prediction, metrics_of(project, prediction), engine)
    labels, no_labels = _usable_truths(project, truth, truths)
    usable: list[tuple[Interval, Snapshot]] = []
    for interval in intervals:
        snapshot = predictions.get(interval.key)
        failure = _unusable(project.task, prediction, snapshot, blocked.get(interval.key))
        if failure is not None or snapshot is None:
            writer.fail(interval, failure or Failure(FailureKind.NO_DATA, "there are no predictions"))
        else:
            usable.append((interval, snapshot))
    if not usable:
        return writer.measures()
    if not labels:
        for interval, snapshot in usable:
            writer.without_labels(interval, no_labels, snapshot.rows)
        return writer.measures()
    snapshots = [snapshot for _, snapshot in usable]
    shape = shape_of(project, prediction, truth, snapshots, labels)
    shape = replace(shape, cells=sum(snapshot.rows for snapshot in snapshots) >= many_rows)
    engine.show(PREDICTIONS, [engine.source(one) for one in snapshots], shape.prediction_columns())
    engine.show(TRUTHS, [engine.source(one) for one in labels], shape.truth_columns(truth.key))
    least = max(project.metrics.min_segment_rows, project.metrics.min_category_rows, 1)
    seen = set()
    # In an order of our own: the engine's changes from run to run.
    with engine.orderly(sum(snapshot.rows for snapshot in (*snapshots, *labels))):
        places = sorted(_found(project, shape, snapshots, labels, engine), key=lambda one: one[0].order)
    for place, found in places:
        interval = usable[place.slice - 1][0]
        if place.part < 0:
            seen.add(place.slice)
            writer.whole(interval, found)
        elif found.counts.keys >= least:
            names = [shape.columns[column][0] for column in shape.parts[place.part]]
            values = [NULL_LABEL if value is None else str(value) for value in (place.a, place.b)]
            writer.segment(interval, tuple(zip(names, values, strict=False)), found, least=least)
    for number, (interval, _) in enumerate(usable, start=1):
        if number not in seen:
            writer.fail(interval, Failure(FailureKind.NO_DATA, "no prediction has a complete key"))
    return writer.measures()


def metrics_of(project: Project, prediction: Table) -> tuple[EvaluationMetric, ...]:
    """The metrics that every interval of the project gets, those of single classes apart."""
    if project.task is Task.BINARY_CLASSIFICATION:
        return binary.METRICS
    if project.task is Task.MULTICLASS_CLASSIFICATION:
        return multiclass.METRICS + (multiclass.WITH_SCORES if prediction.scores else ())
    if project.task is Task.RANKING:
        return ranking.metrics_of(tuple(sorted(project.metrics.k)))
    levels = tuple(level for level, _ in prediction.quantiles)
    return regression.metrics_of(levels, interval=bool(prediction.lower))


def _found(
    project: Project, shape: Shape, predictions: Sequence[Snapshot], truths: Sequence[Snapshot], engine: TableEngine
) -> Iterator[tuple[Place, Found]]:
    """What the engine finds, of the whole and of every segment of every slice."""
    if shape.task is Task.RANKING:
        yield from ranking.read_ranking(shape, engine.arrays(shape, partial(ranking.build, shape)))
        return
    truth = project.of_role(Role.GROUND_TRUTH)
    key = truth.key if truth is not None else ()
    shape, arrays, texts = _asked(shape, predictions, truths, engine, truth_key=key)
    for place, found in _read(project, shape, arrays, engine):
        if shape.hashed and place.part >= 0:
            columns = shape.parts[place.part]
            told = (texts.get((column, hash_)) for column, hash_ in zip(columns, (place.a, place.b), strict=False))
            yield Place(place.slice, place.part, *told), found
        else:
            yield place, found


def _read(
    project: Project, shape: Shape, arrays: Mapping[str, Any], engine: TableEngine
) -> Iterator[tuple[Place, Found]]:
    if shape.task is Task.BINARY_CLASSIFICATION:
        yield from read_binary(shape, arrays)
    elif shape.task is Task.MULTICLASS_CLASSIFICATION:
        more, tops, policy = None, {}, project.metrics
        if any(kind is not Kind.OTHER for _, kind in shape.outputs[1:]):
            more = engine.arrays(("rest", shape), partial(query.build_one_versus_rest, shape))
            if policy.estimates.performance:
                tops = top_labels.read(shape, engine.arrays(("top", shape), partial(top_labels.build, shape)))
        for place, found in read_multiclass(shape, arrays, more, top=policy.top, least=policy.min_category_rows):
            known = tops.get(place.slice) if place.part < 0 else None
            yield place, found if known is None else replace(found, others=(known,))
    else:
        yield from regression.read_regression(shape, arrays)


def _asked(
    shape: Shape,
    predictions: Sequence[Snapshot],
    truths: Sequence[Snapshot],
    engine: TableEngine,
    *,
    truth_key: Sequence[str],
) -> tuple[Shape, dict[str, Any], dict[tuple[int, Any], str]]:
    """The answer, the shape that it is of, and the segments' texts by column and hash.

    Many rows are joined as they are unless keys have copies, by looking labels up if the keys allow it, and segments
    told by number: the one that looking up gave them, or a hash unless two have the same.
    """
    if shape.cells:
        bold = replace(shape, copies=False)
        found = look_up(bold, predictions, truths, truth_key=truth_key, engine=engine)
        bold = replace(bold, looked_up=found is not None, coded=found is not None and found.coded)
        values: list[tuple[Any, ...]] = []
        if bold.hashed and not bold.coded:
            values = engine.rows(("values", bold), partial(query.build_segment_values, bold))
        texts = {(column, told): text for column, text, told in values if text is not None}
        if len(texts) == sum(text is not None for _, text, _ in values):
            with engine.modest():
                if found is not None:
                    engine.stream(JOINED, found.batches())
                arrays = engine.arrays(bold, partial(query.build, bold))
            if found is not None and found.coded:
                texts = found.texts()
            elif bold.hashed:
                arrays |= without_null_hashes(arrays, [told for _, text, told in values if text is None])
            if _has_no_copies(bold, arrays, predictions, truths, engine):
                return bold, arrays, texts
    return shape, engine.arrays(shape, partial(query.build, shape)), {}


def _has_no_copies(
    shape: Shape,
    arrays: Mapping[str, Any],
    predictions: Sequence[Snapshot],
    truths: Sequence[Snapshot],
    engine: TableEngine,
) -> bool:
    rows = sum(snapshot.rows for snapshot in predictions)
    sure = without_copies(arrays, predictions=rows, truths=sum(snapshot.rows for snapshot in truths))
    if sure is not None:
        return sure
    ((distinct,),) = engine.rows(("distinct", shape), partial(query.build_distinct, shape))
    return bool(distinct == rows - without_key(arrays))


def _usable_truths(project: Project, truth: Table, truths: Sequence[Snapshot]) -> tuple[list[Snapshot], Failure]:
    """The ground truth that can be used, latest last, and what to say when there is none."""
    failure = Failure(FailureKind.NO_LABELS, "no labels have arrived yet")
    kept = []
    for snapshot in sorted(truths, key=lambda snapshot: snapshot.interval):
        if not snapshot.usable or not snapshot.rows:
            continue
        names = {truth.label: "the label"} | dict.fromkeys(truth.key, "the key")
        if _weight_of_truth(project, truth):
            names[truth.weight] = "the weight"
        if not truth.label or not truth.key or (lost := lacking(snapshot, names)):
            what = f"{lost} is not in the ground truth of {snapshot.interval}" if truth.label else "no label is named"
            failure = Failure(FailureKind.MISSING_COLUMN, what)
            continue
        kind = kind_of(dict(snapshot.schema)[truth.label])
        if project.task is Task.BINARY_CLASSIFICATION:
            usable, needed = kind.numeric or kind in (Kind.BOOLEAN, Kind.TEXT), "0 and 1"
        elif project.task is Task.MULTICLASS_CLASSIFICATION:
            usable, needed = _names_classes(kind), "classes"
        else:
            usable, needed = kind.numeric or kind is Kind.BOOLEAN, "numbers"
        if not usable:
            reason = f"the label column {truth.label!r} of {snapshot.interval} holds {kind}, not {needed}"
            failure = Failure(FailureKind.WRONG_TYPE, reason)
            continue
        kept.append(snapshot)
    return kept, failure


def _weight_of_truth(project: Project, truth: Table) -> bool:
    """Whether rows are weighted by a column of the ground truth; the predictions' own goes before it."""
    prediction = project.of_role(Role.PREDICTION)
    return bool(truth.weight) and not (prediction is not None and prediction.weight)


def _unusable(task: Task, prediction: Table, snapshot: Snapshot | None, blocked: str | None) -> Failure | None:
    """Why an interval's predictions cannot be evaluated, or None."""
    if blocked is not None:
        return Failure(FailureKind.INVALID, blocked)
    if snapshot is None or not snapshot.usable:
        reason = snapshot.reason if snapshot is not None else ""
        return Failure(FailureKind.NO_DATA, reason or "there are no predictions")
    if not snapshot.rows:
        return Failure(FailureKind.NO_DATA, "the predictions' slice has no rows")
    main = prediction.rank if task is Task.RANKING and prediction.rank else prediction.score
    alone = task is Task.MULTICLASS_CLASSIFICATION and bool(prediction.scores)
    if not prediction.key or not (main or alone):
        return Failure(FailureKind.MISSING_COLUMN, f"table {prediction.name!r} names no score or no key")
    names = dict.fromkeys(prediction.key, "the key")
    if main:
        names = {main: "the rank" if main == prediction.rank else "the score"} | names
    elif not any(column in dict(snapshot.schema) for _, column in prediction.scores):
        names |= dict.fromkeys((column for _, column in prediction.scores), "the score")
    if prediction.weight:
        names[prediction.weight] = "the weight"
    if lost := lacking(snapshot, names):
        return Failure(FailureKind.MISSING_COLUMN, f"{lost} is not in the predictions")
    for name in filter(None, (main, prediction.weight)):
        kind = kind_of(dict(snapshot.schema)[name])
        classes = name == main and task is Task.MULTICLASS_CLASSIFICATION
        if not (_names_classes(kind) if classes else kind.numeric or kind is Kind.BOOLEAN):
            reason = f"{names[name]} column {name!r} holds {kind}, not {'classes' if classes else 'numbers'}"
            return Failure(FailureKind.WRONG_TYPE, reason)
    return None


def _names_classes(kind: Kind) -> bool:
    return kind.numeric or kind in (Kind.BOOLEAN, Kind.TEXT)
