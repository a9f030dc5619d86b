"""Churn: how many decisions changed, on keys that were scored twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from lupus.measure.columns import Kind, kind_of
from lupus.measure.engine import TableEngine
from lupus.measure.fairness import Share, wilson
from lupus.measure.metrics import wanted
from lupus.model import (
    Failure,
    FailureKind,
    Group,
    MeasureError,
    MetricPoint,
    Project,
    Role,
    Series,
    SeriesKey,
    Snapshot,
    Table,
    Task,
)

if TYPE_CHECKING:
    import ibis

CHURN: Final = "churn_ratio"
_VIEW: Final = "churn_slices"
_Z: Final = 1.959964


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the view has: key columns, and how a row's decision is told.

    `threshold` is for a probability, `classes` are as many probabilities as there are columns; else the score is the
    decision itself.
    """

    keys: int
    threshold: float | None
    classes: int
    versioned: bool
    kinds: tuple[Kind, ...]


def measure_churn(
    project: Project, table: Table, snapshot: Snapshot, previous: Snapshot | None, *, engine: TableEngine
) -> list[MetricPoint]:
    """The share of the common keys whose decision changed, with Wilson's 95 % interval; no point where none exist.

    With a version column: between the two newest versions, of all that scored in this interval or the one before, on
    the keys that both have scored (Milani Fard et al., "Launch and iterate: reducing prediction churn", 2016).
    Without one: between this interval and the one before. A decision is a probability at the threshold, the most
    probable class, or the class itself. Fewer common keys than `metrics.min_segment_rows` say nothing.
    """
    shape = _shape_of(project, table, snapshot)
    if shape is None or not wanted(CHURN, project.metrics):
        return []
    usable = previous is not None and previous.usable and _fits(table, snapshot, previous)
    snapshots = [previous, snapshot] if usable and previous is not None else [snapshot]
    if not shape.versioned and len(snapshots) < 2:
        return []
    column = table.score or table.key[0]
    series = Series(SeriesKey(project.name, table.name, column, CHURN), Group.PREDICTION, "ratio")
    try:
        with engine.orderly(sum(one.rows for one in snapshots)):
            common, changed = _counts(shape, table, snapshots, engine)
    except MeasureError as error:
        failure = Failure(FailureKind.NOT_READ, str(error))
        return [MetricPoint(series, snapshot.interval, None, 0, failure)]
    if common < project.metrics.min_segment_rows:
        return []
    low, high = wilson(Share(changed, common), _Z)
    return [MetricPoint(series, snapshot.interval, changed / common, common, low=low, high=high)]


def _shape_of(project: Project, table: Table, snapshot: Snapshot) -> _Shape | None:
    """None for tables without decisions, or without a key to compare them on."""
    types = {name: kind_of(type_) for name, type_ in snapshot.schema}
    scores = [column for _, column in table.scores] if table.scores else [table.score]
    columns = [*table.key, *scores, *([table.version] if table.version else [])]
    if table.role is not Role.PREDICTION or not table.key or not snapshot.usable or not types.keys() >= set(columns):
        return None
    kinds = tuple(types[name] for name in table.key)
    versioned = bool(table.version)
    if project.task is Task.BINARY_CLASSIFICATION and (types[table.score].numeric or types[table.score] == "boolean"):
        return _Shape(len(table.key), project.metrics.threshold, 0, versioned, kinds)
    if project.task is not Task.MULTICLASS_CLASSIFICATION:
        return None
    if table.scores and not all(types[column].numeric for column in scores):
        return None
    return _Shape(len(table.key), None, len(table.scores), versioned, kinds)


def _fits(table: Table, snapshot: Snapshot, previous: Snapshot) -> bool:
    """Whether the columns that are compared are of the same kind in both slices."""
    now, then = (({name: kind_of(type_) for name, type_ in one.schema}) for one in (snapshot, previous))
    used = [*table.key, table.score, *(column for _, column in table.scores), table.version]
    return all(now.get(name) == then.get(name) for name in used if name)


def _counts(shape: _Shape, table: Table, snapshots: list[Snapshot], engine: TableEngine) -> tuple[int, int]:
    """Common keys, and those of them whose decision changed."""
    named = [(name, f"k{place}") for place, name in enumerate(table.key)]
    scores = [column for _, column in table.scores] if shape.classes else [table.score]
    named += [(name, f"s{place}") for place, name in enumerate(scores)]
    named += [(table.version, "version")] if shape.versioned else []
    engine.show(_VIEW, [engine.source(one) for one in snapshots], named)
    last = len(snapshots)
    sides: list[dict[str, Any]] = [{"slice": last}, {"slice": last - 1}]
    if shape.versioned:
        found = engine.rows(("churn versions", shape), partial(_versions, shape))
        newest_first = sorted(found, key=lambda row: (row[2], row[1], _natural(row[0])), reverse=True)
        if len(newest_first) < 2 or newest_first[0][2] != last:
            return 0, 0
        sides = [{"version": row[0]} for row in newest_first[:2]]
    key = ("churn", shape, tuple(tuple(side.items()) for side in sides))
    ((common, changed),) = engine.rows(key, partial(_compared, shape, *sides))
    return int(common or 0), int(changed or 0)


def _natural(version: str) -> list[tuple[bool, int, str]]:
    """Sorts "v9" before "v10"."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", version)]


def _decided(shape: _Shape) -> ibis.Table:
    """(slice, keys, version, decision) of every row that has all of them."""
    import ibis

    declared = {"slice": "int64"} | {f"k{place}": "int64" for place in range(shape.keys)}
    declared |= {f"s{place}": "int64" for place in range(shape.classes or 1)}
    rows = ibis.table(declared | ({"version": "int64"} if shape.versioned else {}), name=_VIEW)
    if shape.classes:
        scores = [rows[f"s{place}"].cast("float64") for place in range(shape.classes)]
        most = ibis.greatest(*scores)
        decision = ibis.cases(*[(score == most, str(place)) for place, score in enumerate(scores)])
    elif shape.threshold is not None:
        score = rows.s0.cast("float64")
        decision = score.isnan().ifelse(ibis.null("string"), (score >= shape.threshold).cast("string"))
    else:
        decision = rows.s0.cast("string")
    # Numbers are compared as numbers, so that large integers stay exact.
    keys = {
        f"k{place}": rows[f"k{place}"] if kind.numeric else rows[f"k{place}"].cast("string")
        for place, kind in enumerate(shape.kinds)
    }
    version = rows.version.cast("string") if shape.versioned else ibis.literal("")
    decided = rows.select("slice", **keys, version=version, decision=decision)
    return decided.filter([decided[name].notnull() for name in (*keys, "version", "decision")])


def _versions(shape: _Shape) -> ibis.Table:
    """A row per version: its name, the first and the last slice that it scored in."""
    rows = _decided(shape)
    return rows.group_by("version").aggregate(first=rows["slice"].min(), last=rows["slice"].max())


def _compared(shape: _Shape, left: Mapping[str, Any], right: Mapping[str, Any]) -> ibis.Table:
    """One row: the keys that have a decision on both sides, and those of them where the two differ.

    A key that stands more than once on a side is taken from the last slice, with its largest decision.
    """
    names = [f"k{place}" for place in range(shape.keys)]

    def side(chosen: Mapping[str, Any], alias: str) -> ibis.Table:
        rows = _decided(shape)
        rows = rows.filter([rows[name] == value for name, value in chosen.items()])
        rows = rows.group_by([*names, "slice"]).aggregate(decision=rows.decision.max())
        rows = rows.group_by(names).aggregate(decision=rows.decision.argmax(rows["slice"]))
        return rows.rename({f"{alias}_{name}": name for name in (*names, "decision")})

    one, other = side(left, "l"), side(right, "r")
    both = one.inner_join(other, [one[f"l_{name}"] == other[f"r_{name}"] for name in names])
    return both.aggregate(common=both.count(), changed=(both.l_decision != both.r_decision).sum())
