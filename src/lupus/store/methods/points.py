"""The store's methods about points, and the States that they come of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from lupus.model import ChartPoint, History, Interval, MetricPoint, Series, SeriesKey, StoredState
from lupus.store import charts as chart_rows
from lupus.store import history as history_rows
from lupus.store import points as point_rows
from lupus.store import states as state_rows
from lupus.store.methods.access import Access
from lupus.store.names import epoch, project_id

Decoded = TypeVar("Decoded")


class Points(Access):
    """What was measured."""

    def replace_points(
        self,
        project: str,
        interval: Interval,
        points: Sequence[MetricPoint],
        *,
        scope: str,
        states: Sequence[StoredState] | None = None,
    ) -> None:
        """Make `points` (and `states`, when given) all that the project has of `scope` at `interval`.

        `scope` says what made the series: ``table:<name>``, ``evaluation``, ``validation:<table>``, ``pushed``,
        ``sql``. Points of the scope that are not in `points` go, with their verdicts. A rerun leaves identical rows.
        """
        with self._writing(project) as connection:
            point_rows.replace(connection, self._names, project, interval, points, scope=scope)
            if states is not None:
                state_rows.replace(connection, self._names, project, interval, states, scope=scope)

    def upsert_points(self, points: Sequence[MetricPoint], *, scope: str) -> None:
        """Write points of any projects and intervals without removing others."""
        by_project: dict[str, list[MetricPoint]] = {}
        for point in points:
            by_project.setdefault(point.series.key.project, []).append(point)
        with self._writing(*by_project) as connection:
            for project, own in by_project.items():
                point_rows.add(connection, self._names, project, own, scope)

    def points(
        self,
        project: str,
        *,
        interval: Interval | None = None,
        intervals: Sequence[Interval] | None = None,
        metric: str | None = None,
        table: str | None = None,
        segment: str | None = None,
        limit: int | None = None,
    ) -> list[MetricPoint]:
        """Points by interval and series, oldest first; with `limit` the newest ones.

        `metric`, `table` and `segment` are names or shell patterns.
        """
        chosen = [interval] if interval is not None else intervals
        with self._database.reading() as connection:
            return point_rows.read(
                connection,
                self._names,
                project,
                intervals=chosen,
                metric=metric,
                table=table,
                segment=segment,
                limit=limit,
            )

    def series(self, project: str) -> dict[SeriesKey, Series]:
        """All series that the project ever had."""
        with self._database.reading() as connection:
            known = self._names.known(connection, project_id(project))
            return {one.key: one for one in known.by_id.values()}

    def history(self, project: str, intervals: Sequence[Interval], *, scopes: Collection[str] | None = None) -> History:
        """The series with any point in `intervals`, as matrices; see `lupus.model.History`.

        `excluded` and `since` are what the stored exclusions say. `closed` is all True. Intervals read before are read
        again only when they have changed.
        """
        with self._database.reading() as connection:
            return history_rows.read(connection, self._names, self._blocks, project, intervals=intervals, scopes=scopes)

    def save_states(self, states: Sequence[StoredState], *, scope: str = "") -> None:
        """Write states; one of the same name and interval is replaced."""
        by_project: dict[str, list[StoredState]] = {}
        for state in states:
            by_project.setdefault(state.project, []).append(state)
        with self._writing(*by_project) as connection:
            for project, own in by_project.items():
                state_rows.save(connection, self._names, project, own, scope)

    def states(  # noqa: PLR0917 - from the wide to the narrow
        self,
        project: str,
        table: str,
        column: str | None = None,
        segment: str | None = None,
        kind: str | None = None,
        intervals: Sequence[Interval] | None = None,
    ) -> list[StoredState]:
        """States, oldest first. None means any."""
        with self._database.reading() as connection:
            return state_rows.read(
                connection, self._names, project, table, column=column, segment=segment, kind=kind, intervals=intervals
            )

    def decoded_states(
        self,
        project: str,
        intervals: Sequence[Interval],
        kinds: Sequence[str],
        decode: Callable[[Sequence[StoredState]], Decoded],
    ) -> dict[Interval, Decoded]:
        """What `decode` makes of the States of these `kinds` of each of `intervals` that the store knows.

        Intervals decoded before are read again only when they have changed, so one function is to be asked for the
        same kinds always.
        """
        with self._database.reading() as connection:
            return self._states.get(connection, project, intervals, kinds=kinds, decode=decode)

    def chart(self, key: SeriesKey, *, until: Interval | None = None, limit: int = 60) -> list[ChartPoint]:
        """What a chart of a series shows over the newest `limit` intervals (up to `until`), oldest first."""
        with self._database.reading() as connection:
            return chart_rows.read(
                connection, self._names, key, until=None if until is None else epoch(until), limit=limit
            )
