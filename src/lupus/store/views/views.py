"""Views: what screens read, and what people leave there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from lupus.model import Series
from lupus.store import listings, newest
from lupus.store.database import Database
from lupus.store.listings import Listing
from lupus.store.names import project_id, touch
from lupus.store.views import catalog, columns, desk, incidents, overview, series
from lupus.store.views.rows import Annotation, AuditEntry, Columns, Dashboard, Judged, ProjectStand, Sibling, Tallied

if TYPE_CHECKING:
    # Not when it runs: two first requests at once that load numpy from two ends get half of it.
    from numpy.typing import NDArray


class Views:
    """One method per screen's question. Each is one transaction of a fixed number of statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stands = overview.Stands()

    def projects(self, names: Collection[str] | None = None) -> list[ProjectStand]:
        """The projects called `names` (or all) that the store knows, by name."""
        with self._database.reading() as connection:
            return self._stands.get(connection, names)

    def overview(
        self, stands: Collection[ProjectStand], *, intervals: int
    ) -> tuple[dict[int, list[Tallied]], dict[int, dict[str, int]], dict[int, list[Any]]]:
        """By project: tallies of its newest intervals, open incidents by severity, stages of its newest run."""
        ids = [one.id for one in stands]
        with self._database.reading() as connection:
            return (
                overview.strips(connection, ids, intervals),
                overview.open_incidents(connection, ids),
                overview.last_runs(connection, ids),
            )

    def runs(self, project: ProjectStand, *, intervals: int) -> list[Any]:
        """The stages that ran over the project's newest intervals, newest first."""
        with self._database.reading() as connection:
            return overview.last_runs(connection, [project.id], intervals).get(project.id, [])

    def open_incidents(self, stands: Collection[ProjectStand]) -> int:
        """How many incidents of the projects are not resolved."""
        with self._database.reading() as connection:
            found = overview.open_incidents(connection, [one.id for one in stands])
        return sum(sum(counts.values()) for counts in found.values())

    def matrix(self, project: ProjectStand, *, since: int, until: int, by: str) -> list[Tallied]:
        """The tallies of each row (`by` group, table or column) at each interval that starts in [since, until]."""
        with self._database.reading() as connection:
            return overview.matrix(connection, project.id, since=since, until=until, by=by)

    def day(
        self, project: ProjectStand, key: str
    ) -> tuple[str | None, str | None, list[Any], list[dict[str, Any]]] | None:
        """The interval `key`: the keys before and after it, its stages, its series with the worst verdict of each."""
        with self._database.reading() as connection:
            return overview.day(connection, project.id, key)

    def catalog(
        self, stands: Collection[ProjectStand], *, day: str | None = None
    ) -> tuple[Listing, NDArray[Any], dict[int, str], dict[tuple[int, int], str]]:
        """All series, verdicts on them (`lupus.store.newest.ROW`), open incidents by series, and keys of starts.

        Verdicts are the newest ones, or all those of `day`: of the last interval of each project whose key begins so.
        """
        ids = [one.id for one in stands]
        with self._database.reading() as connection:
            listing = listings.read(connection, ids)
            if day is None:
                verdicts = newest.read(connection, ids)
                keys = catalog.keys(connection, ids, set(verdicts["start"].tolist()))
            else:
                keys = catalog.keys_of_day(connection, ids, day)
                verdicts = catalog.verdicts_at(connection, dict(sorted(keys)))
            return listing, verdicts, catalog.incidents_of(connection, ids), keys

    def find(self, ids: Collection[int]) -> dict[int, tuple[int, Series]]:
        """By id the project's id and the series, of those that exist."""
        with self._database.reading() as connection:
            return series.find(connection, ids)

    def homes(self, ids: Collection[int]) -> dict[int, int]:
        """By series the id of its project, of those of `ids` that exist, in their order."""
        with self._database.reading() as connection:
            return columns.homes(connection, ids)

    def columns(
        self, of: Mapping[int, int], stands: Collection[ProjectStand], *, since: int, until: int
    ) -> list[Columns]:
        """The columns of the series `of` (as `homes` gives them) that are of these projects, project by project."""
        with self._database.reading() as connection:
            names = {one.id: one.name for one in stands}
            return columns.columns(connection, of, projects=names, since=since, until=until)

    def count_intervals(self, stands: Collection[ProjectStand], *, since: int, until: int) -> dict[int, int]:
        """By project how many intervals start in [since, until]."""
        with self._database.reading() as connection:
            return series.count_intervals(connection, [one.id for one in stands], since=since, until=until)

    def envelopes(
        self, ids: Collection[int], *, since: int, until: int
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Weeks of (series, week, mean, least, greatest); findings of (series, start, value, status, score)."""
        with self._database.reading() as connection:
            return columns.envelopes(connection, ids, since=since, until=until)

    def judged(self, number: int, project: ProjectStand, *, since: int, until: int) -> list[Judged]:
        """Every interval of one series with its point and the worst of its verdicts, oldest first."""
        with self._database.reading() as connection:
            return series.judged(connection, number, project.id, since=since, until=until)

    def surroundings(
        self, number: int, project: ProjectStand, one: Series
    ) -> tuple[list[Sibling], list[Annotation], list[str]]:
        """Of a series: its siblings in other segments, remarks, and the incidents that hold a finding of it."""
        with self._database.reading() as connection:
            return (
                series.siblings(connection, project.id, one.key),
                desk.remarks(connection, project.id, number),
                incidents.of_series(connection, number),
            )

    def incidents(
        self,
        stands: Collection[ProjectStand],
        *,
        states: Collection[str] | None = None,
        assignees: Collection[str] | None = None,
        ids: Collection[str] | None = None,
    ) -> list[Any]:
        """Incidents with counts and their worst finding, newest first."""
        with self._database.reading() as connection:
            numbers = [one.id for one in stands]
            return incidents.listed(connection, numbers, states=states, assignees=assignees, ids=ids)

    def find_interval(self, project: ProjectStand, key: str) -> int | None:
        """The start of the project's interval called `key`; None when the store knows none."""
        with self._database.reading() as connection:
            return desk.interval_start(connection, project.id, key)

    # What people leave

    def annotation(self, number: str) -> Annotation | None:
        """The remark with this id."""
        with self._database.reading() as connection:
            return desk.annotation(connection, number)

    def annotate(self, made: Annotation, *, start: int, last: int) -> None:
        """Store a remark about the intervals that start at `start` to `last`."""
        with self._writing(made.project) as connection:
            desk.annotate(connection, made, start=start, last=last)

    def remove_annotation(self, made: Annotation) -> None:
        with self._writing(made.project) as connection:
            desk.remove_annotation(connection, made.id)

    def dashboards(self, owner: str, stands: Collection[ProjectStand]) -> list[Dashboard]:
        """The owner's own, and those shared with the projects, by title."""
        with self._database.reading() as connection:
            return desk.dashboards(connection, owner, [one.id for one in stands])

    def dashboard(self, number: str) -> Dashboard | None:
        """The dashboard with this id, whoever may see it."""
        with self._database.reading() as connection:
            return desk.dashboard(connection, number)

    def save_dashboard(self, made: Dashboard) -> bool:
        """Store the successor of the version before (version 1: a new one). False when there is another."""
        with self._writing() as connection:
            return desk.save_dashboard(connection, made)

    def remove_dashboard(self, number: str, version: int) -> bool:
        """Remove it if it is still at `version`."""
        with self._writing() as connection:
            return desk.remove_dashboard(connection, number, version)

    def log(self, entry: AuditEntry) -> None:
        """Add to the audit log."""
        with self._writing() as connection:
            desk.log(connection, entry)

    def audit(self, stands: Collection[ProjectStand], *, limit: int) -> list[AuditEntry]:
        """The newest entries about the projects, newest first."""
        with self._database.reading() as connection:
            return desk.audit(connection, {one.id: one.name for one in stands}, limit)

    @contextmanager
    def _writing(self, *projects: str) -> Iterator[Connection]:
        with self._database.writing(*map(project_id, projects)) as connection:
            yield connection
            touch(connection, map(project_id, projects))
