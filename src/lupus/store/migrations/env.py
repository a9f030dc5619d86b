"""Runs migrations in the transaction that `lupus.store.schema.upgrade` has opened."""

from alembic import context

from lupus.store.schema import VERSION_TABLE
from lupus.store.tables import metadata

config = getattr(context, "config", None)
if config is not None:  # None when this file is imported by anything but Alembic
    context.configure(
        connection=config.attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        transactional_ddl=True,  # SQLite can as well, since we say BEGIN ourselves
    )
    with context.begin_transaction():
        context.run_migrations()
