"""Extracting, validating, measuring and evaluating the next intervals while this one is judged, in a second process.

None of it depends on what is known of earlier intervals, and together they are half of a run. The second process
writes snapshots only; the store has one writer.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import connection, parent_process
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from lupus.model import Interval, Project, Reference
from lupus.stages.evaluation import Evaluation, evaluate_run
from lupus.stages.extract import ExtractReport, read_tables
from lupus.stages.garbage import rare_collections
from lupus.stages.measure import MeasuredTables, measure_tables
from lupus.stages.settings import EnvironmentConnections, Settings
from lupus.stages.validate import CheckedTables, check_tables
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.measure import Engine

_WORTH_IT = 8
"""Intervals from which a second process pays for its start."""
_LEAD = 3
"""Intervals that it may be ahead."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An interval whose tables are extracted, validated and measured, and what labels say if no validation failed."""

    extracted: ExtractReport
    checked: CheckedTables
    measured: MeasuredTables
    evaluation: Evaluation


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
        coming: dict[Interval, Future[Prepared] | None] = {}
        try:
            for position, interval in enumerate(intervals):
                for one in intervals[position : position + _LEAD + 1]:
                    if one not in coming:
                        coming[one] = _submit(pool, one, workspace.store.references(project.name))
                if len(coming) == len(intervals):
                    pool.shutdown(wait=False)  # when it has done this, it can go: that takes it a second
                yield interval, _result(coming[interval])
                coming[interval] = None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _submit(
    pool: ProcessPoolExecutor, interval: Interval, references: tuple[Reference, ...]
) -> Future[Prepared] | None:
    try:
        return pool.submit(_prepare, interval, references)
    except BrokenProcessPool:
        return None


def _result(future: Future[Prepared] | None) -> Prepared | None:
    """What the second process made; None when it was killed, for the run can do the work itself."""
    try:
        return future.result() if future is not None else None
    except BrokenProcessPool:
        return None


_state: tuple[Project, EnvironmentConnections, Settings, Engine] | None = None
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


def _prepare(interval: Interval, references: tuple[Reference, ...]) -> Prepared:
    if _state is None:
        raise RuntimeError("the process was not started by prepared_ahead")
    project, connections, settings, engine = _state
    now = max(datetime.now(UTC), interval.end)
    return Prepared(
        read_tables(settings, connections, project, interval, now=now),
        check_tables(settings, connections, project, interval),
        measure_tables(settings, project, interval, references, engine=engine, connections=connections),
        evaluate_run(settings, project, interval, {}, engine=engine, connections=connections),
    )
