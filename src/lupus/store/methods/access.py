"""Access: how every method of the store reads and writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy.engine import Connection

from lupus.store import baselines as baseline_rows
from lupus.store import history as history_rows
from lupus.store.database import Database
from lupus.store.names import Names, project_id, touch


class Access:
    """The database, what is remembered of it, and transactions. Writes of one project wait for each other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Names()
        self._blocks = history_rows.Blocks()
        self._states = baseline_rows.StateBlocks()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.label!r})"

    @property
    def label(self) -> str:
        """The store's URL without its password."""
        return self._database.label

    def close(self) -> None:
        """Close all connections; a later call opens new ones."""
        self._database.close()

    @contextmanager
    def _writing(self, *projects: str) -> Iterator[Connection]:
        numbers = [project_id(name) for name in projects]
        own = [number for number in numbers if number not in self._database.locks]  # who locks, touches at the end
        try:
            with self._database.writing(*numbers) as connection:
                try:
                    yield connection
                    touch(connection, own)
                except BaseException:
                    self._names.clear()  # before the lock is released: nobody may believe in what is rolled back
                    raise
        except BaseException:
            self._names.clear()  # it may be the very end that failed: the disk was full
            raise

    @contextmanager
    def together(self, project: str) -> Iterator[None]:
        """What this thread writes of `project` meanwhile is stored at once at its end, or, after an error, not at all.

        For writes that follow each other: a transaction of its own for each would take longer than many of them. Other
        writers wait, so nothing is to be computed in between.
        """
        with self._writing(project):
            yield
