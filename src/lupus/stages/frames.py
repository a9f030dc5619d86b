"""Frames in, frames out, without a project file, a store or a scheduler: for notebooks and scripts.

A frame is a pandas DataFrame, an Arrow table, whatever gives an Arrow stream (Polars, ...), an Ibis table, or the path
of a Parquet file. An Ibis table is measured where it lies. Times of day mean nothing in a frame that belongs to no
interval, so `freshness`, `future_ratio` and `longest_gap` are left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lupus.config.defaults import SEGMENT_METRICS
from lupus.model import (
    Cadence,
    CadenceKind,
    Distance,
    DriftPolicy,
    Failure,
    FairnessPolicy,
    FileFormat,
    FileSource,
    LupusError,
    MeasureError,
    MetricPoint,
    MetricsPolicy,
    Project,
    Reference,
    Role,
    RuleSpec,
    Series,
    SeriesKey,
    Snapshot,
    SnapshotStatus,
    Table,
    Task,
)
from lupus.stages.labels import evaluation_tables
from lupus.stages.rule_texts import rule_from_text
from lupus.stages.series import SERIES_RULES, judge_series, series_in

if TYPE_CHECKING:
    import pandas as pd

    from lupus.measure import TableMeasures
    from lupus.measure.engine import Engine, TableEngine

POINT_COLUMNS: Final = (
    "table",
    "column",
    "metric",
    "segment",
    "value",
    "low",
    "high",
    "n",
    "maturity",
    "failure",
)
"""The columns of what is measured: one row for each metric."""

_TIMELY: Final = ("freshness", "future_ratio", "longest_gap")
_DAILY: Final = Cadence(CadenceKind.DAILY)
# No metric that is left depends on the day; the reference is only to be before what is compared with it.
_REFERENCE_DAY: Final = _DAILY.parse("2000-01-01")
_DAY: Final = _DAILY.parse("2000-01-02")


class FrameError(LupusError):
    """A frame, or what is said of it, cannot be used; the message says which, why, and what to give instead."""


@dataclass(frozen=True, slots=True)
class Roles:
    """What the columns of the frames are; as in a project file's tables."""

    key: tuple[str, ...] = ()
    score: str = ""
    label: str = ""
    weight: str = ""
    scores: tuple[tuple[str, str], ...] = ()
    query: tuple[str, ...] = ()
    rank: str = ""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame's rows: an Arrow table, a file, or (`portable`) an Ibis table."""

    rows: Any
    schema: tuple[tuple[str, str], ...]
    count: int
    portable: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.schema)

    def snapshot(self, role: Role, *, of: Any = _DAY, path: Path | None = None) -> Snapshot:
        file = path or (self.rows if isinstance(self.rows, Path) else None)
        return Snapshot("frame", str(role), of, SnapshotStatus.OK, file, self.count, self.schema, "")

    def saved(self, path: Path, columns: Iterable[str]) -> _Frame:
        """The same rows in a file, of `columns` at least."""
        import pyarrow.parquet as pq

        if isinstance(self.rows, Path):
            return self
        kept = [name for name in dict.fromkeys(columns) if name in self.names]
        rows = self.rows.select(kept)
        if self.portable:
            rows = _arrow(rows.to_pyarrow(), "the Ibis table")
        pq.write_table(rows, path)
        return _Frame(path, _schema(rows), self.count)


def measure_frame(
    frames: Mapping[Role, Any],
    roles: Roles,
    *,
    task: Task | None = None,
    reference: Mapping[Role, Any] | None = None,
    segments: Sequence[str | Sequence[str]] = (),
    fairness: Sequence[str | Sequence[str]] = (),
    segment_metrics: Sequence[str] = SEGMENT_METRICS,
    min_segment_rows: int = 30,
    threshold: float = 0.5,
) -> pd.DataFrame:
    """All metrics of `frames`, one row each, in the columns `POINT_COLUMNS`; see `lupus.measure_frame`."""
    from lupus.measure import Engine, decision_points

    if not frames:
        raise FrameError("there is nothing to measure; give data, prediction or ground_truth")
    opened = {role: _open(frame, str(role)) for role, frame in frames.items()}
    before = {role: _open(frame, f"the reference of {role}") for role, frame in (reference or {}).items()}
    if lost := [str(role) for role in before if role not in opened]:
        raise FrameError(f"there is a reference of {lost[0]} but no {lost[0]}; give both, or name another role")
    protected = _segments(fairness)
    parts = tuple(dict.fromkeys((*_segments(segments), *protected)))
    _refuse_unknown(opened, roles, parts, task)
    policy = MetricsPolicy(
        exclude=_TIMELY,
        segment_metrics=tuple(segment_metrics),
        segment_states=bool(parts and before),
        min_segment_rows=min_segment_rows,
        threshold=threshold,
        fairness=FairnessPolicy(protected, min_rows=min_segment_rows),
        drift=DriftPolicy(metrics=tuple(Distance)),
    )
    start = datetime(1999, 1, 1, tzinfo=UTC)
    tables = tuple(_table(role, roles) for role in opened)
    project = Project("frame", "", _DAILY, start, tables, task=task, segments=parts, metrics=policy)
    points: list[MetricPoint] = []
    with Engine() as engine, tempfile.TemporaryDirectory(prefix="lupus-frames-") as folder:
        for table in tables:
            points += _table_points(project, table, opened[table.role], before.get(table.role), engine)
        if protected:
            points += decision_points(project, points)
        points += _evaluation(project, opened, Path(folder), engine)
    return _as_frame(points)


def judge_frame(history: Any, rules: Sequence[RuleSpec | str] | None = None) -> pd.DataFrame:
    """What `rules` say of every value of `history`, in the columns `FLAG_COLUMNS`; see `lupus.judge_frame`."""
    frame = _open(history, "history")
    if frame.portable:
        rows = _arrow(frame.rows.to_pyarrow(), "history")
    else:
        rows = _read(frame.rows, "history") if isinstance(frame.rows, Path) else frame.rows
    specs = SERIES_RULES if rules is None else [rule_from_text(one) if isinstance(one, str) else one for one in rules]
    return judge_series(series_in(rows.to_pandas(), "history"), specs)


def _open(rows: Any, what: str) -> _Frame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(rows, str | Path):
        path = Path(rows)
        try:
            with pq.ParquetFile(path) as file:
                return _Frame(path, _schema(file.schema_arrow), file.metadata.num_rows)
        except (OSError, pa.ArrowException) as error:
            raise FrameError(f"{what}: {path} cannot be read: {error}; give the path of a Parquet file") from error
    if hasattr(rows, "to_pyarrow_batches"):
        try:
            return _Frame(
                rows, _schema(rows.schema().to_pyarrow()), int(rows.count().to_pyarrow().as_py()), portable=True
            )
        except Exception as error:  # every backend has errors of its own
            raise FrameError(f"{what}: the Ibis table cannot be read: {error}") from error
    table = _arrow(rows, what)
    return _Frame(table, _schema(table), table.num_rows)


def _arrow(rows: Any, what: str) -> Any:
    from lupus.extract import duplicates, table_of

    try:
        table = table_of(rows)
    except TypeError as error:
        accepted = "a pandas, Arrow or Ibis table, or the path of a Parquet file"
        raise FrameError(f"{what}: {error}; give {accepted}") from error
    if twice := duplicates(table.schema.names):
        raise FrameError(f"{what} has more than one column {twice[0]!r}; rename or drop all but one")
    return table


def _read(path: Path, what: str) -> Any:
    import pyarrow.parquet as pq

    return _arrow(pq.read_table(path), what)


def _schema(of: Any) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, str(field.type)) for field in getattr(of, "schema", of))


def _segments(named: Sequence[str | Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (one,) if isinstance(one, str) else tuple(one) for one in ([named] if isinstance(named, str) else named)
    )


def _refuse_unknown(
    opened: Mapping[Role, _Frame], roles: Roles, segments: Sequence[Sequence[str]], task: Task | None
) -> None:
    """What would otherwise be left out without a word."""
    from difflib import get_close_matches

    there = {name: None for frame in opened.values() for name in frame.names}
    named = (*roles.key, *roles.query, roles.score, roles.label, roles.weight, roles.rank)
    named += (*(column for _, column in roles.scores), *(name for columns in segments for name in columns))
    for name in named:
        if name and name not in there:
            close = get_close_matches(name, there, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(map(repr, there))}"
            raise FrameError(f"no frame has a column {name!r}; {advice}")
    if Role.GROUND_TRUTH not in opened or Role.PREDICTION not in opened:
        return
    lost = [name for name, given in (("task", task), ("key", roles.key), ("label", roles.label)) if not given]
    if not (roles.score or roles.scores or roles.rank):
        lost.append("score")
    if lost:
        reason = "predictions cannot be compared with ground_truth without"
        hint = f"; tasks are {', '.join(repr(str(one)) for one in Task)}" if task is None else ""
        raise FrameError(f"{reason} {' and '.join(lost)}; give {', '.join(f'{name}=...' for name in lost)}{hint}")


def _table(role: Role, roles: Roles) -> Table:
    source = FileSource("", FileFormat.PARQUET)
    if role is Role.PREDICTION:
        return Table(
            str(role),
            role,
            source,
            key=roles.key,
            score=roles.score,
            scores=roles.scores,
            query=roles.query,
            rank=roles.rank,
            weight=roles.weight,
        )
    if role is Role.GROUND_TRUTH:
        return Table(str(role), role, source, key=roles.key, label=roles.label)
    return Table(str(role), role, source)


def _table_points(
    project: Project, table: Table, frame: _Frame, before: _Frame | None, engine: Engine
) -> list[MetricPoint]:
    table = replace(table, key=tuple(name for name in table.key if name in frame.names))
    first = None
    if before is not None:
        first = _measured(project, table, before, before.snapshot(table.role, of=_REFERENCE_DAY), (), engine)
    known = first.references if first is not None else ()
    measures = _measured(project, table, frame, frame.snapshot(table.role), known, engine)
    points = list(measures.points)
    return points + (_drift(project, table, first, measures) if first is not None else [])


def _measured(  # noqa: PLR0917 - what is measured, with what
    project: Project, table: Table, frame: _Frame, snapshot: Snapshot, known: Sequence[Reference], engine: Engine
) -> TableMeasures:
    from lupus.measure import BackendEngine, measure_table

    own: TableEngine = BackendEngine() if frame.portable else engine
    try:
        return measure_table(project, table, snapshot, known, engine=own, slice_=frame.rows)
    except MeasureError as error:
        unread = replace(snapshot, status=SnapshotStatus.FAILED, path=None, reason=str(error))
        return measure_table(project, table, unread, known, engine=own)


def _drift(project: Project, table: Table, first: TableMeasures, now: TableMeasures) -> list[MetricPoint]:
    """Every distance of every column from the reference, from the States of both."""
    from lupus.measure.columns import group_of
    from lupus.measure.drift import DRIFT_METRICS, compare, samples_of
    from lupus.measure.metrics import wanted

    before, current = samples_of(first.states), samples_of(now.states)
    pairs = {place: (before[place], sample) for place, sample in current.items() if place in before}
    policy, points = project.metrics.drift, []
    names = [str(metric) for metric in policy.metrics]
    for ((_, column, segment), metric), drift in compare(
        pairs, names, min_rows=policy.min_rows, bins=policy.bins
    ).items():
        if not wanted(metric, project.metrics):
            continue
        key = SeriesKey(project.name, table.name, column, metric, segment)
        series = Series(key, group_of(table), DRIFT_METRICS[metric].unit)
        if isinstance(drift, Failure):
            points.append(MetricPoint(series, _DAY, None, 0, drift))
        else:
            points.append(MetricPoint(series, _DAY, drift.value, drift.n, low=drift.low, high=drift.high))
    return points


def _evaluation(project: Project, opened: Mapping[Role, _Frame], folder: Path, engine: Engine) -> list[MetricPoint]:
    from lupus.measure import error_points, measure_evaluation

    tables = evaluation_tables(project)
    if tables is None:
        return []
    snapshots: dict[Role, Snapshot] = {}
    for table in tables:
        columns = (*table.named_columns, *project.segment_columns)
        saved = opened[table.role].saved(folder / f"{table.name}.parquet", columns)
        snapshots[table.role] = saved.snapshot(table.role)
    prediction, truth = snapshots[Role.PREDICTION], snapshots[Role.GROUND_TRUTH]
    try:
        measures = measure_evaluation(project, [_DAY], {_DAY.key: prediction}, [truth], blocked={}, engine=engine)
    except MeasureError as error:
        unread = replace(prediction, status=SnapshotStatus.FAILED, path=None, reason=str(error))
        measures = measure_evaluation(project, [_DAY], {_DAY.key: unread}, (), blocked={}, engine=engine)
    return [*measures.points, *error_points(project, measures.confusions)]


def _as_frame(points: Sequence[MetricPoint]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (
            point.series.key.table,
            point.series.key.column,
            point.series.key.metric,
            point.series.key.segment,
            point.value,
            point.low,
            point.high,
            point.n,
            point.maturity,
            None if point.failure is None else f"{point.failure.kind}: {point.failure.reason}",
        )
        for point in points
    ]
    frame = pd.DataFrame(rows, columns=list(POINT_COLUMNS))
    return frame.astype(dict.fromkeys(("value", "low", "high", "maturity"), float) | {"n": "int64"})
