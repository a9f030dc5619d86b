"""Who may do what: Airflow's auth manager decides, project by project, through the project's Dag.

Who may read the Dag ``lupus__<project>`` may see the project; who may edit it may act on its incidents, annotate, share
dashboards and push metrics; who may trigger it may answer requests for retraining. There are no users of our own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, Request

from lupus.ui.errors import RefusedError

DAG_PREFIX: Final = "lupus__"
REQUEST_HEADER: Final = "x-lupus-request"
Method = Literal["GET", "POST", "PUT", "DELETE"]
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Visitor:
    """The user behind one request. What the auth manager said is remembered for as long as the request lasts."""

    user: Any
    _projects: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.user.get_id())

    @property
    def name(self) -> str:
        return str(self.user.get_name())

    def name_of(self, user_id: str) -> str:
        """The name of another user, where the auth manager can tell it; else the id, which often is one."""
        if user_id == self.id:
            return self.name
        try:
            return str(get_auth_manager().deserialize_user({"sub": user_id}).get_name())
        except Exception:
            # Managers differ in what they keep of users who are not there: one knows them all, one only their tokens.
            return user_id

    @property
    def readable(self) -> frozenset[str]:
        """The names of all projects whose Dag the user may read."""
        return self._allowed("GET")

    @property
    def editable(self) -> frozenset[str]:
        return self._allowed("PUT")

    def may_trigger(self, project: str) -> bool:
        """Whether the user may start runs of the project's Dag."""
        return project in self.readable and self._may("POST", project, DagAccessEntity.RUN)

    def read(self, project: str) -> str:
        """`project`, when the user may read it. Else a refusal that does not tell whether it exists."""
        if project not in self.readable:
            raise RefusedError.not_found("project")
        return project

    def edit(self, project: str) -> str:
        """`project`, when the user may edit it."""
        self.read(project)
        if project not in self.editable:
            raise RefusedError.not_allowed(f"this needs the right to edit the Dag {DAG_PREFIX}{project}")
        return project

    def trigger(self, project: str) -> str:
        """`project`, when the user may start runs of its Dag."""
        self.read(project)
        if not self.may_trigger(project):
            raise RefusedError.not_allowed(f"this needs the right to trigger the Dag {DAG_PREFIX}{project}")
        return project

    def _allowed(self, method: Method) -> frozenset[str]:
        if method not in self._projects:
            ids = get_auth_manager().get_authorized_dag_ids(user=self.user, method=method)
            self._projects[method] = frozenset(
                one.removeprefix(DAG_PREFIX) for one in ids if one.startswith(DAG_PREFIX)
            )
        return self._projects[method]

    def _may(self, method: Method, project: str, entity: DagAccessEntity) -> bool:
        dag = DAG_PREFIX + project
        details = DagDetails(id=dag, team_name=DagModel.get_team_name(dag))
        return bool(
            get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=self.user)
        )


def visitor(request: Request, user: Annotated[Any, Depends(get_user)]) -> Visitor:
    """The dependency of every route: a user whom Airflow knows, and no forged write."""
    refuse_forgery(request)
    return Visitor(user)


def refuse_forgery(request: Request) -> None:
    """Refuse a write that a foreign page made a browser send.

    A browser adds the session's cookie to requests of any page, but never a bearer token, nor, without this
    server's consent, a header of its own. So a write by cookie needs ``X-Lupus-Request``, and must come from here.
    """
    if request.method in _SAFE or request.headers.get("authorization", "").lower().startswith("bearer "):
        return
    if REQUEST_HEADER not in request.headers:
        raise RefusedError.csrf("a write needs a bearer token, or the header X-Lupus-Request beside the cookie")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise RefusedError.csrf("a write must come from Airflow's own pages")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in _own_hosts(request):
        raise RefusedError.csrf(f"a write must come from Airflow's own pages, not from {origin[:100]}")


def _own_hosts(request: Request) -> set[str]:
    forwarded = request.headers.get("x-forwarded-host", "").split(",")[0].strip()
    base = urlsplit(conf.get("api", "base_url", fallback="") or "").netloc
    return {host for host in (request.headers.get("host", ""), forwarded, base) if host}


VisitorDep = Annotated[Visitor, Depends(visitor)]
