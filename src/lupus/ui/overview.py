"""Projects as the overview, the project's page and the matrix show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from lupus.ui.access import DAG_PREFIX, Visitor
from lupus.ui.schemas.common import SEVERITIES, STATUSES
from lupus.ui.spans import axis, code, fill

if TYPE_CHECKING:
    from lupus.model import Notice
    from lupus.store.views.rows import ProjectStand, Tallied

_WORSE: Final = {"running": 1, "partial": 2, "failed": 3}
_NO_DATA, _ERROR, _ANOMALY = (STATUSES.index(name) for name in ("no_data", "error", "anomaly"))
_BADNESS: Final = {_ANOMALY: 5, _ERROR: 4, _NO_DATA: 3, STATUSES.index("warn"): 2}


def project_rows(
    visitor: Visitor,
    stands: Sequence[ProjectStand],
    strips: Mapping[int, Sequence[Tallied]],
    incidents: Mapping[int, Mapping[str, int]],
    runs: Mapping[int, Sequence[Any]],
) -> list[dict[str, Any]]:
    """One `ProjectRow` per project as plain values, worst first."""
    rows = [
        _project_row(visitor, one, strips.get(one.id, ()), incidents.get(one.id, {}), runs.get(one.id, ()))
        for one in stands
    ]
    rows.sort(key=lambda row: (-_BADNESS.get(row["status"], 0), -row["open_incidents"], -row["findings"], row["name"]))
    return rows


def _project_row(
    visitor: Visitor,
    stand: ProjectStand,
    strip: Sequence[Tallied],
    incidents: Mapping[str, int],
    runs: Sequence[Any],
) -> dict[str, Any]:
    newest = strip[-1] if strip else None
    mature = [one.key for one in strip if one.labels and not one.labels_waiting]
    run = group_runs(runs)
    return {
        "name": stand.name,
        "dag_id": DAG_PREFIX + stand.name,
        "owner": stand.owner,
        "description": stand.about.get("description", ""),
        "cadence": stand.cadence,
        "timezone": str(stand.about.get("timezone") or "UTC"),
        "tags": list(stand.about.get("tags", ())),
        "latest": stand.latest or None,
        "status": code(newest.status) if newest else -1,
        "findings": newest.findings if newest else 0,
        "strip": {
            "keys": [one.key for one in strip],
            "status": [code(one.status) for one in strip],
            "findings": [one.findings for one in strip],
        },
        "open_incidents": sum(incidents.values()),
        "worst_severity": max((SEVERITIES.index(name) for name in incidents), default=-1),
        "labels_to": mature[-1] if mature else None,
        "last_run": run[0] if run else None,
        "series": newest.series if newest else 0,
        "may_edit": stand.name in visitor.editable,
    }


def group_runs(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """`RunOut`s as plain values from rows of stages, in the order of the rows."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        run = found.setdefault(row.key, {"key": row.key, "status": "ok", "finished_at": None, "stages": []})
        finished = instant(row.finished_us)
        run["stages"].append(
            {
                "stage": row.stage,
                "status": row.status,
                "detail": row.detail,
                "started_at": instant(row.started_us),
                "finished_at": finished,
            }
        )
        if _WORSE.get(row.status, 0) > _WORSE.get(run["status"], 0):
            run["status"] = row.status
        run["finished_at"] = max(filter(None, (run["finished_at"], finished)), default=None)
    return list(found.values())


def matrix(stand: ProjectStand, by: str, cells: Sequence[Tallied], keys: Mapping[int, str]) -> dict[str, Any]:
    """A `Matrix` as plain values: rows by name, with the worst of the newest interval first."""
    starts, names, _ = fill(stand, sorted(keys), [keys[start] for start in sorted(keys)])
    place = {start: number for number, start in enumerate(starts)}
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    size = len(starts)
    for cell in cells:
        name = (cell.group, cell.table, cell.column)
        row = rows.setdefault(
            name,
            {
                "group": cell.group, "table": cell.table, "column": cell.column, "series": 0, "status": [-1] * size,
                "findings": [0] * size, "score": [None] * size, "immature": [0] * size,
            },
        )  # fmt: skip
        at = place[cell.start]
        row["series"] = max(row["series"], cell.series)
        row["status"][at] = code(cell.status)
        row["findings"][at], row["score"][at], row["immature"][at] = cell.findings, cell.score, cell.immature
    ordered = [rows[name] for name in sorted(rows)]
    return {"axis": axis(stand, starts, names), "by": by, "rows": ordered}


def instant(microseconds: int | None) -> str | None:
    """An instant of the store as ISO 8601."""
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat()


def delivery(notice: Notice) -> dict[str, Any]:
    """A message that did not go out: a `Delivery` as plain values."""
    return {
        "id": notice.id,
        "project": notice.project,
        "key": notice.interval.key,
        "incident": notice.incident,
        "destination": notice.destination,
        "reason": str(notice.reason),
        "state": str(notice.state),
        "attempts": notice.attempts,
        "error": notice.error,
    }
