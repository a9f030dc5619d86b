"""What has become of an incident since its notice was written: people's decisions, causes elsewhere, retraining."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lupus.model import RetrainState, StoreError
from lupus.stages.upstream import causes_upstream
from lupus.stages.workspace import Workspace

if TYPE_CHECKING:
    from lupus.act import Standing


def standing_of(workspace: Workspace, project: str, incident: str) -> tuple[Standing, int]:
    """The standing of an incident, and the incident's version that it is of (-2 when it is gone)."""
    from lupus.act import Standing

    found = workspace.store.standing(incident)
    if found is None:
        return Standing(state="withdrawn"), -2
    version, upstream = found.pop("version"), found.pop("upstream")
    awaiting = any(
        one.state is RetrainState.AWAITING_APPROVAL and one.incident == incident
        for one in workspace.store.retrain_requests(project)
    )
    because = _because(workspace, incident) if upstream else ""
    return Standing(**found, because=because, awaiting=awaiting), version


def _because(workspace: Workspace, incident: str) -> str:
    try:
        causes = causes_upstream(workspace, workspace.store.incident(incident))
    except StoreError:  # it went just now
        return ""
    # The furthest one is where it began, and its sentence has the chain.
    return causes[-1].sentence if causes else ""
