"""Opening a store: making it when it is new, refusing it when its schema is not ours."""

from __future__ import annotations

from lupus.model import StoreError
from lupus.store import schema
from lupus.store.database import Database
from lupus.store.store import Store


def open_store(url: str, *, create: bool = True, check: bool = True) -> Store:
    """The store at `url` (``sqlite:///path/to/lupus.db`` or ``postgresql://user:password@host/database``).

    A store that is not there yet (no file, no tables) is made, unless `create` is False. Raises `StoreError` for one
    whose schema is older or newer than this Lupus needs; with `check` False it is opened all the same, for
    `Store.upgrade`.

    >>> with open_store("sqlite://") as store:
    ...     store.projects()
    ()
    """
    database = Database(url)
    try:
        _prepare(database, create=create, check=check)
    except BaseException:
        database.close()
        raise
    return Store(database)


def _prepare(database: Database, *, create: bool, check: bool) -> None:
    file = database.file
    if file is not None and not file.exists():
        if not create:
            raise StoreError(f"there is no metric store at {file}; run `lupus db upgrade` to make one")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {file.parent} for the metric store cannot be made: {error.strerror}"
            ) from error
    with database.reading() as connection:
        current = schema.revision(connection)
    if current is None and create:
        schema.upgrade(database)
    elif current == schema.HEAD or not check:
        return
    elif current is None:
        raise StoreError(f"the metric store at {database.label} is empty; run `lupus db upgrade` to set it up")
    elif current in schema.REVISIONS:
        raise StoreError(schema.older(database, current))
    else:
        raise StoreError(schema.newer(database, current))
