"""What is being delivered, and what became of it: notices that wait, posts, and who is at work on which destination."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import EventKind, NoticeState, Post
from lupus.store import tables
from lupus.store.bulk import upsert
from lupus.store.names import Names, epoch, project_id
from lupus.store.runs import microseconds, moment

_POST: Final = ("channel", "ts", "shown", "begun", "file", "file_of")


GONE: Final = -2
"""The version that a post shows when its incident is no longer there."""

_NO_INCIDENT: Final = -1


def due(
    connection: Connection, project: str, *, incident: str | None, quiet: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """By destination, the incidents about which there is something to send or to bring up to date.

    That is where notices are pending; where one that was not sent, for one of the reasons `quiet`, is not in the thread
    yet; and where the incident has changed since its message was written, is gone, or is there again. All messages of
    an `incident` that is named. Oldest first.
    """
    notices, posts, incidents = tables.notices.c, tables.posts.c, tables.incidents.c
    number = project_id(project)
    there = sa.and_(posts.project_id == number, posts.ts != "")
    same = sa.and_(notices.incident == posts.incident, notices.destination == posts.destination)
    waiting = sa.select(notices.destination, notices.incident, notices.start).where(
        notices.project_id == number, notices.state == NoticeState.PENDING.value
    )
    untold = (
        sa.select(notices.destination, notices.incident, notices.start)
        .select_from(tables.posts.join(tables.notices, same))
        .where(
            there,
            notices.state == NoticeState.NOT_SENT.value,
            notices.reason.in_(quiet),
            notices.receipt == "",
            notices.start > posts.start,
        )
    )
    # Messages of no incident (digests) have one notice's id for a name, and are not edited.
    changed = (
        sa.select(posts.destination, posts.incident, posts.start)
        .select_from(tables.posts.outerjoin(tables.incidents, incidents.id == posts.incident))
        .where(there, posts.writes != _NO_INCIDENT, sa.func.coalesce(incidents.writes, GONE) != posts.writes)
    )
    queries = [waiting, untold, changed]
    if incident is not None:
        queries.append(sa.select(posts.destination, posts.incident, posts.start).where(there))
    found: dict[str, dict[str, None]] = {}
    rows = sorted({tuple(row) for query in queries for row in connection.execute(query)}, key=_order)
    for destination, one, _ in rows:
        if incident in (None, one):
            found.setdefault(destination, {})[one] = None
    return {destination: tuple(ones) for destination, ones in found.items()}


def _order(row: tuple[str, str, int]) -> tuple[int, str, str]:
    return row[2], row[0], row[1]


def standing(connection: Connection, incident: str) -> dict[str, Any] | None:
    """What people have made of an incident, without its findings; None when there is no such incident."""
    columns = tables.incidents.c
    row = connection.execute(
        sa.select(
            columns.state, columns.by, columns.acknowledged_by, columns.muted_until, columns.muted_score,
            columns.outcome, columns.assignee, columns.comment, columns.writes,
        ).where(columns.id == incident)
    ).first()  # fmt: skip
    if row is None:
        return None
    until = [row.muted_until] if row.muted_until else []
    if row.muted_score is not None:
        until.append(f"its score reaches {row.muted_score:.1f}")
    events = tables.incident_events.c
    # Whoever changed it last need not be who muted or judged it: two people may have pressed at once.
    people = sa.select(events.kind, events.by).where(
        events.incident == incident, events.kind.in_((EventKind.MUTED.value, EventKind.JUDGED.value))
    )
    by = {one.kind: one.by for one in connection.execute(people.order_by(events.at_us))}
    by[EventKind.ACKNOWLEDGED.value] = row.acknowledged_by
    return {
        "state": row.state,
        "by": by.get(row.state, row.by),
        "until": " or ".join(until),
        "outcome": row.outcome or "",
        "judged_by": by.get(EventKind.JUDGED.value, row.by) if row.outcome else "",
        "assignee": row.assignee,
        "comment": row.comment,
        "version": row.writes,
    }


def mark_notice(
    connection: Connection,
    notice: str,
    state: NoticeState,
    *,
    receipt: str,
    error: str,
    delivered_at: datetime | None,
    next_try: datetime | None,
) -> bool:
    """Record one attempt to send; False when there is no such notice."""
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
    return done.rowcount == 1


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
            row.incident, row.destination, row.name, when[row.project_id][row.start], version=row.writes,
            sealed=row.sealed, **{name: getattr(row, name) for name in _POST},
        )
        for row in rows
    ]  # fmt: skip


def save_post(connection: Connection, names: Names, post: Post) -> None:
    """Write what is known of a post."""
    number = names.save_project(connection, post.project)
    names.save_intervals(connection, number, [post.since])
    row = (
        post.incident, post.destination, number, epoch(post.since), *(getattr(post, name) for name in _POST),
        post.version, post.sealed,
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
