"""The store's methods about what is learnt from: references, and what belongs to no baseline."""

from __future__ import annotations

from collections.abc import Sequence

from lupus.model import Exclusion, Interval, Reference
from lupus.store import exclusions as exclusion_rows
from lupus.store import states as state_rows
from lupus.store.methods.access import Access


class Baselines(Access):
    """What days are compared with."""

    def excluded_columns(self, project: str, intervals: Sequence[Interval]) -> set[tuple[Interval, str, str]]:
        """(interval, table, column) of what nothing is learnt from; an empty column stands for the whole table."""
        with self._database.reading() as connection:
            return exclusion_rows.columns_excluded(connection, self._names, project, intervals)

    def exclusions(
        self, project: str, *, first: Interval | None = None, last: Interval | None = None
    ) -> list[Exclusion]:
        """What belongs to no baseline, and why: all that is about intervals from `first` to `last`, oldest first."""
        with self._database.reading() as connection:
            return exclusion_rows.read(connection, project, first=first, last=last)

    def add_exclusion(self, exclusion: Exclusion) -> None:
        """Leave out or keep by hand; `StoreError` for a reason that is not a person's, or without a name."""
        with self._writing(exclusion.project) as connection:
            exclusion_rows.add(connection, self._names, exclusion)

    def exclusion(self, exclusion: str) -> Exclusion:
        """The exclusion with this id; `StoreError` when there is none."""
        with self._database.reading() as connection:
            return exclusion_rows.read_one(connection, exclusion)

    def remove_exclusion(self, exclusion: str) -> None:
        """Take back what a person left out or kept, by its id; `StoreError` for any other."""
        with self._writing(self.exclusion(exclusion).project) as connection:
            exclusion_rows.remove(connection, exclusion)

    def save_references(self, references: Sequence[Reference]) -> None:
        """Write references; a version that exists is kept as it is, whoever wrote it."""
        if not references:
            return
        with self._writing(*{one.project for one in references}) as connection:
            state_rows.save_references(connection, self._names, references)

    def references(self, project: str, table: str | None = None) -> tuple[Reference, ...]:
        """References by table, column and version."""
        with self._database.reading() as connection:
            return state_rows.read_references(connection, project, table)
