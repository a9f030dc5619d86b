"""The store's methods about projects and their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lupus.model import Interval
from lupus.store import runs as run_rows
from lupus.store.copying import copy_project
from lupus.store.methods.access import Access
from lupus.store.names import epoch, project_id
from lupus.store.runs import StageRun, StoredProject


class Projects(Access):
    """Which projects there are, and which stages ran."""

    def save_project(
        self, name: str, *, owner: str = "", cadence: str = "", about: Mapping[str, Any] | None = None
    ) -> None:
        """Remember a project; `about` is what its file says, as plain JSON values."""
        with self._writing(name) as connection:
            run_rows.save_project(connection, self._names, StoredProject(name, owner, cadence, about or {}))

    def projects(self) -> tuple[StoredProject, ...]:
        """All projects, by name."""
        with self._database.reading() as connection:
            return run_rows.read_projects(connection)

    def start_run(self, project: str, interval: Interval, stage: str, at: datetime) -> None:
        """Record that `stage` has begun; what is known of an earlier time is forgotten."""
        with self._writing(project) as connection:
            run_rows.start(connection, self._names, project, interval, str(stage), at=at)

    def finish_run(  # noqa: PLR0917 - the order of the columns
        self, project: str, interval: Interval, stage: str, at: datetime, status: str, detail: str = ""
    ) -> None:
        """Record that `stage` has ended, and how."""
        with self._writing(project) as connection:
            run_rows.finish(
                connection, self._names, project, interval, str(stage), at=at, status=str(status), detail=detail
            )

    def runs(self, project: str | None = None, *, intervals: Sequence[Interval] | None = None) -> list[StageRun]:
        """The stages that ran, oldest interval first."""
        with self._database.reading() as connection:
            return run_rows.read(connection, self._names, project, intervals)

    def newest_run(self, project: str, stage: str) -> Interval | None:
        """The newest interval for which `stage` came to its end; None when there is none."""
        with self._database.reading() as connection:
            return run_rows.newest(connection, self._names, project, str(stage))

    def copy_project(self, project: str, target: Access, *, since: Interval) -> None:
        """Copy all that is known of `project` from the interval `since` on into the store `target`."""
        number = project_id(project)
        with self._database.reading() as source, target._writing(project) as connection:
            copy_project(source, connection, number, epoch(since))
