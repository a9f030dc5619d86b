"""Database: one engine, its transactions, and its errors in plain words."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from lupus.model import StoreError

BUSY_SECONDS: Final = 30
_LOG_PAGES: Final = 16_384
"""Pages of 4 KiB after which SQLite's write-ahead log is moved into the file."""
_UPGRADE_LOCK: Final = 0x4C75707573  # "Lupus"
_WRITES: Final = "lupus_writes"
_FORMS: Final = "write sqlite:///path/to/lupus.db or postgresql://user:password@host:5432/database"


class _Open(threading.local):
    """The transaction that this thread writes in, and the locks that it has taken."""

    connection: Connection | None = None
    locks: frozenset[int] = frozenset()


class Database:
    """SQLite or PostgreSQL behind one URL, opened lazily. Raises `StoreError`, never with a password in it."""

    def __init__(self, url: str) -> None:
        self.url = _parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.label = self.url.set(query={}).render_as_string(hide_password=True)
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._open = _Open()

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL and for SQLite in memory."""
        name = self.url.database
        if not self.is_sqlite or not name or name == ":memory:" or name.startswith("file:"):
            return None
        return Path(name)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction that sees one moment of the store, however many statements it makes.

        Within a transaction of this thread's that writes, it is that one, and sees what has been written.
        """
        if self._open.connection is not None:
            yield self._open.connection
            return
        options: dict[str, Any] = {}
        if not self.is_sqlite:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._plainly(), self.engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def writing(self, *locks: int) -> Iterator[Connection]:
        """A transaction that is committed at the end, or leaves nothing.

        Writers of the same lock (a project's id) wait for each other; on SQLite all writers do. Within another one of
        this thread's it is a part of that one.
        """
        if self._open.connection is not None:
            self._lock(self._open.connection, set(locks) - self._open.locks)
            self._open.locks |= set(locks)
            yield self._open.connection
            return
        with self._plainly(), self.engine.connect() as connection:
            if self.is_sqlite:
                # SQLite cannot turn a reader into a writer while another one writes: take the lock at the start.
                connection.execution_options(**{_WRITES: True})
            with connection.begin():
                self._lock(connection, locks)
                self._open.connection, self._open.locks = connection, frozenset(locks)
                try:
                    yield connection
                finally:
                    self._open.connection, self._open.locks = None, frozenset()

    @property
    def locks(self) -> frozenset[int]:
        """What this thread has locked in the transaction that it writes in."""
        return self._open.locks

    def _lock(self, connection: Connection, locks: Iterable[int]) -> None:
        if not self.is_sqlite:
            for lock in sorted(set(locks)):  # in one order, so that no two writers wait for each other in a ring
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))

    @contextmanager
    def upgrading(self) -> Iterator[Connection]:
        """A transaction in which nobody else upgrades."""
        with self.writing(_UPGRADE_LOCK) as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(self._explain(error)) from error
        except SQLAlchemyError as error:
            raise StoreError(f"the metric store at {self.label} refused: {error}") from error

    def _explain(self, error: DBAPIError) -> str:
        reason = " ".join(str(error.orig).split()) or type(error.orig).__name__
        where = f"the metric store at {self.label}"
        if self.is_sqlite:
            if "locked" in reason or "busy" in reason:
                return f"{where} is being written by another process for over {BUSY_SECONDS} seconds; try again"
            if "unable to open" in reason or "readonly" in reason:
                return f"{where} cannot be opened for writing ({reason}); check that its folder exists and is yours"
            if "not a database" in reason or "malformed" in reason:
                return f"{where} is damaged or no SQLite file ({reason}); restore a copy, or choose another path"
            if "full" in reason:
                return f"{where} has no room to write ({reason}); free some disk space and run again"
        elif error.connection_invalidated or "connect" in reason or "FATAL" in reason:
            return (
                f"{where} cannot be reached ({reason}); check that the server runs at "
                f"{self.url.host or 'its local socket'}:{self.url.port or 5432}, and check database, user and password"
            )
        return f"{where} refused: {reason}"


def _parse(url: str) -> URL:
    # The text may hold a password: it is not repeated.
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(f"the metric store's URL cannot be read; {_FORMS}") from None
    if "@" in (parsed.host or ""):  # the tail of a password, taken for a part of the host
        raise StoreError(f"the metric store's URL has more than one @; write %40 for an @ in the password; {_FORMS}")
    if parsed.drivername.startswith("postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"the metric store cannot be {parsed.get_backend_name()!r}; {_FORMS}")
    return parsed.set(drivername="sqlite")


def _postgres_engine(url: URL) -> Engine:
    options = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    try:
        engine = sa.create_engine(url, connect_args=options, pool_pre_ping=True, hide_parameters=True)
    except ImportError:
        raise StoreError(
            "PostgreSQL needs the psycopg driver; install it with: pip install 'lupus[postgres]'"
        ) from None
    event.listen(engine, "connect", _set_up_postgres)
    return engine


def _set_up_postgres(connection: Any, _record: Any) -> None:
    # To compile a query takes longer than any of ours.
    autocommit, connection.autocommit = connection.autocommit, True
    connection.execute("SET jit = off")
    connection.autocommit = autocommit


def _sqlite_engine(url: URL) -> Engine:
    arguments: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS}}
    if url.database in (None, "", ":memory:"):
        arguments["poolclass"] = StaticPool  # one connection is the whole database
        arguments["connect_args"]["check_same_thread"] = False
    engine = sa.create_engine(url, hide_parameters=True, **arguments)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        _use_wal(cursor)
        # A lost power supply may lose the last transactions, but never half of one.
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA cache_size = -32768")
        # Moving the log into the file waits for the disk, and by default it is moved after four megabytes, which
        # are a day or two of one project: pages that every day changes would be moved again and again.
        cursor.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    finally:
        cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch to the write-ahead log. The switch does not wait for other processes, so try for a while."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
                cursor.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
