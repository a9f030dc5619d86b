"""The store's methods about incidents, and what a run decides about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.engine import Connection

from lupus.model import ConflictError, Incident, IncidentEvent, Interval, Notice, RetrainRequest, StoreError
from lupus.store import acts
from lupus.store import events as event_rows
from lupus.store import incidents as incident_rows
from lupus.store import retrain as retrain_rows
from lupus.store.methods.access import Access


class Incidents(Access):
    """What belongs together, and what people made of it."""

    def incidents(
        self,
        project: str | None = None,
        *,
        active_only: bool = False,
        since: Interval | None = None,
        or_active: bool = False,
        ids: Sequence[str] | None = None,
    ) -> list[Incident]:
        """Incidents with their findings, newest first.

        `since`: those that lasted until then or longer, and with `or_active` the active ones, however old. `ids`: only
        those of these that are there.
        """
        with self._database.reading() as connection:
            return incident_rows.read(
                connection, self._names, project, active_only=active_only, since=since, or_active=or_active, ids=ids
            )

    def incident(self, incident: str) -> Incident:
        """The incident with this id; `StoreError` when there is none."""
        with self._database.reading() as connection:
            return self._incident(connection, incident)

    def save_incidents(self, save: Sequence[Incident], delete: Sequence[str] = ()) -> None:
        """Write incidents as they are, and remove those with the ids `delete`."""
        with self._writing(*{one.project for one in save}) as connection:
            incident_rows.save(connection, self._names, save, delete)

    def edit_incident(
        self,
        incident: str,
        edit: Callable[[Incident, list[IncidentEvent]], tuple[Incident, IncidentEvent]],
        *,
        version: int | None = None,
    ) -> Incident:
        """Make of an incident what `edit` makes of it and of its timeline, and add the event that `edit` returns.

        All in one transaction, while no run and nobody else changes it: two people at once come one after the other.
        Raises `ConflictError` when it is not at `version` any more, `StoreError` when there is no such incident, and
        what `edit` raises; then nothing has changed.
        """
        with self._database.reading() as connection:
            project = self._incident(connection, incident).project
        with self._writing(project) as connection:
            before = self._incident(connection, incident)
            if version is not None and version != before.version:
                raise ConflictError(
                    f"incident {incident} was changed"
                    + (f" by {before.by}" if before.by else " by a run")
                    + f" in between (version {before.version}, not {version}); look at it again"
                )
            after, event = edit(before, event_rows.read(connection, self._names, incident))
            incident_rows.save(connection, self._names, [after], ())
            event_rows.add(connection, self._names, [event])
            return self._incident(connection, incident)

    def incident_events(self, incident: str) -> list[IncidentEvent]:
        """The timeline of an incident, oldest first; that of one that is no more holds what people did."""
        with self._database.reading() as connection:
            return event_rows.read(connection, self._names, incident)

    def add_incident_events(self, events: Sequence[IncidentEvent]) -> None:
        """Add to timelines. An event that is there already keeps its time."""
        with self._writing(*{event.project for event in events}) as connection:
            event_rows.add(connection, self._names, events)

    def commit_act(
        self,
        project: str,
        interval: Interval,
        *,
        incidents: Sequence[Incident],
        delete: Sequence[str] = (),
        notices: Sequence[Notice] = (),
        retrain: RetrainRequest | None = None,
        known: Sequence[Incident] | None = None,
        events: Sequence[IncidentEvent] = (),
        moved: Mapping[str, str] | None = None,
    ) -> None:
        """Everything that `act` decided in the run of `interval`, all or nothing.

        A notice that was sent stays as it was sent, one that was not and is no longer wanted goes. A retrain request
        that was executed stays, one that was not and is no longer wanted goes. `known` are the incidents that the
        decision is based on: raises `ConflictError` when a person or another run has changed one since. `events` are
        all that runs have to tell of `incidents`; `moved` says which incident a deleted one went into, and what
        people did goes along.
        """
        told = {one.id for one in incidents}
        with self._writing(project) as connection:
            if known is not None:
                incident_rows.refuse_stale(connection, known, {*told, *delete})
            incident_rows.save(connection, self._names, incidents, delete)
            event_rows.replace(
                connection, self._names, {*told, *delete}, events, kinds=event_rows.RUN_EVENTS, moved=moved or {}
            )
            acts.replace_notices(connection, self._names, project, interval, notices)
            retrain_rows.replace_retrain(connection, self._names, project, interval, retrain)

    def _incident(self, connection: Connection, incident: str) -> Incident:
        found = incident_rows.read(connection, self._names, None, ids=[incident])
        if not found:
            raise StoreError(f"there is no incident {incident!r}; `lupus incidents` lists them")
        return found[0]
