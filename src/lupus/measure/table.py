"""One table's slice to points, States and newly fixed references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lupus.measure.answers import Answers, read_answers
from lupus.measure.columns import Part, group_of
from lupus.measure.engine import Engine
from lupus.measure.metrics import Profile
from lupus.measure.plan import VIEW, Item, Plan, build, plan_for
from lupus.measure.points import Writer
from lupus.measure.reference import categories_from, edges_from, unit_edges
from lupus.model import (
    WHOLE,
    Failure,
    FailureKind,
    MeasureError,
    MetricPoint,
    Project,
    Reference,
    Series,
    SeriesKey,
    Snapshot,
    SnapshotStatus,
    StoredState,
    Table,
)


@dataclass(frozen=True, slots=True)
class TableMeasures:
    """What was measured of one slice. `references` are those fixed from this very slice, for the caller to keep."""

    points: tuple[MetricPoint, ...]
    states: tuple[StoredState, ...] = ()
    references: tuple[Reference, ...] = ()


def absent_points(project: Project, table: Table, snapshot: Snapshot) -> list[MetricPoint]:
    """The one point of a slice that is not there: `rows`, failed, with the snapshot's reason."""
    failed = snapshot.status is SnapshotStatus.FAILED
    kind = FailureKind.NOT_READ if failed else FailureKind.NO_DATA
    reason = snapshot.reason or ("the source could not be read" if failed else "the slice did not come")
    key = SeriesKey(project.name, table.name, WHOLE, "rows")
    series = Series(key, group_of(table), "rows")
    return [MetricPoint(series, snapshot.interval, None, 0, Failure(kind, reason))]


def measure_table(
    project: Project, table: Table, snapshot: Snapshot, references: Sequence[Reference], *, engine: Engine
) -> TableMeasures:
    """Measures one slice in one query; a second one where histogram edges or categories are fixed from it.

    `references` of other tables are ignored; of several versions the newest counts. Columns that DuckDB
    cannot read become failed points, the others are measured all the same. Raises `MeasureError` only
    when nothing of the slice can be read.
    """
    if not snapshot.usable or snapshot.path is None:
        return TableMeasures(tuple(absent_points(project, table, snapshot)))
    known: dict[str, Reference] = {}
    for reference in sorted(references, key=lambda reference: reference.version):
        if reference.project == project.name and reference.table == table.name:
            known[reference.column] = reference
    engine.show(VIEW, [snapshot.path], len(snapshot.schema))
    writer = Writer(project, table, snapshot, engine)
    plan = _cached_plan(project, table, snapshot, known, engine)
    answers, broken = _ask(plan, engine)
    fixed = _fix(plan, answers, writer, known)
    if fixed:
        # The first slice is read twice: its histogram needs the edges that it gave.
        known |= {reference.column: reference for reference in fixed}
        plan = _cached_plan(project, table, snapshot, known, engine)
        answers, broken = _ask(plan, engine)
    writer.table_points(plan, answers)
    for number, item in enumerate(plan.items):
        if number in broken:
            writer.fail(item.column.name, "null_ratio", "ratio", FailureKind.NOT_READ, broken[number])
        else:
            writer.item(number, item, answers)
    writer.segments(plan, answers)
    writer.missing(known)
    return TableMeasures(tuple(writer.points), tuple(writer.states), tuple(fixed))


def _cached_plan(
    project: Project, table: Table, snapshot: Snapshot, known: Mapping[str, Reference], engine: Engine
) -> Plan:
    versions = tuple(sorted((name, reference.version, reference.since) for name, reference in known.items()))
    key = (id(project), table.name, snapshot.schema, versions)
    kept = engine.plans.get(key)
    if kept is None:
        # The project is kept with its plan, so that its id is not given to another one.
        kept = engine.plans[key] = (plan_for(project, table, snapshot, known), project)
    plan: Plan = kept[0]
    return plan


def _ask(plan: Plan, engine: Engine) -> tuple[Answers, dict[int, str]]:
    """The answers of all items that can be read, and the reason for each that cannot."""
    if not plan.items:
        return Answers(), {}
    try:
        return read_answers(engine.rows(plan, partial(build, plan))), {}
    except MeasureError:
        if len(plan.items) == 1 and not plan.keys:
            raise
    merged, broken = Answers(), {}
    for number, item in enumerate(plan.items):
        # Without segments: it may be a segment's column that cannot be read.
        alone = replace(plan, items=(item,), keys=(), segments=())
        try:
            found = read_answers(engine.rows(alone, partial(build, alone)))
        except MeasureError as error:
            broken[number] = str(error)
            continue
        for name in ("profiles", "bins", "categories", "distinct"):
            of_item = getattr(found, name)
            if 0 in of_item:
                getattr(merged, name)[number] = of_item[0]
    if len(broken) == len(plan.items):
        raise MeasureError(f"no column of the snapshot could be read: {next(iter(broken.values()))}")
    if plan.keys:
        alone = replace(plan, items=())
        with suppress(MeasureError):
            merged.keys = read_answers(engine.rows(alone, partial(build, alone))).keys
    return merged, broken


def _fix(plan: Plan, answers: Answers, writer: Writer, known: Mapping[str, Reference]) -> list[Reference]:
    """References for the columns that have none and for which this slice has something to go by."""
    fixed = []
    for number, item in enumerate(plan.items):
        payload: dict[str, list[Any]] | None = None
        if item.column.name in known:  # also where its type has changed since: that is for people to settle
            continue
        if item.wants_edges and item.edges is None:
            edges = _edges(plan, item, answers.profiles.get(number), writer.project.metrics.bins)
            payload = {"edges": list(edges)} if edges else None
        elif item.wants_categories and item.categories is None and answers.distinct.get(number):
            counts = answers.categories.get(number, [])
            payload = {"categories": list(categories_from(counts, least=plan.least_category_rows))}
        if payload is not None:
            fixed.append(writer.reference(item.column.name, payload))
    return fixed


def _edges(plan: Plan, item: Item, profile: Profile | None, bins: int) -> tuple[float, ...] | None:
    if item.column.part is Part.SCORE and plan.binary:
        return unit_edges(bins)
    if profile is None or not profile.moments.count or profile.quantiles is None:
        return None
    quantiles = dict(zip(plan.quantiles, profile.quantiles, strict=True))
    return edges_from(
        item.column.kind,
        low=profile.moments.low,
        high=profile.moments.high,
        p01=quantiles[0.01],
        p99=quantiles[0.99],
        bins=bins,
    )
