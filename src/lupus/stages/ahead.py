"""Extracting, validating, measuring and evaluating the next intervals while this one is judged, in a second process.

None of it depends on what is known of earlier intervals, and together they are half of a run. Some intervals are
prepared at a time, for planning a query takes longer than reading a small slice. The second process writes snapshots
only; the store has one writer.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing import connection, parent_process
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from lupus.model import Interval, LupusError, Project, Reference
from lupus.stages.evaluation import Evaluation, evaluate_run
from lupus.stages.extract import ExtractReport, read_tables
from lupus.stages.garbage import rare_collections
from lupus.stages.measure import MeasuredTables, ask_together, measure_tables
from lupus.stages.settings import EnvironmentConnections, Settings
from lupus.stages.validate import CheckedTables, check_tables
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure import Engine

_WORTH_IT = 8
"""Intervals from which a second process pays for its start."""
_MOST = 8
"""Intervals that are prepared at a time. It begins with one: the first ones fix what later ones are measured with."""
_MOST_ROWS = 50_000
"""Of more rows one interval is prepared at a time: then it is the rows that take the time."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An interval whose tables are extracted, validated and measured, and what labels say if no validation failed."""

    extracted: ExtractReport
    checked: CheckedTables
    measured: MeasuredTables
    evaluation: Evaluation


_Coming = tuple[list[Interval], Future[list[Prepared | None]] | None]


def prepared_ahead(
    workspace: Workspace, project: Project, first: Interval, last: Interval
) -> Iterator[tuple[Interval, Prepared | None]]:
    """Each interval from `first` to `last`, prepared; None where the run has to do it itself.

    A second process is used for long ranges, with connections from the environment.
    """
    intervals = list(project.cadence.between(first, last))
    connections = workspace.connections
    if len(intervals) < _WORTH_IT or not isinstance(connections, EnvironmentConnections):
        yield from ((interval, None) for interval in intervals)
        return
    context = multiprocessing.get_context("spawn")
    arguments = (project, dict(connections.environ), workspace.settings)
    with ProcessPoolExecutor(1, mp_context=context, initializer=_start, initargs=arguments) as pool:
        waiting, coming, size = deque(intervals), deque[_Coming](), 1
        try:
            while waiting or coming:
                while waiting and len(coming) < 2:  # one to be taken, and one to be prepared meanwhile
                    some = [waiting.popleft() for _ in range(min(size, len(waiting)))]
                    coming.append(_submit(pool, some, workspace.store.references(project.name)))
                if not waiting:
                    pool.shutdown(wait=False)  # when it has done this, it can go: that takes it a second
                some, future = coming.popleft()
                if some[0] == intervals[0]:
                    _import_soon()
                prepared = _result(future, len(some))
                size = _next_size(size, prepared)
                yield from zip(some, prepared, strict=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _import_soon() -> None:
    """What the run of an interval will import: there is time for it while the second process starts."""
    for name in ("lupus.act", "lupus.judge", "lupus.measure.drift", "scipy.optimize"):
        import_module(name)


def _next_size(size: int, prepared: list[Prepared | None]) -> int:
    """How many intervals to prepare at a time, after `size` of them were `prepared`."""
    reports = [one.extracted for one in prepared if one is not None]
    rows = sum(snapshot.rows for report in reports for snapshot in report.snapshots) / max(len(reports), 1)
    return min(2 * size, _MOST, max(1, int(_MOST_ROWS // max(rows, 1))))


def _submit(pool: ProcessPoolExecutor, intervals: list[Interval], references: tuple[Reference, ...]) -> _Coming:
    try:
        return intervals, pool.submit(_prepare, intervals, references)
    except BrokenProcessPool:
        return intervals, None


def _result(future: Future[list[Prepared | None]] | None, count: int) -> list[Prepared | None]:
    """What the second process made; None where it was killed, for the run can do the work itself."""
    try:
        return future.result() if future is not None else [None] * count
    except BrokenProcessPool:
        return [None] * count


_state: tuple[Project, EnvironmentConnections, Settings, Engine] | None = None
_made: list[Reference] = []
_open = ExitStack()


def _start(project: Project, environ: Mapping[str, str], settings: Settings) -> None:
    """Make the second process ready; it ends when the first one is killed."""
    global _state  # noqa: PLW0603 - a worker process has no other place
    from lupus.extract import shared_sessions
    from lupus.measure import Engine

    threading.Thread(target=_end_with_parent, daemon=True).start()
    Finalize(None, _end, exitpriority=10)  # worker processes do not run what `atexit` has
    _state = (project, EnvironmentConnections(environ), settings, _open.enter_context(Engine()))
    _open.enter_context(shared_sessions())
    _open.enter_context(rare_collections())


def _end() -> None:
    global _state  # noqa: PLW0603 - see above
    _state = None
    _open.close()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _prepare(intervals: list[Interval], references: tuple[Reference, ...]) -> list[Prepared | None]:
    """The intervals prepared; None for one that cannot be and all after it, for the run to say why."""
    if _state is None:
        raise RuntimeError("the process was not started by prepared_ahead")
    project, connections, settings, engine = _state
    references = _with_made(references)
    read: list[tuple[Interval, ExtractReport, CheckedTables]] = []
    prepared: list[Prepared | None] = []
    with suppress(LupusError):
        for interval in intervals:
            now = max(datetime.now(UTC), interval.end)
            extracted = read_tables(settings, connections, project, interval, now=now)
            read.append((interval, extracted, check_tables(settings, connections, project, interval)))
    with suppress(LupusError):
        asked = ask_together(settings, project, [interval for interval, _, _ in read], references, engine=engine)
        for interval, extracted, checked in read:
            measured = measure_tables(
                settings, project, interval, references, engine=engine, connections=connections, asked=asked
            )
            evaluation = evaluate_run(settings, project, interval, {}, engine=engine, connections=connections)
            prepared.append(Prepared(extracted, checked, measured, evaluation))
            _made.extend(one for table in measured.tables for one in table.measures.references)
    return [*prepared, *[None] * (len(intervals) - len(prepared))]


def _with_made(references: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """The store's `references` with those that were made here, as the store will have them when it has them."""
    known = {(one.table, one.column, one.version): one for one in (*_made, *references)}
    return tuple(known[key] for key in sorted(known))
