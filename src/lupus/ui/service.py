"""Service: the store behind the API, opened when it is first needed, and what may be read of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from lupus.model import ConfigError, LupusError, Project, StoreError
from lupus.ui.access import Visitor
from lupus.ui.errors import RefusedError, StoreUnavailableError

if TYPE_CHECKING:
    from lupus.stages import Settings, Workspace
    from lupus.store import Store
    from lupus.store.views import Views
    from lupus.store.views.rows import Found, ProjectStand


def _url(settings: Settings) -> str:
    """The store's URL: that of Airflow's connection ``lupus_store``, else that of the settings."""
    from lupus.airflow.connections import store_url

    return store_url(settings.store_url)


@dataclass(slots=True)
class Service:
    """One per API server process. `environ` is where the settings come from, `find_url` finds the store's."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    find_url: Callable[[Settings], str] = _url
    _store: Store | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def store(self) -> Store:
        """The store; `StoreUnavailableError` says why there is none. A store that was not there is tried again."""
        with self._lock:
            if self._store is None:
                store = self._open()
                try:
                    current, head = store.revision()
                except StoreError as error:
                    store.close()
                    raise StoreUnavailableError("down", str(error)) from error
                if current != head:
                    store.close()
                    raise self._not_ours(current)
                self._store = store
            return self._store

    def close(self) -> None:
        """Close the store; the next request opens it again."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    @property
    def views(self) -> Views:
        return self.store.views

    def workspace(self) -> Workspace:
        """What the stages are handed; the store in it is shared and must not be closed."""
        from lupus.airflow.connections import AirflowConnections
        from lupus.stages import Workspace

        return Workspace(self._settings(), self.store, AirflowConnections())

    def stands(self, visitor: Visitor) -> list[ProjectStand]:
        """The projects that the store knows and the visitor may read."""
        return self.views.projects(visitor.readable)

    def stand(self, visitor: Visitor, project: str) -> ProjectStand:
        """One of them, or a refusal that does not tell whether it exists."""
        found = self.views.projects([visitor.read(project)])
        if not found:
            raise RefusedError.not_found("project")
        return found[0]

    def series(self, visitor: Visitor, slug: str) -> Found:
        """The series with this id, if the visitor may read its project."""
        from lupus.store.views.rows import Found

        number = int(slug, 16)
        found = self.views.find([number]).get(number) if number < 1 << 63 else None
        if found is None or found[1].key.project not in visitor.readable:
            raise RefusedError.not_found("series")
        return Found(number, self.stand(visitor, found[1].key.project), found[1])

    def project(self, stand: ProjectStand) -> Project:
        """The project as its file says."""
        return self.project_file(stand)[0]

    def project_file(self, stand: ProjectStand) -> tuple[Project, str]:
        """The project and its file's text: the file itself where it is at hand, else what the last run stored of it.

        Raises `LupusError` when there is neither, or the file has problems.
        """
        from lupus.config import load_project, load_projects

        folder = self._settings().projects
        loaded = load_projects(folder, environ=self.environ, only=stand.name) if folder.is_dir() else ()
        if loaded:
            if loaded[0].project is None:
                raise ConfigError(loaded[0].problems)
            return loaded[0].project, loaded[0].text
        text = stand.about.get("text", "")
        if not text:
            raise LupusError(f"the file of {stand.name} is not known here; it comes with the project's next run")
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / (stand.about.get("file") or "project.yaml")
            path.write_text(text, encoding="utf-8")
            try:
                return load_project(path, environ=self.environ), text
            except ConfigError as error:
                raise LupusError(str(error).replace(f"{name}{os.sep}", "")) from error

    def health(self, readable: Collection[str] | None = None) -> tuple[str, str]:
        """The store's state (ok, down, old, new, empty) and what to do about it."""
        try:
            store = self.store
            current, head = store.revision()
            if current != head:  # upgraded, or emptied, under a running server
                self.close()
                raise self._not_ours(current)
            known = store.views.projects(readable)
        except StoreUnavailableError as error:
            return error.code.removeprefix("store_"), error.detail
        except StoreError as error:
            return "down", str(error)
        if not any(one.latest_start is not None for one in known):
            return "empty", "nothing has been measured yet; the first run of a project fills the store"
        return "ok", ""

    def _settings(self) -> Settings:
        from dataclasses import replace

        from airflow.configuration import conf

        from lupus.stages import Settings

        settings = Settings.from_environment(self.environ)
        if not self.environ.get("LUPUS_PROJECTS"):
            settings = replace(settings, projects=Path(conf.get("core", "dags_folder")) / "projects")
        return settings

    def _open(self) -> Store:
        from lupus.store import open_store

        try:
            return open_store(self.find_url(self._settings()), create=False, check=False)
        except LupusError as error:
            state = "empty" if "there is no metric store" in str(error) else "down"
            raise StoreUnavailableError(state, str(error)) from error

    def _not_ours(self, current: str | None) -> StoreUnavailableError:
        from lupus.store.schema import REVISIONS

        if current is None:
            return StoreUnavailableError(
                "empty", "the metric store is empty; the first run of a project, or `lupus db upgrade`, sets it up"
            )
        if current in REVISIONS:
            return StoreUnavailableError(
                "old", f"the metric store has schema {current}; make a copy and run `lupus db upgrade`"
            )
        return StoreUnavailableError(
            "new", f"the metric store has schema {current}, which this Lupus does not know; upgrade Lupus here"
        )


def service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


ServiceDep = Annotated[Service, Depends(service)]
