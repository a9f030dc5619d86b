"""The tables at the end: what was found, beside what really happened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from flights_demo.facts import STORM_RATIO, Day, days, models
from flights_demo.layout import ROOT, Layout
from flights_demo.server import LOGIN

_RANK = {name: rank for rank, name in enumerate(("low", "medium", "high", "critical"))}
_COLOURS = {"low": "cyan", "medium": "yellow", "high": "red", "critical": "bold red"}


def incident_table(document: str, warehouse: Path, *, since: str) -> Table:
    """The incidents found on `since` (ISO) or later; `document` is what ``lupus incidents --json`` prints."""
    facts = days(warehouse, first="2013-03-01")
    incidents = sorted(json.loads(document), key=lambda one: one["first"])
    shown = [one for one in incidents if one["last"] >= since]
    table = _table(f"Found in December (and {len(incidents) - len(shown)} incidents from March to November)")
    for name in ("first", "last", "severity", "state"):
        table.add_column(name)
    table.add_column("findings", justify="right")
    table.add_column("cancelled, at worst", justify="right")
    table.add_column("what", overflow="fold")
    for one in shown:
        worst = max((facts[day].cancelled_ratio for day in facts if one["first"] <= day <= one["last"]), default=0.0)
        table.add_row(
            one["first"],
            one["last"],
            Text(one["severity"], style=_COLOURS.get(one["severity"], "")),
            one["state"],
            f"{len(one['findings']):,}",
            f"{worst:.0%}",
            Text(one["title"]),
        )
    return table


def storm_table(document: str, warehouse: Path, *, first: str) -> Table:
    """Every storm day from `first` on: how bad it was, the incident that names it, and in how many it lies."""
    incidents = json.loads(document)
    storms = [day for day in days(warehouse, first=first).values() if day.storm]
    named = {day.day: _about(incidents, day) for day in storms}
    table = _table(
        f"Days with {STORM_RATIO:.0%} or more of the flights cancelled: "
        f"{sum(one is not None for one in named.values())} of {len(storms)} are named by an incident"
    )
    table.add_column("day")
    for name in ("flights", "cancelled", "late"):
        table.add_column(name, justify="right")
    table.add_column("incident")
    table.add_column("of", justify="right")
    table.add_column("worst finding about it", overflow="fold")
    for day in storms:
        found = named[day.day]
        among = sum(any(finding["interval"] == day.day for finding in one["findings"]) for one in incidents)
        table.add_row(
            day.day,
            f"{day.flights:,}",
            f"{day.cancelled_ratio:.0%}",
            f"{day.late_ratio:.0%}",
            found[0]["id"] if found else "–",
            f"{among}",
            Text(found[1]) if found else Text("not found", style="red"),
        )
    return table


def retraining_table(runs: Sequence[Mapping[str, Any]]) -> Table:
    """The runs of the retraining Dag."""
    table = _table("Retraining that Lupus asked for in December, and Airflow ran")
    for name in ("after", "state"):
        table.add_column(name)
    table.add_column("because", overflow="fold")
    for run in runs:
        conf = run["conf"] or {}
        reasons = conf.get("reasons") or ["triggered by hand"]
        table.add_row(str(conf.get("interval", "–")), str(run["state"]), Text("\n".join(map(str, reasons))))
    return table


def model_table(warehouse: Path) -> Table:
    """Who predicted which days, and how well."""
    table = _table("Models in the predictions")
    for name in ("version", "first day", "last day"):
        table.add_column(name)
    for name in ("flights", "mean score", "late", "log loss"):
        table.add_column(name, justify="right")
    for one in models(warehouse):
        table.add_row(
            one.version,
            one.first,
            one.last,
            f"{one.flights:,}",
            f"{one.mean_score:.3f}",
            f"{one.late_ratio:.3f}",
            f"{one.log_loss:.3f}",
        )
    return table


def overview(url: str) -> str:
    """The address of the Web UI's first screen."""
    return f"{url}/plugin/lupus"


def where_to_look(url: str, layout: Layout) -> Panel:
    """Addresses, login and commands."""
    grid = Table.grid(padding=(0, 2))
    home = layout.lupus.relative_to(ROOT)
    for name, text in (
        ("Lupus", overview(url)),
        ("login", f"{LOGIN} / {LOGIN}"),
        ("Airflow", url),
        ("the monitor", f"{url}/dags/lupus__flights"),
        ("retraining", f"{url}/dags/retrain_flights"),
        ("messages", f"{home / 'outbox.jsonl'} (no Slack token is set, so they were kept here)"),
        ("on the shell", f"LUPUS_HOME={home} .venv/bin/lupus incidents flights"),
    ):
        grid.add_row(Text(name, style="dim"), Text(text))
    return Panel(grid, title="Where to look", title_align="left")


def _about(incidents: Sequence[Mapping[str, Any]], day: Day) -> tuple[Mapping[str, Any], str] | None:
    """The incident with findings about `day` itself, whenever they were found, and the worst of them."""
    for one in incidents:
        about = [finding for finding in one["findings"] if finding["interval"] == day.day]
        if about:
            worst = max(about, key=lambda finding: (_RANK[finding["severity"] or "low"], finding["score"] or 0.0))
            return one, f"{_name(worst)}: {worst['sentence']}"
    return None


def _name(finding: Mapping[str, Any]) -> str:
    column = f"{finding['table']}.{finding['column']}" if finding["column"] else str(finding["table"])
    return f"{column} [{finding['segment']}]" if finding["segment"] else column


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", header_style="dim", pad_edge=False)
