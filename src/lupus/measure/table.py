"""The measures of one slice: plan, query, answers, points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lupus.measure.answers import Answers, by_slice, read_answers
from lupus.measure.columns import Kind, group_of
from lupus.measure.engine import Engine, TableEngine
from lupus.measure.grid import grid_for
from lupus.measure.plan import GRID_QUANTILES, MOST_ITEMS, Derive, Item, Plan, plan_for, unplaced, wall_clock
from lupus.measure.points import Writer
from lupus.measure.query import VIEW, build
from lupus.measure.reference import MOST_SEEN, categories_from, grid_in, is_free_text
from lupus.measure.sample import SAMPLE_ROWS, sample_of
from lupus.measure.scan import scanning
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
    project: Project,
    table: Table,
    snapshot: Snapshot,
    references: Sequence[Reference],
    *,
    engine: TableEngine,
    slice_: Any = None,
    answers: Answers | None = None,
) -> TableMeasures:
    """Measures one slice in one query; another one before it where grids are fixed from it, and another one after it
    for quantiles and spreads that its grid cannot tell. Numbers of a slice too large to be turned upright are scanned
    instead, so that still each column is read once.

    The slice is the file of `snapshot`, or `slice_`: an Arrow table for an `Engine`, an Ibis table for a
    `BackendEngine`, with the columns of the snapshot's schema. `references` of other tables are ignored; of several
    versions the newest counts. Columns that the engine cannot read become failed points, the others are measured all
    the same. What was asked before, together with other slices (`asked_together`), are the `answers`. Raises
    `MeasureError` only when nothing of the slice can be read.
    """
    rows = slice_ if slice_ is not None else snapshot.path
    if snapshot.status is not SnapshotStatus.OK or rows is None:
        return TableMeasures(tuple(absent_points(project, table, snapshot)))
    known, schema, told = _known(project, table, snapshot, references)
    writer = Writer(project, table, snapshot, engine)
    plan = _cached_plan(project, table, snapshot, known, engine)
    fixed: dict[str, dict[str, Any]] = {}
    if unplaced(plan):
        sample = rows if engine.portable or snapshot.rows <= SAMPLE_ROWS else sample_of(rows)
        fixed = _fix_grids(project, plan, sample, engine)
        plan = _with_grids(plan, fixed)
    broken: dict[int, str] = {}
    again = _unsure(plan, answers) if answers is not None else {}
    if answers is None or again:
        same = snapshot.schema if plan.upright else None
        engine.show_slice(VIEW, rows, plan.width, _starts(table, snapshot), schema=same)
    if answers is None:
        answers, broken = _ask(plan, engine) if plan.upright else _ask_beside_scan(plan, rows, engine)
        again = _unsure(plan, answers)
    answers.rows = snapshot.rows
    _refine(plan, answers, again, engine)
    _fix_categories(plan, answers, known, fixed)
    writer.table_points(plan, answers)
    payloads = fixed | {name: dict(reference.payload) for name, reference in known.items()}
    # Only the answers to the first query tell that a column is no text that people wrote.
    idle = {
        number
        for number, item in enumerate(plan.items)
        if item.derive is Derive.LENGTH
        and item.column.kind is Kind.TEXT
        and not payloads.get(item.column.name, {}).get("text", False)
    }
    for number, item in enumerate(plan.items):
        name = item.column.name
        if number in broken:
            if item.derive in (Derive.NUMBER, Derive.PRESENCE, Derive.HOURS):
                writer.fail(name, "null_ratio", "ratio", FailureKind.NOT_READ, broken[number])
        elif number not in idle:
            writer.item(number, item, answers, payloads.get(name, {}))
    writer.segments(plan, answers, idle=idle)
    writer.missing(known)
    vectors = {item.column.name for item in plan.items if item.column.kind is Kind.EMBEDDING}
    kept = [writer.vectors(name, rows, known.get(name), portable=engine.portable) for name in sorted(vectors)]
    new = [one for one in kept if one is not None]
    new += [writer.reference(name, payload) for name, payload in fixed.items() if name not in known]
    changed = writer.schema(schema) if snapshot.rows else None
    if changed is not None and not told:
        new.append(changed)
    return TableMeasures(tuple(writer.points), tuple(writer.states), tuple(new))


def asked_together(
    project: Project, table: Table, snapshots: Sequence[Snapshot], references: Sequence[Reference], *, engine: Engine
) -> dict[Snapshot, Answers]:
    """What `measure_table` would ask about each of the `snapshots`, asked of all in one query.

    Planning a query of a small slice takes longer than reading it. Of slices that are not small, that do not have the
    columns of the others, or whose grids and categories are not fixed yet, nothing is asked.
    """
    alike: dict[int, tuple[Plan, list[Snapshot]]] = {}  # by id: equal plans are the same one, and hashing one is slow
    for snapshot in snapshots:
        if snapshot.status is SnapshotStatus.OK and snapshot.path is not None and snapshot.rows:
            known, _, _ = _known(project, table, snapshot, references)
            plan = _cached_plan(project, table, snapshot, known, engine)
            if plan.upright and not unplaced(plan) and len(plan.items) <= MOST_ITEMS and _fixed(plan, known):
                alike.setdefault(id(plan), (plan, []))[1].append(snapshot)
    answers: dict[Snapshot, Answers] = {}
    for plan, some in alike.values():
        if len(some) > 1 and sum(snapshot.rows for snapshot in some) <= engine.upright_rows:
            answers |= _asked_at_once(replace(plan, many=True), table, some, engine)
    return answers


def _asked_at_once(plan: Plan, table: Table, snapshots: Sequence[Snapshot], engine: Engine) -> dict[Snapshot, Answers]:
    """The answers about each snapshot; none when one cannot be read, for the others to be read without it."""
    files = [snapshot.path for snapshot in snapshots if snapshot.path is not None]
    starts = [_starts(table, snapshot) for snapshot in snapshots]
    try:
        engine.show_slices(VIEW, files, plan.width, starts, schema=snapshots[0].schema)
        found = engine.table(plan, partial(build, plan))
    except MeasureError:
        return {}
    return {snapshots[number]: read_answers(one, plan) for number, one in by_slice(found).items()}


def _fixed(plan: Plan, known: Mapping[str, Reference]) -> bool:
    """Whether the categories of every column are fixed."""
    return all(item.column.name in known for item in plan.items if item.wants_categories)


def _known(
    project: Project, table: Table, snapshot: Snapshot, references: Sequence[Reference]
) -> tuple[dict[str, Reference], Reference | None, bool]:
    """The newest reference of every column, the newest schema from before this interval, and whether it has one."""
    known: dict[str, Reference] = {}
    schemas: list[Reference] = []
    for reference in sorted(references, key=lambda reference: reference.version):
        if reference.project != project.name or reference.table != table.name:
            continue
        if reference.column != WHOLE:
            known[reference.column] = reference
        elif reference.since <= snapshot.interval.key:
            schemas.append(reference)
    # This very interval may have told of a change before.
    before = [reference for reference in schemas if reference.since < snapshot.interval.key]
    return known, before[-1] if before else None, len(before) < len(schemas)


def _starts(table: Table, snapshot: Snapshot) -> tuple[int, int]:
    """The interval's start in seconds since 1970: in UTC, and as the clocks of the table's time zone show it."""
    start = snapshot.interval.start
    return int(start.timestamp()), int(wall_clock(start, table.timezone).timestamp())


def _cached_plan(
    project: Project, table: Table, snapshot: Snapshot, known: Mapping[str, Reference], engine: TableEngine
) -> Plan:
    versions = tuple(sorted((name, reference.version, reference.since) for name, reference in known.items()))
    span = snapshot.interval.end - snapshot.interval.start
    upright = snapshot.rows <= engine.upright_rows
    key = (id(project), table.name, snapshot.schema, upright, span, versions)
    kept = engine.plans.get(key)
    if kept is None:
        # The project is kept with its plan, so that its id is not given to another one.
        kept = engine.plans[key] = (plan_for(project, table, snapshot, known, engine=engine), project)
    plan: Plan = kept[0]
    return plan


def _ask(plan: Plan, engine: TableEngine) -> tuple[Answers, dict[int, str]]:
    """The answers of all items that can be read, and the reason for each that cannot."""
    answers, first = Answers(), 0
    broken: dict[int, str] = {}
    for part in plan.parts():
        if part.asks:
            try:
                found = engine.table(part, partial(build, part, engine.slice), columns=part.positions)
                answers.add(read_answers(found, part), first=first)
            except MeasureError:
                if len(plan.items) == 1 and not plan.keys:
                    raise
                broken |= _ask_one_by_one(part, engine, answers, first)
        first += len(part.items)
    if plan.items and len(broken) == len(plan.items):
        raise MeasureError(f"no column of the snapshot could be read: {next(iter(broken.values()))}")
    return answers, broken


def _ask_beside_scan(plan: Plan, rows: Any, engine: TableEngine) -> tuple[Answers, dict[int, str]]:
    """As `_ask`, of a large slice: its numbers are scanned, and what is left is asked for meanwhile."""
    with scanning(plan, rows, threads=engine.threads) as scan:
        answers, broken = _ask(scan.rest, engine)
        asked, scanned = scan.finish()
    if asked != scan.rest:
        answers, broken = _ask(asked, engine)
    answers.cells |= scanned
    return answers, broken


def _ask_one_by_one(part: Plan, engine: TableEngine, answers: Answers, first: int) -> dict[int, str]:
    """Every item in a query of its own; without segments, for it may be a segment's column that cannot be read."""
    broken: dict[int, str] = {}
    for number, item in enumerate(part.items):
        if item.scanned:
            continue
        alone = part.of(item, exact=part.exact, upright=part.upright)
        try:
            found = read_answers(engine.table(alone, partial(build, alone, engine.slice)), alone)
        except MeasureError as reason:
            broken[first + number] = str(reason)
        else:
            answers.add(found, first=first + number)
    if part.keys:
        alone = replace(part, items=(), segments=())
        with suppress(MeasureError):
            answers.keys = read_answers(engine.table(alone, partial(build, alone, engine.slice)), alone).keys
    return broken


def _unsure(plan: Plan, answers: Answers) -> dict[int, tuple[Item, tuple[float, ...]]]:
    """What has to be asked for again, by item number: how, and with which exact quantiles.

    Quantiles that lie in a crowded cell, for which it is sorted, and spreads that lost their digits.
    """
    again = {}
    for number, item in enumerate(plan.items):
        cells = answers.cells.get(number)
        if cells is None or not cells.moments.count:
            continue
        exact = item.quantiles if number not in answers.quantiles and cells.unsure(item.quantiles) else ()
        if exact or cells.unstable:
            again[number] = replace(item, shift=cells.moments.mean) if cells.unstable else item, exact
    return again


def _refine(
    plan: Plan, answers: Answers, again: Mapping[int, tuple[Item, tuple[float, ...]]], engine: TableEngine
) -> None:
    """Ask `again` for what is unsure, of the slice that is shown."""
    for number, (item, exact) in again.items():
        alone = plan.of(item, exact=exact, upright=False)
        found = read_answers(engine.table(alone, partial(build, alone, engine.slice)), alone)
        answers.cells[number] = found.cells[0]
        if exact:
            answers.quantiles[number] = found.quantiles[0]


def _fix_grids(project: Project, plan: Plan, sample: Any, engine: TableEngine) -> dict[str, dict[str, Any]]:
    """A grid for every column that wants one and has none, from a small slice, or from a sample of a large one."""
    items = [replace(item, metrics=(), grid=None) for item in unplaced(plan)]
    engine.show_slice(VIEW, sample, plan.width, (0, 0))
    fixed: dict[str, dict[str, Any]] = {}
    for at in range(0, len(items), MOST_ITEMS):
        few = plan.of(*items[at : at + MOST_ITEMS], exact=GRID_QUANTILES)
        answers, _ = _ask(few, engine)
        for number, item in enumerate(few.items):
            cells, quantiles = answers.cells.get(number), answers.quantiles.get(number)
            if cells is None or not quantiles:
                continue
            kind = Kind.INTEGER if item.derive is Derive.LENGTH else item.column.kind
            moments = cells.moments
            grid = grid_for(kind, quantiles, low=moments.low, high=moments.high, bins=project.metrics.bins)
            fixed[item.column.name] = {"grid": grid.to_json()}
    return fixed


def _with_grids(plan: Plan, fixed: Mapping[str, Mapping[str, Any]]) -> Plan:
    return replace(
        plan,
        items=tuple(
            replace(item, grid=grid_in(fixed[item.column.name]))
            if item.wants_grid and item.grid is None and item.column.name in fixed
            else item
            for item in plan.items
        ),
    )


def _fix_categories(
    plan: Plan, answers: Answers, known: Mapping[str, Reference], fixed: dict[str, dict[str, Any]]
) -> None:
    """What the first slice with values says of the categories of each column."""
    for number, item in enumerate(plan.items):
        name, counted = item.column.name, answers.categories.get(number)
        if item.wants_grid and item.grid is not None and item.derive is Derive.NUMBER and name not in known:
            fixed.setdefault(name, {"grid": item.grid.to_json()})
        if not item.wants_categories or name in known:  # also where its type has changed since: for people to settle
            continue
        if counted is None:
            fixed.pop(name, None)
            continue
        counts, least = counted.counts, plan.least_category_rows
        text = is_free_text(counts, distinct=counted.distinct, total=counted.total)
        payload: dict[str, Any] = {"text": text, "categories": list(categories_from(counts, least=least))}
        if text:
            payload |= {"categories": [], **fixed.get(name, {})}
        elif counted.distinct < MOST_SEEN:
            payload["seen"] = [category for category, rows in counts if rows >= least]
        fixed[name] = payload
