"""The front end's one file: where it lies, the address under which it is served, and what Airflow is told of it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

BUNDLE: Final = Path(__file__).parent / "static" / "lupus.js"
"""Made by ``make ui`` or the wheel's build hook; not in the repository."""

APPS: Final = (
    # name (a label, and a global of the page), where it is shown, its route
    ("Lupus", "nav", "lupus"),
    ("Lupus metrics", "dag", "lupus-metrics"),
    ("Lupus verdicts", "dag_run", "lupus-verdicts"),
    ("Lupus incidents", "dashboard", "lupus-incidents"),
)
_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='{colour}' "
    "stroke-width='2' stroke-linejoin='round' stroke-linecap='round'%3E"
    "%3Cpath d='M2 15l5-7 4 5 3-4'/%3E%3Cpath d='M18 3l3.5 3.5L18 10l-3.5-3.5z' fill='{colour}'/%3E"
    "%3Cpath d='M2 20h20'/%3E%3C/svg%3E"
)
NOT_BUILT: Final = (
    "Object.assign(globalThis, Object.fromEntries("
    + str([name for name, _, _ in APPS])
    + '.map((name) => [name, () => "The Web UI of Lupus was not built. Run: make ui"])));'
)
"""Served in the place of a bundle that is missing: a component may return a plain text."""


def bundle_code() -> bytes:
    """The script that defines every app."""
    return BUNDLE.read_bytes() if BUNDLE.is_file() else NOT_BUILT.encode()


@lru_cache(maxsize=1)
def bundle_digest() -> str:
    """Changes with the bundle: part of its address, so that browsers may keep it for ever."""
    return sha256(bundle_code()).hexdigest()[:16]


def react_apps(prefix: str = "lupus") -> list[dict[str, Any]]:
    """The apps as Airflow wants them. The address is relative, so it holds behind any base path."""
    return [
        {
            "name": name,
            "bundle_url": f"{prefix}/static/{bundle_digest()}/lupus.js",
            "destination": destination,
            "url_route": route,
            "icon": _ICON.format(colour="%2327272a"),
            "icon_dark_mode": _ICON.format(colour="%23fafafa"),
        }
        for name, destination, route in APPS
    ]
