"""Dashboards as their viewers may see them, and the one that Lupus makes for each project."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from lupus.ui.schemas.dashboards import MOST_SERIES, Widget

if TYPE_CHECKING:
    from lupus.store.views.rows import Dashboard, ProjectStand

STARTER: Final = "starter-"
MAKER: Final = "Lupus"
"""The owner of what is generated."""
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What one viewer may see: `widgets`, the places of those left out, and how many series charts are left without."""

    widgets: list[dict[str, Any]]
    hidden: list[dict[str, int]]
    narrowed: dict[str, int]


def visible(body: Collection[Mapping[str, Any]], readable: Collection[str], homes: Mapping[int, str]) -> Seen:
    """The part of `body` that a viewer may see. `homes` are the projects of series.

    Of a chart only the series that may be seen are left; one without any goes.
    """
    seen = Seen([], [], {})
    for widget in body:
        shown = dict(widget)
        if widget["kind"] in ("matrix", "incidents") and widget.get("project") and widget["project"] not in readable:
            seen.hidden.append(widget.get("place", {}))
            continue
        if widget["kind"] == "chart":
            shown["series"] = [one for one in widget["series"] if homes.get(int(one, 16)) in readable]
            if not shown["series"]:
                seen.hidden.append(widget.get("place", {}))
                continue
        if widget["kind"] == "number" and homes.get(int(widget["series"], 16)) not in readable:
            seen.hidden.append(widget.get("place", {}))
            continue
        try:
            seen.widgets.append(_WIDGET.dump_python(_WIDGET.validate_python(shown), mode="json"))
        except ValidationError:  # of another version of Lupus
            seen.hidden.append(widget.get("place", {}))
            continue
        if lost := len(widget.get("series", ())) - len(shown.get("series", ())):
            seen.narrowed[widget["id"]] = lost
    return seen


def with_hidden(
    before: Collection[Mapping[str, Any]],
    after: list[dict[str, Any]],
    readable: Collection[str],
    homes: Mapping[int, str],
) -> list[dict[str, Any]]:
    """`after`, an editor's version of `before`, with what they could not see: who edits takes nothing from others."""
    seen = visible(before, readable, homes)
    kept = {one["id"] for one in seen.widgets}
    given = {one["id"] for one in after}
    charts = {one["id"]: one["series"] for one in before if one["id"] in seen.narrowed}
    for one in after:
        if one["kind"] == "chart" and one["id"] in charts:
            others = [name for name in charts[one["id"]] if homes.get(int(name, 16)) not in readable]
            one["series"] = [*one["series"], *(name for name in others if name not in one["series"])][:MOST_SERIES]
    return after + [dict(one) for one in before if one["id"] not in kept and one["id"] not in given]


def row(dashboard: Dashboard, *, owner: str, may_edit: bool, generated: bool = False) -> dict[str, Any]:
    """A `DashboardRow` as plain values; `owner` is the name that its viewer knows."""
    return {
        "slug": dashboard.id,
        "title": dashboard.title,
        "owner": owner,
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
    return Dashboard(STARTER + name, name, f"{name}: every morning", MAKER, 1, body)
