"""What is being delivered, and what became of it: notices that wait, posts, and who is at work on which destination."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import NoticeState, Post, StoreError
from lupus.store import tables
from lupus.store.bulk import upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.runs import microseconds, moment

_POST: Final = ("channel", "ts", "shown", "begun", "file", "file_of")


def mark_notice(
    connection: Connection,
    notice: str,
    state: NoticeState,
    *,
    receipt: str,
    error: str,
    delivered_at: datetime | None,
    next_try: datetime | None,
) -> None:
    """Record one attempt to send. Raises `StoreError` when there is no such notice."""
    columns = tables.notices.c
    done = connection.execute(
        sa.update(tables.notices)
        .where(columns.id == notice)
        .values(
            state=state.value,
            receipt=receipt,
            error=error,
            attempts=columns.attempts + 1,
            delivered_us=microseconds(delivered_at),
            next_try_us=microseconds(next_try),
        )
    )
    if done.rowcount != 1:
        raise StoreError(f"the store has no notice {notice!r}; it was withdrawn by a later run")


def retry_failed(connection: Connection, project: str | None) -> int:
    """Make failed notices pending, and let those that wait for a later try be due now; how many there were."""
    columns = tables.notices.c
    failed = columns.state == NoticeState.FAILED.value
    waiting = sa.and_(columns.state == NoticeState.PENDING.value, columns.next_try_us.is_not(None))
    query = sa.update(tables.notices).where(sa.or_(failed, waiting))
    if project is not None:
        query = query.where(columns.project_id == project_id(project))
    return connection.execute(query.values(state=NoticeState.PENDING.value, attempts=0, next_try_us=None)).rowcount


def read_posts(
    connection: Connection, names: Names, project: str | None, *, incident: str | None, ts: str | None
) -> list[Post]:
    """Posts, oldest first."""
    columns = tables.posts.c
    query = (
        sa.select(tables.posts, tables.projects.c.name)
        .join(tables.projects, tables.projects.c.id == columns.project_id)
        .order_by(columns.start, columns.incident, columns.destination)
    )
    if project is not None:
        query = query.where(columns.project_id == project_id(project))
    if incident is not None:
        query = query.where(columns.incident == incident)
    if ts is not None:
        query = query.where(columns.ts == ts)
    rows = connection.execute(query).all()
    starts: dict[int, set[int]] = {}
    for row in rows:
        starts.setdefault(row.project_id, set()).add(row.start)
    when = {number: names.intervals(connection, number, each) for number, each in starts.items()}
    return [
        Post(
            row.incident, row.destination, row.name, when[row.project_id][row.start],
            *(getattr(row, name) for name in _POST),
        )
        for row in rows
    ]  # fmt: skip


def save_post(connection: Connection, names: Names, post: Post) -> None:
    """Write what is known of a post."""
    number = names.save_project(connection, post.project)
    names.save_intervals(connection, number, [post.since])
    row = (
        post.incident, post.destination, number, epoch(post.since), *(getattr(post, name) for name in _POST),
    )  # fmt: skip
    upsert(connection, tables.posts, [row])


def take_lease(connection: Connection, destination: str, owner: str, *, now: datetime, until: datetime) -> bool:
    """Make `owner` the one who delivers to `destination` until `until`; False when another one is."""
    upsert(connection, tables.destinations, [(destination, "", None, None)], update=())
    columns, at = tables.destinations.c, microseconds(now)
    taken = connection.execute(
        sa.update(tables.destinations)
        .where(
            columns.destination == destination,
            sa.or_(columns.lease.in_(("", owner)), columns.leased_until_us.is_(None), columns.leased_until_us <= at),
        )
        .values(lease=owner, leased_until_us=microseconds(until))
    )
    return taken.rowcount == 1


def release(connection: Connection, destination: str, owner: str, *, ready: datetime | None) -> None:
    """Let others deliver to `destination`, from `ready` on; nothing is done when `owner` has lost it already."""
    columns = tables.destinations.c
    connection.execute(
        sa.update(tables.destinations)
        .where(columns.destination == destination, columns.lease == owner)
        .values(lease="", leased_until_us=None, ready_us=microseconds(ready))
    )


def read_destinations(
    connection: Connection, names: Sequence[str]
) -> dict[str, tuple[datetime | None, datetime | None]]:
    """Until when each destination is leased, and from when on it takes messages; None for now."""
    columns = tables.destinations.c
    rows = connection.execute(sa.select(tables.destinations).where(columns.destination.in_(names)))
    return {row.destination: (moment(row.leased_until_us) if row.lease else None, moment(row.ready_us)) for row in rows}
