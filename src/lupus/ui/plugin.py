"""What Airflow must know of the Web UI: its API and its React apps. Found by the entry point ``airflow.plugins``."""

from __future__ import annotations

from typing import Any, Final

from airflow.plugins_manager import AirflowPlugin

from lupus.ui.bundle import react_apps

PREFIX: Final = "lupus"


class LateApp:
    """The FastAPI app, made at its first request: every scheduler, worker and task loads plugins, and none serves."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from lupus.ui.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)


class LupusPlugin(AirflowPlugin):
    """Registers the Web UI in every Airflow in which the package is installed."""

    name = "lupus"
    fastapi_apps = [{"app": LateApp(), "url_prefix": f"/{PREFIX}", "name": "Lupus"}]  # noqa: RUF012 - Airflow's own way
    react_apps = react_apps(PREFIX)
