"""Dashboards as their viewers may see them, and the one that Lupus makes for each project."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from lupus.ui.schemas.dashboards import Widget

if TYPE_CHECKING:
    from lupus.store.views.rows import Dashboard, ProjectStand

STARTER: Final = "starter-"
_WIDGET: Final = TypeAdapter[Any](Widget)
_WORDS: Final = re.compile(r"[^a-z0-9]+")


def slug_of(title: str, suffix: str) -> str:
    """A slug from a title, made unique by `suffix`.

    >>> slug_of("Ads: every morning!", "3f2a")
    'ads-every-morning-3f2a'
    """
    words = _WORDS.sub("-", title.casefold()).strip("-")[:60].strip("-")
    return f"{words or 'dashboard'}-{suffix}"


def series_in(body: Collection[Mapping[str, Any]]) -> set[int]:
    """The series that widgets name."""
    found: set[int] = set()
    for widget in body:
        named = widget.get("series", ())
        found |= {int(one, 16) for one in ([named] if isinstance(named, str) else named)}
    return {one for one in found if one < 1 << 63}


def visible(
    body: Collection[Mapping[str, Any]], readable: Collection[str], homes: Mapping[int, str]
) -> tuple[list[dict[str, Any]], int]:
    """The widgets that a viewer may see, and how many are left out. `homes` are the projects of series.

    Of a chart only the series that may be seen are left; one without any goes.
    """
    kept, hidden = [], 0
    for widget in body:
        shown = dict(widget)
        if widget["kind"] in ("matrix", "incidents") and widget.get("project") and widget["project"] not in readable:
            hidden += 1
            continue
        if widget["kind"] == "chart":
            shown["series"] = [one for one in widget["series"] if homes.get(int(one, 16)) in readable]
            if not shown["series"]:
                hidden += 1
                continue
        if widget["kind"] == "number" and homes.get(int(widget["series"], 16)) not in readable:
            hidden += 1
            continue
        try:
            kept.append(_WIDGET.dump_python(_WIDGET.validate_python(shown), mode="json"))
        except ValidationError:  # of another version of Lupus
            hidden += 1
    return kept, hidden


def row(
    dashboard: Dashboard, *, may_edit: bool, generated: bool = False, viewer: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    """A `DashboardRow` as plain values. A `viewer` (id and name) who owns it is shown by name."""
    return {
        "slug": dashboard.id,
        "title": dashboard.title,
        "owner": viewer[1] if dashboard.owner == viewer[0] else dashboard.owner,
        "project": dashboard.project,
        "version": dashboard.version,
        "widgets": len(dashboard.body),
        "changed_at": None if dashboard.at is None else dashboard.at.isoformat(),
        "generated": generated,
        "may_edit": may_edit,
    }


def starter(stand: ProjectStand) -> Dashboard:
    """The dashboard that every project has: made anew each time, so it is always up to date."""
    from lupus.store.views.rows import Dashboard

    name = stand.name
    places = iter(((0, 0, 12, 4), (0, 4, 5, 5), (5, 4, 7, 5), (0, 9, 12, 5), (0, 14, 12, 5), (0, 19, 12, 5)))

    def widget(number: int, kind: str, title: str, **more: Any) -> dict[str, Any]:
        x, y, w, h = next(places)
        return {"id": f"w{number}", "kind": kind, "title": title, "place": {"x": x, "y": y, "w": w, "h": h}, **more}

    body = [
        widget(1, "matrix", "Groups by day", project=name, by="group", days=60),
        widget(2, "incidents", "Open incidents", project=name, state="active", limit=10),
        widget(3, "wall", "What is unusual now", query=f"project:{name} sev:finding", limit=6, days=60),
        widget(4, "wall", "How the model does", query=f"project:{name} group:evaluation seg:(all)", limit=8, days=90),
        widget(5, "wall", "Predictions", query=f"project:{name} group:prediction seg:(all)", limit=8, days=90),
        widget(6, "wall", "Rows of tables", query=f"project:{name} metric:rows seg:(all)", limit=8, days=90),
    ]
    return Dashboard(STARTER + name, name, f"{name}: every morning", "Lupus", 1, body)
