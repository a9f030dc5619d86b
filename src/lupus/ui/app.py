"""create_app: the FastAPI app that Airflow mounts under ``/lupus``."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from lupus import __version__
from lupus.ui.access import VisitorDep
from lupus.ui.answers import Answers
from lupus.ui.errors import ERRORS, add_handlers
from lupus.ui.headers import Headers
from lupus.ui.routes import ROUTERS
from lupus.ui.schemas.rules import Progress
from lupus.ui.service import Service

API: Final = "/api/v1"
_DESCRIPTION: Final = """Metrics, verdicts, incidents and dashboards of Lupus, inside Airflow's API server.

Log in as for Airflow's own API: `POST /auth/token`, then `Authorization: Bearer <token>`. A project may be read by who
may read its Dag, `lupus__<project>`. A write by cookie needs the header `X-Lupus-Request`."""


def create_app() -> FastAPI:
    """The app. Every route asks Airflow's auth manager; nothing is read before the first request."""
    app = FastAPI(
        title="Lupus",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": "/lupus"}],
    )
    app.state.service, app.state.answers = Service(), Answers()
    api = APIRouter(prefix=API, generate_unique_id_function=_operation_id)
    for router in ROUTERS:
        api.include_router(router, responses=ERRORS, generate_unique_id_function=_operation_id)

    @api.get("/openapi.json", include_in_schema=False)
    def get_openapi(_visitor: VisitorDep) -> JSONResponse:
        """The OpenAPI document of this API."""
        return JSONResponse(document(app))

    app.include_router(api)
    app.add_middleware(Headers)
    add_handlers(app)
    return app


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, with the form of what only comes as a stream."""
    found: dict[str, Any] = app.openapi()
    schemas = found["components"]["schemas"]
    if "Progress" not in schemas:
        form = Progress.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        form.pop("$defs", None)
        schemas["Progress"] = form
    return found


def _operation_id(route: APIRoute) -> str:
    return route.name
