"""The front end's script, served under an address that changes with it. It is code, the same for everybody: no data."""

from __future__ import annotations

import gzip
from functools import lru_cache
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
    headers = {"cache-control": kept, "x-content-type-options": "nosniff", "vary": "accept-encoding"}
    code = bundle_code()
    if "gzip" in request.headers.get("accept-encoding", ""):
        code, headers["content-encoding"] = _packed(code), "gzip"
    return Response(code, media_type="text/javascript", headers=headers)


@lru_cache(maxsize=1)
def _packed(code: bytes) -> bytes:
    """Packed once and well: Airflow would do it for every visitor, and hold up all others meanwhile."""
    return gzip.compress(code, compresslevel=9, mtime=0)


def scripts_before(app: Any) -> Starlette:
    """`app` with the script before it."""
    return Starlette(routes=[Route("/static/{digest}/lupus.js", get_script), Mount("/", app=app)])
