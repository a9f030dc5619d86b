"""What Airflow must know of the Web UI: its API and its React apps. Found by the entry point ``airflow.plugins``."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import Any, Final

from airflow.plugins_manager import AirflowPlugin

from lupus.ui.bundle import react_apps

PREFIX: Final = "lupus"


class LateApp:
    """The API, made at the first request: every scheduler, worker and task loads plugins, and none of them serves.

    The front end's script is the first thing that a browser asks for. It is served while the rest is being loaded.
    """

    def __init__(self) -> None:
        self._api: Future[Any] | None = None
        self._scripts: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._scripts is None:
            from lupus.ui.scripts import scripts_before

            self._scripts = scripts_before(self._serve_api)
            loader = ThreadPoolExecutor(1, thread_name_prefix="lupus-ui")
            self._api = loader.submit(_make_api)
            loader.submit(_load_ahead)
        await self._scripts(scope, receive, send)

    async def _serve_api(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._api is not None  # noqa: S101 - made before the first request gets here
        api = await asyncio.wrap_future(self._api)
        await api(scope, receive, send)


def _make_api() -> Any:
    # Whole before anybody asks: its modules import each other in a circle, and of two threads that begin at once,
    # one can get half of it.
    import_module("numpy.typing")
    from lupus.ui.app import create_app

    return create_app()


def _load_ahead() -> None:
    """What the first catalogue needs, loaded while nobody waits for it."""
    for name in ("pyarrow.compute", "lupus.store.views", "lupus.ui.catalogue"):
        import_module(name)


class LupusPlugin(AirflowPlugin):
    """Registers the Web UI in every Airflow in which the package is installed."""

    name = "lupus"
    fastapi_apps = [{"app": LateApp(), "url_prefix": f"/{PREFIX}", "name": "Lupus"}]  # noqa: RUF012 - Airflow's own way
    react_apps = react_apps(PREFIX)
