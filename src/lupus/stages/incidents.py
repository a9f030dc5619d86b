"""What people do to incidents from the command line, the API or a message's button: one way for all of them."""

from __future__ import annotations

from datetime import datetime

from lupus.model import ConflictError, Incident, IncidentChange
from lupus.stages.workspace import Workspace


def change_incident(
    workspace: Workspace,
    incident_id: str,
    change: IncidentChange,
    *,
    by: str,
    at: datetime,
    version: int | None = None,
) -> Incident:
    """The incident after the person `by` did `change` at the time `at` (UTC); its timeline says so.

    Two people at once come one after the other, and both are in the timeline. Raises `ConflictError` when the incident
    is not at `version` any more (the change is then in the timeline as refused), or when the change is not possible
    as it stands; `ValueError` when the change is not fully said; `StoreError` when there is no such incident.
    """
    from lupus.act import apply_change, refusal

    if not by.strip():
        raise ValueError("say who changes the incident")
    store = workspace.store
    try:
        return store.edit_incident(
            incident_id,
            lambda incident, events: apply_change(incident, change, events, by=by, at=at),
            version=version,
        )
    except ConflictError as error:
        store.add_incident_events([refusal(store.incident(incident_id), change, error, by=by, at=at)])
        raise
