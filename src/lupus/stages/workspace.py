"""Workspace: what every stage is handed. The only place where rooms meet their surroundings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lupus.model import Connections, Routing
from lupus.stages.settings import Settings

if TYPE_CHECKING:
    from lupus.measure import Engine
    from lupus.store import Store


@dataclass(slots=True)
class Workspace:
    """The store, the folders, the connections, and the query engine (opened when first asked for)."""

    settings: Settings
    store: Store
    connections: Connections
    _engine: Engine | None = field(default=None, repr=False)

    @property
    def engine(self) -> Engine:
        from lupus.measure import Engine

        if self._engine is None:
            self._engine = Engine()
        return self._engine

    @property
    def routing(self) -> Routing:
        """What is said for all projects; raises `ConfigError` when it cannot be read."""
        from lupus.config import load_routing

        return load_routing(self.settings.shared)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self.store.close()


@contextmanager
def open_workspace(
    settings: Settings, *, connections: Connections, store_url: str | None = None
) -> Iterator[Workspace]:
    """A workspace over the settings' store (or `store_url`); closed at the end.

    Raises `StoreError` when the store cannot be reached or is out of date.
    """
    from lupus.store import open_store

    store = open_store(store_url or settings.store_url)
    workspace = Workspace(settings, store, connections)
    try:
        yield workspace
    finally:
        workspace.close()
