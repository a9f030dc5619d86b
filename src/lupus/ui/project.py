"""One project's page: what it watches, rules, runs, open incidents, versions of the model, retrainings, its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lupus.model import ComparisonKind, RetrainRequest, RetrainState
from lupus.ui.access import DAG_PREFIX
from lupus.ui.inbox import summary
from lupus.ui.overview import group_runs

if TYPE_CHECKING:
    from lupus.store.views.rows import ProjectStand
    from lupus.ui.service import Service

_RUNS = 30
_OPEN = ("open", "acknowledged", "muted")


def project_answer(service: Service, stand: ProjectStand, may_edit: bool, may_trigger: bool) -> dict[str, Any]:
    """A `ProjectOut` as plain values."""
    about = stand.about
    incidents = service.views.incidents([stand], states=_OPEN)
    compared = service.store.comparisons(stand.name, kind=ComparisonKind.RETRAINING)
    verdicts = {one.subject: str(one.verdict) for one in compared}
    return {
        "name": stand.name,
        "dag_id": DAG_PREFIX + stand.name,
        "owner": stand.owner,
        "description": about.get("description", ""),
        "cadence": stand.cadence,
        "timezone": str(about.get("timezone") or "UTC"),
        "task": about.get("task", ""),
        "tags": list(about.get("tags", ())),
        "upstream": list(about.get("upstream", ())),
        "tables": list(about.get("tables", ())),
        "rules": list(about.get("rules", ())),
        "runs": group_runs(service.views.runs(stand, intervals=_RUNS)),
        "incidents": [summary(row, may_edit=may_edit) for row in incidents],
        "versions": _versions(service, stand),
        "retrainings": [
            retraining(one, may_answer=may_trigger, verdict=verdicts.get(one.id, ""))
            for one in reversed(service.store.retrain_requests(stand.name))
        ],
        "yaml": about.get("text", ""),
        "rights": {"edit": may_edit, "trigger": may_trigger},
    }


def retraining(one: RetrainRequest, *, may_answer: bool, verdict: str = "") -> dict[str, Any]:
    """A `RetrainingOut` as plain values."""
    return {
        "id": one.id,
        "project": one.project,
        "key": one.interval.key,
        "dag": one.dag,
        "state": str(one.state),
        "reasons": list(one.reasons),
        "incident": one.incident,
        "note": one.note,
        "verdict": verdict,
        "may_answer": may_answer and one.state is RetrainState.AWAITING_APPROVAL,
    }


def _versions(service: Service, stand: ProjectStand) -> list[dict[str, Any]]:
    """The model's versions, the newest first."""
    found: dict[str, dict[str, Any]] = {}
    for interval, shares in sorted(service.store.model_versions(stand.name).items()):
        for one in shares:
            known = found.setdefault(one.version, {"version": one.version, "first": interval.key})
            known |= {"last": interval.key, "share": one.share}
    return sorted(found.values(), key=lambda one: (one["last"], one["first"]), reverse=True)
