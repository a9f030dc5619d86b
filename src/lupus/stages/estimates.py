"""Performance before labels come, how right it was, and concept drift: what the reference leads one to expect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    Interval,
    MeasureError,
    MetricPoint,
    Project,
    Role,
    Snapshot,
    StoredState,
    Table,
    Task,
)
from lupus.stages.in_place import engine_in_place
from lupus.stages.labels import evaluated, evaluation_tables, is_closed
from lupus.stages.reference import Place, kept_model, left_out, model_state, reference_of
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure.engine import TableEngine
    from lupus.measure.estimates import (
        Calibration,
        ConceptChange,
        ConceptModel,
        CountedScores,
        EstimateMetric,
        Expected,
        Joined,
        LossModel,
        ProductSlices,
        TopLabelModel,
    )

SCOPES = ("estimates", "estimate_error", "concept_drift")
"""The scopes of the series that are written here: of an interval's run, and, later, of those that bring its labels."""


class _Model(Protocol):
    kind: ClassVar[str]

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self: ...

    def to_json(self) -> dict[str, Any]: ...


_M = TypeVar("_M", bound=_Model)


def estimate(  # noqa: PLR0917 - what is estimated, from what
    workspace: Workspace,
    project: Project,
    interval: Interval,
    true: Sequence[MetricPoint],
    failed: list[str],
    scores: CountedScores | None = None,
) -> list[MetricPoint]:
    """Estimate the performance at `interval`, and compare older estimates with the `true` values that have come.

    An estimate learns from labels of intervals that are no longer waited for at `interval`, so that running it again
    later gives the same. Failures of whole queries are added to `failed`; points then say so. `scores` are those of
    the interval where they have been counted already.
    """
    from lupus.measure.estimates import estimate_errors, estimate_metrics, wants_concept_drift

    tables = evaluation_tables(project)
    if tables is None:
        return []
    run = _Run(workspace, project, interval, *tables, true, failed, scores)
    points: list[MetricPoint] = []
    metrics = estimate_metrics(project)
    if metrics:
        points += run.performance(metrics)
        of_old = [one for one in evaluated(project, interval) if one != interval]
        earlier = workspace.store.points(
            project.name, intervals=of_old, table=run.prediction.name, metric="estimated_*"
        )
        mature = [one for one in true if run.is_mature(one)]
        errors = estimate_errors(project, run.prediction, metrics, [*earlier, *points], mature)
        workspace.store.upsert_points(errors, scope="estimate_error")
        points += errors
    if wants_concept_drift(project):
        points += run.concept_drift()
    return points


@dataclass(slots=True)
class _Run:
    """The run of one interval. `learnt` are the models that were fitted in it."""

    workspace: Workspace
    project: Project
    interval: Interval
    prediction: Table
    truth: Table
    true: Sequence[MetricPoint]
    failed: list[str]
    scores: CountedScores | None
    learnt: list[StoredState] = field(default_factory=list)

    def is_mature(self, point: MetricPoint) -> bool:
        closed = is_closed(self.project, point.interval, self.interval)
        return closed or (point.maturity or 0.0) >= self.project.metrics.mature_at

    def performance(self, metrics: Sequence[EstimateMetric]) -> list[MetricPoint]:
        """The estimated metrics of the interval, and the model that they are made with, in the store."""
        from lupus.measure.estimates import estimate_points

        points = estimate_points(self.project, self.prediction, metrics, self.interval, self._expected())
        store = self.workspace.store
        store.replace_points(self.project.name, self.interval, points, scope="estimates", states=self.learnt)
        return points

    def _expected(self) -> Mapping[str, Expected] | Failure:
        """By segment what is to be expected, or why nothing is."""
        from lupus.measure.estimates import unusable

        project, engine = self.project, self.workspace.engine
        snapshot = self._snapshot(self.prediction, self.interval)
        failure = unusable(self.prediction, snapshot) or self._blocked(self.interval)
        if failure is not None or snapshot is None:
            return failure or Failure(FailureKind.NO_DATA, "there are no predictions")
        try:
            if project.task is Task.REGRESSION:
                return self._expected_errors()
            if not snapshot.in_place:
                return self._expected_decisions(snapshot, engine)
            with engine_in_place(project, [snapshot], self.workspace.connections) as (backend, now):
                return self._expected_decisions(now[0], backend)
        except MeasureError as error:
            self.failed.append(f"estimates: {error}")
            return Failure(FailureKind.NOT_READ, str(error))

    def _expected_decisions(self, snapshot: Snapshot, engine: TableEngine) -> Mapping[str, Expected] | Failure:
        """What is to be expected of classes, or of scores."""
        from lupus.measure.estimates import (
            Calibration,
            Slices,
            TopLabelModel,
            counted_scores,
            expected_of_classes,
            expected_of_scores,
        )

        project, prediction = self.project, self.prediction
        if project.task is Task.MULTICLASS_CLASSIFICATION:
            model = self._model(TopLabelModel, self._top_labels)
            if isinstance(model, Failure):
                return model
            return expected_of_classes(project, prediction, snapshot, model, engine=engine)
        calibration = self._model(Calibration, self._calibration)
        if isinstance(calibration, Failure):
            return calibration
        scores = self.scores
        if scores is None:
            scores = counted_scores(project, Slices(prediction, (snapshot,)), engine=engine)
        return expected_of_scores(project, scores, calibration)

    def _expected_errors(self) -> Mapping[str, Expected] | Failure:
        """What is to be expected of predicted numbers."""
        from lupus.measure.estimates import LossModel, expected_of_numbers

        model = self._model(LossModel, self._loss)
        if isinstance(model, Failure):
            return model
        slices = self._slices([self.interval])
        if not slices.predictions.snapshots:
            return Failure(FailureKind.NO_DATA, "the data of the predictions is not there")
        return expected_of_numbers(self.project, slices, model, engine=self.workspace.engine)

    def concept_drift(self) -> list[MetricPoint]:
        """The concept drift of the intervals whose labels are waited for until this run, and no longer."""
        from lupus.measure.estimates import concept_drift_points

        of_whole = [one for one in self.true if one.series.key.segment == WHOLE]
        maturity = {one.interval: one.value for one in of_whole if one.series.key.metric == "label_maturity"}
        window = evaluated(self.project, self.interval)
        points = []
        for one in window:
            if not is_closed(self.project, one, self.interval):
                continue
            self.learnt = []
            try:
                found = self._change(one, window)
            except MeasureError as error:
                self.failed.append(f"concept drift: {error}")
                found = Failure(FailureKind.NOT_READ, str(error))
            own = concept_drift_points(self.project, self.prediction, one, found, maturity=maturity.get(one))
            store = self.workspace.store
            store.replace_points(self.project.name, one, own, scope="concept_drift", states=self.learnt)
            points += own
        return points

    def _change(self, one: Interval, labels: Sequence[Interval]) -> ConceptChange | Failure:
        from lupus.measure.estimates import ConceptModel, concept_drift, labelled_rows

        if (failure := self._blocked(one)) is not None:
            return failure
        slices = self._slices([one], labels=labels)
        if not slices.predictions.snapshots:
            return Failure(FailureKind.NO_DATA, "there are no predictions")
        model = self._model(ConceptModel, self._concept, at=one)
        if isinstance(model, Failure):
            return model
        windows = {one: (labels[0], labels[-1])}
        rows = labelled_rows(self.project, slices, windows, engine=self.workspace.engine)
        return rows if isinstance(rows, Failure) else concept_drift(self.project, model, rows)

    def _blocked(self, interval: Interval) -> Failure | None:
        """Why the evaluation leaves the interval out, if it failed critical validation."""
        reasons = (one.failure for one in self.true if one.interval == interval and one.failure is not None)
        return next((one for one in reasons if one.kind is FailureKind.INVALID), None)

    # What is learnt from the reference

    def _model(
        self, kind: type[_M], fit: Callable[[Sequence[Interval]], _M | Failure], *, at: Interval | None = None
    ) -> _M | Failure:
        """The model that is in use at the interval: one of the intervals before, or else one that is fitted now."""
        at, policy = at or self.interval, self.project.metrics.estimates
        place = Place(self.prediction.name, self.prediction.score, kind.kind)
        kept = kept_model(self.workspace.store, self.project, place, at, policy)
        if kept is not None:
            return kind.from_json(kept)
        reference = reference_of(self.project, at, policy, labelled=True)
        tables = [table.name for table in self.project.tables if table.role is not Role.OTHER]
        bad = left_out(self.workspace.store, self.project, reference, tables)
        used = [one for one in reference if one not in bad]
        found = fit(used)
        if not isinstance(found, Failure):
            self.learnt.append(model_state(self.project, place, at, policy, used, found.to_json()))
        return found

    def _calibration(self, reference: Sequence[Interval]) -> Calibration | Failure:
        from lupus.measure import BinaryScores
        from lupus.measure.estimates import calibrated

        name, column = self.prediction.name, self.prediction.score
        stored = self.workspace.store.states(self.project.name, name, column, WHOLE, BinaryScores.kind, list(reference))
        states = [BinaryScores.from_json(dict(state.payload)) for state in stored]
        policy = self.project.metrics
        return calibrated(states, least=policy.estimates.min_labels, threshold=policy.threshold)

    def _top_labels(self, reference: Sequence[Interval]) -> TopLabelModel | Failure:
        from lupus.measure import ConfusionMatrix
        from lupus.measure.estimates import top_label_model
        from lupus.measure.evaluation import TopLabels

        name, column = self.prediction.name, self.prediction.score
        stored = {
            kind.kind: {
                state.interval: state.payload
                for state in self.workspace.store.states(
                    self.project.name, name, column, WHOLE, kind.kind, list(reference)
                )
            }
            for kind in (TopLabels, ConfusionMatrix)
        }
        both = [one for one in reference if all(one in of for of in stored.values())]
        tops = [TopLabels.from_json(stored[TopLabels.kind][one]) for one in both]
        matrices = [ConfusionMatrix.from_json(stored[ConfusionMatrix.kind][one]) for one in both]
        return top_label_model(tops, matrices, least=self.project.metrics.estimates.min_labels)

    def _loss(self, reference: Sequence[Interval]) -> LossModel | Failure:
        from lupus.measure.estimates import loss_model

        return loss_model(self.project, self._reference_rows(reference))

    def _concept(self, reference: Sequence[Interval]) -> ConceptModel | Failure:
        from lupus.measure.estimates import concept_model

        return concept_model(self.project, self._reference_rows(reference))

    def _reference_rows(self, reference: Sequence[Interval]) -> Joined | Failure:
        from lupus.measure.estimates import labelled_rows

        if not reference:
            return Failure(FailureKind.NO_LABELS, "no interval's labels are complete")
        windows = {one: self._window(one) for one in reference}
        labels, one = [], min(first for first, _ in windows.values())
        last = max(last for _, last in windows.values())
        while one.start <= last.start:
            labels.append(one)
            one = self.project.cadence.next(one)
        slices = self._slices(reference, labels=labels)
        if not slices.predictions.snapshots:
            return Failure(FailureKind.NO_DATA, "there are no predictions")
        return labelled_rows(self.project, slices, windows, engine=self.workspace.engine)

    def _window(self, one: Interval) -> tuple[Interval, Interval]:
        """The first and the last interval whose labels count for `one`: those that its last evaluation looks at."""
        last = one
        following = self.project.cadence.next(last)
        while following.start < one.end + self.truth.arrives_within:
            last, following = following, self.project.cadence.next(following)
        return evaluated(self.project, last)[0], last

    def _slices(self, intervals: Sequence[Interval], *, labels: Sequence[Interval] = ()) -> ProductSlices:
        """The usable slices of predictions, and of data that can be joined; of the same intervals in both."""
        from lupus.measure.estimates import ProductSlices, Slices, unusable

        data = self.project.of_role(Role.DATA)
        if data is not None and (data.in_place or len(data.key) != len(self.prediction.key) or not data.key):
            data = None
        mine, theirs = [], []
        for one in intervals:
            snapshot = self._snapshot(self.prediction, one)
            if snapshot is None or unusable(self.prediction, snapshot) or not _has(snapshot, self.prediction.key):
                continue
            other = self._snapshot(data, one) if data is not None else None
            if data is not None:
                if other is None or not other.usable or not other.rows or not _has(other, data.key):
                    continue
                theirs.append(other)
            mine.append(snapshot)
        wanted = (*self.truth.key, self.truth.label)
        found = [
            snapshot
            for one in labels
            if (snapshot := self._snapshot(self.truth, one)) is not None
            and snapshot.usable
            and snapshot.rows
            and _has(snapshot, wanted)
        ]
        return ProductSlices(
            Slices(self.prediction, tuple(mine)),
            Slices(data, tuple(theirs)) if data is not None else None,
            Slices(self.truth, tuple(found)) if labels else None,
        )

    def _snapshot(self, table: Table, interval: Interval) -> Snapshot | None:
        from lupus.extract import load_snapshot

        return load_snapshot(self.workspace.settings.snapshots, self.project.name, table.name, interval)


def _has(snapshot: Snapshot, columns: Iterable[str]) -> bool:
    return set(columns) <= {name for name, _ in snapshot.schema}
