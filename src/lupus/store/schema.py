"""The schema's version: which one a store has, and the way from there to the newest."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.model import StoreError
from lupus.store.database import Database

REVISIONS: Final = ("0001",)
"""All revisions, oldest first. Known here so that opening a store need not load Alembic; a test compares."""

HEAD: Final = REVISIONS[-1]
VERSION_TABLE: Final = "lupus_version"


def revision(connection: Connection) -> str | None:
    """The store's revision; None when it is empty."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    table = sa.table(VERSION_TABLE, sa.column("version_num"))
    found: str | None = connection.execute(sa.select(table.c.version_num)).scalar()
    return found


def upgrade(database: Database) -> None:
    """Bring the store to `HEAD`, in one transaction. Of two at once, the second finds nothing left to do."""
    with database.upgrading() as connection:
        current = revision(connection)
        if current == HEAD:
            return
        if current is not None and current not in REVISIONS:
            raise StoreError(newer(database, current))
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "lupus.store:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newer(database: Database, current: str) -> str:
    return (
        f"the metric store at {database.label} has schema {current}, which this Lupus (schema {HEAD}) does not know; "
        "install the Lupus that wrote it, or a newer one"
    )


def older(database: Database, current: str) -> str:
    return (
        f"the metric store at {database.label} has schema {current} and this Lupus needs {HEAD}; "
        "make a copy and run `lupus db upgrade`"
    )
