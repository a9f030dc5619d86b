"""The front end's script, served under an address that changes with it. It is code, the same for everybody: no data."""

from __future__ import annotations

from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from lupus.ui.bundle import bundle_code, bundle_digest

_FOREVER: Final = "public, max-age=31536000, immutable"


def get_script(request: Request) -> Response:
    """The script. A tab that was opened before an upgrade asks for the old one and gets the new one, not to be kept."""
    kept = _FOREVER if request.path_params["digest"] == bundle_digest() else "no-store"
    headers = {"cache-control": kept, "x-content-type-options": "nosniff"}
    return Response(bundle_code(), media_type="text/javascript", headers=headers)


def scripts_before(app: Any) -> Starlette:
    """`app` with the script before it."""
    return Starlette(routes=[Route("/static/{digest}/lupus.js", get_script), Mount("/", app=app)])
