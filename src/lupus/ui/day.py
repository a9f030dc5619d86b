"""One interval of a project: every metric with its verdict, anomalies first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lupus.ui.errors import RefusedError
from lupus.ui.overview import group_runs
from lupus.ui.spans import code, severity_code

if TYPE_CHECKING:
    from lupus.store.views.rows import ProjectStand
    from lupus.ui.service import Service


def day_answer(service: Service, stand: ProjectStand, key: str, limit: int) -> dict[str, Any]:
    """A `Day` as plain values; a refusal when the project has no interval `key`."""
    found = service.views.day(stand, key) if key else None
    if found is None:
        raise RefusedError.not_found("interval")
    previous, following, runs, rows = found
    total = len(rows)
    rows.sort(key=lambda row: (-row["rank"], -(row["score"] or 0.0), row["table"], row["column"], row["metric"]))
    for row in rows:
        del row["rank"]
        row["id"] = f"{row['id']:016x}"
        row["status"], row["severity"] = code(row["status"]), severity_code(row["severity"])
    runs_out = group_runs(runs)
    return {
        "project": stand.name,
        "key": key,
        "previous": previous,
        "next": following,
        "run": runs_out[0] if runs_out else None,
        "total": total,
        "rows": rows[:limit],
    }
