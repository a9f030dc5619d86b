"""Store: everything that Lupus keeps, in SQLite or PostgreSQL. Every method is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lupus.store import dump as dump_rows
from lupus.store import schema
from lupus.store.database import Database
from lupus.store.methods.baselines import Baselines
from lupus.store.methods.incidents import Incidents
from lupus.store.methods.models import Models
from lupus.store.methods.notices import Notices
from lupus.store.methods.points import Points
from lupus.store.methods.projects import Projects
from lupus.store.methods.verdicts import Verdicts

if TYPE_CHECKING:
    from lupus.store.views import Views


class Store(Projects, Points, Baselines, Verdicts, Incidents, Notices, Models):
    """The metric store. Make one with `open_store`; use it from any thread, close it when done.

    Writes of one project wait for each other. A method that fails has written nothing and raises `StoreError`.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._views: Views | None = None

    @property
    def views(self) -> Views:
        """What the screens of the Web UI read and write."""
        if self._views is None:
            from lupus.store.views import Views

            self._views = Views(self._database)
        return self._views

    def revision(self) -> tuple[str | None, str]:
        """The revision that the store has (None when it is empty) and the one that this Lupus needs."""
        with self._database.reading() as connection:
            return schema.revision(connection), schema.HEAD

    def upgrade(self) -> None:
        """Bring the schema to the newest revision. Doing it twice, or twice at once, is harmless."""
        schema.upgrade(self._database)

    def dump(self, *, wall_clock: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, sorted: equal content gives equal dumps. Meant for tests and comparisons."""
        with self._database.reading() as connection:
            return dump_rows.dump(connection, wall_clock=wall_clock)
