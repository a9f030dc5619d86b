"""The metric store: what Lupus measured, judged and did, in SQLite (default) or PostgreSQL.

Importing this package is light; SQLAlchemy is loaded when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lupus.store.exclusions import exclude
    from lupus.store.opening import open_store
    from lupus.store.runs import StageRun, StoredProject
    from lupus.store.store import Store

__all__ = ["StageRun", "Store", "StoredProject", "exclude", "open_store"]

_HOMES = {
    "exclude": "exclusions",
    "open_store": "opening",
    "Store": "store",
    "StageRun": "runs",
    "StoredProject": "runs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
