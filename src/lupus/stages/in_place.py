"""Tables that are measured where they lie: their slices, and the engine that asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from lupus.model import Connections, ExtractError, MeasureError, Project, Snapshot

if TYPE_CHECKING:
    from lupus.measure import BackendEngine


@contextmanager
def engine_in_place(
    project: Project, snapshots: Sequence[Snapshot], connections: Connections
) -> Iterator[tuple[BackendEngine, list[Snapshot]]]:
    """An engine that knows where the slices of `snapshots` lie, all in one database; and the snapshots as they are now.

    Rows may have changed since the slice was extracted, and a query's answer is about those of now. Raises
    `MeasureError` when the database cannot be reached or refuses.
    """
    from lupus.extract import slice_of
    from lupus.extract.in_place import placed_together
    from lupus.measure import BackendEngine

    problem = ""
    wanted = [slice_of(project, project.table(one.table), one.interval) for one in snapshots]
    try:
        with placed_together(wanted, connections) as found:
            engine = BackendEngine(apart=found[0].apart)
            now = []
            for snapshot, place in zip(snapshots, found, strict=True):
                rows = place.count()
                now.append(replace(snapshot, rows=rows, schema=place.schema, failures=place.failures))
                engine.place(now[-1], place.rows)
            yield engine, now
    except ExtractError as error:
        problem = str(error)
    if problem:
        raise MeasureError(problem)
