"""The whole store as plain rows, for comparing stores."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from lupus.store.bulk import fetch
from lupus.store.tables import STAMPS, WALL_CLOCK, metadata


def dump(connection: Connection, *, wall_clock: bool) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables by key, without stamps and counts of writes, and wall-clock times only if `wall_clock`."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, table in sorted(metadata.tables.items()):
        columns = [c for c in table.c if c.name not in STAMPS and (wall_clock or c.name not in WALL_CLOCK)]
        key = [columns.index(c) for c in table.primary_key.columns]
        # Sorted here: databases do not agree on the order of text.
        found[name] = sorted(fetch(connection, sa.select(*columns)), key=itemgetter(*key))
    return found
