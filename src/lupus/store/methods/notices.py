"""The store's methods about notices, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from lupus.model import Interval, Notice, NoticeState, Post, StoreError, Told
from lupus.store import acts
from lupus.store import deliveries as delivery_rows
from lupus.store import events as event_rows
from lupus.store.methods.access import Access


class Notices(Access):
    """What is told, where, and whether it was."""

    def notices(
        self,
        project: str | None = None,
        *,
        state: NoticeState | None = None,
        incident: str | None = None,
        interval: Interval | None = None,
    ) -> list[Notice]:
        """Notices, oldest first."""
        with self._database.reading() as connection:
            return acts.read_notices(
                connection, self._names, project, state=state, incident=incident, interval=interval
            )

    def add_notices(self, notices: Sequence[Notice]) -> None:
        """Write notices that no run has decided on; one that is there already stays as it is."""
        with self._writing(*{one.project for one in notices}) as connection:
            acts.add_notices(connection, self._names, notices)

    def told(self, project: str, incidents: Sequence[str]) -> list[Told]:
        """What was decided about the incidents with these ids, oldest interval first; one query for many."""
        with self._database.reading() as connection:
            return acts.read_told(connection, self._names, project, incidents)

    def mark_notice(
        self,
        notice: str,
        state: NoticeState,
        *,
        receipt: str = "",
        error: str = "",
        delivered_at: datetime | None = None,
        next_try: datetime | None = None,
        post: Post | None = None,
        missing_ok: bool = False,
    ) -> None:
        """Record one attempt to send the notice with this id; adds one to its `attempts`. Writes `post` with it.

        With `missing_ok` a notice that a later run withdrew is no error, and `post` is written all the same.
        """
        with self._writing(*([post.project] if post else [])) as connection:
            found = delivery_rows.mark_notice(
                connection, notice, state, receipt=receipt, error=error, delivered_at=delivered_at, next_try=next_try
            )
            if not found and not missing_ok:
                raise StoreError(f"the store has no notice {notice!r}; it was withdrawn by a later run")
            if post is not None:
                delivery_rows.save_post(connection, self._names, post)

    def due_deliveries(
        self, project: str, *, incident: str | None = None, quiet: Sequence[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """By destination, the incidents of which there is something to send, or a message to bring up to date.

        `quiet` are reasons for which a notice was not sent and may yet be told in the thread of its message.
        """
        with self._database.reading() as connection:
            return delivery_rows.due(connection, project, incident=incident, quiet=quiet)

    def standing(self, incident: str) -> dict[str, Any] | None:
        """What people have made of an incident by now, in words, and its `version`; None when it is gone."""
        with self._database.reading() as connection:
            return delivery_rows.standing(connection, incident)

    def went_into(self, incident: str) -> str:
        """The incident that a deleted `incident` went into by now, "" when its findings are no more."""
        with self._database.reading() as connection:
            return event_rows.went_into(connection, incident)

    def retry_failed(self, project: str | None = None) -> int:
        """Make failed notices pending again, and those that wait for their next try due; returns how many."""
        with self._writing() as connection:
            return delivery_rows.retry_failed(connection, project)

    def posts(self, project: str | None = None, *, incident: str | None = None, ts: str | None = None) -> list[Post]:
        """The messages that are kept up to date in channels, oldest first. `ts` is what Slack calls one."""
        with self._database.reading() as connection:
            return delivery_rows.read_posts(connection, self._names, project, incident=incident, ts=ts)

    def save_post(self, post: Post) -> None:
        """Remember `post` as it is now."""
        with self._writing(post.project) as connection:
            delivery_rows.save_post(connection, self._names, post)

    def take_lease(self, destination: str, owner: str, *, now: datetime, until: datetime) -> bool:
        """Whether `owner` is now the only one who delivers to `destination`, at most until `until`."""
        with self._writing() as connection:
            return delivery_rows.take_lease(connection, destination, owner, now=now, until=until)

    def release(self, destination: str, owner: str, *, ready: datetime | None = None) -> None:
        """End the lease of `owner`. Nobody is to send to `destination` before `ready`."""
        with self._writing() as connection:
            delivery_rows.release(connection, destination, owner, ready=ready)

    def destinations(self, names: Sequence[str]) -> dict[str, tuple[datetime | None, datetime | None]]:
        """For each destination that was ever delivered to: leased until, and ready from; None for now."""
        with self._database.reading() as connection:
            return delivery_rows.read_destinations(connection, names)
