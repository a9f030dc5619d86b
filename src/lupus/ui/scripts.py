"""The front end's script, served under an address that changes with it. It is code, the same for everybody: no data."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Response

from lupus.ui.bundle import bundle_code, bundle_digest

router = APIRouter(include_in_schema=False)
_FOREVER: Final = "public, max-age=31536000, immutable"


@router.get("/static/{digest}/lupus.js")
def get_script(digest: Annotated[str, Path(pattern="^[0-9a-f]{16}$")]) -> Response:
    """The script. A tab that was opened before an upgrade asks for the old one and gets the new one, not to be kept."""
    kept = _FOREVER if digest == bundle_digest() else "no-store"
    return Response(bundle_code(), media_type="text/javascript; charset=utf-8", headers={"cache-control": kept})
